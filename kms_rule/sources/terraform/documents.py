"""The policy that `data.aws_iam_policy_document` will give once the plan is applied, as far as its parts are known.

Terraform reads such a document when it plans, and puts that off where a part is not known yet, such as the ARN of a
role that the same plan makes. Then the plan has the document's arguments. They become a policy as the provider makes
it.
Source: the documentation of hashicorp/aws, "aws_iam_policy_document", and what its version 5.100 makes of documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from kms_rule.sources.contents import InputError
from kms_rule.sources.files import shown
from kms_rule.sources.late import LateText, LateValue
from kms_rule.sources.terraform.plan_resources import Resource, listed, mapping
from kms_rule.sources.terraform.references import references

LISTS = {"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"}
PRINCIPALS = {"principals": "Principal", "not_principals": "NotPrincipal"}
SOURCES, OVERRIDES = "source_policy_documents", "override_policy_documents"
ARGUMENTS = (SOURCES, "statement", OVERRIDES)
# Earlier versions of the provider take them.
EARLIER_ARGUMENTS = ("source_json", "override_json")
# The provider's way to write a policy variable, since Terraform has its own meaning for `${`.
VARIABLE, POLICY_VARIABLE = "&{", "${"
NOT_NAMED = "a value known after apply"


def document_of(resource: Resource) -> dict[str, Any]:
    """Return the policy that a document will give; each part that only applying the plan will tell is a `LateText`.

    Raises `InputError` where not even its structure is known.
    """
    if resource.unknown("json") is not True:
        raise _not_known("all")
    for name in EARLIER_ARGUMENTS:
        if resource.value(name) or resource.unknown(name):
            raise _not_known(name)
    whole = {
        name: _Part(resource.value(name), resource.unknown(name), resource.expressions.get(name)) for name in ARGUMENTS
    }
    own = [_statement(part) for part in whole["statement"].members()]
    sources, overrides = whole[SOURCES].documents(), whole[OVERRIDES].documents()
    if (sources or overrides) and any(isinstance(each.get("Sid"), LateText) for each in own):
        raise _not_known("a sid")
    statements: list[Any] = []
    for document in (*map(_statements, sources), own, *map(_statements, overrides)):
        _merge(statements, document)
    return {"Version": "2012-10-17", **({"Statement": statements} if statements else {})}


def is_sensitive(resource: Resource) -> bool:
    """Return whether some of what a document is made of must not be shown."""
    return any(map(resource.is_sensitive, ARGUMENTS))


@dataclass(frozen=True, slots=True)
class _Part:
    """An argument, or a part of one: its value, what of it is unknown (True for all), and its expression."""

    value: object
    unknown: object
    expression: object

    def __getitem__(self, name: str) -> _Part:
        value, unknown, expression = (mapping(each).get(name) for each in (self.value, self.unknown, self.expression))
        return _Part(value, self.unknown is True or unknown, expression)

    def members(self) -> list[_Part]:
        """Return the members of a list, or of a block that may be repeated."""
        if self.unknown is True:
            raise _not_known(str(self))
        values, unknown, expressions = listed(self.value), listed(self.unknown), listed(self.expression)
        length = max(len(values), len(unknown))
        # Blocks that `dynamic` makes are not among the expressions, and then the others cannot be told apart.
        blocks = expressions if len(expressions) == length else []
        return [_Part(*parts) for parts in islice(zip_longest(values, unknown, blocks), length)]

    def known(self) -> Any:
        """Return the value, or a late text."""
        return self._late() if self.unknown is True else self.value

    def texts(self) -> list[Any]:
        """Return the texts of a list: one late text where the whole list is unknown."""
        members = [self] if self.unknown is True else self.members()
        return [self._late() if member.value is None else member.known() for member in members]

    def _late(self) -> LateText:
        return LateText((LateValue(str(self), is_id=True),))

    def documents(self) -> list[Any]:
        """Return the documents that it lists, as text."""
        parts = self.members()
        if any(part.unknown is True for part in parts):
            raise _not_known(str(self))
        return [part.value for part in parts if part.value]

    def __str__(self) -> str:
        """Return what its expression refers to."""
        return " and ".join(references(self.expression)) or NOT_NAMED


def _not_known(what: str) -> InputError:
    return InputError(
        f"Its policy is read when the plan is applied, and {shown(what)} in it is known only then: check the state "
        f"then, or give the policy values that are known before."
    )


def _statement(part: _Part) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": part["effect"].known() or "Allow"}
    if sid := part["sid"].known():
        found["Sid"] = sid
    for argument, element in LISTS.items():
        if texts := _with_variables(part[argument].texts()):
            found[element] = texts
    for argument, element in PRINCIPALS.items():
        if blocks := part[argument].members():
            found[element] = _principals(blocks)
    if blocks := part["condition"].members():
        found["Condition"] = _conditions(blocks)
    return found


def _with_variables(texts: Iterable[Any]) -> list[Any]:
    return [text.replace(VARIABLE, POLICY_VARIABLE) if isinstance(text, str) else text for text in texts]


def _principals(blocks: list[_Part]) -> object:
    found: dict[str, list[Any]] = {}
    for block in blocks:
        found.setdefault(str(block["type"].known()), []).extend(_with_variables(block["identifiers"].texts()))
    return "*" if found == {"*": ["*"]} else found


def _conditions(blocks: list[_Part]) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = {}
    for block in blocks:
        test, variable = block["test"].known(), block["variable"].known()
        if not isinstance(test, str) or not isinstance(variable, str):
            raise _not_known("the key of a condition")
        found.setdefault(test, {}).setdefault(variable, []).extend(_with_variables(block["values"].texts()))
    return found


def _statements(text: object) -> list[Any]:
    """Return the statements of a document that this one takes in, as text; the provider wants a list of them."""
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        document = None
    statements: list[Any] = mapping(document).get("Statement", [])
    is_list = isinstance(statements, list) and all(isinstance(each, Mapping) for each in statements)
    if not isinstance(document, Mapping) or not is_list:
        raise InputError("Its policy takes in a document that is not a policy: correct it.")
    return statements


def _merge(statements: list[Any], others: list[Any]) -> None:
    """Add statements; one takes the place of that with the same sid."""
    by_sid = {sid: number for number, each in enumerate(statements) if (sid := _sid(each))}
    for other in others:
        sid = _sid(other)
        if sid in by_sid:
            statements[by_sid[sid]] = other
            continue
        if sid:
            by_sid[sid] = len(statements)
        statements.append(other)


def _sid(statement: Mapping[str, Any]) -> str:
    sid = statement.get("Sid")
    return sid if isinstance(sid, str) else ""


def with_any_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document whose conditions let in everybody where a value is not known."""
    statements = [_with_any_values(statement) for statement in document.get("Statement", [])]
    return {**document, **({"Statement": statements} if statements else {})}


def _with_any_values(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions = mapping(statement.get("Condition"))
    if not any(late_values(statement)):
        return statement
    return {
        **statement,
        "Condition": {
            test: {
                name: ["*" if isinstance(value, LateText) else value for value in values]
                if isinstance(values, list)
                else values
                for name, values in keys.items()
            }
            for test, keys in conditions.items()
        },
    }


def late_values(statement: Mapping[str, Any]) -> Iterator[LateText]:
    """Yield the values in the conditions of a statement that are not known."""
    for keys in mapping(statement.get("Condition")).values():
        for values in mapping(keys).values():
            yield from (value for value in listed(values) if isinstance(value, LateText))
