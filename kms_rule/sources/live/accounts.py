"""The live accounts and Regions that a command looks into, with the person's own credentials, and only to read."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, UnknownRegionError

from kms_rule.errors import CommandError
from kms_rule.findings import Place, Unjudged
from kms_rule.sources.live.roles import role_arns
from least_privilege.account import account_in
from least_privilege.clients import client_config
from least_privilege.errors import ADVICE, FAILURES, OTHERWISE, reason_of
from least_privilege.text import RuleError

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_kms import KMSClient

ALL_REGIONS = "all"
USUAL_REGION = "us-east-1"
USUAL_PARTITION = "aws"
# In seconds: a query of many accounts may take AWS Config longer than what else it is asked.
PATIENT = Config(read_timeout=60)
# The rule's own eight attempts take a minute and a half to find out that there is no such Region.
FEW_ATTEMPTS = Config(retries={"mode": "legacy", "total_max_attempts": 3})


@dataclass(frozen=True, slots=True)
class Connection:
    """One Region as one identity sees it; `role` names that identity in error messages."""

    session: boto3.Session
    region: str
    role: str

    def account_id(self) -> str:
        """Return the id of the account; where STS cannot be asked, as in some networks, a key's ARN says it.

        Raises `CommandError` where neither does.
        """
        with explained(f"The account in {self.region} cannot be reached"):
            try:
                return self.session.client("sts", self.region, config=quick_config()).get_caller_identity()["Account"]
            except FAILURES:
                account_id = self._account_of_a_key()
                if not account_id:
                    raise
                return account_id

    def _account_of_a_key(self) -> str:
        try:
            kms = self.session.client("kms", self.region, config=quick_config())
            return next((key["KeyArn"].split(":")[4] for key in kms.list_keys(Limit=1)["Keys"]), "")
        except FAILURES:
            return ""  # why STS could not be asked says more

    @property
    def partition(self) -> str:
        """The partition of AWS that the Region belongs to, as ARNs name it."""
        try:
            return self.session.get_partition_for_region(self.region)
        except UnknownRegionError:
            return USUAL_PARTITION

    def key_arn(self, account_id: str, key_id: str) -> str:
        """Return the ARN of a key of the account."""
        return f"arn:{self.partition}:kms:{self.region}:{account_id}:key/{key_id}"

    def kms(self, threads: int) -> KMSClient:
        """Return a client of KMS that so many threads may use, with the rule's settings."""
        return self.session.client("kms", self.region, config=client_config(threads))

    def config(self) -> ConfigServiceClient:
        """Return a client of AWS Config, with the rule's settings."""
        return self.session.client("config", self.region, config=client_config(1))

    def aggregated_config(self) -> ConfigServiceClient:
        """Return a client of AWS Config for questions about many accounts, whose answers may take longer."""
        return self.session.client("config", self.region, config=client_config(1).merge(PATIENT))

    def enabled_regions(self) -> list[str]:
        """Return the Regions that are enabled in the account. Raises `CommandError` where they cannot be listed."""
        with explained("The enabled Regions cannot be listed with ec2:DescribeRegions"):
            regions = self.session.client("ec2", self.region, config=quick_config()).describe_regions()["Regions"]
        return sorted(region["RegionName"] for region in regions)


def quick_config() -> Config:
    """Return the settings of a client for a single question, which gives up within seconds."""
    return client_config(1).merge(FEW_ATTEMPTS)


@contextmanager
def explained(problem: str) -> Iterator[None]:
    """Turn a failure of AWS into a `CommandError` that begins with `problem`."""
    try:
        yield
    except FAILURES as error:
        raise CommandError(f"{problem}: {advice_on(reason_of(error))}.") from None


def advice_on(reason: str) -> str:
    """Return what to do about a failure of AWS, and in parentheses its reason, which begins with the error's code."""
    return f"{ADVICE.get(reason.partition(':')[0], OTHERWISE).at_a_terminal} ({reason})"


def sentence_for_people(problem: str, error: RuleError) -> str:
    """Return a sentence that begins with `problem`, with advice for a person instead of that for a deployed rule."""
    cause = error.__context__
    return f"{problem}: {advice_on(reason_of(cause))}." if isinstance(cause, FAILURES) else str(error)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person's own credentials, or a role that these assume, and the Regions to look into with them.

    `role_arn` is blank for the credentials themselves, of which `called` is the name in error messages. `home` is the
    Region to ask where any would do.
    """

    session: boto3.Session
    regions: tuple[str, ...]
    home: str
    called: str
    role_arn: str = ""

    @property
    def place(self) -> Place:
        """What findings call the account of the role."""
        return Place(f"account {account_in(self.role_arn)}", resource=self.role_arn)

    def connections(self) -> list[Connection]:
        """Return a connection for each Region; `all` stands for those that ec2:DescribeRegions calls enabled.

        Raises `CommandError` where the role cannot be assumed, or the Regions cannot be listed.
        """
        session, called, names = self.session, self.called, self.regions
        if self.role_arn:
            session, called = _assumed(session, self.role_arn, self.home), f"the role {self.role_arn}"
        if ALL_REGIONS in names:
            named = [name for name in names if name != ALL_REGIONS]
            names = tuple(dict.fromkeys([*_enabled_regions(session, self.home), *named]))
        return [Connection(session, name, called) for name in names]


def identities(arguments: argparse.Namespace) -> list[Identity]:
    """Return who is to look into what, with the profile, Regions, roles and accounts that the arguments name.

    Raises `CommandError` where there are no credentials or no Region, where what is named is no role, or where the file
    of accounts cannot be read.
    """
    session = _own_session(arguments.profile)
    names = tuple(dict.fromkeys(arguments.region or [session.region_name]))
    if not all(names):
        raise CommandError("No Region is set: give --region, or set one for the profile.")
    home = session.region_name or next((name for name in names if name != ALL_REGIONS), USUAL_REGION)
    called = f"the profile {arguments.profile}" if arguments.profile else "these credentials"
    roles = role_arns(arguments.role_arn, arguments.accounts_file)
    return [Identity(session, names, home, called, role) for role in roles or [""]]


def opened(who: Sequence[Identity]) -> Iterator[list[Connection] | Unjudged]:
    """Yield the connections of each identity when its turn comes, since a session of a role lasts an hour.

    Of several, one whose role cannot be assumed is something that could not be judged; a single one raises
    `CommandError`.
    """
    for identity in who:
        try:
            connections = identity.connections()
        except CommandError as error:
            if len(who) == 1:
                raise
            yield Unjudged(identity.place, str(error))
        else:
            yield connections


def first(arguments: argparse.Namespace) -> Connection:
    """Return the first place that the arguments name, the home Region standing for all. Raises like `identities`."""
    identity = identities(arguments)[0]
    region = identity.home if ALL_REGIONS in identity.regions else identity.regions[0]
    return replace(identity, regions=(region,)).connections()[0]


def only(arguments: argparse.Namespace) -> Connection:
    """Return the one place where an aggregator or a key is. Raises `CommandError` where the arguments name several."""
    who = identities(arguments)
    if len(who) > 1 or len(who[0].regions) > 1 or ALL_REGIONS in who[0].regions:
        raise CommandError(
            "An aggregator or a key is in one account and Region: name one with --region, and one --role-arn at most."
        )
    return who[0].connections()[0]


def _own_session(profile: str | None) -> boto3.Session:
    try:
        # boto3 alone does not know the name of the variable that AWS's other SDKs, and Lambda, have for it.
        session = boto3.Session(profile_name=profile, region_name=os.environ.get("AWS_REGION") or None)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        known = ADVICE.get(type(error).__name__)
        advice = known.at_a_terminal if known else "correct the profile, or name another with --profile"
        raise CommandError(f"The credentials cannot be read: {advice} ({reason_of(error)}).") from None
    if credentials is None:
        raise CommandError("There are no credentials: log in with the AWS CLI, or name a profile with --profile.")
    return session


def _assumed(session: boto3.Session, role_arn: str, region: str) -> boto3.Session:
    with explained(f"The role {role_arn} cannot be assumed, which its trust policy and your own must allow"):
        sts = session.client("sts", region, config=quick_config())
        credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="kms-rule")["Credentials"]
    return boto3.Session(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], region_name=region
    )


def _enabled_regions(session: boto3.Session, region: str) -> list[str]:
    with explained("The enabled Regions cannot be listed with ec2:DescribeRegions, so name them with --region"):
        regions = session.client("ec2", region, config=quick_config()).describe_regions()["Regions"]
    return sorted(region["RegionName"] for region in regions)
