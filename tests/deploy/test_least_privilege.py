"""Every AWS call that the handler makes, in all its modes, beside what the roles of the templates allow.

The handler runs on the emulator with the credentials of the template's roles, and the server notes who calls what, so
that calls of the function's own role are told from those of the role that it assumes. The condition that lets an
organization's function assume roles of its own organization only is left out, since moto does not look at it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypedDict
from unittest.mock import patch

import boto3
import botocore.session
import pytest
from moto.config.models import config_backends
from moto.config.responses import ConfigResponse
from moto.core.authorization import enable_iam_authentication
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.core.responses import BaseResponse
from moto.kms.responses import KmsResponse
from moto.sts.models import sts_backends

from AWSConfigRuleKMS import lambda_handler
from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Call, Place
from dev.emulator.events import (
    ACCOUNT_ID,
    POST_PARAMETERS,
    REGION,
    RULE_NAME,
    TEST_TOKEN,
    Json,
    alias_item,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)
from least_privilege.clients import Pool
from least_privilege.event import ITEM_FIELDS, MESSAGE_TYPES, SCOPE_OF_CHANGE
from least_privilege.parameters import PARAMETERS
from least_privilege.text import RuleError
from tests.deploy.templates import (
    FUNCTION_ROLE_ARN,
    MEMBER_ROLE,
    ORGANIZATION,
    PSEUDO_PARAMETERS,
    RULE,
    allowed_actions,
)

MEMBER_ID = "111122223333"
MEMBER_ROLE_NAME = "AWSConfigRuleKMSMember"
SESSION = "AWSConfigRuleKMS"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:AWSConfigRuleKMS-failures"
DEPLOYING = Path(__file__).parents[2] / "docs" / "deploying.md"

# What Lambda does with the function's role, before, beside and after the handler.
OF_LAMBDA: Mapping[str, str] = {
    "logs:CreateLogStream": "Lambda itself, to begin a log",
    "logs:PutLogEvents": "Lambda itself, to write what the handler logs",
    "sqs:SendMessage": "Lambda itself, to keep an event whose runs failed three times",
}

type Permission = tuple[str, str]
type Calls = Mapping[str, int]


# The roles, as the templates make them.


@dataclass(frozen=True)
class Role:
    """A role of an account, made by the resource `name` of a template with the parameters `given`."""

    arn: str
    template: Path
    name: str
    given: tuple[tuple[str, str], ...] = ()

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]

    @property
    def session_arn(self) -> str:
        return f"arn:aws:sts::{self.account_id}:assumed-role/{self.arn.rpartition('/')[2]}/{SESSION}"


@cache
def permissions(role: Role) -> frozenset[Permission]:
    """Return each action that the role allows with each resource that it allows it on."""
    with patch.dict(PSEUDO_PARAMETERS, {"AWS::AccountId": role.account_id}):
        allowed = allowed_actions(role.template, role.name, **dict(role.given))
    return frozenset(
        (action, resource.replace("FailureQueue.Arn", QUEUE_ARN))
        for action, resources in allowed.items()
        for resource in resources
    )


def policy(role: Role, without: str = "") -> str:
    """Return what the role allows as one policy, perhaps without an action."""
    granted = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in sorted(permissions(role))
        if action != without
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": granted})


@dataclass(frozen=True)
class Deployment:
    """A deployed function by its role, and the role with which it judges the keys of that role's account."""

    title: str
    function: Role
    reader: Role
    execution_role: str = ""

    @property
    def assumes(self) -> bool:
        return self.reader != self.function


def one_account(title: str, execution_role: str = "") -> Deployment:
    """Return a stack of `rule.yaml`, beside a role with the policies of `member-role.yaml` if it assumes one."""
    function = Role(FUNCTION_ROLE_ARN, RULE, "FunctionRole", (("ExecutionRoleName", execution_role),))
    reader = Role(f"arn:aws:iam::{ACCOUNT_ID}:role/{execution_role}", MEMBER_ROLE, "MemberRole")
    return Deployment(title, function, reader if execution_role else function, execution_role)


def organization(title: str, account_id: str, template: Path) -> Deployment:
    """Return a stack of `organization.yaml` at work for an account whose member role is of `template`."""
    function = Role(FUNCTION_ROLE_ARN, ORGANIZATION, "FunctionRole")
    reader = Role(f"arn:aws:iam::{account_id}:role/{MEMBER_ROLE_NAME}", template, "MemberRole")
    return Deployment(title, function, reader, MEMBER_ROLE_NAME)


OWN_ROLE = one_account("one account")
EXECUTION_ROLE = one_account("one account with ExecutionRoleName", MEMBER_ROLE_NAME)
MEMBER_ACCOUNT = organization("member account", MEMBER_ID, MEMBER_ROLE)
DEPLOYMENTS = (
    OWN_ROLE,
    EXECUTION_ROLE,
    one_account("one account with a path in ExecutionRoleName", "rdk/config-role"),
    MEMBER_ACCOUNT,
    organization("administrator account", ACCOUNT_ID, ORGANIZATION),
)
of_each_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: str(deployment.title))


# What is there to be judged, and the modes of the handler.


@dataclass(frozen=True)
class World:
    """The account that is judged: a rule, and the ids of its keys by what each is called here."""

    account: EmulatedAccount
    keys: Mapping[str, str]

    @property
    def place(self) -> Place:
        return Place(self.account.id, self.account.region)

    def token(self) -> str:
        return self.account.config.issue_token(RULE_NAME, self.place)

    def hold_a_result_of_an_alias_that_is_gone(self) -> None:
        result: Any = {
            "ComplianceResourceType": "AWS::KMS::Key",
            "ComplianceResourceId": "alias/gone",
            "ComplianceType": "COMPLIANT",
            "OrderingTimestamp": now(),
        }
        boto3.client("config", **administrator(self.account.id)).put_evaluations(
            Evaluations=[result], ResultToken=self.token()
        )

    def refuse_an_evaluation_once(self) -> None:
        self.account.config.refuse("alias/payments", 1)

    def stop_recording(self) -> None:
        config_backends[self.account.id][self.account.region].stop_configuration_recorder("default")

    def forget_a_key(self) -> None:
        self.account.config.items[self.keys["payments"]] = None


class Credentials(TypedDict):
    """The credentials of a session, as `boto3.client` takes them."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str


def session(role_arn: str) -> Credentials:
    given = boto3.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=SESSION)["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def administrator(account_id: str) -> Credentials:
    """Return credentials with which a test works in an account; moto asks no role to exist."""
    return session(f"arn:aws:iam::{account_id}:role/Administrator")


def inhabited(account: EmulatedAccount) -> World:
    """Create the rule and five keys: two to be judged by their policies, two by their metadata, and one of AWS's."""
    kms = boto3.client("kms", **administrator(account.id))

    def create(alias: str = "") -> str:
        key_id: str = kms.create_key(Policy=json.dumps(USAGE_ONLY))["KeyMetadata"]["KeyId"]
        if alias:
            kms.create_alias(AliasName=alias, TargetKeyId=key_id)
        return key_id

    keys = {
        "payments": create("alias/payments"),
        "unnamed": create(),
        "whitelisted": create("alias/Otter-EBS"),
        "disabled": create("alias/retired"),
        "of AWS": account.add_aws_managed_key("ebs"),
    }
    kms.disable_key(KeyId=keys["disabled"])
    account.config.add_rule(RULE_NAME, place=Place(account.id, account.region))
    return World(account, keys)


def start_recording(account: EmulatedAccount) -> None:
    """Start the recorder that an account with AWS Config has, whatever became of it before."""
    backend = config_backends[account.id][account.region]
    backend.put_configuration_recorder({"name": "default", "roleARN": f"arn:aws:iam::{account.id}:role/Recorder"})
    backend.recorders["default"].status.start()


type Notice = Callable[[World], Json]


def scheduled(_: World) -> Json:
    return scheduled_notification(now())


def changed(key: str, status: str = "OK") -> Notice:
    """Make the notice of a key that changed, by what it is called or by its id."""
    return lambda world: change_notification(key_item(world.keys.get(key, key), now(), status))


def oversized(world: World) -> Json:
    item = key_item(world.keys["payments"], now())
    left_out = {"configuration", "supplementaryConfiguration", "tags"}
    return {
        "configurationItemSummary": {name: value for name, value in item.items() if name not in left_out},
        "messageType": "OversizedConfigurationItemChangeNotification",
    }


def alias(key: str, former: str = "", status: str = "OK", name: str = "alias/payments") -> Notice:
    """Make the notice of an alias that points to one key, and before perhaps pointed to another."""

    def notice(world: World) -> Json:
        difference = {"Configuration.TargetKeyId": {"previousValue": world.keys.get(former)}}
        item = alias_item(name, world.keys.get(key), now(), status)
        return change_notification(item, {"changedProperties": difference} if former else None)

    return notice


@dataclass(frozen=True, eq=False)
class Mode:
    """An invocation of the handler, and the calls of the role that reads and reports.

    `run` says in the documentation what kind it is of. `fields` replace those of the event.
    """

    title: str
    run: str
    notice: Notice
    calls: Calls
    parameters: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    before: Callable[[World], None] = lambda _: None


SCHEDULED_RUN, CHANGED_KEY, CHANGED_ALIAS = "scheduled run", "changed key", "changed alias"
DELETED_KEY, DELETED_ALIAS = "deleted key", "deleted alias"
RUNS = (SCHEDULED_RUN, CHANGED_KEY, CHANGED_ALIAS, DELETED_KEY, DELETED_ALIAS)

EVERY_KEY: Calls = {
    "kms:ListAliases": 1,
    "kms:ListKeys": 1,
    "kms:DescribeKey": 4,
    "kms:GetKeyPolicy": 2,
    "config:PutEvaluations": 1,
    "config:GetComplianceDetailsByConfigRule": 1,
}
EVERY_KEY_AND_TWO_REPORTS: Calls = {**EVERY_KEY, "config:PutEvaluations": 2}
EVERY_KEY_AND_THREE_POLICIES: Calls = {**EVERY_KEY, "kms:GetKeyPolicy": 3}
EVERY_KEY_IN_TEST_MODE: Calls = {
    "kms:ListAliases": 1,
    "kms:ListKeys": 1,
    "kms:DescribeKey": 4,
    "kms:GetKeyPolicy": 2,
    "config:PutEvaluations": 1,
}
EVERY_RECORDED_KEY: Calls = {
    "kms:ListAliases": 1,
    "kms:ListKeys": 1,
    "config:DescribeConfigurationRecorderStatus": 1,
    "config:BatchGetResourceConfig": 1,
    "config:PutEvaluations": 1,
    "config:GetComplianceDetailsByConfigRule": 1,
}
ONE_KEY: Calls = {"kms:ListAliases": 1, "kms:DescribeKey": 1, "kms:GetKeyPolicy": 1, "config:PutEvaluations": 1}
TWO_KEYS: Calls = {"kms:ListAliases": 2, "kms:DescribeKey": 2, "kms:GetKeyPolicy": 2, "config:PutEvaluations": 2}
METADATA_OF_ONE_KEY: Calls = {"kms:ListAliases": 1, "kms:DescribeKey": 1, "config:PutEvaluations": 1}
ALIASES_OF_ONE_KEY: Calls = {"kms:ListAliases": 1, "config:PutEvaluations": 1}
REPORT_ALONE: Calls = {"config:PutEvaluations": 1}

UNKNOWN_KEY = "00000000-0000-0000-0000-000000000000"
IN_TEST_MODE = {"resultToken": TEST_TOKEN}

# What a scheduled run calls with each choice of a parameter; a change costs the calls for one key with all of them.
SCHEDULED_WITH_CHOICE: Mapping[tuple[str, str], Calls] = {
    ("StrictSeparationOfDuties", "false"): EVERY_KEY,
    ("StrictSeparationOfDuties", "true"): EVERY_KEY,
    ("SeparateDutiesBy", "Policy"): EVERY_KEY,
    ("SeparateDutiesBy", "User"): EVERY_KEY,
    ("ReportResourceAs", "Alias"): EVERY_KEY,
    ("ReportResourceAs", "KeyId"): EVERY_KEY,
    ("ReadKeysFrom", "KMS"): EVERY_KEY,
    ("ReadKeysFrom", "Config"): EVERY_RECORDED_KEY,
}
# The same while AWS Config's recorder is stopped, and when it has not recorded one of the keys.
SCHEDULED_WHEN_READING_FROM: Mapping[str, tuple[Calls, Calls]] = {
    "KMS": (EVERY_KEY, EVERY_KEY),
    "Config": (
        {**EVERY_KEY, "config:DescribeConfigurationRecorderStatus": 1},
        {**EVERY_RECORDED_KEY, "kms:DescribeKey": 1, "kms:GetKeyPolicy": 1},
    ),
}
NOT_WRITTEN_DOWN: Calls = {"what it calls must be written down here first": 1}


def modes_of_choices() -> Iterator[Mode]:
    """Yield the modes of each choice that the handler knows, also of one that the tables above do not have yet."""
    for name, row in PARAMETERS.items():
        for choice in row.choices:
            title, given = f"{name}={choice}", {name: choice}
            calls = SCHEDULED_WITH_CHOICE.get((name, choice), NOT_WRITTEN_DOWN)
            yield Mode(f"every key, {title}", SCHEDULED_RUN, scheduled, calls, given)
            yield Mode(f"one key, {title}", CHANGED_KEY, changed("payments"), ONE_KEY, given)
    for choice in PARAMETERS["ReadKeysFrom"].choices:
        stopped, missing = SCHEDULED_WHEN_READING_FROM.get(choice, (NOT_WRITTEN_DOWN, NOT_WRITTEN_DOWN))
        title, given = f"every key, ReadKeysFrom={choice}", {"ReadKeysFrom": choice}
        yield Mode(f"{title}, recorder stopped", SCHEDULED_RUN, scheduled, stopped, given, before=World.stop_recording)
        yield Mode(f"{title}, a key missing", SCHEDULED_RUN, scheduled, missing, given, before=World.forget_a_key)


MODES = (
    Mode("every key", SCHEDULED_RUN, scheduled, EVERY_KEY),
    Mode("every key, TESTMODE", SCHEDULED_RUN, scheduled, EVERY_KEY_IN_TEST_MODE, fields=IN_TEST_MODE),
    Mode(
        "every key, a stale result",
        SCHEDULED_RUN,
        scheduled,
        EVERY_KEY_AND_TWO_REPORTS,
        before=World.hold_a_result_of_an_alias_that_is_gone,
    ),
    Mode(
        "every key, an evaluation refused once",
        SCHEDULED_RUN,
        scheduled,
        EVERY_KEY_AND_TWO_REPORTS,
        before=World.refuse_an_evaluation_once,
    ),
    Mode("every key, no whitelist", SCHEDULED_RUN, scheduled, EVERY_KEY_AND_THREE_POLICIES, {"CMK_Whitelist": ""}),
    Mode("every key, other administrators", SCHEDULED_RUN, scheduled, EVERY_KEY, {"Admin_User_Id": "AIDAOTTER*"}),
    *modes_of_choices(),
    Mode("one key", CHANGED_KEY, changed("payments"), ONE_KEY),
    Mode("one key, TESTMODE", CHANGED_KEY, changed("payments"), ONE_KEY, fields=IN_TEST_MODE),
    Mode("one key, just discovered", CHANGED_KEY, changed("unnamed", "ResourceDiscovered"), ONE_KEY),
    Mode("one key, oversized", CHANGED_KEY, oversized, ONE_KEY),
    Mode("one key, whitelisted", CHANGED_KEY, changed("whitelisted"), METADATA_OF_ONE_KEY),
    Mode("one key, disabled", CHANGED_KEY, changed("disabled"), METADATA_OF_ONE_KEY),
    Mode("one key, of AWS", CHANGED_KEY, changed("of AWS"), ALIASES_OF_ONE_KEY),
    Mode("one key, gone when it is read", CHANGED_KEY, changed(UNKNOWN_KEY), {"kms:ListAliases": 1}),
    Mode("key deleted", DELETED_KEY, changed("payments", "ResourceDeleted"), REPORT_ALONE),
    Mode("key deleted, not recorded", DELETED_KEY, changed("payments", "ResourceDeletedNotRecorded"), REPORT_ALONE),
    Mode("key not recorded", DELETED_KEY, changed("payments", "ResourceNotRecorded"), REPORT_ALONE),
    Mode("key left the scope", DELETED_KEY, changed("payments"), REPORT_ALONE, fields={"eventLeftScope": True}),
    Mode("alias", CHANGED_ALIAS, alias("payments"), ONE_KEY),
    Mode("alias moved", CHANGED_ALIAS, alias("payments", former="unnamed"), TWO_KEYS),
    Mode("alias of AWS without a key", CHANGED_ALIAS, alias("none", name="alias/aws/s3"), {}),
    Mode("alias deleted", DELETED_ALIAS, alias("payments", status="ResourceDeleted"), ONE_KEY),
    Mode("alias deleted, its key unknown", DELETED_ALIAS, alias("none", status="ResourceDeleted"), REPORT_ALONE),
)
SCHEDULED_MODE = MODES[0]
ACTIONS = sorted({action for mode in MODES for action in mode.calls})


def mode_with(action: str) -> Mode:
    return next(mode for mode in MODES if action in mode.calls)


# As few as make each call once, and those with one of each kind of run.
MODES_WITH_EACH_ACTION = tuple(dict.fromkeys(mode_with(action) for action in ACTIONS))
MAIN_MODES = tuple(
    dict.fromkeys((*MODES_WITH_EACH_ACTION, *(next(mode for mode in MODES if mode.run == kind) for kind in RUNS)))
)


def modes_of(deployment: Deployment) -> tuple[Mode, ...]:
    """Return the modes that a deployment is run in: of those which differ only in whose the roles are, one has all."""
    return MODES if deployment in {OWN_ROLE, MEMBER_ACCOUNT} else MAIN_MODES


def each_mode_of(modes: Callable[[Deployment], Iterable[Mode]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("deployment", "mode"),
        [
            pytest.param(deployment, mode, id=f"{deployment.title} - {mode.title}")
            for deployment in DEPLOYMENTS
            for mode in modes(deployment)
        ],
    )


# Running the handler, and who calls what meanwhile.


@dataclass(frozen=True)
class Made:
    """A call that reached the server: who made it, and on what, or None where `RESOURCE_OF` does not say."""

    role_arn: str
    action: str
    resource: str | None


def _any(_: Call) -> str:
    return "*"


def _key(call: Call) -> str:
    return f"arn:aws:kms:{call.place.region}:{call.place.account_id}:key/{call.parameters['KeyId']}"


def _rule(call: Call) -> str:
    rules = config_backends[call.place.account_id][call.place.region].config_rules
    return str(rules[call.parameters["ConfigRuleName"]].config_rule_arn)


def _role(call: Call) -> str:
    return str(call.parameters["RoleArn"])


# The resource of each action that the handler may need; one that is about none must be allowed on `*`. Source: Service
# Authorization Reference, "Actions, resources, and condition keys" of AWS KMS, AWS Config and AWS STS.
RESOURCE_OF: Mapping[str, Callable[[Call], str]] = {
    "kms:ListAliases": _any,
    "kms:ListKeys": _any,
    "kms:DescribeKey": _key,
    "kms:GetKeyPolicy": _key,
    "config:PutEvaluations": _any,
    "config:GetComplianceDetailsByConfigRule": _rule,
    "config:BatchGetResourceConfig": _any,
    "config:DescribeConfigurationRecorderStatus": _any,
    "sts:AssumeRole": _role,
}


def resource_of(call: Call) -> str | None:
    find = RESOURCE_OF.get(str(call))
    return find(call) if find else None


def caller_of(response: BaseResponse) -> str:
    """Return the ARN of the role whose session made a request."""
    sessions = sts_backends[response.current_account][response.partition]
    caller = sessions.get_assumed_role_from_access_key(response.access_key)
    return caller.role_arn if caller else "nobody's role"


@contextmanager
def recorded() -> Iterator[list[tuple[str, Call]]]:
    """Note every call that reaches the server until the block ends, and the role that made it."""
    noted: list[tuple[str, Call]] = []
    read_request = BaseResponse.setup_class

    def setup_class(response: BaseResponse, *arguments: Any, **options: Any) -> None:
        read_request(response, *arguments, **options)
        noted.append((caller_of(response), Call.of(response)))

    with patch.object(BaseResponse, "setup_class", setup_class):
        yield noted


@contextmanager
def enforced() -> Iterator[list[str]]:
    """Let the server do nothing but what the policies of the caller's role allow, and note the calls that it refuses.

    By itself moto knows the resource of a call of IAM, Amazon SQS and AWS STS only, and refuses in XML whatever the
    service speaks.
    """
    refused: list[str] = []

    def authorize(response: BaseResponse, _: str = "*") -> None:
        call = Call.of(response)
        try:
            BaseResponse._authenticate_and_authorize_normal_action(response, resource_of(call) or "*")  # noqa: SLF001
        except AccessDeniedError as error:
            refused.append(str(call))
            raise JsonRESTError("AccessDeniedException", error.message) from None

    with ExitStack() as during:
        for service in (KmsResponse, ConfigResponse):
            during.enter_context(patch.object(service, "_authenticate_and_authorize_normal_action", authorize))
        during.enter_context(enable_iam_authentication())
        yield refused


@dataclass(frozen=True)
class Run:
    """What the handler was given, what it called, what of that was refused, and what it returned."""

    event: Json
    made: Sequence[Made]
    refused: Sequence[str]
    evaluations: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Emulation:
    """The emulated accounts, and a function that has the credentials of the role that it runs with, as in Lambda."""

    account: EmulatedAccount
    core: botocore.session.Session
    function: boto3.Session

    def inhabit(self, deployment: Deployment, without: str = "") -> World:
        """Make the roles, perhaps `without` an action, what is judged, and a key in another account, not to be read."""
        self.account.reset()
        for role in {deployment.function, deployment.reader}:
            create(role, without)
        judged = replace(self.account, id=deployment.reader.account_id)
        other = ACCOUNT_ID if judged.id == MEMBER_ID else MEMBER_ID
        boto3.client("kms", **administrator(other)).create_key(Policy=json.dumps(USAGE_ONLY))
        given = session(deployment.function.arn)
        self.core.set_credentials(
            given["aws_access_key_id"], given["aws_secret_access_key"], given["aws_session_token"]
        )
        return inhabited(judged)

    def invoke(self, deployment: Deployment, mode: Mode, world: World, *, enforcing: bool = False) -> Run:
        """Invoke the handler as AWS Config does, which holds no results of earlier runs."""
        self.account.config.reset()
        start_recording(world.account)
        mode.before(world)
        event = event_of(deployment, mode, world)
        context = SimpleNamespace(invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{RULE_NAME}")
        permissions_are: AbstractContextManager[list[str]] = enforced() if enforcing else nullcontext([])
        with (
            patch.object(boto3, "DEFAULT_SESSION", self.function),
            recorded() as noted,
            permissions_are as refused,
            # A function just started, or the session of an earlier mode would be used again.
            patch("least_privilege.account.POOL", Pool()),
        ):
            evaluations = lambda_handler(event, context)
        made = [Made(role_arn, str(call), resource_of(call)) for role_arn, call in noted]
        return Run(event, made, refused, evaluations)

    def invoke_in_all(
        self, deployment: Deployment, modes: Iterable[Mode], *, enforcing: bool
    ) -> dict[str, Run | Exception]:
        """Invoke the handler in one mode after the other, which is quicker than to begin anew with each."""
        world = self.inhabit(deployment)

        def outcome(mode: Mode) -> Run | Exception:
            try:
                return self.invoke(deployment, mode, world, enforcing=enforcing)
            except Exception as error:  # noqa: BLE001 - it is raised where the test of the mode wants its outcome
                return error

        return {mode.title: outcome(mode) for mode in modes}


def create(role: Role, without: str = "") -> None:
    """Create a role that may do what it may do in the template, but for one action.

    moto compares a principal with the session of the caller letter for letter and would refuse the templates' trust
    policies, so this role trusts everybody; test_templates.py looks at those.
    """
    iam = boto3.client("iam", **administrator(role.account_id))
    path, _, name = role.arn.partition(":role")[2].rpartition("/")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.create_role(Path=f"{path}/", RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": trust}))
    iam.put_role_policy(RoleName=name, PolicyName="OfTheTemplate", PolicyDocument=policy(role, without))


def event_of(deployment: Deployment, mode: Mode, world: World) -> Json:
    assumed = {"ExecutionRoleName": deployment.execution_role} if deployment.execution_role else {}
    fields = {"accountId": world.account.id, "resultToken": world.token(), **mode.fields}
    event = rule_event(mode.notice(world), {**POST_PARAMETERS, **assumed, **mode.parameters}, **fields)
    return {**event, "invokingEvent": event["invokingEvent"].replace(ACCOUNT_ID, world.account.id)}


@pytest.fixture(scope="module")
def emulation(_served_account: EmulatedAccount) -> Iterator[Emulation]:
    # moto makes a key pair for every key, used or not, which takes longer than all else.
    with patch("moto.kms.models.generate_private_key"):
        core = botocore.session.Session()
        yield Emulation(_served_account, core, boto3.Session(botocore_session=core))


type Runner = Callable[[Deployment, Mode], Run]


def runner(emulation: Emulation, modes: Callable[[Deployment], Iterable[Mode]], *, enforcing: bool) -> Runner:
    """Return a function that returns what came of a deployment's run in a mode, once all its `modes` have run."""

    @cache
    def outcomes(deployment: Deployment) -> dict[str, Run | Exception]:
        return emulation.invoke_in_all(deployment, modes(deployment), enforcing=enforcing)

    def run(deployment: Deployment, mode: Mode) -> Run:
        outcome = outcomes(deployment)[mode.title]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return run


@pytest.fixture(scope="module")
def run(emulation: Emulation) -> Runner:
    return runner(emulation, modes_of, enforcing=False)


@pytest.fixture(scope="module")
def run_enforced(emulation: Emulation) -> Runner:
    return runner(emulation, lambda _: MODES_WITH_EACH_ACTION, enforcing=True)


def made_in(run: Runner, deployment: Deployment, modes: Iterable[Mode] = ()) -> list[Made]:
    """Return the calls made in these modes, or in all that the deployment is run in."""
    return [made for mode in modes or modes_of(deployment) for made in run(deployment, mode).made]


# Every call is one that the mode needs and the role allows.


def calls_by_role(made: Iterable[Made]) -> dict[str, Calls]:
    counted = Counter((each.role_arn, each.action) for each in made)
    return {
        role_arn: {action: count for (caller, action), count in counted.items() if caller == role_arn}
        for role_arn, _ in counted
    }


def expected_by_role(deployment: Deployment, mode: Mode) -> dict[str, Calls]:
    by_reader = {deployment.reader.arn: mode.calls} if mode.calls else {}
    return {deployment.function.arn: {"sts:AssumeRole": 1}, **by_reader} if deployment.assumes else by_reader


def fits(made: Made, permission: Permission) -> bool:
    action, resource = permission
    return made.action == action and made.resource is not None and fnmatchcase(made.resource, resource)


def not_allowed(deployment: Deployment, made: Iterable[Made]) -> list[Made]:
    allowed = {role.arn: permissions(role) for role in (deployment.function, deployment.reader)}
    return [each for each in made if not any(fits(each, one) for one in allowed.get(each.role_arn, ()))]


def unused(role: Role, made: Sequence[Made]) -> set[Permission]:
    by_role = [each for each in made if each.role_arn == role.arn]
    return {permission for permission in permissions(role) if not any(fits(each, permission) for each in by_role)}


class TestEveryCall:
    @each_mode_of(modes_of)
    def test_is_one_that_the_mode_needs(self, run: Runner, deployment: Deployment, mode: Mode) -> None:
        assert calls_by_role(run(deployment, mode).made) == expected_by_role(deployment, mode)

    @of_each_deployment
    def test_is_allowed_to_the_role_that_makes_it(self, run: Runner, deployment: Deployment) -> None:
        made = made_in(run, deployment)
        assert made
        assert not_allowed(deployment, made) == []

    def test_is_not_allowed_on_what_belongs_to_another_account(self, run: Runner) -> None:
        elsewhere = [
            replace(made, resource=str(made.resource).replace(MEMBER_ID, ACCOUNT_ID))
            for made in made_in(run, MEMBER_ACCOUNT, [SCHEDULED_MODE])
        ]
        assert sorted({made.action for made in not_allowed(MEMBER_ACCOUNT, elsewhere)}) == [
            "config:GetComplianceDetailsByConfigRule",
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
        ]


class TestEveryAllowedAction:
    @of_each_deployment
    def test_of_the_role_that_reads_is_used(self, run: Runner, deployment: Deployment) -> None:
        idle = {action for action, _ in unused(deployment.reader, made_in(run, deployment))}
        assert idle == (set() if deployment.assumes else set(OF_LAMBDA))

    @of_each_deployment
    def test_of_the_functions_role_is_used_or_one_that_lambda_needs(self, run: Runner, deployment: Deployment) -> None:
        assert {action for action, _ in unused(deployment.function, made_in(run, deployment))} == set(OF_LAMBDA)

    def test_is_the_only_one_of_the_functions_role_where_it_assumes_another(self) -> None:
        actions = {action for action, _ in permissions(EXECUTION_ROLE.function)}
        assert actions == {"sts:AssumeRole", *OF_LAMBDA}


class TestTheModes:
    """Fail when the handler learns something that no mode here is about."""

    def events(self, run: Runner) -> list[Json]:
        return [run(MEMBER_ACCOUNT, mode).event for mode in MODES]

    def invoking_events(self, run: Runner) -> list[Json]:
        return [json.loads(event["invokingEvent"]) for event in self.events(run)]

    def test_have_every_message_type(self, run: Runner) -> None:
        assert {event["messageType"] for event in self.invoking_events(run)} == set(MESSAGE_TYPES)

    def test_have_every_resource_type(self, run: Runner) -> None:
        items = [event.get(name, {}) for event in self.invoking_events(run) for name in ITEM_FIELDS.values()]
        assert {item["resourceType"] for item in items if item} == set(SCOPE_OF_CHANGE)

    def test_have_every_rule_parameter(self, run: Runner) -> None:
        given = [json.loads(event["ruleParameters"]) for event in self.events(run)]
        assert {name for parameters in given for name in parameters} == set(PARAMETERS)

    @pytest.mark.parametrize("kind", [SCHEDULED_RUN, CHANGED_KEY])
    def test_have_every_choice_of_a_parameter(self, kind: str) -> None:
        chosen = {choice for mode in MODES if mode.run == kind for choice in mode.parameters.items()}
        assert {(row.name, choice) for row in PARAMETERS.values() for choice in row.choices} <= chosen

    def test_have_names_of_their_own(self) -> None:
        assert len({mode.title for mode in MODES}) == len(MODES)
        assert {mode.run for mode in MODES} == set(RUNS)


# The same with the roles enforced by the server.


def refused_to_assume(deployment: Deployment) -> str:
    return (
        f"The role {deployment.reader.arn} cannot be assumed: its trust policy must allow sts:AssumeRole to the "
        f"function's role, whose own policy must allow it too; the recorder's service-linked role never can be, so "
        f"name another in ExecutionRoleName (AccessDenied: User: {deployment.function.session_arn} is not authorized "
        f"to perform: sts:AssumeRole)."
    )


READ_ONE_KEY = {"kms:DescribeKey", "kms:GetKeyPolicy"}
NEEDED_BY_A_RUN = [action for action in ACTIONS if action not in READ_ONE_KEY]
# How far a run has come when it lacks an action that it needs for more than to learn which keys there are.
NOT_FAR = " 0 of 5 keys are judged; not judged are {payments}, {unnamed}, {whitelisted}, {disabled}, {of AWS}."
HOW_FAR_WITHOUT: Mapping[str, str] = {
    "kms:ListAliases": NOT_FAR,
    "config:BatchGetResourceConfig": NOT_FAR,
    "config:GetComplianceDetailsByConfigRule": " 5 of 5 keys are judged.",
    "config:PutEvaluations": (
        " 5 of 5 keys are judged; AWS Config did not take the evaluations of alias/payments, {unnamed}, "
        "alias/Otter-EBS, alias/retired, alias/aws/ebs."
    ),
}
own_and_assumed = pytest.mark.parametrize(
    "deployment", [OWN_ROLE, MEMBER_ACCOUNT], ids=lambda deployment: str(deployment.title)
)


class TestEnforced:
    @each_mode_of(lambda _: MODES_WITH_EACH_ACTION)
    def test_the_roles_suffice(self, run_enforced: Runner, deployment: Deployment, mode: Mode) -> None:
        came_of_it = run_enforced(deployment, mode)
        assert came_of_it.refused == []
        assert calls_by_role(came_of_it.made) == expected_by_role(deployment, mode)

    @pytest.mark.parametrize("action", NEEDED_BY_A_RUN)
    @own_and_assumed
    def test_without_an_action_the_log_names_it_and_the_role_and_how_far_the_run_came(
        self,
        emulation: Emulation,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        deployment: Deployment,
        action: str,
    ) -> None:
        monkeypatch.setenv("READER_THREADS", "1")  # so that the keys are judged in the order in which they were made
        world = emulation.inhabit(deployment, without=action)
        with pytest.raises(RuleError) as raised:
            emulation.invoke(deployment, mode_with(action), world, enforcing=True)
        role = f"the role {deployment.reader.arn}" if deployment.assumes else "the function's own role"
        assert str(raised.value) == (
            f"{action} failed with {role}: allow it to {role} "
            f"(AccessDeniedException: User: {deployment.reader.session_arn} is not authorized to perform: {action})."
            f"{HOW_FAR_WITHOUT.get(action, '').format_map(world.keys)}"
        )
        assert str(raised.value) in caplog.messages

    @pytest.mark.parametrize(
        ("action", "sentence"),
        [
            ("kms:DescribeKey", "[kms:DescribeKey is missing, key taken for enabled; scenario 5: usage by "),
            ("kms:GetKeyPolicy", "Key Policy for alias/payments cannot be read: allow kms:GetKeyPolicy to the rule's"),
        ],
    )
    @own_and_assumed
    def test_without_an_action_the_result_names_it(
        self, emulation: Emulation, deployment: Deployment, action: str, sentence: str
    ) -> None:
        world = emulation.inhabit(deployment, without=action)
        came_of_it = emulation.invoke(deployment, SCHEDULED_MODE, world, enforcing=True)
        assert set(came_of_it.refused) == {action}
        (annotation,) = (
            result["Annotation"]
            for result in came_of_it.evaluations
            if result["ComplianceResourceId"] == "alias/payments"
        )
        assert sentence in annotation

    @pytest.mark.parametrize(
        "deployment", [EXECUTION_ROLE, MEMBER_ACCOUNT], ids=lambda deployment: str(deployment.title)
    )
    def test_without_leave_to_assume_a_role_the_log_names_the_role(
        self, emulation: Emulation, deployment: Deployment
    ) -> None:
        world = emulation.inhabit(deployment, without="sts:AssumeRole")
        with pytest.raises(RuleError) as raised:
            emulation.invoke(deployment, SCHEDULED_MODE, world, enforcing=True)
        assert str(raised.value) == refused_to_assume(deployment)

    def test_the_function_of_one_account_does_nothing_for_another(self, emulation: Emulation) -> None:
        recorder = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
        stranger = replace(MEMBER_ACCOUNT.reader, arn=f"arn:aws:iam::{MEMBER_ID}:role/{recorder}")
        deployment = replace(OWN_ROLE, reader=stranger)
        world = emulation.inhabit(deployment)
        with recorded() as noted, pytest.raises(RuleError) as raised:
            emulation.invoke(deployment, SCHEDULED_MODE, world, enforcing=True)
        assert str(raised.value) == refused_to_assume(deployment)
        assert [str(call) for role_arn, call in noted if role_arn == FUNCTION_ROLE_ARN] == ["sts:AssumeRole"]


# What the documentation says.


ASSUMING = {EXECUTION_ROLE.title: "with `ExecutionRoleName`", MEMBER_ACCOUNT.title: "of an organization's rule"}


def used_by(run: Runner, deployment: Deployment, permission: Permission) -> str:
    """Return the kinds of runs that make calls of this permission, and the parameters that all of them have."""
    modes = [
        mode for mode in modes_of(deployment) if any(fits(made, permission) for made in run(deployment, mode).made)
    ]
    used = {mode.run for mode in modes}
    kinds = "every run" if used == set(RUNS) else ", ".join(kind for kind in RUNS if kind in used)
    shared = set.intersection(*(set(mode.parameters.items()) for mode in modes)) if modes else set()
    return " ".join([kinds, *(f"with `{name}` = `{value}`" for name, value in sorted(shared))])


def row(run: Runner, deployment: Deployment, permission: Permission) -> str:
    action, resource = permission
    named = resource.replace(ACCOUNT_ID, "ACCOUNT").replace(REGION, "REGION")
    role = "function" if action in OF_LAMBDA or deployment.assumes else "reader"
    use = OF_LAMBDA.get(action) or used_by(run, deployment, permission)
    whose = ASSUMING.get(deployment.title, "") if action not in OF_LAMBDA else ""
    return f"| {role} | `{action}` | `{named}` | {f'{use} {whose}'.strip()} |"


def test_the_documentation_has_what_was_recorded(run: Runner) -> None:
    section = DEPLOYING.read_text("utf-8").partition("\n## What the role may do, and when each is used\n")[2]
    table = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    rows = {
        row(run, deployment, permission)
        for deployment in (OWN_ROLE, EXECUTION_ROLE, MEMBER_ACCOUNT)
        for permission in permissions(deployment.function)
    }
    assert sorted(table[2:]) == sorted(rows)
