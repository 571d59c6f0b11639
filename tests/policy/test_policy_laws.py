"""What holds of every key policy, whoever wrote it. Each law is the docstring of its test.

The laws are asked of `judge`, with and without strict separation of duties, so that they hold of the answer that a
person gets. Two kinds of test: one lists a whole model, however small, the others let Hypothesis choose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, combinations, combinations_with_replacement, product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from AWSConfigRuleKMSPolicy import KeyPolicy, PolicyError, Statement
from least_privilege.annotation import annotate
from least_privilege.condition import Unknown
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.pattern import Pattern, lower_case
from least_privilege.permission import Duty, action_pattern
from least_privilege.scenarios import SCENARIOS, Compliance, judge
from tests.policy.strategies import (
    ALLOWS,
    ANY_STATEMENTS,
    COVERED_IDS,
    DENIES,
    DUTY_ENTRIES,
    ENTRIES,
    HOSTILE_TEXT,
    HOSTILE_TEXTS,
    LISTS_IN_LISTS,
    NESTED_IN_POLICIES,
    ODD_STATEMENTS,
    OTHER_IDS,
    POLICY_TEXTS,
    SEVERAL_STATEMENTS,
    THOROUGH,
    WELL_FORMED,
    Json,
    large_policies,
    law,
    nested,
    policy_text,
    recased,
    widened,
)

LAX = RuleParameters.parse({"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*,AIDASEAL"})
STRICT = replace(LAX, strict=True)
BOTH = (LAX, STRICT)

NO_SCENARIO = "no-scenario-not-compliant"
MALFORMED = "malformed-policy-not-compliant"
SEPARATED = "separation-of-duty-compliant"
ADMINISTERED = "admin-actions-compliant"

ENCRYPTING: Json = {"Effect": "Allow", "Action": "kms:Encrypt"}
TO_A_LISTED_ONE: Json = {"Condition": {"StringLike": {"aws:userId": "AROAOTTERADMIN:*"}}}
TO_ANOTHER: Json = {"Condition": {"StringLike": {"aws:userId": "AROABADGER:*"}}}


def answers(policy: str, **fields: Any) -> list[tuple[str, str]]:
    """Return compliance and scenario of a key with this policy, first without and then with strict separation."""
    verdicts = (judge(Facts(policy=policy, **fields), parameters) for parameters in BOTH)
    return [(verdict.compliance.value, verdict.scenario.name) for verdict in verdicts]


def answers_to(statements: object) -> list[tuple[str, str]]:
    return answers(policy_text(statements))


# --- one answer ----------------------------------------------------------------------------------------------------

KEYS_BEFORE_THEIR_POLICY: list[tuple[dict[str, Any], str]] = [
    ({"manager": "AWS"}, "NOT_APPLICABLE"),
    ({"state": "PendingDeletion"}, "NOT_APPLICABLE"),
    ({"aliases": ("alias/Otter-1",)}, "COMPLIANT"),
    ({"denied": ("kms:GetKeyPolicy",)}, "NON_COMPLIANT"),
]


def parsed(text: str) -> KeyPolicy | None:
    """Parse a policy; None where the rule says that it is malformed. Anything else that is raised fails the test."""
    try:
        return KeyPolicy.parse(text)
    except PolicyError:
        return None


def assert_one_answer(policy: str, reported_id: str, denied: tuple[str, ...] = ()) -> None:
    malformed = parsed(policy) is None
    for parameters in BOTH:
        facts = Facts(policy=policy, denied=denied)
        verdict = judge(facts, parameters)
        annotation = annotate(verdict, reported_id)
        assert verdict == judge(facts, parameters)
        assert annotation == annotate(judge(facts, parameters), reported_id)
        assert verdict.scenario in SCENARIOS
        assert (verdict.scenario.name == MALFORMED) == malformed
        assert 1 <= len(annotation) <= 256
        assert annotation.isascii()
        assert annotation.isprintable()


@law(150)
@given(POLICY_TEXTS, HOSTILE_TEXT.filter(bool), st.sampled_from([(), ("kms:DescribeKey",)]))
@example("", "alias/testkey", ())
@example("null", "alias/testkey", ())
@example("1" * 5_000, "alias/testkey", ())
@example('{"Statement": NaN}', "alias/testkey", ())
@example('{"Statement": [], "Statement": []}', "alias/testkey", ())
@example('{"Statement": {"Effect": "Allow", "Action": "\\ud800", "Condition": {}}}', "\ud800", ())
@example('\ufeff{"Statement": []}', "alias/testkey", ())
@example(policy_text({**ENCRYPTING, "Sid": HOSTILE_TEXTS[-1]}), HOSTILE_TEXTS[-1], ("kms:DescribeKey",))
@example(policy_text({**ENCRYPTING, **TO_ANOTHER}), HOSTILE_TEXTS[-2], ("kms:DescribeKey",))
@example(policy_text({"Effect": "Allow", "Action": ["kms:C*", "kms:D*", "kms:P*"], **TO_ANOTHER}), "a" * 768, ())
@example(policy_text([{**ENCRYPTING, "Condition": {"StringLike": {"aws:userId": ["\n" * 300, 5]}}}]), "a" * 300, ())
def test_whatever_the_policy_a_key_gets_one_answer(policy: str, reported_id: str, denied: tuple[str, ...]) -> None:
    """`judge` gives every key one verdict, the same each time, and an annotation that AWS Config takes.

    A policy is malformed in it exactly if parsing raises `PolicyError`; parsing raises nothing else.
    """
    assert_one_answer(policy, reported_id, denied)


@law(4)
@given(large_policies(), HOSTILE_TEXT.filter(bool))
def test_a_policy_of_32_kilobytes_gets_one_answer(policy: str, reported_id: str) -> None:
    """The same of the largest policies that KMS stores."""
    assert_one_answer(policy, reported_id)


@law(20)
@given(NESTED_IN_POLICIES)
@example(nested(LISTS_IN_LISTS, 16_000))
@example("[" * 32_768)
@example('{"Statement": [' * 2_000)
def test_however_deep_its_json_a_policy_is_that_key_s_own_matter(policy: str) -> None:
    """However deep a policy is nested, its key gets an answer, and never a compliant one for that."""
    assert_one_answer(policy, "alias/testkey")
    assert {compliance for compliance, _ in answers(policy)} == {"NON_COMPLIANT"}


@law(25)
@given(POLICY_TEXTS)
def test_a_policy_changes_nothing_for_a_key_that_is_decided_without_it(policy: str) -> None:
    """A key that AWS manages, that is not enabled, whitelisted, or whose policy is denied is answered without it."""
    for fields, compliance in KEYS_BEFORE_THEIR_POLICY:
        assert {found for found, _ in answers(policy, **fields)} == {compliance}


# --- what an added statement changes -------------------------------------------------------------------------------


def inserted(statements: Sequence[Any], place: int, added: Any) -> list[Any]:
    return [*statements[:place], added, *statements[place:]]


@law(120)
@given(ANY_STATEMENTS, DENIES, st.integers(0, 4))
@example([{**ENCRYPTING, **TO_ANOTHER}], {"Effect": "Deny", "Action": "kms:*"}, 0)
@example([{**ENCRYPTING, **TO_ANOTHER}], {"Effect": "Deny", "NotAction": []}, 1)
@example([{**ENCRYPTING, **TO_ANOTHER}], {"Effect": "Deny", "Action": ["kms:Put*", "kms:Delete*", "kms:Create*"]}, 1)
@example([{"Effect": "Allow", "Action": "kms:*"}], {"Effect": "Deny", "Action": "kms:*"}, 1)
@example(["no statement"], {"Effect": "Deny", "Action": "kms:*", **TO_A_LISTED_ONE}, 0)
def test_a_deny_changes_nothing(statements: list[Any], deny: Json, place: int) -> None:
    """A well-formed Deny changes neither compliance nor scenario, wherever in the policy it stands."""
    assert answers_to(inserted(statements, place, deny)) == answers_to(statements)


def is_malformed(statement: Any) -> bool:
    """Ask the specification's question of one statement's JSON."""
    if not isinstance(statement, dict) or ("Action" in statement) == ("NotAction" in statement):
        return True
    entries = statement.get("Action", statement.get("NotAction"))
    condition = statement.get("Condition", {})
    return (
        not all(isinstance(entry, str) for entry in (entries if isinstance(entries, list) else [entries]))
        or not isinstance(condition, dict)
        or not all(isinstance(keys, dict) for keys in condition.values())
    )


@law(80)
@given(SEVERAL_STATEMENTS, ODD_STATEMENTS, st.integers(0, 4))
@example([{**ENCRYPTING, **TO_ANOTHER}], {"Effect": "Deny"}, 0)
@example([{**ENCRYPTING, **TO_ANOTHER}], {"Effect": "Deny", "Action": "kms:*", "Condition": {"Null": []}}, 1)
@example([{**ENCRYPTING, **TO_ANOTHER}], {"Action": ["kms:*", None]}, 1)
@example([], {**ENCRYPTING, "NotAction": []}, 1)
def test_a_policy_is_malformed_exactly_if_a_statement_is(statements: list[Any], odd: Any, place: int) -> None:
    """A malformed statement, Deny included, makes its policy malformed and NON_COMPLIANT; no other statement does."""
    found = answers_to(inserted(statements, place, odd))
    assert [scenario == MALFORMED for _, scenario in found] == [is_malformed(odd)] * 2
    assert not is_malformed(odd) or {compliance for compliance, _ in found} == {"NON_COMPLIANT"}


ADMINISTRATION = ("kms:CreateGrant", "kms:DeleteAlias", "kms:PutKeyPolicy")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one Allow statement, or several together, bring into a policy.

    `unlisted`: whether somebody has administration whom `Admin_User_Id` does not cover.
    """

    opens: bool = False
    unlimited: bool = False
    usage: bool = False
    administration: frozenset[str] = frozenset()
    unlisted: bool = False

    def __or__(self, other: Contribution) -> Contribution:
        return Contribution(
            self.opens or other.opens,
            self.unlimited or other.unlimited,
            self.usage or other.usage,
            self.administration | other.administration,
            self.unlisted or other.unlisted,
        )

    @property
    def complete(self) -> bool:
        return len(self.administration) == len(ADMINISTRATION)


def together(contributions: Iterable[Contribution]) -> Contribution:
    return reduce(Contribution.__or__, contributions, Contribution())


def turns_compliant(policy: Contribution, added: Contribution, *, strict: bool) -> bool:
    """The law of an added Allow statement, about a well-formed policy and statement.

    Adding an Allow statement turns NON_COMPLIANT into COMPLIANT exactly if the policy was of no scenario (it opens
    nothing, limits the users of every duty that it grants, grants no usage, and not all three of administration), the
    statement opens nothing and limits its users if it grants a duty, and either (scenario 5) the statement grants usage
    and of administration the two together lack at least one of the three (with strict separation: have none), or
    (scenario 6) it grants no usage, the two together have all three, and `Admin_User_Id` covers every user id of the
    statements that grant administration, old and new.
    """
    after = policy | added
    if policy.usage or policy.complete or after.opens or after.unlimited:
        return False
    if added.usage:
        return not (after.administration if strict else after.complete)
    return after.complete and not after.unlisted


# The model: every combination of what a statement can contribute, each with a statement that contributes just that.
USERS: tuple[tuple[str, Json], ...] = (("covered", TO_A_LISTED_ONE), ("unlisted", TO_ANOTHER), ("anybody", {}))
SUBSETS = tuple(chain.from_iterable(combinations(ADMINISTRATION, size) for size in range(4)))


def modelled(users: str, condition: Json, actions: tuple[str, ...], *, opens: bool) -> tuple[Contribution, Json]:
    administration = frozenset(ADMINISTRATION if opens else actions) - {"kms:Decrypt"}
    usage = opens or "kms:Decrypt" in actions
    contribution = Contribution(
        opens=opens,
        unlimited=users == "anybody" and bool(usage or administration),
        usage=usage,
        administration=administration,
        unlisted=users == "unlisted" and bool(administration),
    )
    return contribution, {"Effect": "Allow", "Action": ["kms:*"] if opens else list(actions), **condition}


MODEL = [
    *(
        modelled(users, condition, (*usage, *actions), opens=False)
        for (users, condition), usage, actions in product(USERS, ((), ("kms:Decrypt",)), SUBSETS)
    ),
    *(modelled(users, condition, (), opens=True) for users, condition in USERS),
]
SMALL_PARTS = [part for part in MODEL if part[0].usage + len(part[0].administration) == 1 and not part[0].unlimited]


def small_policies() -> Iterable[tuple[tuple[Contribution, Json], ...]]:
    """List the policies of up to two statements; by default those of two only where each grants one thing."""
    yield from combinations_with_replacement(MODEL, 0)
    yield from combinations_with_replacement(MODEL, 1)
    yield from combinations_with_replacement(MODEL if THOROUGH else SMALL_PARTS, 2)


@pytest.mark.parametrize("parameters", [pytest.param(LAX, id="lax"), pytest.param(STRICT, id="strict")])
def test_in_a_small_world_an_allow_makes_compliant_exactly_as_the_law_says(parameters: RuleParameters) -> None:
    """The law of an added Allow statement, of every policy and statement of the model."""
    wrong = []
    turned = set()
    for policy in small_policies():
        statements = [statement for _, statement in policy]
        before = together(contribution for contribution, _ in policy)
        non_compliant = judged(statements, parameters) == "NON_COMPLIANT"
        for contribution, added in MODEL:
            expected = turns_compliant(before, contribution, strict=parameters.strict)
            found = non_compliant and judged([*statements, added], parameters) == "COMPLIANT"
            turned.add(found)
            wrong += [(statements, added)] * (found != expected)
    assert wrong == []
    assert turned == {True, False}


def judged(statements: list[Json], parameters: RuleParameters) -> str:
    return judge(Facts(policy=policy_text(statements)), parameters).compliance.value


def contributed(statement: Statement) -> Contribution:
    """Return what an Allow statement brings into a policy, as the policy module reads it."""
    administration = frozenset(item.name for item in statement.permissions if item.duty is Duty.ADMINISTRATION)
    duty = any(map(statement.grants, Duty))
    alone = KeyPolicy((statement,))
    return Contribution(
        opens=statement.opens_every_action,
        unlimited=duty and not statement.limits_users,
        usage=statement.grants(Duty.USAGE),
        administration=administration,
        unlisted=bool(alone.unlisted_administrators(LAX.administrators)),
    )


@law(200)
@given(SEVERAL_STATEMENTS, ALLOWS, st.integers(0, 4))
@example([], {**ENCRYPTING, **TO_ANOTHER}, 0)
@example([], {"Effect": "Allow", "NotAction": ["kms:C*", "kms:D*", "kms:P*"], **TO_ANOTHER}, 0)
@example([], {"Effect": "Allow", "Action": ["kms:C*", "kms:Delete*", "kms:P*"], **TO_A_LISTED_ONE}, 0)
@example(
    [{"Effect": "Allow", "Action": ["kms:Create*", "kms:Put*"], **TO_A_LISTED_ONE}],
    {"Effect": "Allow", "Action": "kms:DeleteAlias", **TO_A_LISTED_ONE},
    0,
)
@example(
    [{"Effect": "Allow", "Action": ["kms:Create*", "kms:Put*"], **TO_ANOTHER}],
    {"Effect": "Allow", "Action": "kms:DeleteAlias", **TO_A_LISTED_ONE},
    1,
)
@example([{"Effect": "Allow", "Action": "kms:Create*", **TO_A_LISTED_ONE}], {**ENCRYPTING, **TO_ANOTHER}, 1)
@example([{"Effect": "Allow", "Action": "kms:Create*"}], {**ENCRYPTING, **TO_ANOTHER}, 1)
@example([{"Effect": "Allow", "Action": "kms:*", **TO_A_LISTED_ONE}], {**ENCRYPTING, **TO_A_LISTED_ONE}, 1)
def test_an_added_allow_makes_compliant_exactly_as_the_law_says(
    statements: list[Json], added: Json, place: int
) -> None:
    """The law of an added Allow statement, of generated policies: it turns these compliant and no others."""
    before, after = answers_to(statements), answers_to(inserted(statements, place, added))
    policy = together(map(contributed, KeyPolicy.parse(policy_text(statements)).allowing))
    contribution = contributed(Statement.parse(added, 1))
    for old, new, parameters in zip(before, after, BOTH, strict=True):
        turned = (old[0], new[0]) == ("NON_COMPLIANT", "COMPLIANT")
        assert turned == turns_compliant(policy, contribution, strict=parameters.strict)
        if turned:
            assert old[1] == NO_SCENARIO
            assert new[1] == (SEPARATED if contribution.usage else ADMINISTERED)


@law(40)
@given(ANY_STATEMENTS, WELL_FORMED | ODD_STATEMENTS)
def test_what_is_malformed_stays_so_whatever_is_added(statements: list[Any], added: Any) -> None:
    """No added statement makes a malformed policy compliant, or a policy compliant that has become malformed."""
    if parsed(policy_text(statements)) is None or parsed(policy_text([added])) is None:
        assert {compliance for compliance, _ in answers_to([*statements, added])} == {"NON_COMPLIANT"}


# --- what never matters --------------------------------------------------------------------------------------------


@law(70)
@given(ANY_STATEMENTS.flatmap(lambda statements: st.tuples(st.just(statements), st.permutations(statements))))
def test_the_order_of_statements_never_matters(orders: tuple[list[Any], list[Any]]) -> None:
    """Statements in another order give the same compliance and scenario."""
    statements, shuffled = orders
    assert answers_to(shuffled) == answers_to(statements)


def other_form(value: Any) -> Any:
    """Write one value as a list of one, and a list of one as that value; anything else stays."""
    if not isinstance(value, list):
        return [value]
    return value[0] if len(value) == 1 and not isinstance(value[0], list) else value


def each_value(blocks: Any, change: Callable[[Any], Any]) -> Any:
    """Change each value of a Condition, where it is an object of objects."""
    if not isinstance(blocks, dict) or not all(isinstance(block, dict) for block in blocks.values()):
        return blocks
    return {operator: {key: change(value) for key, value in block.items()} for operator, block in blocks.items()}


def in_other_forms(statement: Any) -> Any:
    if not isinstance(statement, dict):
        return statement
    changed = {name: other_form(statement[name]) for name in ("Action", "NotAction") if name in statement}
    if "Condition" in statement:
        changed["Condition"] = each_value(statement["Condition"], other_form)
    return {**statement, **changed}


@law(90)
@given(ANY_STATEMENTS)
@example([{**ENCRYPTING, "Condition": {"StringLike": {"aws:userId": []}}}])
@example([{"Effect": "Allow", "Action": [["kms:Encrypt"]]}])
@example([{"Effect": "Allow", "NotAction": []}])
def test_a_string_and_a_list_of_it_are_alike(statements: list[Any]) -> None:
    """A value and a list of just that value say the same: as Statement, Action, NotAction and in a condition."""
    changed = list(map(in_other_forms, statements))
    assert answers_to(other_form(changed)) == answers_to(changed) == answers_to(statements)


@st.composite
def recased_names(draw: st.DrawFn, content: Json) -> Json:
    """Change the case of the names, unless two would become one: JSON that has a name twice is malformed."""
    changed = {draw(recased(name)): value for name, value in content.items()}
    return changed if len(changed) == len(content) else content


@st.composite
def recased_statements(draw: st.DrawFn, statement: Any) -> Any:
    """Change the case of a statement's actions, condition operators and condition keys; values keep theirs."""
    if not isinstance(statement, dict):
        return statement
    changed = {name: draw(recased_entries(statement[name])) for name in ("Action", "NotAction") if name in statement}
    blocks = statement.get("Condition")
    if isinstance(blocks, dict):
        changed["Condition"] = {
            operator: draw(recased_names(keys)) if isinstance(keys, dict) else keys
            for operator, keys in draw(recased_names(blocks)).items()
        }
    return {**statement, **changed}


@st.composite
def recased_entries(draw: st.DrawFn, entries: Any) -> Any:
    if isinstance(entries, list):
        return [draw(recased_entries(entry)) for entry in entries]
    return draw(recased(entries)) if isinstance(entries, str) else entries


@st.composite
def with_another_case(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    statements = draw(ANY_STATEMENTS)
    return statements, [draw(recased_statements(statement)) for statement in statements]


@law(90)
@given(with_another_case())
@example(
    (
        [{**ENCRYPTING, **TO_ANOTHER}],
        [{"Effect": "Allow", "Action": "KMS:eNCRYPT", "Condition": {"sTRINGlIKE": {"AWS:USERID": "AROABADGER:*"}}}],
    )
)
def test_the_case_of_actions_and_condition_names_never_matters(drawn: tuple[list[Any], list[Any]]) -> None:
    """Actions, condition operators and condition keys in upper or lower case say the same."""
    statements, changed = drawn
    assert answers_to(changed) == answers_to(statements)


@law(40)
@given(ANY_STATEMENTS, st.data())
def test_a_repeated_statement_changes_nothing(statements: list[Any], data: st.DataObject) -> None:
    """A statement that stands in the policy twice says what it says once."""
    repeated = data.draw(st.lists(st.sampled_from(statements), max_size=2)) if statements else []
    assert answers_to([*statements, *repeated]) == answers_to(statements)


# --- wider patterns ------------------------------------------------------------------------------------------------

WIDENINGS = ENTRIES.flatmap(lambda entry: st.tuples(st.just(entry), widened(entry) | widened(entry).flatmap(widened)))
BY_LETTERS_ALONE = [
    ("kms:CreateSomethingNew", "kms:*SomethingNew"),
    ("kms:CreateSomethingNew", "kms:Creat?SomethingNew"),
    ("kms:DeleteSomethingNew", "*New"),
    ("kms:Put", "???:Put"),
]


def permission_names(statement: Json) -> set[str]:
    return {permission.name for permission in Statement.parse({"Effect": "Allow", **statement}, 1).permissions}


def opens(statement: Json) -> bool:
    return Statement.parse({"Effect": "Allow", **statement}, 1).opens_every_action


def grants_an_action_of_today(entry: str, permission: str) -> bool:
    """Return whether an entry grants a permission by an action that KMS has, not only by the letters it begins with."""
    pattern = Pattern.of(lower_case(entry))
    return any(
        pattern.matches(action)
        for item in action_pattern("kms:*").granted
        if item.name == permission
        for action in item.actions
    )


@law(180)
@given(WIDENINGS, st.lists(ENTRIES, max_size=2))
@example(("kms:PutKeyPolicy", "kms:Put*"), [])
@example(("kms:Put*", "kms:*"), [])
@example(("kms:?*", "*"), [])
@example(BY_LETTERS_ALONE[0], [])
def test_a_wider_action_never_grants_less(widening: tuple[str, str], others: list[str]) -> None:
    """An Action entry replaced by a wider one grants every action of today that it granted, and still opens all.

    It can lose a group of which it had no action of today, only the letters of its name: see the table below.
    """
    narrow, wide = widening
    assert Pattern.of(lower_case(wide)).covers(Pattern.of(lower_case(narrow)))
    before, after = {"Action": [narrow, *others]}, {"Action": [wide, *others]}
    lost = permission_names(before) - permission_names(after)
    assert [name for name in lost if grants_an_action_of_today(narrow, name)] == []
    assert [name for name in lost if not lower_case(narrow).startswith(lower_case(name).rstrip("*"))] == []
    assert opens(after) or not opens(before)


@pytest.mark.parametrize(("narrow", "wide"), BY_LETTERS_ALONE)
def test_only_a_group_granted_by_its_letters_alone_can_be_lost(narrow: str, wide: str) -> None:
    """The specification reads `kms:CreateSomethingNew` as a Create action of tomorrow, and `kms:*crypt` as none."""
    assert Pattern.of(lower_case(wide)).covers(Pattern.of(lower_case(narrow)))
    assert len(permission_names({"Action": narrow})) == 1
    assert permission_names({"Action": wide}) == set()


@law(150)
@given(WIDENINGS, st.lists(ENTRIES, max_size=2))
@example(("kms:PutKeyPolicy", "kms:Put*"), [])
@example(("s3:*", "?*:*"), [])
@example(("kms:Put*", "*"), [])
def test_a_wider_exception_never_grants_more(widening: tuple[str, str], others: list[str]) -> None:
    """A NotAction entry replaced by a wider one grants nothing new, and never begins to open all."""
    narrow, wide = widening
    before, after = {"NotAction": [narrow, *others]}, {"NotAction": [wide, *others]}
    assert permission_names(after) <= permission_names(before)
    assert opens(before) or not opens(after)


@law(70)
@given(WELL_FORMED, st.sampled_from(DUTY_ENTRIES))
def test_an_added_entry_grants_at_least_as_much_and_an_added_exception_at_most(statement: Json, entry: str) -> None:
    """One more Action never takes away, one more NotAction never gives."""
    for element, more in (("Action", True), ("NotAction", False)):
        if element in statement:
            entries = statement[element] if isinstance(statement[element], list) else [statement[element]]
            without, with_it = ({element: entries}, {element: [*entries, entry]})
            smaller, larger = (without, with_it) if more else (with_it, without)
            assert permission_names(smaller) <= permission_names(larger)
            assert opens(larger) or not opens(smaller)


# --- what is known only at deployment --------------------------------------------------------------------------------

UNKNOWN = Unknown("AROAOTTER:<Name>")
# No pattern of the parameters below covers it, but for those that cover everything.
STRANGER = "ZEBRA*"
DEPLOYED = (STRANGER, *COVERED_IDS, *OTHER_IDS)
LISTING_EVERYBODY = replace(LAX, administrators=(Pattern.of("?????*"),))


def users(statement: Json) -> list[Any]:
    keys = statement.get("Condition", {}).get("StringLike", {})
    ids = keys.get("aws:userId", [])
    return ids if isinstance(ids, list) else [ids]


def limited_to(statement: Json, *user_ids: object) -> Json:
    return {**statement, "Condition": {"StringLike": {"aws:userId": [*users(statement), *user_ids]}}}


def with_user(statements: list[Json], chosen: set[int], user_id: object) -> Json:
    """Write a policy that limits the chosen statements to this user id besides."""
    return {
        "Statement": [
            limited_to(statement, user_id) if number in chosen else statement
            for number, statement in enumerate(statements)
        ]
    }


@law(120)
@given(st.lists(ALLOWS, min_size=1, max_size=4), st.sets(st.integers(0, 3), min_size=1))
@example([{**ENCRYPTING}], {0})
@example([{"Effect": "Allow", "Action": ["kms:Create*", "kms:Delete*", "kms:Put*"]}], {0})
def test_an_unknown_user_id_is_judged_as_a_stranger_s(statements: list[Json], chosen: set[int]) -> None:
    """A user id that only deployment will know gives the answer of one that `Admin_User_Id` does not cover.

    So a key is never compliant before deployment that is not, whichever user id is deployed.
    """
    for parameters in (*BOTH, LISTING_EVERYBODY):
        verdict = judge(Facts(policy=with_user(statements, chosen, UNKNOWN)), parameters)
        verdicts = [judge(Facts(policy=with_user(statements, chosen, known)), parameters) for known in DEPLOYED]
        assert verdict.scenario == verdicts[0].scenario
        assert verdict.compliance is not Compliance.COMPLIANT or {each.compliance for each in verdicts} == {
            Compliance.COMPLIANT
        }


# --- the table of scenarios and the law agree ------------------------------------------------------------------------


def test_only_two_scenarios_of_a_policy_are_compliant() -> None:
    """The law names scenarios 5 and 6; a third compliant one would need a clause of its own."""
    whitelisted = {"whitelisted-cmk-compliant"}
    compliant = {scenario.name for scenario in SCENARIOS if scenario.compliance is Compliance.COMPLIANT}
    assert compliant - whitelisted == {SEPARATED, ADMINISTERED}
