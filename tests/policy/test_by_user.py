"""With `SeparateDutiesBy` = `User`, every action that uses or changes a key is a duty, and no user may have both.

Tables, refusals beside matches. What holds of every policy stands in `test_by_user_laws.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from least_privilege.annotation import annotate
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Verdict, judge
from tests.policy.strategies import Json, policy_text

OPENS_ALL = "wildcard-policy-action-not-compliant"
NOT_LIMITED = "no-user-condition-not-compliant"
BOTH_UNLISTED = "no-separation-of-duty-not-compliant"  # scenario 4
USED = "separation-of-duty-compliant"  # scenario 5
ADMINISTERED = "admin-actions-compliant"  # scenario 6
ADMINISTERED_UNLISTED = "admin-role-not-in-whitelist-not-compliant"  # scenario 7
SHARED = "admin-role-not-allowed-actions-not-compliant"  # scenario 8
SEPARATE = "separate-users-compliant"
NOTHING = "no-scenario-not-compliant"

BY_POLICY = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*"})
BY_USER = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*", "SeparateDutiesBy": "User"})
BY_USER_STRICT = RuleParameters.parse(
    {"Admin_User_Id": "AROAOTTER*", "SeparateDutiesBy": "User", "StrictSeparationOfDuties": "true"}
)

LISTED = "AROAOTTERADMIN:*"
BADGER = "AROABADGER:*"


def verdict(*statements: Json, parameters: RuleParameters = BY_USER) -> Verdict:
    return judge(Facts(policy=policy_text(list(statements))), parameters)


def scenario(*statements: Json, parameters: RuleParameters = BY_USER) -> str:
    return verdict(*statements, parameters=parameters).scenario.name


def to(user_ids: object, operator: str = "StringLike") -> Json:
    return {"Condition": {operator: {"aws:userId": user_ids}}}


def allow(actions: object, user_ids: object = None, **elements: object) -> Json:
    limit = {} if user_ids is None else to(user_ids)
    return {"Effect": "Allow", "Action": actions, **limit, **elements}


def all_but(entries: object, user_ids: object = None) -> Json:
    limit = {} if user_ids is None else to(user_ids)
    return {"Effect": "Allow", "NotAction": entries, **limit}


# --- the groups of actions -----------------------------------------------------------------------------------------

READING, USAGE, ADMINISTRATION = "reading", "usage", "administration"
# What a policy is that allows just that to somebody listed, and to anybody.
TO_SOMEBODY = {READING: NOTHING, USAGE: USED, ADMINISTRATION: ADMINISTERED}
TO_ANYBODY = {READING: NOTHING, USAGE: NOT_LIMITED, ADMINISTRATION: NOT_LIMITED}

# Each group with one of its actions of today, and an action that only begins with its letters, and what that grants.
GROUPS = [
    ("kms:Describe*", READING, "kms:DescribeKey", "kms:DescribeTomorrow", READING),
    ("kms:Get*", READING, "kms:GetPublicKey", "kms:GetTomorrow", READING),
    ("kms:List*", READING, "kms:ListGrants", "kms:ListTomorrow", READING),
    ("kms:Verify*", READING, "kms:VerifyMac", "kms:VerifyTomorrow", READING),
    ("kms:Encrypt", USAGE, "kms:Encrypt", "kms:EncryptTomorrow", ADMINISTRATION),
    ("kms:Decrypt", USAGE, "kms:Decrypt", "kms:DecryptTomorrow", ADMINISTRATION),
    ("kms:ReEncrypt*", USAGE, "kms:ReEncryptFrom", "kms:ReEncryptTomorrow", USAGE),
    ("kms:Generate*", USAGE, "kms:GenerateDataKey", "kms:GenerateTomorrow", USAGE),
    ("kms:Sign", USAGE, "kms:Sign", "kms:SignTomorrow", ADMINISTRATION),
    ("kms:Derive*", USAGE, "kms:DeriveSharedSecret", "kms:DeriveTomorrow", USAGE),
    ("kms:Encapsulate", USAGE, "kms:Encapsulate", "kms:EncapsulateTomorrow", ADMINISTRATION),
    ("kms:Decapsulate", USAGE, "kms:Decapsulate", "kms:DecapsulateTomorrow", ADMINISTRATION),
    ("kms:Cancel*", ADMINISTRATION, "kms:CancelKeyDeletion", "kms:CancelTomorrow", ADMINISTRATION),
    ("kms:Connect*", ADMINISTRATION, "kms:ConnectCustomKeyStore", "kms:ConnectTomorrow", ADMINISTRATION),
    ("kms:Create*", ADMINISTRATION, "kms:CreateGrant", "kms:CreateTomorrow", ADMINISTRATION),
    ("kms:Delete*", ADMINISTRATION, "kms:DeleteAlias", "kms:DeleteTomorrow", ADMINISTRATION),
    ("kms:Disable*", ADMINISTRATION, "kms:DisableKey", "kms:DisableTomorrow", ADMINISTRATION),
    ("kms:Disconnect*", ADMINISTRATION, "kms:DisconnectCustomKeyStore", "kms:DisconnectTomorrow", ADMINISTRATION),
    ("kms:Enable*", ADMINISTRATION, "kms:EnableKeyRotation", "kms:EnableTomorrow", ADMINISTRATION),
    ("kms:Import*", ADMINISTRATION, "kms:ImportKeyMaterial", "kms:ImportTomorrow", ADMINISTRATION),
    ("kms:Put*", ADMINISTRATION, "kms:PutKeyPolicy", "kms:PutTomorrow", ADMINISTRATION),
    ("kms:Replicate*", ADMINISTRATION, "kms:ReplicateKey", "kms:ReplicateTomorrow", ADMINISTRATION),
    ("kms:Retire*", ADMINISTRATION, "kms:RetireGrant", "kms:RetireTomorrow", ADMINISTRATION),
    ("kms:Revoke*", ADMINISTRATION, "kms:RevokeGrant", "kms:RevokeTomorrow", ADMINISTRATION),
    ("kms:Rotate*", ADMINISTRATION, "kms:RotateKeyOnDemand", "kms:RotateTomorrow", ADMINISTRATION),
    ("kms:Schedule*", ADMINISTRATION, "kms:ScheduleKeyDeletion", "kms:ScheduleTomorrow", ADMINISTRATION),
    ("kms:Synchronize*", ADMINISTRATION, "kms:SynchronizeMultiRegionKey", "kms:SynchronizeTomorrow", ADMINISTRATION),
    ("kms:Tag*", ADMINISTRATION, "kms:TagResource", "kms:TagTomorrow", ADMINISTRATION),
    ("kms:Untag*", ADMINISTRATION, "kms:UntagResource", "kms:UntagTomorrow", ADMINISTRATION),
    ("kms:Update*", ADMINISTRATION, "kms:UpdateAlias", "kms:UpdateTomorrow", ADMINISTRATION),
]
GROUP_NAMES = [group for group, *_ in GROUPS]


@pytest.mark.parametrize(("group", "duty", "today", "tomorrow", "duty_of_tomorrow"), GROUPS, ids=GROUP_NAMES)
def test_an_action_belongs_to_the_duty_of_its_group(
    group: str, duty: str, today: str, tomorrow: str, duty_of_tomorrow: str
) -> None:
    for entry, expected in ((group, duty), (today, duty), (today.upper(), duty), (tomorrow, duty_of_tomorrow)):
        assert scenario(allow(entry, LISTED)) == TO_SOMEBODY[expected], entry
        assert scenario(allow([entry])) == TO_ANYBODY[expected], entry


@pytest.mark.parametrize(("group", "duty"), [row[:2] for row in GROUPS], ids=GROUP_NAMES)
def test_a_not_action_grants_the_group_that_it_does_not_name(group: str, duty: str) -> None:
    others = [name for name in GROUP_NAMES if name != group]
    assert scenario(all_but(others, LISTED)) == TO_SOMEBODY[duty]
    assert scenario(all_but(others)) == TO_ANYBODY[duty]


NOT_ACTIONS = [
    # an exception covers a group by its letters, not by naming its actions of today
    ([*(name for name in GROUP_NAMES if name != "kms:Tag*"), "kms:TagResource"], ADMINISTRATION),
    ([*(name for name in GROUP_NAMES if name != "kms:Tag*"), "kms:Tag?*"], ADMINISTRATION),
    ([*(name for name in GROUP_NAMES if name != "kms:Tag*"), "kms:Ta*"], READING),
    ([*(name for name in GROUP_NAMES if name != "kms:Sign"), "kms:Sig?"], READING),
    ([*(name for name in GROUP_NAMES if name != "kms:Sign"), "kms:Sign*"], READING),
    ([*(name for name in GROUP_NAMES if name != "kms:Sign"), "kms:Sign?"], USAGE),
    ([*(name for name in GROUP_NAMES if name != "kms:Sign"), "kms:sIGN"], READING),
    (["kms:*"], READING),
    (["kms:?*"], READING),
]


@pytest.mark.parametrize(("entries", "duty"), NOT_ACTIONS)
def test_an_exception_covers_a_group_by_its_letters(entries: list[str], duty: str) -> None:
    assert scenario(all_but(entries, LISTED)) == TO_SOMEBODY[duty]


# Of the groups, SeparateDutiesBy = Policy knows these five; all else is not a duty to it.
OF_THE_POST = ("kms:Encrypt", "kms:Decrypt", "kms:Create*", "kms:Delete*", "kms:Put*")


@pytest.mark.parametrize("group", GROUP_NAMES)
def test_by_policy_only_the_five_of_the_post_are_duties(group: str) -> None:
    expected = NOT_LIMITED if group in OF_THE_POST else NOTHING
    assert scenario(allow(group), parameters=BY_POLICY) == expected


# --- patterns that grant several groups, or none --------------------------------------------------------------------

BOTH = "both"
ENTRIES = [
    # one duty
    ("kms:*Mac", USAGE),
    ("kms:*Random", USAGE),
    ("kms:*crypt", USAGE),
    ("kms:?eEncrypt", USAGE),
    ("kms:?eEncryptFrom", USAGE),
    ("kms:S?gn", USAGE),
    ("kms:*psulate", USAGE),
    ("kms:*Grant", ADMINISTRATION),
    ("kms:*KeyMaterial", ADMINISTRATION),
    ("kms:*nchronize*", ADMINISTRATION),
    ("*:*Deletion", ADMINISTRATION),
    ("k*Rotation", ADMINISTRATION),
    ("kms:Creat*", ADMINISTRATION),
    ("kms:Create", ADMINISTRATION),
    ("kms:Create?", ADMINISTRATION),
    ("kms:R*", BOTH),
    ("kms:En*", BOTH),
    ("kms:D*", BOTH),
    ("kms:S*", BOTH),
    ("kms:*Key*", BOTH),
    ("kms:??*", BOTH),
    # reading beside a duty
    ("kms:G*", USAGE),
    ("kms:*Key", BOTH),
    ("kms:*Aliases", READING),
    ("kms:*KeyPolicy", ADMINISTRATION),
    # reading alone
    ("kms:L*", READING),
    ("kms:*Policies", READING),
    ("kms:*Status", READING),
    ("kms:V*", READING),
    ("kms:Get", READING),
    ("kms:Get?", READING),
    # what nobody knows
    ("kms:", ADMINISTRATION),
    ("kms:*:*", ADMINISTRATION),
    ("kms:Transmogrify", ADMINISTRATION),
    ("kms:Trans*", ADMINISTRATION),
    ("KMS:X", ADMINISTRATION),
    ("kms:??", ADMINISTRATION),
    ("kms:Ge?", ADMINISTRATION),
    ("kms:*Tomorrow", ADMINISTRATION),
    ("kms:Encrypt?", ADMINISTRATION),
    ("kms:EncryptFrom", ADMINISTRATION),
    ("kms:[ED]ncrypt", ADMINISTRATION),
    ("*Object", ADMINISTRATION),
    ("?ms:GetObject*", ADMINISTRATION),
    ("k*x", ADMINISTRATION),
    ("????Tomorrow", ADMINISTRATION),
    # what cannot begin with `kms:` is not of KMS
    ("", READING),
    ("k", READING),
    ("kms", READING),
    ("???", READING),
    ("kmsx:*", READING),
    ("s3:*", READING),
    ("s*", READING),
    ("s3:GetObject", READING),
    ("?3:*", READING),
    ("Encrypt", READING),
]


@pytest.mark.parametrize(("entry", "duty"), ENTRIES)
def test_an_entry_grants_a_duty_of_every_group_that_it_reaches_into(entry: str, duty: str) -> None:
    assert scenario(allow(entry, LISTED)) == {**TO_SOMEBODY, BOTH: SHARED}[duty]
    assert scenario(allow(entry)) == {**TO_ANYBODY, BOTH: NOT_LIMITED}[duty]


@pytest.mark.parametrize("entry", ["kms:*", "*", "k*", "kms:?*", "kms:**", "?*", "KMS:*"])
def test_what_opens_all_is_still_opened(entry: str) -> None:
    assert scenario(allow(entry, LISTED)) == OPENS_ALL


@pytest.mark.parametrize("entries", [[], "s3:*", ["s3:*", "kms", ""]])
def test_a_not_action_that_leaves_all_of_kms_still_opens_all(entries: object) -> None:
    assert scenario(all_but(entries, LISTED)) == OPENS_ALL


def test_an_unknown_action_beside_known_ones_is_administration() -> None:
    assert scenario(allow(["kms:Decrypt", "kms:Transmogrify"], BADGER)) == BOTH_UNLISTED
    assert scenario(allow(["kms:DescribeKey", "kms:Transmogrify"], LISTED)) == ADMINISTERED
    assert "kms:Transmogrify" in annotate(verdict(allow(["kms:Sign", "kms:Transmogrify"], BADGER)), "alias/testkey")


def test_a_deny_grants_nothing() -> None:
    assert scenario(allow(["kms:Tag*", "kms:Sign", "kms:*"], Effect="Deny")) == NOTHING
    assert scenario(allow("kms:Sign", BADGER), allow("kms:Tag*", Effect="Deny")) == USED


# --- grants for AWS services ---------------------------------------------------------------------------------------

YES = True
NO = False

GRANTS = [
    # operator
    ("Bool", "kms:GrantIsForAWSResource", "true", YES),
    ("bool", "kms:GrantIsForAWSResource", "true", YES),
    ("BOOL", "kms:GrantIsForAWSResource", "true", YES),
    ("BoolIfExists", "kms:GrantIsForAWSResource", "true", NO),
    ("ForAnyValue:Bool", "kms:GrantIsForAWSResource", "true", NO),
    ("ForAllValues:Bool", "kms:GrantIsForAWSResource", "true", NO),
    ("Null", "kms:GrantIsForAWSResource", "true", NO),
    ("StringEquals", "kms:GrantIsForAWSResource", "true", NO),
    ("Bool ", "kms:GrantIsForAWSResource", "true", NO),
    # key
    ("Bool", "kms:grantisforawsresource", "true", YES),
    ("Bool", "KMS:GRANTISFORAWSRESOURCE", "true", YES),
    ("Bool", "kms:GrantIsForAWSResource ", "true", NO),
    ("Bool", "kms:GrantIsForAWSResources", "true", NO),
    ("Bool", "\N{KELVIN SIGN}ms:GrantIsForAWSResource", "true", NO),
    ("Bool", "aws:SecureTransport", "true", NO),
    # value
    ("Bool", "kms:GrantIsForAWSResource", "True", YES),
    ("Bool", "kms:GrantIsForAWSResource", "TRUE", YES),
    ("Bool", "kms:GrantIsForAWSResource", "tRuE", YES),
    ("Bool", "kms:GrantIsForAWSResource", True, YES),
    ("Bool", "kms:GrantIsForAWSResource", ["true"], YES),
    ("Bool", "kms:GrantIsForAWSResource", ["true", True, "TRUE"], YES),
    ("Bool", "kms:GrantIsForAWSResource", "false", NO),
    ("Bool", "kms:GrantIsForAWSResource", False, NO),
    ("Bool", "kms:GrantIsForAWSResource", ["true", "false"], NO),
    ("Bool", "kms:GrantIsForAWSResource", [True, False], NO),
    ("Bool", "kms:GrantIsForAWSResource", ["true", None], NO),
    ("Bool", "kms:GrantIsForAWSResource", [], NO),
    ("Bool", "kms:GrantIsForAWSResource", [["true"]], NO),
    ("Bool", "kms:GrantIsForAWSResource", {"true": True}, NO),
    ("Bool", "kms:GrantIsForAWSResource", "", NO),
    ("Bool", "kms:GrantIsForAWSResource", " true", NO),
    ("Bool", "kms:GrantIsForAWSResource", "true\n", NO),
    ("Bool", "kms:GrantIsForAWSResource", "t*", NO),
    ("Bool", "kms:GrantIsForAWSResource", "${aws:SecureTransport}", NO),
    ("Bool", "kms:GrantIsForAWSResource", "yes", NO),
    ("Bool", "kms:GrantIsForAWSResource", "1", NO),
    ("Bool", "kms:GrantIsForAWSResource", 1, NO),
    ("Bool", "kms:GrantIsForAWSResource", 1.0, NO),
    ("Bool", "kms:GrantIsForAWSResource", None, NO),
]


@pytest.mark.parametrize(("operator", "key", "value", "only_for_services"), GRANTS)
def test_a_grant_for_services_alone_is_usage(
    operator: str, key: str, value: object, *, only_for_services: bool
) -> None:
    condition = {"StringLike": {"aws:userId": BADGER}, operator: {key: value}}
    statement = allow("kms:CreateGrant", Condition=condition)
    assert scenario(statement) == (USED if only_for_services else ADMINISTERED_UNLISTED)


FOR_SERVICES = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
TO_BADGER_FOR_SERVICES = {"Condition": {"StringLike": {"aws:userId": BADGER}, **FOR_SERVICES}}
GRANTING_FOR_SERVICES = [
    pytest.param(allow(["kms:*Grant", "kms:ListGrants"], **TO_BADGER_FOR_SERVICES), USED, id="as the console writes"),
    pytest.param(allow("kms:PutKeyPolicy", **TO_BADGER_FOR_SERVICES), USED, id="whatever it grants"),
    pytest.param(allow("kms:Transmogrify", **TO_BADGER_FOR_SERVICES), USED, id="even an unknown action"),
    pytest.param({**all_but("kms:Put*"), **TO_BADGER_FOR_SERVICES}, USED, id="and by NotAction"),
    pytest.param(allow("kms:ListGrants", Condition=FOR_SERVICES), NOTHING, id="reading stays reading"),
    pytest.param(allow("kms:CreateGrant", Condition=FOR_SERVICES), NOT_LIMITED, id="it needs a user condition too"),
    pytest.param(allow("kms:*", **TO_BADGER_FOR_SERVICES), OPENS_ALL, id="what opens all still does"),
]


@pytest.mark.parametrize(("statement", "expected"), GRANTING_FOR_SERVICES)
def test_whatever_duty_is_granted_for_services_alone_is_usage(statement: Json, expected: str) -> None:
    assert scenario(statement) == expected


def test_a_user_of_grants_for_services_must_not_administer() -> None:
    creating = allow("kms:CreateGrant", **TO_BADGER_FOR_SERVICES)
    assert scenario(creating, allow("kms:Put*", LISTED)) == SEPARATE
    to_listed = {**creating, "Condition": {"StringLike": {"aws:userId": LISTED}, **FOR_SERVICES}}
    assert scenario(to_listed, allow("kms:Put*", LISTED)) == SHARED


def test_by_policy_a_grant_for_services_is_administration_like_any_other() -> None:
    statement = allow(["kms:Create*", "kms:Delete*", "kms:Put*"], **TO_BADGER_FOR_SERVICES)
    assert scenario(statement, parameters=BY_POLICY) == ADMINISTERED_UNLISTED
    assert scenario(statement) == USED


# --- services' own resources ---------------------------------------------------------------------------------------

OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
S3 = {"Service": "s3.amazonaws.com"}


def by_service(condition: object, principal: object = S3, actions: object = "kms:GenerateDataKey") -> Json:
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Condition": condition}


PRINCIPALS: list[tuple[Any, bool]] = [
    ({"Service": "s3.amazonaws.com"}, YES),
    ({"Service": ["s3.amazonaws.com", "logs.us-east-1.amazonaws.com"]}, YES),
    ({"Service": "*"}, YES),
    ({"Service": "s3.amazonaws.com", "AWS": "*"}, NO),
    ({"Service": "s3.amazonaws.com", "Federated": "x"}, NO),
    ({"Service": "s3.amazonaws.com", "service": "s3.amazonaws.com"}, NO),
    ({"AWS": "s3.amazonaws.com"}, NO),
    ({"service": "s3.amazonaws.com"}, NO),
    ({"SERVICE": "s3.amazonaws.com"}, NO),
    ({"Service ": "s3.amazonaws.com"}, NO),
    ({}, NO),
    ("s3.amazonaws.com", NO),
    ("Service", NO),
    (["Service"], NO),
    ([{"Service": "s3.amazonaws.com"}], NO),
    ("*", NO),
    (None, NO),
]


@pytest.mark.parametrize(("principal", "limited"), PRINCIPALS)
def test_only_a_principal_of_services_alone_can_be_limited_to_their_resources(
    principal: object, *, limited: bool
) -> None:
    assert scenario(by_service(OWN_ACCOUNT, principal)) == (USED if limited else NOT_LIMITED)


def test_a_not_principal_of_services_is_not_limited_to_their_resources() -> None:
    statement = {"Effect": "Allow", "NotPrincipal": S3, "Action": "kms:Sign", "Condition": OWN_ACCOUNT}
    assert scenario(statement) == NOT_LIMITED
    assert scenario({"Effect": "Allow", "Action": "kms:Sign", "Condition": OWN_ACCOUNT}) == NOT_LIMITED


OPERATORS = [
    ("StringEquals", YES),
    ("StringLike", YES),
    ("ArnEquals", YES),
    ("ArnLike", YES),
    ("ForAnyValue:StringEquals", YES),
    ("ForAnyValue:StringLike", YES),
    ("ForAnyValue:ArnEquals", YES),
    ("ForAnyValue:ArnLike", YES),
    ("arnlike", YES),
    ("FORANYVALUE:STRINGEQUALS", YES),
    ("StringEqualsIgnoreCase", NO),
    ("ForAnyValue:StringEqualsIgnoreCase", NO),
    ("StringEqualsIfExists", NO),
    ("StringLikeIfExists", NO),
    ("ArnLikeIfExists", NO),
    ("ArnEqualsIfExists", NO),
    ("ForAllValues:StringEquals", NO),
    ("ForAllValues:ArnLike", NO),
    ("ForAnyValue:ForAnyValue:StringLike", NO),
    ("ForAnyValue:", NO),
    ("StringNotEquals", NO),
    ("StringNotLike", NO),
    ("ArnNotLike", NO),
    ("NumericEquals", NO),
    ("Null", NO),
    ("Bool", NO),
    ("StringEquals ", NO),
    ("", NO),
]


@pytest.mark.parametrize(("operator", "limited"), OPERATORS)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:SourceAccount", "111122223333"),
        ("aws:SourceArn", "arn:aws:s3:us-east-1:111122223333:x"),
        ("aws:SourceOrgID", "o-otters"),
        ("kms:EncryptionContext:aws:logs:arn", "arn:aws:logs:us-east-1:111122223333:log-group:*"),
    ],
)
def test_only_these_operators_limit_to_a_source(operator: str, key: str, value: str, *, limited: bool) -> None:
    assert scenario(by_service({operator: {key: value}})) == (USED if limited else NOT_LIMITED)


OF_AN_ACCOUNT = ":111122223333:"
SOURCES: list[tuple[str, Any, bool]] = [
    # an account: twelve digits, nothing else
    ("aws:SourceAccount", "111122223333", YES),
    ("AWS:sourceaccount", "111122223333", YES),
    ("aws:SourceAccount", "000000000000", YES),
    ("aws:SourceAccount", ["111122223333", "444455556666"], YES),
    ("aws:SourceAccount", ["111122223333", "*"], NO),
    ("aws:SourceAccount", [], NO),
    ("aws:SourceAccount", "", NO),
    ("aws:SourceAccount", "*", NO),
    ("aws:SourceAccount", "1111222233??", NO),
    ("aws:SourceAccount", "11112222333", NO),
    ("aws:SourceAccount", "1111222233334", NO),
    ("aws:SourceAccount", "111122223333*", NO),
    ("aws:SourceAccount", " 111122223333", NO),
    ("aws:SourceAccount", "111122223333\n", NO),
    ("aws:SourceAccount", "1111-2222-3333", NO),
    ("aws:SourceAccount", "11112222333\N{ARABIC-INDIC DIGIT THREE}", NO),
    ("aws:SourceAccount", OF_AN_ACCOUNT, NO),
    ("aws:SourceAccount", 111122223333, NO),
    ("aws:SourceAccount", ["111122223333", 444455556666], NO),
    ("aws:SourceAccount", ["111122223333", None], NO),
    ("aws:SourceAccount", True, NO),
    ("aws:SourceAccount", {"111122223333": 1}, NO),
    ("aws:SourceAccount", [["111122223333"]], NO),
    ("aws:SourceAccount", "${aws:PrincipalAccount}", NO),
    # the ARN of a resource: it names an account
    ("aws:SourceArn", "arn:aws:s3:us-east-1:111122223333:bucket", YES),
    ("aws:SOURCEARN", "arn:aws:s3:us-east-1:111122223333:bucket", YES),
    ("aws:SourceArn", "arn:*:*:*:111122223333:*", YES),
    ("aws:SourceArn", OF_AN_ACCOUNT, YES),
    ("aws:SourceArn", "*:111122223333:*", YES),
    ("aws:SourceArn", "arn:${*}:111122223333:x${$}${?}", YES),
    ("aws:SourceArn", "arn:\n:111122223333:", YES),
    ("aws:SourceArn", ["arn:aws:s3:::a:111122223333:", "arn:aws:s3:::b:111122223333:"], YES),
    ("aws:SourceArn", ["arn:aws:s3:us-east-1:111122223333:bucket", "arn:aws:s3:::bucket"], NO),
    ("aws:SourceArn", "arn:aws:s3:::bucket", NO),
    ("aws:SourceArn", "111122223333", NO),
    ("aws:SourceArn", "arn:111122223333", NO),
    ("aws:SourceArn", "111122223333:arn", NO),
    ("aws:SourceArn", "arn:1111222233334:x", NO),
    ("aws:SourceArn", "arn:11112222333:x", NO),
    ("aws:SourceArn", "arn:11112222????:x", NO),
    ("aws:SourceArn", "arn:*111122223333:x", NO),
    ("aws:SourceArn", "arn:" + "\N{ARABIC-INDIC DIGIT ONE}" * 12 + ":x", NO),
    ("aws:SourceArn", "arn:${aws:region}:111122223333:x", NO),
    ("aws:SourceArn", "arn:aws:111122223333:${aws:username}", NO),
    ("aws:SourceArn", "arn:aws:111122223333:$${$}{aws:username}", YES),
    ("aws:SourceArn", [], NO),
    ("aws:SourceArn", [111122223333], NO),
    # an encryption context: its value names an account
    ("kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:us-east-1:111122223333:bucket", YES),
    ("KMS:encryptioncontext:x", OF_AN_ACCOUNT, YES),
    ("kms:EncryptionContext:", OF_AN_ACCOUNT, YES),
    ("kms:EncryptionContext", OF_AN_ACCOUNT, NO),
    ("kms:EncryptionContextKeys", OF_AN_ACCOUNT, NO),
    ("kms:EncryptionContextKeys:x", OF_AN_ACCOUNT, NO),
    (" kms:EncryptionContext:x", OF_AN_ACCOUNT, NO),
    ("\N{KELVIN SIGN}ms:EncryptionContext:x", OF_AN_ACCOUNT, NO),
    ("kms:EncryptionContext:x", "111122223333", NO),
    ("kms:EncryptionContext:x", "*", NO),
    ("kms:EncryptionContext:111122223333:", "*", NO),
    ("kms:EncryptionContext:x", [OF_AN_ACCOUNT, "x"], NO),
    ("kms:EncryptionContext:x", ":111122223333:${aws:username}", NO),
    ("kms:EncryptionContext:aws:SourceAccount", "111122223333", NO),
    # an organization: its id begins with `o-`
    ("aws:SourceOrgID", "o-otters", YES),
    ("aws:sourceorgid", "o-otters", YES),
    ("aws:SourceOrgID", ["o-otters", "o-badgers"], YES),
    ("aws:SourceOrgID", "o-", YES),
    ("aws:SourceOrgID", "o-two\nlines", YES),
    ("aws:SourceOrgID", "O-otters", NO),
    ("aws:SourceOrgID", "otters", NO),
    ("aws:SourceOrgID", " o-otters", NO),
    ("aws:SourceOrgID", "o-*", NO),
    ("aws:SourceOrgID", "o-otter?", NO),
    ("aws:SourceOrgID", "o-two\nlines*", NO),
    ("aws:SourceOrgID", "o-otter$", NO),
    ("aws:SourceOrgID", "o-${*}", NO),
    ("aws:SourceOrgID", "o-${aws:x}", NO),
    ("aws:SourceOrgID", ["o-otters", "o-*"], NO),
    ("aws:SourceOrgID", [], NO),
    ("aws:SourceOrgID", 5, NO),
    # other keys, however like these
    ("aws:SourceOrgPaths", "o-otters/r-x/", NO),
    ("aws:PrincipalOrgID", "o-otters", NO),
    ("aws:ResourceAccount", "111122223333", NO),
    ("aws:PrincipalAccount", "111122223333", NO),
    ("kms:CallerAccount", "111122223333", NO),
    ("kms:ViaService", OF_AN_ACCOUNT, NO),
    ("aws:SourceAccount ", "111122223333", NO),
    ("SourceAccount", "111122223333", NO),
    ("aws:SourceAccounts", "111122223333", NO),
    ("", "111122223333", NO),
]


@pytest.mark.parametrize(("key", "value", "limited"), SOURCES)
@pytest.mark.parametrize("operator", ["StringEquals", "ArnLike"])
def test_only_these_values_limit_to_a_source(operator: str, key: str, value: object, *, limited: bool) -> None:
    assert scenario(by_service({operator: {key: value}})) == (USED if limited else NOT_LIMITED)


FOR_NOBODY = {"StringEquals": {"aws:SourceAccount": "*"}}
WITH_SERVICES = [
    pytest.param([by_service(OWN_ACCOUNT)], USED, id="usage alone"),
    pytest.param([by_service(OWN_ACCOUNT), allow("kms:Put*", LISTED)], SEPARATE, id="it shares no user"),
    pytest.param(
        [by_service(OWN_ACCOUNT), allow("kms:Put*", BADGER)], BOTH_UNLISTED, id="users still have to be listed"
    ),
    pytest.param(
        [by_service({**OWN_ACCOUNT, "ArnLike": {"aws:SourceArn": "*"}})], USED, id="one of two conditions limits"
    ),
    pytest.param(
        [by_service({"StringLike": {"aws:SourceArn": "*", "aws:SourceAccount": "111122223333"}})],
        USED,
        id="one of two keys limits",
    ),
    pytest.param([by_service(OWN_ACCOUNT, actions="kms:PutKeyPolicy")], NOT_LIMITED, id="administration cannot be"),
    pytest.param([by_service(OWN_ACCOUNT, actions="kms:CreateGrant")], NOT_LIMITED, id="nor can a grant"),
    pytest.param([by_service(OWN_ACCOUNT, actions=["kms:Sign", "kms:Tag*"])], NOT_LIMITED, id="nor usage beside it"),
    pytest.param([by_service(OWN_ACCOUNT, actions="kms:Tomorrow")], NOT_LIMITED, id="nor an unknown action"),
    pytest.param([by_service(OWN_ACCOUNT, actions="kms:*")], OPENS_ALL, id="nor everything"),
    pytest.param(
        [by_service({**OWN_ACCOUNT, **FOR_SERVICES}, actions="kms:CreateGrant")], USED, id="a grant for services can be"
    ),
    pytest.param([by_service(FOR_NOBODY)], NOT_LIMITED, id="no source at all"),
    pytest.param([by_service({}, actions="kms:DescribeKey")], NOTHING, id="reading needs none"),
    pytest.param([by_service(OWN_ACCOUNT), by_service(FOR_NOBODY)], NOT_LIMITED, id="each statement needs its own"),
    # a user condition beside the source
    pytest.param(
        [by_service({**OWN_ACCOUNT, "StringLike": {"aws:userId": LISTED}}), allow("kms:Put*", LISTED)],
        SHARED,
        id="its user ids count",
    ),
    pytest.param(
        [by_service({**OWN_ACCOUNT, "StringLike": {"aws:userId": "*"}}), allow("kms:Put*", LISTED)],
        SEPARATE,
        id="its user ids that limit nobody do not count",
    ),
    pytest.param(
        [by_service({"StringLike": {"aws:userId": BADGER}}, actions="kms:Put*")],
        ADMINISTERED_UNLISTED,
        id="a user condition alone is one",
    ),
]


@pytest.mark.parametrize(("statements", "expected"), WITH_SERVICES)
def test_a_statement_for_services(statements: list[Json], expected: str) -> None:
    assert scenario(*statements) == expected


@pytest.mark.parametrize("condition", [OWN_ACCOUNT, {"ArnLike": {"aws:SourceArn": "arn:*:111122223333:*"}}])
def test_by_policy_a_service_needs_a_user_condition_like_everybody(condition: Json) -> None:
    statement = by_service(condition, actions="kms:Encrypt")
    assert scenario(statement, parameters=BY_POLICY) == NOT_LIMITED
    assert scenario(statement) == USED


# --- users with both duties ----------------------------------------------------------------------------------------

LIKE, EQUALS, IGNORE_CASE = "StringLike", "StringEquals", "StringEqualsIgnoreCase"
USERS = [
    # operator and user ids of who uses the key, and of who administers it
    (LIKE, "AROABADGER:*", LIKE, "AROAOTTER:*", SEPARATE),
    (LIKE, "AROAOTTER:*", LIKE, "AROAOTTER:*", SHARED),
    (LIKE, "AROAOTTER:a", LIKE, "AROAOTTER:b", SEPARATE),
    (LIKE, "AROAOTTER:a", LIKE, "AROAOTTER:a", SHARED),
    (LIKE, "AROAOTTER:a", LIKE, "AROAOTTER:*", SHARED),
    (LIKE, "AROAOTTER:*", LIKE, "AROAOTTER:a", SHARED),
    (LIKE, "AROAO*", LIKE, "AROAOTTER:a", SHARED),
    (LIKE, "AROAOTTER", LIKE, "AROAOTTER:*", SEPARATE),
    (LIKE, "AROAOTTERX:*", LIKE, "AROAOTTERY:*", SEPARATE),
    (LIKE, "AROAOTTER?:a", LIKE, "AROAOTTERX:*", SHARED),
    (LIKE, "AROAOTTER?:a", LIKE, "AROAOTTER:a*", SEPARATE),
    (LIKE, "AROAOTTER?:a", LIKE, "AROAOTTER:*", SHARED),  # "AROAOTTER::a"
    (LIKE, "AROAOTTER:a*", LIKE, "AROAOTTER:*e", SHARED),
    (LIKE, "AROAOTTER:a*", LIKE, "AROAOTTER:b*", SEPARATE),
    (LIKE, "AROAOTTER:a*c", LIKE, "AROAOTTER:ab*", SHARED),
    (LIKE, "AROAOTTER:*a", LIKE, "AROAOTTER:*b", SEPARATE),
    (LIKE, "AROA?*TTER:*", LIKE, "AROAOTTER:*", NOT_LIMITED),
    # a `*` is a pattern's, whichever the operator
    (EQUALS, "AROAOTTER:*", LIKE, "AROAOTTER:a", SHARED),
    (LIKE, "AROAOTTER:a", EQUALS, "AROAOTTER:*", SHARED),
    (EQUALS, "AROAOTTER:a*", EQUALS, "AROAOTTER:*e", SHARED),
    (EQUALS, "AROAOTTER:a", EQUALS, "AROAOTTER:b", SEPARATE),
    # some of several
    (LIKE, ["AROABADGER:*", "AROAOTTER:a"], LIKE, ["AROAOTTERX:*", "AROAOTTER:*"], SHARED),
    (LIKE, ["AROABADGER:*", "AROAOTTER:a"], LIKE, ["AROAOTTERX:*", "AROAOTTER:b"], SEPARATE),
    # plain characters are not wildcards
    (LIKE, "AROAOTTER:${*}", LIKE, "AROAOTTER:a", SEPARATE),
    (LIKE, "AROAOTTER:${*}", LIKE, "AROAOTTER:${*}", SHARED),
    (LIKE, "AROAOTTER:${*}", LIKE, "AROAOTTER:${?}", SEPARATE),
    (LIKE, "AROAOTTER:${?}", LIKE, "AROAOTTER:?", SHARED),
    # upper and lower case
    (LIKE, "AROAOTTER:Alice", LIKE, "AROAOTTER:alice", SEPARATE),
    (EQUALS, "AROAOTTER:Alice", EQUALS, "AROAOTTER:alice", SEPARATE),
    (IGNORE_CASE, "AROAOTTER:Alice", LIKE, "AROAOTTER:alice", SHARED),
    (IGNORE_CASE, "aroaotter:ALICE", LIKE, "AROAOTTER:alice", SHARED),
    (LIKE, "AROAOTTER:Alice", IGNORE_CASE, "AROAOTTER:alice", SHARED),
    (EQUALS, "aroaotter:alice", IGNORE_CASE, "AROAOTTER:ALICE", SHARED),
    (IGNORE_CASE, "aroaotter:alice", IGNORE_CASE, "AROAOTTER:ALICE", SHARED),
    (IGNORE_CASE, "aroaotter:a*", LIKE, "AROAOTTER:*E", SHARED),
    (IGNORE_CASE, "aroaotter:a", IGNORE_CASE, "AROAOTTER:B", SEPARATE),
    ("ForAnyValue:stringEqualsignorecase", "AROAOTTER:Alice", LIKE, "AROAOTTER:alice", SHARED),
    ("ForAnyValue:StringLike", "AROAOTTER:Alice", "ForAnyValue:StringEquals", "AROAOTTER:alice", SEPARATE),
    (IGNORE_CASE, "AROAOTTER:\N{KELVIN SIGN}", LIKE, "AROAOTTER:k", SEPARATE),
    (IGNORE_CASE, "AROAOTTER:${*}", LIKE, "AROAOTTER:a", SEPARATE),
    (IGNORE_CASE, "aroaotter:${*}", LIKE, "AROAOTTER:?", SHARED),
    (IGNORE_CASE, "AROAOTTER:\u00c4", LIKE, "AROAOTTER:\u00e4", SEPARATE),
    (IGNORE_CASE, "AROAOTTER:\u00c4b", LIKE, "AROAOTTER:\u00c4B", SHARED),
]


@pytest.mark.parametrize(("using", "users", "administering", "administrators", "expected"), USERS)
def test_a_user_id_that_both_duties_could_have_is_shared(
    using: str, users: object, administering: str, administrators: object, expected: str
) -> None:
    statements = [
        {"Effect": "Allow", "Action": "kms:Sign", **to(users, using)},
        {"Effect": "Allow", "Action": "kms:TagResource", **to(administrators, administering)},
    ]
    assert scenario(*statements) == scenario(*reversed(statements)) == expected


SEVERAL_CONDITIONS = [
    # the user ids of every condition that counts are of the statement
    ({LIKE: {"aws:userId": BADGER}, IGNORE_CASE: {"aws:userId": "AROAOTTER:ALICE"}}, "AROAOTTER:alice", SHARED),
    ({LIKE: {"aws:userId": BADGER}, IGNORE_CASE: {"aws:userId": "AROAOTTER:BOB"}}, "AROAOTTER:alice", SEPARATE),
    # only those under an operator that ignores case ignore it
    ({LIKE: {"aws:userId": "AROAOTTER:ALICE"}, IGNORE_CASE: {"aws:userId": BADGER}}, "AROAOTTER:alice", SEPARATE),
    ({LIKE: {"aws:userId": "AROAOTTER:A"}, IGNORE_CASE: {"aws:userId": "AROAOTTER:A"}}, "AROAOTTER:a", SHARED),
    # a condition that does not count has none
    ({LIKE: {"aws:userId": BADGER}, EQUALS: {"aws:userId": ["AROAOTTER:alice", ""]}}, "AROAOTTER:alice", SEPARATE),
    ({LIKE: {"aws:userId": BADGER}, "StringLikeIfExists": {"aws:userId": "*"}}, "AROAOTTER:alice", SEPARATE),
    ({LIKE: {"aws:userId": BADGER, "aws:username": "AROAOTTER:alice"}}, "AROAOTTER:alice", SEPARATE),
]


@pytest.mark.parametrize(("condition", "administrator", "expected"), SEVERAL_CONDITIONS)
def test_the_user_ids_of_all_conditions_that_count_can_be_shared(
    condition: Json, administrator: str, expected: str
) -> None:
    using = allow("kms:GenerateDataKey", Condition=condition)
    assert scenario(using, allow("kms:Put*", administrator)) == expected


def test_one_statement_with_both_duties_shares_all_its_users() -> None:
    assert scenario(allow(["kms:Sign", "kms:Put*"], LISTED)) == SHARED
    assert scenario(allow(["kms:Sign", "kms:Put*"], BADGER)) == BOTH_UNLISTED
    assert scenario(allow("kms:Sign", BADGER), allow("kms:Put*", LISTED), allow("kms:R*", LISTED)) == SHARED


# --- the table of results ------------------------------------------------------------------------------------------

USING = allow("kms:Sign", BADGER)
ADMINISTERING = allow("kms:TagResource", LISTED)
UNLISTED = allow("kms:TagResource", "AROASEAL:*")
RESULTS = [
    # usage and administration, administrators not all listed; whoever shares what
    pytest.param([USING, UNLISTED], BOTH_UNLISTED, "NON_COMPLIANT", id="4: no user both"),
    pytest.param([USING, allow("kms:Put*", BADGER)], BOTH_UNLISTED, "NON_COMPLIANT", id="4: a user both"),
    pytest.param([USING, ADMINISTERING, UNLISTED], BOTH_UNLISTED, "NON_COMPLIANT", id="4: one of two not listed"),
    pytest.param(
        [USING, allow("kms:Tag*", [LISTED, BADGER])], BOTH_UNLISTED, "NON_COMPLIANT", id="4: one id not listed"
    ),
    # all listed, and a user is both
    pytest.param([ADMINISTERING, allow("kms:Sign", LISTED)], SHARED, "NON_COMPLIANT", id="8: the same id"),
    pytest.param([ADMINISTERING, allow("kms:Sign", "AROAO*")], SHARED, "NON_COMPLIANT", id="8: a wider id"),
    # all listed, and no user is both
    pytest.param([USING, ADMINISTERING], SEPARATE, "COMPLIANT", id="separate users"),
    pytest.param([ADMINISTERING, USING, ADMINISTERING], SEPARATE, "COMPLIANT", id="separate users, in any order"),
    pytest.param([by_service(OWN_ACCOUNT), ADMINISTERING], SEPARATE, "COMPLIANT", id="a service and administrators"),
    # one duty
    pytest.param([USING], USED, "COMPLIANT", id="5"),
    pytest.param([USING, allow("kms:DescribeKey")], USED, "COMPLIANT", id="5: reading beside it"),
    pytest.param([ADMINISTERING], ADMINISTERED, "COMPLIANT", id="6: any administration"),
    pytest.param([allow(["kms:Create*", "kms:Delete*"], LISTED)], ADMINISTERED, "COMPLIANT", id="6: two of three"),
    pytest.param([UNLISTED], ADMINISTERED_UNLISTED, "NON_COMPLIANT", id="7"),
    pytest.param([ADMINISTERING, UNLISTED], ADMINISTERED_UNLISTED, "NON_COMPLIANT", id="7: one of two not listed"),
    pytest.param([allow("kms:Put*", "AROAO*")], ADMINISTERED_UNLISTED, "NON_COMPLIANT", id="7: not covered whole"),
    # no duty
    pytest.param([allow("kms:Get*", BADGER)], NOTHING, "NON_COMPLIANT", id="none: reading"),
    pytest.param([], NOTHING, "NON_COMPLIANT", id="none: no statement"),
    # the questions before the table
    pytest.param([USING, allow("kms:TagResource")], NOT_LIMITED, "NON_COMPLIANT", id="no user condition"),
    pytest.param([USING, allow("kms:TagResource", "AROA*")], NOT_LIMITED, "NON_COMPLIANT", id="one that limits nobody"),
    pytest.param([USING, ADMINISTERING, allow("kms:*", LISTED)], OPENS_ALL, "NON_COMPLIANT", id="all actions"),
]


@pytest.mark.parametrize(("statements", "expected", "compliance"), RESULTS)
@pytest.mark.parametrize("parameters", [BY_USER, BY_USER_STRICT], ids=["not strict", "strict"])
def test_the_table_of_results(
    statements: list[Json], expected: str, compliance: str, parameters: RuleParameters
) -> None:
    found = verdict(*statements, parameters=parameters)
    assert (found.scenario.name, found.compliance.value) == (expected, compliance)


# --- what is said --------------------------------------------------------------------------------------------------

ANNOTATIONS = [
    pytest.param(
        [{**USING, "Sid": "Use"}, {**ADMINISTERING, "Sid": "Administer"}],
        "in Key Policy for alias/testkey, statement does have separation of duties, no user both uses and administers "
        'the key, and CMK is not whitelisted [usage by "Use" (kms:Sign); administration by "Administer" '
        "(kms:TagResource)]",
        id="separate users",
    ),
    pytest.param(
        [allow("kms:Sign", LISTED), {**ADMINISTERING, "Sid": "Administer"}],
        "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, and "
        'user id is whitelisted [scenario 8: "AROAOTTERADMIN:*" both uses and administers; usage by statement 1; '
        'administration by "Administer"]',
        id="one id for both",
    ),
    pytest.param(
        [allow("kms:Sign", "AROAO*"), ADMINISTERING],
        "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, and "
        'user id is whitelisted [scenario 8: "AROAO*" uses, "AROAOTTERADMIN:*" administers, and one caller can be '
        "both]",
        id="two ids for both",
    ),
    pytest.param(
        [USING, UNLISTED],
        "in Key Policy for alias/testkey, statement does not have separation of duties and CMK is not whitelisted "
        '[scenario 4: Admin_User_Id does not cover "AROASEAL:*"; usage by statement 1 (kms:Sign); administration by '
        "statement 2 (kms:TagResource)]",
        id="an administrator who is not listed",
    ),
    pytest.param(
        [allow(["kms:Get*", "kms:Transmogrify", "kms:Verify*"])],
        "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId "
        "[statement 1 (kms:Transmogrify)]",
        id="an unknown action",
    ),
    pytest.param(
        [allow("kms:Get*")],
        "Key Policy for alias/testkey does not have the permissions defined in the scenarios: grant usage or "
        "administration to named users [neither usage nor administration]",
        id="no duty",
    ),
]


@pytest.mark.parametrize(("statements", "expected"), ANNOTATIONS)
def test_the_annotation_says_who_and_what_decided(statements: list[Json], expected: str) -> None:
    assert annotate(verdict(*statements), "alias/testkey") == expected
    assert len(expected) <= 256
