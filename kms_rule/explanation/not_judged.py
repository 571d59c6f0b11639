"""What a policy grants that the rule does not look at and a reviewer should; it never changes the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from AWSConfigRuleKMSPolicy import AWS_PRINCIPALS, EVERYBODY, KeyPolicy, Statement
from kms_rule.explanation.sentences import listing, title
from least_privilege.parameters import SEPARATE_BY
from least_privilege.pattern import lower_case
from least_privilege.permission import BY_USER
from least_privilege.text import name_in_sentence

ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?([0-9]{12})(?::.*)?", re.ASCII)
CREATE_GRANT = lower_case("kms:CreateGrant")


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Something about a statement that the rule does not look at; `text` goes on after the statement's title."""

    statement: Statement
    text: str

    def __str__(self) -> str:
        """Return the whole sentence."""
        return f"{title(self.statement)} {self.text}"


def not_judged(policy: KeyPolicy) -> tuple[NotJudged, ...]:
    """Return, for each Allow statement, what it grants to whom that the rule does not look at."""
    accounts = list(dict.fromkeys(name for statement in policy.allowing for name in _accounts(statement)))
    return tuple(
        NotJudged(statement, text)
        for statement in policy.allowing
        for text in (*_permissions(statement), *_principals(statement, accounts), *_grants(statement))
    )


def _permissions(statement: Statement) -> Iterator[str]:
    """Yield what no duty is here, and would be one by user."""
    judged = {permission.name for permission in statement.table.permissions}
    by_user = Statement.parse(statement.content, statement.number, BY_USER)
    beyond = [
        permission.name
        for permission in BY_USER.permissions
        if permission in by_user.permissions and permission.duty and permission.name not in judged
    ]
    if beyond:
        yield f"grants {listing(beyond)} to {_whom(statement)}, which is a duty only with {SEPARATE_BY} = User."


def _principals(statement: Statement, accounts: list[str]) -> Iterator[str]:
    if EVERYBODY in statement.principals(AWS_PRINCIPALS):
        yield "names everybody in every AWS account as its Principal."
    if "NotPrincipal" in statement.content:
        yield "lets in everybody but those whom its NotPrincipal names."
    others = [account for account in dict.fromkeys(_accounts(statement)) if account != accounts[0]]
    if others:
        yield f"lets in account {listing(others)} besides {accounts[0]}."


def _grants(statement: Statement) -> Iterator[str]:
    creates = any(entry.pattern.matches(CREATE_GRANT) for entry in statement.entries)
    if creates == (statement.actions is not None):
        yield f"lets {_whom(statement)} make grants (kms:CreateGrant), and the rule does not read grants."


def _accounts(statement: Statement) -> Iterator[str]:
    for name in statement.principals(AWS_PRINCIPALS):
        found = ACCOUNT.fullmatch(name)
        if found:
            yield found[1]


def _whom(statement: Statement) -> str:
    names = statement.all_principals
    if EVERYBODY in names:
        return "everybody"
    return listing(map(name_in_sentence, names)) or "principals that it does not name"
