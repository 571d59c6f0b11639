"""The roles that a person wants to be assumed, one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kms_rule.errors import CommandError
from least_privilege.event import ROLE_ARN
from least_privilege.text import quoted

ACCOUNT = "ACCOUNT"
ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
COMMENT = re.compile(r"#.*")
SEPARATORS = re.compile(r"[\s,]+")


def role_arns(given: Sequence[str] | None, accounts_file: Path | None) -> list[str]:
    """Return the ARNs of the roles to assume, each once: those given, and those of the accounts in a file.

    The file names accounts by their ids, for which `ACCOUNT` stands in a role that is given, or roles by their ARNs.
    Raises `CommandError` where the file cannot be read, or where something is not the ARN of a role.
    """
    patterns = [role for role in given or () if ACCOUNT in role.split(":")]
    roles = [role for role in given or () if role not in patterns]
    named = [*_named_in(accounts_file)] if accounts_file else []
    ids = [each for each in named if ACCOUNT_ID.fullmatch(each)]
    if ids and not patterns:
        raise CommandError(
            f"{accounts_file} has ids of accounts, but no role to assume there is given: add --role-arn "
            f"arn:aws:iam::ACCOUNT:role/NAME, in which ACCOUNT stands for each of them."
        )
    if patterns and not ids:
        raise CommandError(
            f"ACCOUNT in {quoted(patterns[0])} stands for the accounts in a file: name the file with --accounts-file, "
            f"or write the id of an account."
        )
    roles += [each for each in named if each not in ids]
    roles += [pattern.replace(f":{ACCOUNT}:", f":{each}:") for each in ids for pattern in patterns]
    for role in roles:
        if not ROLE_ARN.fullmatch(role):
            raise CommandError(
                f"The role {quoted(role)} cannot be assumed: give its ARN, arn:aws:iam::ACCOUNT:role/NAME."
            )
    return list(dict.fromkeys(roles))


def _named_in(file: Path) -> Iterator[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise CommandError(f"The accounts in {file} cannot be read ({error.strerror}): give another file.") from error
    except ValueError as error:
        raise CommandError(f"The accounts in {file} are not UTF-8 ({error}): save the file as UTF-8.") from error
    names = [name for line in lines for name in SEPARATORS.split(COMMENT.sub("", line)) if name]
    if not names:
        raise CommandError(f"{file} names no account: write the id of one, or the ARN of a role, on each line.")
    for name in names:
        if not (ACCOUNT_ID.fullmatch(name) or ROLE_ARN.fullmatch(name)):
            raise CommandError(
                f"{quoted(name)} in {file} is neither the id of an account, which has twelve digits, nor the ARN of a "
                f"role: correct the file."
            )
    yield from names
