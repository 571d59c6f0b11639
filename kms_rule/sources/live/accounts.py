"""The live accounts and Regions that a command looks into, with the person's own credentials, and only to read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, UnknownRegionError

from kms_rule.errors import CommandError
from least_privilege.clients import client_config
from least_privilege.errors import ADVICE, FAILURES, OTHERWISE, reason_of
from least_privilege.event import ROLE_ARN
from least_privilege.text import quoted

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


def connections(arguments: argparse.Namespace) -> list[Connection]:
    """Return a connection for each Region that `--region` names, with the profile and role that the arguments name.

    `all` stands for those that ec2:DescribeRegions calls enabled. Raises `CommandError` where there are no credentials,
    no Region, or where the role cannot be assumed.
    """
    session = _own_session(arguments.profile)
    names = list(dict.fromkeys(arguments.region or [session.region_name]))
    if not all(names):
        raise CommandError("No Region is set: give --region, or set one for the profile.")
    home = session.region_name or next((name for name in names if name != ALL_REGIONS), USUAL_REGION)
    role = f"the profile {arguments.profile}" if arguments.profile else "these credentials"
    if arguments.role_arn:
        session, role = _assumed(session, arguments.role_arn, home), f"the role {arguments.role_arn}"
    if ALL_REGIONS in names:
        named = [name for name in names if name != ALL_REGIONS]
        names = list(dict.fromkeys([*_enabled_regions(session, home), *named]))
    return [Connection(session, name, role) for name in names]


def only(places: Sequence[Connection]) -> Connection:
    """Return the one place where an aggregator is. Raises `CommandError` where there are several."""
    if len(places) > 1:
        raise CommandError(
            "An aggregator is in one account and Region: name one with --region, and one --role-arn at most."
        )
    return places[0]


def _own_session(profile: str | None) -> boto3.Session:
    try:
        session = boto3.Session(profile_name=profile)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        known = ADVICE.get(type(error).__name__)
        advice = known.at_a_terminal if known else "correct the profile, or name another with --profile"
        raise CommandError(f"The credentials cannot be read: {advice} ({reason_of(error)}).") from None
    if credentials is None:
        raise CommandError("There are no credentials: log in with the AWS CLI, or name a profile with --profile.")
    return session


def _assumed(session: boto3.Session, role_arn: str, region: str) -> boto3.Session:
    if not ROLE_ARN.fullmatch(role_arn):
        raise CommandError(
            f"The role {quoted(role_arn)} cannot be assumed: give its ARN, arn:aws:iam::ACCOUNT:role/NAME."
        )
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
