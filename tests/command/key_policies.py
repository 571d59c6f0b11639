"""Key policies for the tests of `kms-rule explain`: a short way to write them, and generators of them."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from least_privilege.parameters import RuleParameters
from tests.policy.strategies import names_apart

type Json = dict[str, Any]

USAGE = ["kms:Encrypt", "kms:Decrypt"]
ADMINISTRATION = ["kms:Create*", "kms:Delete*", "kms:Put*"]
ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
ROLE = {"AWS": "arn:aws:iam::111122223333:role/path/Admin"}
OTTER = "AROAOTTERADMIN:*"
BADGER = "AROABADGERADMIN:*"
BEAVER = "AROABEAVERUSER:*"

# What the example parameters that come with the command are in JSON.
EXAMPLE_PARAMETERS = {
    "CMK_Whitelist": ["Otter*"],
    "Admin_User_Id": ["AROAOTTER*"],
    "StrictSeparationOfDuties": False,
    "SeparateDutiesBy": "Policy",
    "ReportResourceAs": "Alias",
    "ReadKeysFrom": "KMS",
    "ExecutionRoleName": "",
}


def parameters(
    administrators: str = "AROAOTTER*", *, strict: bool = False, separate_by: str = "Policy"
) -> RuleParameters:
    return RuleParameters.parse(
        {
            "Admin_User_Id": administrators,
            "StrictSeparationOfDuties": str(strict).lower(),
            "SeparateDutiesBy": separate_by,
        }
    )


def allow(actions: Any, user_ids: Any = None, operator: str = "StringLike", **more: Any) -> Json:
    """A statement that allows these actions, to these user ids if there are some."""
    condition = {} if user_ids is None else {"Condition": {operator: {"aws:userId": user_ids}}}
    return {"Effect": "Allow", "Principal": ROOT, "Action": actions, "Resource": "*", **condition, **more}


def allow_all_but(actions: list[str]) -> Json:
    return {"Effect": "Allow", "Principal": ROOT, "NotAction": actions, "Resource": "*"}


def policy(*statements: Any) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


ENTRIES = st.sampled_from(
    [
        *(*USAGE, *ADMINISTRATION, *ADMINISTRATION, "kms:PutKeyPolicy", "kms:PutKeyPolicy", "kms:CreateGrant"),
        *(
            "kms:*",
            "kms:D*",
            "kms:*Grant",
            "KMS:EN*",
            "kms:*crypt",
            "kms:?reate*",
            "kms:CreateSomethingNew",
            "kms:*New",
        ),
        *("kms:Get*", "kms:DescribeKey", "s3:*", "*", "kms:P*", "kms:*t*"),
        *("kms:Generate*", "kms:ReEncrypt*", "kms:*Key", "kms:ScheduleKeyDeletion", "kms:Sign", "kms:Transmogrify"),
    ]
)
IDS = st.sampled_from(
    [
        *("AROAOTTERADMIN:*", "AROAOTTER*", "AROAOTTER*", "AROABADGERADMIN:*", "AROAO*", "AIDASEAL", "AROA?*"),
        *("*", "AROA*", "*:alice", "", "${aws:userid}", "AROAOTTER${*}", 5, None, ["nested"]),
    ]
)
USER_CONDITIONS = st.dictionaries(
    st.sampled_from(
        [
            *("StringLike", "StringLike", "stringlike", "ForAnyValue:StringLike", "StringEquals"),
            *("StringEqualsIgnoreCase", "StringLikeIfExists", "StringNotLike"),
        ]
    ),
    st.dictionaries(
        st.sampled_from(["aws:userId", "aws:userId", "aws:userid", "kms:ViaService"]),
        IDS | st.lists(IDS, max_size=3),
        max_size=2,
    ),
    max_size=2,
).filter(names_apart)
OTHER_CONDITIONS = st.sampled_from(
    [
        {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        {"StringEquals": {"aws:SourceAccount": "444455556666"}},
        {"StringLike": {"aws:SourceAccount": "4444*", "aws:userId": "*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:logs:*:444455556666:*"}},
    ]
)
CONDITIONS = st.one_of(
    st.none(),
    OTHER_CONDITIONS,
    st.just({"StringLike": {"aws:userId": "AROAOTTERADMIN:*"}}),
    st.just({"StringLike": {"aws:userId": ["AROAOTTER*", "AROABADGERADMIN:*"]}}),
    USER_CONDITIONS,
)
PRINCIPALS = st.sampled_from([ROOT, ROOT, ROLE, "*", {"Service": "logs.amazonaws.com"}, {"AWS": "444455556666"}])


@st.composite
def generated_statements(draw: st.DrawFn) -> Json:
    element = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    statement: Json = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Allow", "Deny"])),
        "Principal": draw(PRINCIPALS),
        element: draw(ENTRIES | st.lists(ENTRIES, max_size=5)),
        "Resource": "*",
    }
    sid = draw(st.sampled_from(["", "", "Use", "Use usage", "Administer"]))
    condition = draw(CONDITIONS)
    return {**statement, **({"Sid": sid} if sid else {}), **({} if condition is None else {"Condition": condition})}


POLICIES = st.builds(
    lambda statements, alone: policy(*statements) if len(statements) > 1 or not alone else {"Statement": statements[0]},
    st.lists(generated_statements(), min_size=1, max_size=4),
    st.booleans(),
)
# One that lets somebody change it, so that more than a few of the others can be fixed.
CHANGEABLE = st.builds(
    lambda content, more: policy(*listed(content["Statement"]), allow(more, "AROAOTTERADMIN:*", Sid="Change")),
    POLICIES,
    st.sampled_from(["kms:PutKeyPolicy", ADMINISTRATION, [*ADMINISTRATION, "kms:Get*"]]),
)
ADMINISTRATORS = st.sampled_from(
    ["AROAOTTER*", "AROAOTTER*", "AROAOTTER*,111122223333", "*", "AIDASEAL,AROA?*", "*:alice"]
)
PARAMETERS = st.builds(
    lambda administrators, strict: parameters(administrators, strict=strict), ADMINISTRATORS, st.booleans()
)
PARAMETERS_BY_USER = st.builds(
    lambda administrators, strict: parameters(administrators, strict=strict, separate_by="User"),
    ADMINISTRATORS,
    st.booleans(),
)
LAW = settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
