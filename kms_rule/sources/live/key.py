"""One key of a live account, read as the rule reads it."""

from __future__ import annotations

import re
from dataclasses import replace

from kms_rule.errors import CommandError
from kms_rule.findings import Place
from kms_rule.sources.live.accounts import Connection, advice_on, explained
from least_privilege.account import Account
from least_privilege.key import Key, UnreadKey, VanishedKey
from least_privilege.parameters import ALIAS_PREFIX
from least_privilege.text import RuleError, escaped

ARN = re.compile(r"arn:[^:]*:kms:(?P<region>[^:]+):[^:]+:(?P<resource>.+)")
KEY_PREFIX = "key/"


def live_key(connection: Connection, name: str) -> tuple[Key, Place]:
    """Return a key by its alias, id or ARN, with its state, aliases and policy, and where it is.

    What may not be read of it is noted in the key, as the rule does. Raises `CommandError` where there is no such key,
    or it cannot be read for another reason.
    """
    arn = ARN.fullmatch(name)
    if arn:
        connection, name = replace(connection, region=arn["region"]), arn["resource"]
    key_id = _id_behind(connection, name) if name.startswith(ALIAS_PREFIX) else name.removeprefix(KEY_PREFIX)
    account = Account(connection.kms(1), connection.config(), connection.role)
    try:
        aliases = account.aliases_of(key_id)
    except RuleError as error:
        raise CommandError(str(error)) from error
    key = VanishedKey(key_id) if aliases is None else account.described(key_id, aliases)
    if isinstance(key, Key):
        key = account.with_policy(key)
    if isinstance(key, UnreadKey):
        raise CommandError(f"The key {escaped(key_id)} could not be read: {advice_on(key.reason)}.")
    if isinstance(key, VanishedKey):
        raise CommandError(f"There is no key {escaped(name)} in {connection.region}: correct its name, or the Region.")
    account_id = connection.account_id()
    return key, Place(f"account {account_id}, {connection.region}", resource=connection.key_arn(account_id, key_id))


def _id_behind(connection: Connection, alias: str) -> str:
    """Return the id of the key that an alias points to: only `DescribeKey` takes an alias."""
    with explained(f"The key of {escaped(alias)} in {connection.region} cannot be found with kms:DescribeKey"):
        key_id: str = connection.kms(1).describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
        return key_id
