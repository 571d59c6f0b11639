"""CloudFormation templates: what is known of their keys before deployment, and what becomes of what is not."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from kms_rule.findings import ExitCode, Findings
from least_privilege.parameters import RuleParameters
from tests.command.checking import (
    ADMINISTERED,
    ADMINISTRATION,
    DISABLED,
    EVERYTHING_OPEN,
    MALFORMED,
    NONE,
    OPEN,
    OUTSIDER,
    SEPARATED,
    UNLIMITED,
    USAGE,
    USERS_MAY_USE,
    WHITELISTED,
    Json,
    checked,
    policy,
    positions,
    reasons,
    remarks,
    scenarios,
    statement,
    write,
)
from tests.command.templates import NO_VALUE, alias, get_att, if_, judged, key, sub


def judged_yaml(folder: Path, resources: str) -> Findings:
    return checked(write(folder, "template.yaml", f"Resources:\n{indent(dedent(resources), '  ')}"))


# ---------------------------------------------------------------------------------------------------------------------
# Keys, their state and their aliases
# ---------------------------------------------------------------------------------------------------------------------

SOME_KEYS: list[tuple[Json, dict[str, str]]] = [
    ({"Key": key(KeyPolicy=USERS_MAY_USE)}, {"Key": SEPARATED}),
    ({"Key": {**key(KeyPolicy=EVERYTHING_OPEN), "Type": "AWS::KMS::ReplicaKey"}}, {"Key": OPEN}),
    ({"Key": key(KeyPolicy=json.dumps(USERS_MAY_USE))}, {"Key": SEPARATED}),
    ({"Key": key(KeyPolicy={"Fn::ToJsonString": USERS_MAY_USE})}, {"Key": SEPARATED}),
    ({"Key": key(KeyPolicy="kms:*")}, {"Key": MALFORMED}),
    ({"Key": key(KeyPolicy=[])}, {"Key": MALFORMED}),
    # KMS's default key policy opens everything to the account.
    ({"Key": key()}, {"Key": OPEN}),
    ({"Key": {"Type": "AWS::KMS::Key"}}, {"Key": OPEN}),
    ({"Key": key(KeyPolicy=NO_VALUE)}, {"Key": OPEN}),
    # State
    ({"Key": key(Enabled=False)}, {"Key": DISABLED}),
    ({"Key": key(Enabled="false", KeyPolicy=USERS_MAY_USE)}, {"Key": DISABLED}),
    ({"Key": key(Enabled=True, KeyPolicy=USERS_MAY_USE)}, {"Key": SEPARATED}),
    ({"Key": key(Enabled={"Ref": "Enabled"}, KeyPolicy=USERS_MAY_USE)}, {"Key": SEPARATED}),
    ({"Key": key(Enabled=NO_VALUE, KeyPolicy=USERS_MAY_USE)}, {"Key": SEPARATED}),
    # A disabled key needs no policy to be judged.
    ({"Key": key(Enabled=False, KeyPolicy={"Ref": "Policy"})}, {"Key": DISABLED}),
    # Aliases
    ({"Key": key(), "A": alias("alias/Otter-a", {"Ref": "Key"})}, {"alias/Otter-a": WHITELISTED}),
    ({"Key": key(), "A": alias("alias/Otter-a", get_att("Key", "KeyId"))}, {"alias/Otter-a": WHITELISTED}),
    ({"Key": key(), "A": alias("alias/Otter-a", {"Fn::GetAtt": "Key.Arn"})}, {"alias/Otter-a": WHITELISTED}),
    ({"Key": key(), "A": alias("alias/Otter-a", sub("${Key}"))}, {"alias/Otter-a": WHITELISTED}),
    ({"Key": key(), "A": alias("alias/Otter-a", sub("${Key.Arn}"))}, {"alias/Otter-a": WHITELISTED}),
    ({"Key": key(), "A": alias({"Fn::Join": ["/", ["alias", "Otter"]]}, {"Ref": "Key"})}, {"alias/Otter": WHITELISTED}),
    (
        {"Key": key(), "A": alias("alias/b", {"Ref": "Key"}), "B": alias("alias/a", {"Ref": "Key"})},
        {"alias/b": OPEN, "alias/a": OPEN},
    ),
    # Aliases of something else, or that KMS does not take, whitelist nothing.
    ({"Key": key(), "A": alias("alias/Otter-a", {"Ref": "Other"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/Otter-a", "Key")}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/Otter-a", sub("${Key}-x"))}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/Otter-a", get_att("Key", "Description"))}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("Otter-a", {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/aws/otter", {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/Otter a", {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/Otter\n", {"Ref": "Key"})}, {"Key": OPEN}),
    # A name that is known in parts counts where it is whitelisted whatever the other parts are.
    (
        {"Key": key(), "A": alias(sub("alias/Otter-${AWS::StackName}"), {"Ref": "Key"})},
        {"alias/Otter-<Ref AWS::StackName>": WHITELISTED},
    ),
    (
        {"Key": key(), "A": alias("alias/Otter-{{resolve:ssm:name}}", {"Ref": "Key"})},
        {"alias/Otter-<resolve:ssm:name>": WHITELISTED},
    ),
    ({"Key": key(), "A": alias(sub("alias/Ott${AWS::StackName}"), {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias(sub("${Prefix}Otter"), {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias(sub("alias/${Prefix}Otter-"), {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias(sub("alias/Otter ${Name}"), {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": alias(sub("alias/Otter*${Name}"), {"Ref": "Key"})}, {"Key": OPEN}),
    ({"Key": key(), "A": {"Type": "AWS::KMS::Alias", "Properties": "Key"}}, {"Key": OPEN}),
    ({"Key": key(), "A": {"Type": "AWS::KMS::Alias"}}, {"Key": OPEN}),
    # An alias whose condition may not hold.
    ({"Key": key(), "A": alias("alias/Otter-a", {"Ref": "Key"}, Condition="Prod")}, {"Key": OPEN}),
    ({"Key": key(), "A": alias("alias/Otter-a", if_("Prod", {"Ref": "Key"}, {"Ref": "Other"}))}, {"Key": OPEN}),
    (
        {
            "Key": {**key(), "Condition": "Prod"},
            "A": alias("alias/Otter-a", {"Ref": "Key"}, Condition="Prod"),
        },
        {"alias/Otter-a": WHITELISTED},
    ),
    # What is not a key.
    ({"Key": key(KeyPolicy=USERS_MAY_USE), "B": {"Type": "AWS::S3::Bucket"}, "C": "x", "D": []}, {"Key": SEPARATED}),
]


@pytest.mark.parametrize(("resources", "expected"), SOME_KEYS, ids=lambda value: str(value)[:70])
def test_each_key_gets_the_verdict_on_what_it_will_be(tmp_path: Path, resources: Json, expected: Json) -> None:
    findings = judged(tmp_path, resources)
    assert scenarios(findings) == expected
    assert findings.unjudged == []


def test_a_key_without_a_policy_is_judged_by_the_default_one_and_says_so(tmp_path: Path) -> None:
    findings = judged(tmp_path, {"Key": key()})
    assert remarks(findings) == ["It has no key policy, so KMS gives it the default one."]
    assert findings.judged[0].annotation == (
        "in Key Policy for Key, statement does have open KMS permissions and CMK is not whitelisted "
        '[scenario 3: "Enable IAM User Permissions" (kms:*)]'
    )


def test_aliases_that_are_not_compared_with_the_whitelist_are_named(tmp_path: Path) -> None:
    findings = judged(
        tmp_path,
        {
            "Key": key(KeyPolicy=USERS_MAY_USE, Enabled={"Ref": "On"}),
            "Fits": alias(sub("alias/Otter-${Stage}"), {"Ref": "Key"}),
            "Late": alias(sub("alias/Heron-${Stage}"), {"Ref": "Key"}),
            "Wrong": alias("Otter", {"Ref": "Key"}),
            "Lost": alias("alias/Otter", sub("${Key}${AWS::NoValue}")),
            "Other": alias("alias/Otter", {"Fn::ImportValue": "other-key"}),
        },
    )
    assert remarks(findings) == [
        "Whether it is enabled is known only at deployment (<Ref On>); it is judged as if it is.",
        "The name of its alias Fits is known only at deployment (alias/Otter-<Ref Stage>): whatever it will be, it "
        "fits CMK_Whitelist.",
        "The name of its alias Late is known only at deployment (alias/Heron-<Ref Stage>), so it is not compared with "
        "CMK_Whitelist.",
        "Its alias Wrong is left out: KMS takes no alias of that name.",
    ]
    assert findings.remarks == [
        f"{tmp_path}/template.json: Only deployment will know which key the alias Lost names, so it is attached to "
        f"none."
    ]


def test_a_template_without_keys_says_so(tmp_path: Path) -> None:
    findings = judged(tmp_path, {"Bucket": {"Type": "AWS::S3::Bucket"}})
    assert findings.remarks == [f"{tmp_path}/template.json: There is no KMS key in it."]
    assert findings.exit_code == ExitCode.COMPLIANT


# ---------------------------------------------------------------------------------------------------------------------
# User ids that only deployment will know
# ---------------------------------------------------------------------------------------------------------------------

ROLE_ID = get_att("AdminRole", "RoleId")

ANYBODY = "anybody"
LATE_USER_IDS: list[tuple[Any, str, str]] = [
    (ROLE_ID, OUTSIDER, "<GetAtt AdminRole.RoleId>"),
    # Only a role of this template has an id for sure.
    (get_att("Unlisted", "RoleId"), ANYBODY, "<GetAtt Unlisted.RoleId>"),
    (get_att("Key", "RoleId"), ANYBODY, "<GetAtt Key.RoleId>"),
    (get_att("AdminRole", "Arn"), ANYBODY, "<GetAtt AdminRole.Arn>"),
    ({"Fn::Join": ["", [ROLE_ID, {"Ref": "Rest"}]]}, ANYBODY, "<GetAtt AdminRole.RoleId><Ref Rest>"),
    ({"Ref": "Admins"}, ANYBODY, "<Ref Admins>"),
    ({"Ref": "A"}, ANYBODY, "<Ref A>"),
    ({"Ref": "AWS::AccountId"}, OUTSIDER, "<Ref AWS::AccountId>"),
    ({"Fn::ImportValue": "role"}, ANYBODY, "<ImportValue role>"),
    ({"Fn::FindInMap": ["A", "B", "C"]}, ANYBODY, "<FindInMap>"),
    (["AROAOTTER1:*", ROLE_ID], OUTSIDER, "<GetAtt AdminRole.RoleId>"),
    ("{{resolve:ssm:/admin/role}}:*", ANYBODY, "<resolve:ssm:/admin/role>:*"),
    (sub("${AdminRole.RoleId}:*"), OUTSIDER, "<GetAtt AdminRole.RoleId>:*"),
    ({"Fn::Sub": ["${Id}:*", {"Id": ROLE_ID}]}, OUTSIDER, "<GetAtt AdminRole.RoleId>:*"),
    ({"Fn::Join": [":", [ROLE_ID, "*"]]}, OUTSIDER, "<GetAtt AdminRole.RoleId>:*"),
    ({"Fn::Join": ["", ["{{resolve:ssm:", "x}}"]]}, ANYBODY, "<resolve:ssm:x>"),
    ({"Fn::Join": [":", {"Ref": "List"}]}, ANYBODY, "<Join>"),
    # Functions that CloudFormation will refuse are unknown too.
    ({"Fn::Sub": 1}, ANYBODY, "<Sub>"),
    ({"Fn::Sub": ["${Id}", "Id"]}, ANYBODY, "<Sub>"),
    ({"Fn::Join": ":"}, ANYBODY, "<Join>"),
    ({"Fn::Join": [1, ["AROAOTTER1", "*"]]}, ANYBODY, "<Join>"),
    ({"Fn::Join": ["-", ["AROAOTTER", 1, True, {}]]}, ANYBODY, "AROAOTTER-1-true-<value>"),
    ({"Fn::If": ["Prod", "AROAOTTER1"]}, ANYBODY, "<If condition>"),
    ({"Fn::If": [["Prod"], "AROAOTTER1", "AROAOTTER2"]}, ANYBODY, "<If condition>"),
    ({"Fn::X": 1}, ANYBODY, "<X..>"),
    # Several are named once each.
    ([ROLE_ID, ROLE_ID], OUTSIDER, "<GetAtt AdminRole.RoleId>"),
    # Some `${aws:userid}` may stand there, too.
    (sub("AROAOTTER${Rest}"), ANYBODY, "AROAOTTER<Ref Rest>"),
    # The known characters let in everybody, or more than the unknown ones could limit.
    (sub("*${Id}"), UNLIMITED, "*<Ref Id>"),
    (sub("A*:${Session}"), UNLIMITED, "A*:<Ref Session>"),
    (sub("${!aws:userid}${Id}"), UNLIMITED, "${aws:userid}<Ref Id>"),
]


@pytest.mark.parametrize(("user_id", "scenario", "shown"), LATE_USER_IDS, ids=lambda value: str(value)[:60])
def test_a_user_id_that_only_deployment_will_know_is_not_whitelisted_and_is_named(
    tmp_path: Path, user_id: Any, scenario: str, shown: str
) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=policy(statement(ADMINISTRATION, user_id)))})
    assert scenarios(findings) == {"Key": OUTSIDER if scenario == OUTSIDER else UNLIMITED}
    [remark] = remarks(findings)
    counted = {
        OUTSIDER: "it may be any user id",
        ANYBODY: "it may be any text, and let in everybody",
        UNLIMITED: "its known characters alone let in too many",
    }[scenario]
    assert remark == f"The user id {shown} in statement 1 is known only at deployment: {counted}."


WHAT_ADMINISTRATORS_COVER: list[tuple[str, Any, str]] = [
    # What covers every user id that counts covers whatever it will be.
    ("*", ROLE_ID, ADMINISTERED),
    ("?*", ROLE_ID, ADMINISTERED),
    ("?????*", sub("${AdminRole.RoleId}:*"), ADMINISTERED),
    # What is known of this one lets in too many, although the pattern covers what is known.
    ("A*", sub("A*:${Session}"), UNLIMITED),
    # What covers some does not, however it is written.
    ("*:*", sub("${AdminRole.RoleId}:*"), OUTSIDER),
    ("*:alice", sub("${AdminRole.RoleId}:alice"), OUTSIDER),
    ("??????*", ROLE_ID, OUTSIDER),
    ("<*", ROLE_ID, OUTSIDER),
    ("<GetAtt AdminRole.RoleId>", ROLE_ID, OUTSIDER),
    ("<*,*>,a*,b*,?????", ROLE_ID, OUTSIDER),
    (",".join("?" * length for length in range(5, 30)), ROLE_ID, OUTSIDER),
    ("<Ref AWS::AccountId>", {"Ref": "AWS::AccountId"}, OUTSIDER),
]


@pytest.mark.parametrize(("administrators", "user_id", "scenario"), WHAT_ADMINISTRATORS_COVER)
def test_no_pattern_covers_an_unknown_user_id_by_accident(
    tmp_path: Path, administrators: str, user_id: Any, scenario: str
) -> None:
    parameters = RuleParameters.parse({"Admin_User_Id": administrators})
    findings = judged(tmp_path, {"Key": key(KeyPolicy=policy(statement(ADMINISTRATION, user_id)))}, parameters)
    assert scenarios(findings) == {"Key": scenario}
    ends = {
        ADMINISTERED: "it may be any user id.",
        OUTSIDER: "it may be any user id.",
        UNLIMITED: "its known characters alone let in too many.",
    }
    assert remarks(findings)[0].endswith(ends[scenario])


@pytest.mark.parametrize("user_id", [ROLE_ID, "AROAX*"])
def test_patterns_that_only_together_cover_a_user_id_do_not_cover_it_be_it_unknown_or_not(
    tmp_path: Path, user_id: Any
) -> None:
    parameters = RuleParameters.parse({"Admin_User_Id": "?????,??????*"})
    findings = judged(tmp_path, {"Key": key(KeyPolicy=policy(statement(ADMINISTRATION, user_id)))}, parameters)
    assert scenarios(findings) == {"Key": OUTSIDER}


def test_an_unknown_user_id_limits_usage_and_the_annotation_names_an_unknown_administrator(tmp_path: Path) -> None:
    late = sub("${AdminRole.RoleId}:*")
    findings = judged(
        tmp_path,
        {
            "Use": key(KeyPolicy=policy(statement(USAGE, late))),
            "Admin": key(KeyPolicy=policy(statement(ADMINISTRATION, late, Sid="Admin"))),
        },
    )
    assert scenarios(findings) == {"Use": SEPARATED, "Admin": OUTSIDER}
    assert 'Admin_User_Id does not cover "<GetAtt AdminRole.RoleId>:*"' in findings.judged[1].annotation


# ---------------------------------------------------------------------------------------------------------------------
# What decides and is known only at deployment
# ---------------------------------------------------------------------------------------------------------------------

LATE = {"Ref": "Parameter"}


def allow(**elements: Any) -> Json:
    return policy({**statement("kms:Decrypt", "AROAUSER1234:*"), **elements})


UNDECIDED: list[tuple[Any, str]] = [
    (LATE, "all of it is known only at deployment (<Ref Parameter>)"),
    (sub("${Policy}"), "all of it is known only at deployment (<Ref Policy>)"),
    ({"Fn::Transform": {"Name": "AWS::Include"}}, "all of it is known only at deployment (<Transform>)"),
    ({"Fn::Transform": {"Name": "AWS::Include"}, "Version": "2012-10-17"}, "all of it is known only at deployment"),
    ({"Statement": LATE}, "Statement is known only at deployment (<Ref Parameter>)"),
    ({"Statement": [statement(USAGE, "AROAUSER1:*"), LATE]}, "statement 2 is known only at deployment"),
    (policy({"Fn::Transform": {}, **statement(USAGE)}), "statement 1 is known only at deployment (<Transform>)"),
    (allow(Effect=LATE), "the Effect of statement 1 is known only at deployment"),
    (allow(Action=LATE), "the Action of statement 1 is known only at deployment"),
    (allow(Action=["kms:Encrypt", sub("kms:${Verb}")]), "the Action of statement 1 is known only at deployment (kms:<"),
    (allow(Action="kms:{{resolve:ssm:verb}}"), "the Action of statement 1 is known only at deployment"),
    (allow(Action={"Fn::Sub": "kms:Decrypt", "Fn::Transform": {}}), "the Action of statement 1 is known only"),
    (policy({"Effect": "Allow", "NotAction": [LATE]}), "the NotAction of statement 1 is known only at deployment"),
    (allow(Condition=LATE), "the Condition of statement 1 is known only at deployment"),
    (allow(Condition={"StringLike": LATE}), "the Condition of statement 1 is known only at deployment"),
    (policy({"Effect": "Deny", "Action": "kms:*", "Condition": LATE}), "the Condition of statement 1 is known only"),
    (if_("Prod", USERS_MAY_USE, LATE), "all of it is known only at deployment"),
    # JSON text
    (sub('{"Statement": ${Statements}}'), "is a text that cannot be read before its unknown parts are filled in"),
    (sub('{"Statement": [{"${Effect}": "Allow"}]}'), "is a text that cannot be read before its unknown parts"),
    (sub('{"Statement": [{"Effect": "Allow", "Action": "kms:${A}"}]}'), "the Action of statement 1 is known only"),
    (sub('{"Statement": [{"Effect": "Allow", "Action": "s3:*", "${Id}": 1}]}'), "one of its names has an unknown part"),
    (sub('{"Statement": "\ue0000\ue001", "Id": "${Id}"}'), "it has characters for private use"),
    (sub('{"Statement": [], "Id": "${Id}", "Version": NaN}'), "(it is not JSON (NaN is no JSON value))"),
    (sub('{"Statement": [], "Id": "${Id}", "Id": "b"}'), '(it has "Id" twice in one object)'),
    (sub('{"Statement": {"Action": "kms:*", "Sid": "${Id}"}}'), "(statement 1 has no Effect, write Allow or Deny)"),
    (sub(f'{{"Statement": [], "Id": {"[" * 1_500}"${{Id}}"{"]" * 1_500}}}'), "is nested too deeply: correct it."),
]


@pytest.mark.parametrize(("key_policy", "reason"), UNDECIDED, ids=lambda value: str(value)[:70])
def test_where_something_unknown_decides_the_key_is_not_judged_and_nothing_becomes_compliant(
    tmp_path: Path, key_policy: Any, reason: str
) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=key_policy), "Good": key(KeyPolicy=USERS_MAY_USE)})
    assert scenarios(findings) == {"Good": SEPARATED}
    assert reason in reasons(findings)["Key"]
    assert findings.exit_code == ExitCode.INCOMPLETE


HARMLESS: list[tuple[Any, str]] = [
    (allow(Principal={"AWS": LATE}, Resource=[LATE], Sid=LATE), SEPARATED),
    (allow(Principal=if_("Prod", "*", NO_VALUE)), SEPARATED),
    ({**USERS_MAY_USE, "Version": LATE, "Id": sub("${AWS::StackName}-policy")}, SEPARATED),
    (policy(statement(USAGE, "AROAUSER1:*"), {"Effect": "Deny", "Action": LATE, "Resource": "*"}), SEPARATED),
    (policy(statement(USAGE, "AROAUSER1:*"), {"Effect": "Deny", "NotAction": [sub("kms:${Verb}"), LATE]}), SEPARATED),
    (policy(statement(USAGE, "AROAUSER1:*"), {"Effect": "Deny", "Action": sub("kms:P ${Verb}")}), MALFORMED),
    (sub('{"Statement": {"Effect": "Deny", "Action": ["kms:${Verb}", "${Ref}"]}}'), NONE),
    (
        allow(Condition={"StringLike": {"aws:userId": "AROAUSER1:*", "kms:ViaService": sub("s3.${AWS::Region}.x")}}),
        SEPARATED,
    ),
    (allow(Condition={"StringNotLike": {"aws:userId": LATE}}), UNLIMITED),
    # Known after all: functions of nothing but known values.
    (allow(Action={"Fn::Join": [":", ["kms", "*"]]}), OPEN),
    (allow(Action=sub("kms:Encrypt")), SEPARATED),
    (allow(Action={"Fn::Sub": ["kms:${Verb}", {"Verb": "*"}]}), OPEN),
    (policy(statement(ADMINISTRATION, sub("AROAOTTER1:*"))), ADMINISTERED),
    (policy(statement(ADMINISTRATION, sub("${!aws:username}"))), UNLIMITED),
    (policy(statement(ADMINISTRATION, NO_VALUE)), UNLIMITED),
    (policy(statement(USAGE, "AROAUSER1:*"), NO_VALUE), SEPARATED),
    (
        sub('{"Statement": {"Effect": "Allow", "Principal": "${Role.Arn}", "Action": "kms:*", "Resource": "*"}}'),
        OPEN,
    ),
]


@pytest.mark.parametrize(("key_policy", "scenario"), HARMLESS, ids=lambda value: str(value)[:70])
def test_what_is_unknown_where_nothing_is_decided_does_not_matter(
    tmp_path: Path, key_policy: Any, scenario: str
) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=key_policy)})
    assert scenarios(findings) == {"Key": scenario}
    assert findings.unjudged == []


def test_conditions_on_what_is_not_read_are_not_tried(tmp_path: Path) -> None:
    principals = [if_(f"C{number}", "a", "b") for number in range(20)]
    findings = judged(tmp_path, {"Key": key(KeyPolicy=allow(Principal={"AWS": principals}))})
    assert scenarios(findings) == {"Key": SEPARATED}
    assert remarks(findings) == []


def test_a_policy_as_text_with_unknown_parts_is_judged_by_what_is_known(tmp_path: Path) -> None:
    text = json.dumps(policy(statement(ADMINISTRATION, "${AdminRole.RoleId}:*")))
    findings = judged(tmp_path, {"Key": key(KeyPolicy=sub(text))})
    assert scenarios(findings) == {"Key": OUTSIDER}
    assert "<GetAtt AdminRole.RoleId>:*" in remarks(findings)[0]


# ---------------------------------------------------------------------------------------------------------------------
# Conditions
# ---------------------------------------------------------------------------------------------------------------------

MAY_BE: list[tuple[Any, str, str]] = [
    (if_("Open", EVERYTHING_OPEN, USERS_MAY_USE), OPEN, "Open is true"),
    (if_("Closed", USERS_MAY_USE, EVERYTHING_OPEN), OPEN, "Closed is false"),
    (if_("Closed", USERS_MAY_USE, NO_VALUE), OPEN, "Closed is false"),
    (policy(statement(if_("Open", "kms:*", USAGE), "AROAUSER1:*")), OPEN, "Open is true"),
    (policy(statement(USAGE, if_("Known", "AROAUSER1:*", "*"))), UNLIMITED, "Known is false"),
    (policy(statement(USAGE, "AROAUSER1:*"), if_("More", statement(USAGE), NO_VALUE)), UNLIMITED, "More is true"),
    # The same condition turns out the same everywhere: there is no way that both are granted.
    (
        policy(
            if_("Use", statement(USAGE, "AROAUSER1:*"), NO_VALUE),
            if_("Use", NO_VALUE, statement(ADMINISTRATION, "AROAOTTER1:*")),
        ),
        SEPARATED,
        "Use is true",
    ),
    (if_("A", if_("B", USERS_MAY_USE, EVERYTHING_OPEN), USERS_MAY_USE), OPEN, "A is true, B is false"),
]


@pytest.mark.parametrize(("key_policy", "scenario", "words"), MAY_BE, ids=lambda value: str(value)[:70])
def test_every_branch_is_judged_and_the_worst_reported(
    tmp_path: Path, key_policy: Any, scenario: str, words: str
) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=key_policy)})
    assert scenarios(findings) == {"Key": scenario}
    assert (
        f"It is judged for every combination of what is not known; this is the worst verdict, where {words}."
        in remarks(findings)
    )


def test_whether_a_key_is_enabled_may_depend_on_a_condition_too(tmp_path: Path) -> None:
    findings = judged(tmp_path, {"Key": key(Enabled=if_("Prod", "true", "false"), KeyPolicy=USERS_MAY_USE)})
    assert scenarios(findings) == {"Key": SEPARATED}


def test_a_key_with_a_condition_is_judged_as_if_it_holds_and_says_so(tmp_path: Path) -> None:
    conditional = key(KeyPolicy=if_("Prod", USERS_MAY_USE, EVERYTHING_OPEN))
    findings = judged(tmp_path, {"Key": {**conditional, "Condition": "Prod"}})
    assert scenarios(findings) == {"Key": SEPARATED}
    assert remarks(findings) == ["It is judged as if the condition Prod holds, on which it depends."]


def depending_on(number: int) -> Json:
    """A key with a statement for each of so many conditions, about which nothing is known."""
    branches = [if_(f"C{n}", statement(USAGE, "AROAUSER1:*"), NO_VALUE) for n in range(number)]
    return key(KeyPolicy=policy(statement(USAGE, "AROAUSER1:*"), *branches))


def test_what_may_turn_out_in_too_many_ways_is_told_and_the_other_keys_are_judged(tmp_path: Path) -> None:
    held = {**depending_on(7), "Condition": "C0"}
    findings = judged(tmp_path, {"Many": depending_on(40), "Six": depending_on(6), "Held": held})
    assert scenarios(findings) == {"Six": SEPARATED, "Held": SEPARATED}
    assert reasons(findings) == {
        "Many": "It may turn out in more ways than can be judged: write more of it out, give the values of its "
        "parameters with --template-parameters, or check what is deployed with kms-rule scan."
    }


# ---------------------------------------------------------------------------------------------------------------------
# Transforms
# ---------------------------------------------------------------------------------------------------------------------

PROCESSED = "(aws cloudformation get-template --template-stage Processed)"
CHANGING: list[tuple[Json, str]] = [
    ({"Transform": "Company"}, "Company"),
    ({"Transform": ["AWS::Serverless-2016-10-31", "Company"]}, "Company"),
    ({"Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x"}}}, "AWS::Include"),
    ({"Fn::Transform": {"Name": "AWS::Include"}}, "AWS::Include"),
]


@pytest.mark.parametrize(("more", "name"), CHANGING)
def test_a_transform_that_may_change_keys_is_told_beside_the_verdicts(tmp_path: Path, more: Json, name: str) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=USERS_MAY_USE)}, **more)
    assert scenarios(findings) == {"Key": SEPARATED}
    assert [*reasons(findings).values()] == [
        f"The transform {name} may change these keys or add others: check what CloudFormation makes of it {PROCESSED}."
    ]


def test_a_transform_among_the_resources_is_told_too(tmp_path: Path) -> None:
    resources = {"Key": key(KeyPolicy=USERS_MAY_USE), "Fn::Transform": {"Name": "AWS::Include"}}
    assert [*reasons(judged(tmp_path, resources))] == ["template.json"]


def test_transforms_that_leave_keys_alone_are_not_told(tmp_path: Path) -> None:
    harmless = ["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::SecretsManager-2024-09-16"]
    findings = judged(tmp_path, {"Key": key(KeyPolicy=USERS_MAY_USE)}, Transform=harmless)
    assert (findings.unjudged, findings.exit_code) == ([], ExitCode.COMPLIANT)


def test_a_template_without_keys_whose_transform_may_add_some_says_so(tmp_path: Path) -> None:
    findings = judged(tmp_path, {}, Transform="Company")
    assert findings.remarks == [
        f"{tmp_path}/template.json: The transform Company may add keys; what it adds is not judged.",
        f"{tmp_path}/template.json: There is no KMS key in it.",
    ]


def test_nested_stacks_are_not_followed_which_is_said_once_for_a_template(tmp_path: Path) -> None:
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "./keys.yaml"}}
    findings = judged(tmp_path, {"Key": key(KeyPolicy=USERS_MAY_USE), "A": stack, "B": stack})
    assert findings.remarks == [f"{tmp_path}/template.json: Nested stacks are not followed: check their templates too."]
    assert findings.exit_code == ExitCode.COMPLIANT
    assert judged(tmp_path, {"Stack": stack}).remarks == [
        *findings.remarks,
        f"{tmp_path}/template.json: There is no KMS key in it.",
    ]


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::KMS::Key", "Properties": {"Fn::Transform": {"Name": "AWS::Include"}}},
        {
            "Type": "AWS::KMS::Key",
            "Properties": {"Fn::Transform": {"Name": "AWS::Include"}, "KeyPolicy": USERS_MAY_USE},
        },
        {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": USERS_MAY_USE}, "Fn::Transform": {"Name": "Company"}},
        {"Type": "AWS::KMS::Key", "Properties": NO_VALUE},
        {"Type": "AWS::KMS::Key", "Properties": "KeyPolicy"},
    ],
)
def test_a_key_whose_properties_come_from_elsewhere_is_not_judged(tmp_path: Path, resource: Json) -> None:
    findings = judged(tmp_path, {"Key": resource})
    assert findings.judged == []
    assert reasons(findings)["Key"].startswith("Its properties are not an object, or known only at deployment")


def test_the_keys_of_a_loop_are_not_judged(tmp_path: Path) -> None:
    loop = ["Name", ["A", "B"], {"Key${Name}": key(KeyPolicy=USERS_MAY_USE)}]
    other = ["Name", ["A", "B"], {"Topic${Name}": {"Type": "AWS::SNS::Topic"}}]
    findings = judged(tmp_path, {"Fn::ForEach::Keys": loop, "Fn::ForEach::Topics": other})
    assert reasons(findings) == {
        "Fn::ForEach::Keys": f"The keys of a loop are not judged: check what CloudFormation makes of it {PROCESSED}."
    }


@pytest.mark.parametrize("kind", ["AWS::KMS::${Kind}", "AWS::KMS::Replica${Kind}", "AWS::${Kind}", "AWS::KMS::&{Kind}"])
def test_a_type_that_a_loop_completes_may_be_that_of_a_key(tmp_path: Path, kind: str) -> None:
    loop = ["Kind", {"Ref": "Kinds"}, {"Key${Kind}": {"Type": kind}}]
    named = ["Name", ["A"], {"Topic${Name}": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "AWS-${Name}"}}}]
    findings = judged(tmp_path, {"Fn::ForEach::Keys": loop, "Fn::ForEach::Topics": named})
    assert [*reasons(findings)] == ["Fn::ForEach::Keys"]


@pytest.mark.parametrize("body", [[key()], {"Key": key()}, {"Fn::If": ["A", key(), key()]}], ids=str)
def test_a_key_in_what_is_not_a_resource_is_not_lost(tmp_path: Path, body: Any) -> None:
    findings = judged(tmp_path, {"Odd": body, "Topic": {"Type": "AWS::SNS::Topic"}})
    assert reasons(findings)["Odd"].startswith("The keys of what is not a resource are not judged: ")


@pytest.mark.parametrize(
    "transformed",
    [
        {**alias("alias/Otter", {"Ref": "Key"}), "Fn::Transform": {"Name": "Renamed"}},
        {
            "Type": "AWS::KMS::Alias",
            "Properties": {**alias("alias/Otter", {"Ref": "Key"})["Properties"], "Fn::Transform": {"Name": "Renamed"}},
        },
    ],
    ids=["resource", "properties"],
)
def test_an_alias_that_a_transform_may_change_whitelists_nothing(tmp_path: Path, transformed: Json) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=EVERYTHING_OPEN), "Alias": transformed})
    assert scenarios(findings) == {"Key": OPEN}
    assert "Only deployment will know which key the alias Alias names" in findings.remarks[0]


# ---------------------------------------------------------------------------------------------------------------------
# YAML, and positions
# ---------------------------------------------------------------------------------------------------------------------


ROOTS_IN_YAML = {
    "indented": "---\n  Resources:\n    Key: {Type: AWS::KMS::Key}\n",
    "indented below a description": "  Description: a\n  Resources:\n    Key: {Type: AWS::KMS::Key}\n",
    "in flow style": "--- {Resources: {Key: {Type: AWS::KMS::Key}}}",
    "in flow style after a comma": '--- {Description: a,"Resources": {Key: {Type: AWS::KMS::Key}}}',
    "in flow style that begins as JSON": "{Resources: {Key: {Type: AWS::KMS::Key}}}",
    "the same below a blank line": "\n {\n  Description: a,\n  'Resources': {Key: {Type: AWS::KMS::Key}}}",
    "with a name that is asked for": "? Resources\n: Key: {Type: AWS::KMS::Key}\n",
    "JSON below a comment": '# Otter\n{"Resources": {"Key": {"Type": "AWS::KMS::Key"}}}',
}


@pytest.mark.parametrize("text", ROOTS_IN_YAML.values(), ids=list(ROOTS_IN_YAML))
def test_a_template_is_recognised_however_its_root_is_written(tmp_path: Path, text: str) -> None:
    name = write(tmp_path, "template.yaml", text)
    assert scenarios(checked(name)) == {"Key": OPEN}
    findings = checked(str(tmp_path))
    assert (scenarios(findings), findings.remarks) == ({"Key": OPEN}, [])


def test_the_short_forms_of_yaml_are_read_and_findings_point_at_the_statement(tmp_path: Path) -> None:
    findings = judged_yaml(
        tmp_path,
        """\
        Admin:
          Type: AWS::KMS::Key
          Properties:
            Enabled: yes
            KeyPolicy:
              Version: 2012-10-17
              Statement:
                - {Sid: Nothing, Effect: Deny, Action: "kms:*", Principal: "*", Resource: "*"}
                - !If
                  - Prod
                  - Sid: Administer
                    Effect: Allow
                    Principal: {AWS: !GetAtt AdminRole.Arn}
                    Action: ["kms:Create*", "kms:Delete*", "kms:Put*"]
                    Resource: "*"
                    Condition: {StringLike: {"aws:userId": !Sub "${AdminRole.RoleId}:*"}}
                  - !Ref AWS::NoValue
        AdminRole: {Type: AWS::IAM::Role}
        AdminAlias:
          Type: AWS::KMS::Alias
          Properties: {AliasName: alias/admin, TargetKeyId: !GetAtt Admin.KeyId}
        Text:
          Type: AWS::KMS::Key
          Properties:
            KeyPolicy: |
              {"Statement": {"Effect": "Allow", "Action": "kms:*"}}
        Default:
          Type: AWS::KMS::ReplicaKey
        Late:
          Type: AWS::KMS::Key
          Properties: {KeyPolicy: !Ref Policy}
        """,
    )
    assert scenarios(findings) == {"alias/admin": OUTSIDER, "Text": OPEN, "Default": OPEN}
    assert positions(findings) == [(12, 15), (26, 7), (28, 3)]
    assert [(each.place.line, each.place.column) for each in findings.unjudged] == [(30, 3)]


def test_where_the_policy_did_not_decide_the_finding_points_at_the_key(tmp_path: Path) -> None:
    findings = judged_yaml(
        tmp_path,
        """\
        Idle:
          Type: AWS::KMS::Key
          Properties: {Enabled: no, KeyPolicy: {Statement: [{Effect: Allow, Action: "kms:*"}]}}
        """,
    )
    assert scenarios(findings) == {"Idle": DISABLED}
    assert positions(findings) == [(2, 3)]


def test_a_template_in_json_points_at_the_statement_too(tmp_path: Path) -> None:
    resources = {"Key": key(KeyPolicy=policy({"Effect": "Deny", "Action": "kms:*"}, statement("kms:*")))}
    text = json.dumps({"Resources": {"Bucket": {}, **resources}}, indent=1)
    findings = checked(write(tmp_path, "template.json", text))
    [(line, column)] = positions(findings)
    assert text.splitlines()[line - 1][column - 1 :] == "{"
    assert text.splitlines()[line + 1 - 1].strip() == '"Effect": "Allow",'


def test_yaml_aliases_and_merges_are_read_as_the_aws_cli_packages_them(tmp_path: Path) -> None:
    findings = judged_yaml(
        tmp_path,
        """\
        First:
          Type: AWS::KMS::Key
          Properties: &properties
            KeyPolicy: {Statement: &statements [{Effect: Allow, Action: "kms:*"}]}
        Second: {Type: AWS::KMS::Key, Properties: *properties}
        Third: {Type: AWS::KMS::Key, Properties: {<<: *properties, Enabled: false}}
        """,
    )
    assert scenarios(findings) == {"First": OPEN, "Second": OPEN, "Third": DISABLED}


def test_what_yaml_makes_no_text_of_stays_what_it_is(tmp_path: Path) -> None:
    findings = judged_yaml(
        tmp_path,
        """\
        Key:
          Type: AWS::KMS::Key
          Properties:
            KeyPolicy:
              2012-10-17: 1
              Statement:
                Effect: Allow
                Action: kms:Decrypt
                Condition: {StringLike: {aws:userId: 111122223333}}
        """,
    )
    assert scenarios(findings) == {"Key": UNLIMITED}


def test_a_large_template_is_judged(tmp_path: Path) -> None:
    number = 400
    findings = judged(tmp_path, {f"Key{n}": key(KeyPolicy=USERS_MAY_USE) for n in range(number)})
    assert set(scenarios(findings).values()) == {SEPARATED}
    assert len(findings.judged) == number


def test_names_that_could_forge_a_line_are_shown_in_printable_characters(tmp_path: Path) -> None:
    findings = judged(tmp_path, {"Key\x1b[2J\nforged": key(KeyPolicy=LATE), "A\n": key()})
    assert [each.place.resource for each in findings.unjudged] == ["Key\\x1b[2J\\nforged"]
    assert [finding.reported_id for finding in findings.judged] == ["A\\n"]
