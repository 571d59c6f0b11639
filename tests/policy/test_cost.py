"""What judging a key costs at most, counted in lines of the rule that run, never in seconds.

The law: the lines that run, and the turns of loops that fit on a line, are at most proportional to the characters of
the policy; where user ids or aliases are compared, to their characters times the patterns that they are compared with.
A line works on at most one set of positions, an integer with a bit for each symbol of the longest pattern or, where
patterns are compared side by side, of all user ids of the policy. So the steps, lines times machine words of that
integer, are bounded by a constant times size times size: twice the policy has at most twice the lines and four times
the steps.

What Python does in C, such as reading JSON, lower-casing and joining texts, is not counted: it walks each text once.
"""

from __future__ import annotations

import string
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import CodeType

import pytest

import AWSConfigRuleKMSPolicy
from kms_rule import RULE_FOLDER, rule_modules
from least_privilege import permission
from least_privilege.annotation import annotate, required_note, wordings
from least_privilege.event import Request, Scope
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.pattern import Pattern, Patterns
from least_privilege.reading import JudgedKey
from least_privilege.report import evaluations_of
from least_privilege.scenarios import Verdict, judge
from tests.policy.strategies import LARGEST_POLICY, LISTS_IN_LISTS, THOROUGH, Json, filled, nested, policy_text

FILES = frozenset(str(RULE_FOLDER / path) for path in rule_modules())
# `sys.monitoring` keeps 0, 1, 2 and 5 for debuggers, coverage, profilers and optimizers.
TOOL = 4
COUNTED = sys.monitoring.events.LINE | sys.monitoring.events.JUMP
WORD = 64

LARGEST_PARAMETER = 1_024
LONGEST_ALIAS = 256
MOST_ALIASES = 50
# `make test` shows the law on smaller policies, a thorough run on the largest that KMS stores.
SIZE = LARGEST_POLICY if THOROUGH else LARGEST_POLICY // 8
SIZE_OF_MANY_ENTRIES = LARGEST_POLICY if THOROUGH else LARGEST_POLICY // 16


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every entry be worked out, as the first policy that has it makes the rule do."""
    monkeypatch.setattr(permission, "_kept_action_pattern", permission.ActionPattern.of)
    monkeypatch.setattr(AWSConfigRuleKMSPolicy, "_side_by_side", Patterns.of)


def lines_by_file(work: Callable[[], object]) -> Counter[str]:
    """Count the lines of each of the rule's modules that run, and the turns of the loops that are on one line."""
    lines: Counter[str] = Counter()

    def note(code: CodeType, *_place: int) -> object:
        if code.co_filename not in FILES:
            return sys.monitoring.DISABLE
        lines[code.co_filename] += 1
        return None

    sys.monitoring.use_tool_id(TOOL, "cost of judging")
    for event in (sys.monitoring.events.LINE, sys.monitoring.events.JUMP):
        sys.monitoring.register_callback(TOOL, event, note)
    sys.monitoring.set_events(TOOL, COUNTED)
    try:
        work()
    finally:
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.free_tool_id(TOOL)
    return lines


def lines_run(work: Callable[[], object]) -> int:
    return lines_by_file(work).total()


# --- hostile policies ----------------------------------------------------------------------------------------------

LETTERS = string.ascii_letters + string.digits
THREE_LETTERS = tuple("".join(letters) for letters in product(LETTERS, repeat=3))
LISTED = "AROAOTTERADMIN:*"


def distinct(form: str, size: int) -> list[str]:
    """List texts of this form, all different, that take so many characters in a list of JSON."""
    return [form.format(letters) for letters in THREE_LETTERS[: size // (len(form.format("aaa")) + 4)]]


def allowing(actions: object, user_ids: object = LISTED, **elements: object) -> Json:
    limit = {"Condition": {"StringLike": {"aws:userId": user_ids}}}
    return {"Effect": "Allow", "Action": actions, **limit, **elements}


def ignoring_case(statement: Json) -> Json:
    return {**statement, "Condition": {"StringEqualsIgnoreCase": statement["Condition"]["StringLike"]}}


def excepting(entries: object) -> Json:
    return {"Effect": "Allow", "NotAction": entries}


def statements(make: Callable[[str], Json], size: int) -> list[Json]:
    """List statements that differ in three letters, until they take so many characters."""
    return [make(letters) for letters in THREE_LETTERS[: size // (len(policy_text(make("aaa"))) - 40)]]


def spellings(name: str, most: int) -> list[str]:
    """List the ways to write a name in upper and lower case."""
    ways = product(*({character.lower(), character.upper()} for character in name))
    return ["".join(way) for way, _ in zip(ways, range(most), strict=False)]


FAMILIES: Mapping[str, Callable[[int], object]] = {
    "one entry *a*a*a": lambda size: allowing(filled("*a", size)),
    "one entry kms:*a*a*a": lambda size: allowing("kms:" + filled("*a", size)),
    "one entry *a????": lambda size: allowing("*a" + filled("?", size)),
    "one entry kms:*????": lambda size: allowing("kms:*" + filled("?", size)),
    "one entry *????encrypt": lambda size: allowing("*" + filled("?", size) + "encrypt"),
    "one entry ?*?*?*": lambda size: allowing(filled("?*", size)),
    "one entry kms:createaaaa": lambda size: allowing("kms:Create" + filled("a", size)),
    "one entry of different characters": lambda size: allowing("".join(map(chr, range(0x4E00, 0x4E00 + size // 3)))),
    "one exception *a*a*a": lambda size: excepting(filled("*a", size)),
    "one exception kms:*????": lambda size: excepting("kms:*" + filled("?", size)),
    "many entries": lambda size: allowing(distinct("*{}", size)),
    "many entries of one character": lambda size: allowing(list(filled("ab*?k", size // 5))),
    "many entries that grant": lambda size: allowing(distinct("kms:C*{}*", size)),
    "many exceptions": lambda size: excepting(distinct("k*{}*", size)),
    "many statements": lambda size: statements(lambda letters: excepting(f"kms:*{letters}*"), size),
    "many statements that decide": lambda size: statements(lambda letters: allowing("kms:*", Sid=letters), size),
    "many statements without condition": lambda size: statements(
        lambda letters: {"Effect": "Allow", "Action": "kms:C*", "Sid": letters}, size
    ),
    "many statements with user ids": lambda size: statements(
        lambda letters: allowing(["kms:P*", "kms:E*"], f"AROABADGER{letters}"), size
    ),
    "many Denies": lambda size: statements(lambda letters: allowing(f"kms:P{letters}*", Effect="Deny"), size),
    "many user ids": lambda size: allowing("kms:Put*", distinct("AROAA{}", size)),
    "many user ids that limit nobody": lambda size: allowing("kms:Put*", distinct("${{{}}}", size)),
    "one user id": lambda size: allowing("kms:Put*", "AROAA" + filled("!", size)),
    "one user id *!*!*!": lambda size: allowing("kms:Put*", "AROAA" + filled("*!", size)),
    "one user id of question marks": lambda size: allowing("kms:Put*", "AROAA" + filled("?", size)),
    "one user id of escapes": lambda size: allowing("kms:Put*", "AROAA" + filled("${*}", size)),
    "one user id of variables": lambda size: allowing("kms:Put*", "AROAA" + filled("${", size)),
    "many conditions": lambda size: {
        **allowing("kms:Put*"),
        "Condition": {operator: {"aws:userId": LISTED} for operator in distinct("StringLike{}", size // 2)},
    },
    "many condition keys": lambda size: {
        **allowing("kms:Put*"),
        "Condition": {"StringLike": {"aws:userId": LISTED, **dict.fromkeys(distinct("aws:userId{}", size // 2), "*")}},
    },
    "many operators alike": lambda size: {
        **allowing("kms:Put*"),
        "Condition": {operator: {"aws:userId": LISTED} for operator in spellings("stringlike", size // 50)},
    },
    "many keys alike": lambda size: {
        **allowing("kms:Put*"),
        "Condition": {"StringLike": dict.fromkeys(spellings("aws:userid:of", size // 40), LISTED)},
    },
    "many users and administrators": lambda size: [
        allowing("kms:Encrypt", distinct("AROAU{}*", size // 2)),
        allowing("kms:Put*", distinct("AROAA{}*", size // 2)),
    ],
    "many users and administrators in any case": lambda size: [
        ignoring_case(allowing("kms:Encrypt", distinct("AROAU{}", size // 2))),
        ignoring_case(allowing("kms:Put*", distinct("AROAA{}*b*", size // 2))),
    ],
    "many sources": lambda size: {
        **allowing("kms:Encrypt"),
        "Principal": {"Service": "logs.amazonaws.com"},
        "Condition": {"ArnLike": {"aws:SourceArn": distinct("arn:aws:logs:*:111122223333:{}", size)}},
    },
    "a long sid": lambda size: {"Effect": "Allow", "Action": "kms:Put*", "Sid": filled("\x00", size // 6)},
    "many long sids": lambda size: statements(
        lambda letters: {"Effect": "Allow", "Action": "kms:*", "Sid": filled(letters, 60)}, size
    ),
    "names that nobody reads": lambda size: {**excepting("s3:*"), "Principal": dict.fromkeys(distinct("{}", size), "")},
    "deep JSON": lambda size: allowing("kms:Put*", [nested(LISTS_IN_LISTS, size // 2)]),
}


def size_of(family: str) -> int:
    """Return how large a policy of this family is to be: an entry costs ten times as much as other characters."""
    if family.startswith(("many statements", "many Denies")):
        return LARGEST_POLICY
    return SIZE_OF_MANY_ENTRIES if family.startswith(("many entries", "many exceptions")) else SIZE


@dataclass(frozen=True, slots=True)
class Cost:
    """What judging one key and wording its annotations cost."""

    characters: int
    lines: int
    words: int

    @property
    def steps(self) -> int:
        return self.lines * self.words


def cost_of(policy: str, parameters: RuleParameters, aliases: tuple[str, ...] = ("alias/testkey",)) -> Cost:
    """Judge a key once and word an annotation for each alias."""
    facts = Facts(aliases, policy=policy)

    def work() -> None:
        verdict = judge(facts, parameters)
        for alias in aliases:
            annotate(verdict, alias)

    lines = lines_run(work)
    longest = max(len(policy), LARGEST_PARAMETER)
    return Cost(len(policy), lines, -(-longest // WORD))


def patterns(form: str, size: int) -> str:
    """List patterns of this form, all different, as a rule parameter of so many characters does."""
    forms = [form.format("".join(letters)) for count in (1, 2) for letters in product(LETTERS, repeat=count)]
    return ",".join(forms)[:size].rpartition(",")[0]


def parameters(
    administrators: str = "*a,*b,*c,*d,AROAOTTER*", whitelist: str = "", separate_by: str = "Policy"
) -> RuleParameters:
    given = {"Admin_User_Id": administrators, "CMK_Whitelist": whitelist, "SeparateDutiesBy": separate_by}
    return RuleParameters.parse(given)


# Comparing a pattern of a policy with the actions of today, and a user id with a pattern of `Admin_User_Id`.
LINES_A_CHARACTER = 400
LINES_A_COMPARISON = 12
# What runs however small the policy is; and what a growth may be off by, since statements are not cut in two.
LINES_FIRST = 1_500
TOLERANCE = 1.1


def bound(characters: int, compared_with: int = 0) -> int:
    """The most lines for a policy of so many characters, with as many patterns that its user ids are compared with."""
    return LINES_FIRST + characters * (LINES_A_CHARACTER + LINES_A_COMPARISON * compared_with)


@pytest.mark.parametrize("separate_by", ["Policy", "User"])
@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_policy_costs_at_most_twice_the_lines_and_four_times_the_steps(family: str, separate_by: str) -> None:
    given = parameters(separate_by=separate_by)
    half, whole = (
        cost_of(policy_text(FAMILIES[family](size)), given) for size in (size_of(family) // 2, size_of(family))
    )
    assert 1.5 < whole.characters / half.characters < 2.1
    assert whole.lines <= 2 * TOLERANCE * half.lines
    assert whole.steps <= 4 * TOLERANCE * half.steps
    assert whole.lines <= bound(whole.characters, len(given.administrators))


QUICKEST = ("one entry kms:*????", "one exception *a*a*a", "many statements", "many user ids that limit nobody")


@pytest.mark.parametrize("separate_by", ["Policy", "User"])
@pytest.mark.parametrize("family", FAMILIES if THOROUGH else QUICKEST)
def test_the_largest_policy_that_kms_stores_stays_below_the_bound(family: str, separate_by: str) -> None:
    given = parameters(patterns("*{}", LARGEST_PARAMETER if THOROUGH else 20), separate_by=separate_by)
    cost = cost_of(policy_text(FAMILIES[family](LARGEST_POLICY - 200)), given)
    assert cost.characters > LARGEST_POLICY / 2
    assert cost.lines <= bound(cost.characters, len(given.administrators))


# --- the rule parameters' side ---------------------------------------------------------------------------------------

PATTERN_FORMS = {
    "many patterns": lambda size: patterns("*{}", size),
    "many patterns of stars": lambda size: patterns("*{}*", size),
    "one pattern *a*a*a": lambda size: filled("*a", size),
    "one pattern *????": lambda size: "*" + filled("?", size - 1),
    "one pattern ****": lambda size: filled("*", size - 1) + "b",
}
USER_IDS = {
    "letters": "AROAA" + filled("!", 300),
    "stars": "AROAA" + filled("*!", 300),
    "question marks": "AROAA" + filled("?", 300),
    "the pattern itself": "AROAA" + filled("*a", 300),
    "many": [f"AROAA{number}!" for number in range(20)],
}


@pytest.mark.parametrize("form", PATTERN_FORMS)
@pytest.mark.parametrize("user_ids", USER_IDS)
def test_twice_the_administrators_cost_at_most_twice_the_lines(form: str, user_ids: str) -> None:
    policy = policy_text(allowing("kms:Put*", USER_IDS[user_ids]))
    sizes = (LARGEST_PARAMETER // 2, LARGEST_PARAMETER)
    half, whole = (parameters(PATTERN_FORMS[form](size)) for size in sizes)
    costs = [cost_of(policy, given) for given in (half, whole)]
    assert costs[1].lines <= 2 * TOLERANCE * costs[0].lines
    assert costs[1].lines <= bound(len(policy), len(whole.administrators))


ONE_BY_ONE = {
    "letters": [f"AROAA{number:04}!" for number in range(1_500)],
    "stars": [f"AROAA{number:04}*!*" for number in range(1_500)],
    "question marks": [f"AROAA{number:04}????" for number in range(1_500)],
}


@pytest.mark.parametrize("form", ["many patterns", "many patterns of stars"])
@pytest.mark.parametrize("user_ids", ONE_BY_ONE)
def test_a_user_id_is_compared_with_all_administrators_in_one_walk(form: str, user_ids: str) -> None:
    """Ten times the patterns cost their own reading, not ten times the comparisons."""
    policy = policy_text(allowing("kms:Put*", ONE_BY_ONE[user_ids]))
    few, many = (parameters(PATTERN_FORMS[form](size)) for size in (LARGEST_PARAMETER // 10, LARGEST_PARAMETER))
    assert len(many.administrators) > 7 * len(few.administrators)
    less, more = cost_of(policy, few), cost_of(policy, many)
    assert more.lines <= 1.2 * less.lines + LINES_A_CHARACTER * LARGEST_PARAMETER / 10
    assert more.lines <= LINES_FIRST + LINES_A_CHARACTER * len(policy)


ALIASES = {
    "letters": lambda length: filled("!", length),
    "the pattern's letters": lambda length: filled("a", length - 1) + "!",
    "wildcards": lambda length: filled("*?", length),
}


def whitelisting_lines(form: str, size: int, name: str, length: int, aliases: int) -> int:
    given = parameters("AROAOTTER*", PATTERN_FORMS[form](size))
    names = tuple(f"alias/{ALIASES[name](length)}{number:02}" for number in range(aliases))
    return lines_run(lambda: given.whitelisting(names))


@pytest.mark.parametrize("form", PATTERN_FORMS)
@pytest.mark.parametrize("name", ALIASES)
def test_twice_the_aliases_or_whitelist_cost_at_most_twice_the_lines(form: str, name: str) -> None:
    size, length, aliases = LARGEST_PARAMETER // 2, LONGEST_ALIAS // 2, MOST_ALIASES // 10
    lines = whitelisting_lines(form, size, name, length, aliases)
    for doubled in ((2 * size, length, aliases), (size, 2 * length, aliases), (size, length, 2 * aliases)):
        more_size, more_length, more_aliases = doubled
        more = whitelisting_lines(form, more_size, name, more_length, more_aliases)
        assert more <= 2 * TOLERANCE * lines + LINES_FIRST


def test_the_most_aliases_and_the_longest_whitelist_stay_below_the_bound() -> None:
    aliases = MOST_ALIASES if THOROUGH else MOST_ALIASES // 10
    most = max(
        whitelisting_lines(form, LARGEST_PARAMETER, name, LONGEST_ALIAS - 10, aliases)
        for form, name in product(PATTERN_FORMS, ALIASES)
    )
    compared_with = len(parameters(whitelist=PATTERN_FORMS["many patterns"](LARGEST_PARAMETER)).whitelist)
    assert most <= LINES_FIRST + LINES_A_COMPARISON * compared_with * aliases * LONGEST_ALIAS


# --- the annotation's side -------------------------------------------------------------------------------------------

LONGEST_WORDINGS = 4


@pytest.mark.parametrize("separate_by", ["Policy", "User"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_wordings_are_no_longer_than_a_few_policies(family: str, separate_by: str) -> None:
    """What is said of the evidence is put together in C, which is not counted."""
    policy = policy_text(FAMILIES[family](size_of(family)))
    verdict = judge(Facts(policy=policy), parameters(separate_by=separate_by))
    assert sum(map(len, (required_note(verdict.evidence), *wordings(verdict.evidence)))) <= LONGEST_WORDINGS * len(
        policy
    )


def lines_of_evaluations(verdict: Verdict, aliases: int) -> int:
    given = parameters()
    request = Request(given, Scope("2026-01-13T19:12:27Z", every_key=True), "token", "AWSConfigRuleKMS", "", "")
    names = tuple(f"alias/testkey{number:02}" for number in range(aliases))
    judged = JudgedKey(Key("key-1", Facts(names)), verdict)
    return lines_run(lambda: list(evaluations_of(judged, request)))


@pytest.mark.parametrize("family", ["many statements", "many statements with user ids", "many long sids"])
def test_another_alias_costs_the_same_however_large_the_policy(family: str) -> None:
    """The evidence is put into words once for each key, not once for each alias that the key is reported under.

    The second alias costs more than the others: for one alone, no wording is made that is not tried.
    """
    costs = set()
    for size in (LARGEST_POLICY // 4, LARGEST_POLICY // 2):
        verdict = judge(Facts(policy=policy_text(FAMILIES[family](size))), parameters())
        costs.add(lines_of_evaluations(verdict, MOST_ALIASES) - lines_of_evaluations(verdict, 2))
    assert len(costs) == 1


JUDGING = {"AWSConfigRuleKMSPolicy.py"} | {
    f"least_privilege/{name}.py"
    for name in ("annotation", "condition", "evidence", "pattern", "permission", "scenarios", "text")
}


def test_what_is_counted_runs_in_every_module_that_judges() -> None:
    """The count itself: a module is read under the very name that it is counted by."""
    policy = policy_text(allowing(["kms:Put*", "kms:C*", "kms:Del*"]))
    verdicts: list[Verdict] = []
    counted = lines_by_file(lambda: verdicts.append(judge(Facts(policy=policy), parameters())))
    counted += lines_by_file(lambda: annotate(verdicts[0], "alias/testkey"))
    assert verdicts[0].scenario.number == 6
    assert {Path(file).relative_to(RULE_FOLDER).as_posix() for file in counted} >= JUDGING


def test_what_is_counted_grows_with_the_loops_that_fit_on_a_line() -> None:
    """The count itself: a loop in a generator and one over several lines are both seen."""
    pattern = Pattern.of("*b")
    ten, hundred = (lines_run(lambda size=size: Pattern.of("a*" * size)) for size in (10, 100))  # type: ignore[misc]
    assert hundred - ten >= 90
    assert lines_run(lambda: pattern.matches("a" * 100)) >= 200
    assert lines_run(lambda: sorted(range(1_000))) == 0
