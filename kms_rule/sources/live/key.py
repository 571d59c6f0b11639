"""One key of a live account, read as the rule reads it."""

from __future__ import annotations

import re
from dataclasses import replace

from botocore.exceptions import ClientError

from kms_rule.errors import CommandError
from kms_rule.findings import Place
from kms_rule.sources.live.accounts import Connection, advice_on, explained, sentence_for_people
from least_privilege.account import Account
from least_privilege.errors import NOT_FOUND, code_of
from least_privilege.key import Key, UnreadKey, VanishedKey
from least_privilege.parameters import ALIAS_PREFIX
from least_privilege.text import RuleError, escaped, quoted

ARN = re.compile(r"arn:[^:]*:kms:(?P<region>[^:]+):(?P<account>[^:]+):(?P<resource>.+)")
KEY_PREFIX = "key/"


def live_key(connection: Connection, name: str) -> tuple[Key, Place]:
    """Return a key by its alias, id or ARN, with its state, aliases and policy, and where it is.

    What may not be read of it is noted in the key, as the rule does. Raises `CommandError` where there is no such key,
    where an ARN is of another account, whose aliases may be this one's too, or where it cannot be read.
    """
    arn = ARN.fullmatch(name)
    if arn:
        connection, name = replace(connection, region=arn["region"]), arn["resource"]
    account_id = connection.account_id()
    if arn and arn["account"] != account_id:
        raise CommandError(
            f"The key {escaped(arn[0])} is in another account than {account_id}, which is that of {connection.role}: "
            f"name a role of the key's account with --role-arn, or its profile."
        )
    key_id = _id_behind(connection, name) if name.startswith(ALIAS_PREFIX) else name.removeprefix(KEY_PREFIX)
    account = Account(connection.kms(1), connection.config(), connection.role)
    try:
        aliases = account.aliases_of(key_id)
    except RuleError as error:
        problem = f"The aliases of the key {escaped(key_id)} cannot be listed with kms:ListAliases"
        raise CommandError(sentence_for_people(problem, error)) from error
    key = VanishedKey(key_id) if aliases is None else account.described(key_id, aliases)
    if isinstance(key, Key):
        key = account.with_policy(key)
    if isinstance(key, UnreadKey):
        raise CommandError(f"The key {escaped(key_id)} could not be read: {advice_on(key.reason)}.")
    if isinstance(key, VanishedKey):
        raise _no_such_key(connection, name)
    return key, Place(f"account {account_id}, {connection.region}", resource=connection.key_arn(account_id, key_id))


def _id_behind(connection: Connection, alias: str) -> str:
    """Return the id of the key that an alias points to: only `DescribeKey` takes an alias."""
    with explained(f"The key of {escaped(alias)} in {connection.region} cannot be found with kms:DescribeKey"):
        try:
            key_id: str = connection.kms(1).describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
        except ClientError as error:
            if code_of(error) != NOT_FOUND:
                raise
            raise _no_such_key(connection, alias) from None
        return key_id


def _no_such_key(connection: Connection, name: str) -> CommandError:
    return CommandError(
        f"There is no key {quoted(name)} in {connection.region}: correct its id, ARN or alias, which begins with "
        f"{ALIAS_PREFIX}, or the Region."
    )
