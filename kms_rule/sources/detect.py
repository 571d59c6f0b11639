"""Tells what a file is by its content, and makes its contents.

What is JSON is told by the rows of `KINDS`, in their order. What is none of them is `Other`, which may still seem to
define a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kms_rule.sources import policy
from kms_rule.sources.budget import MAX_DEPTH
from kms_rule.sources.cloudformation import template
from kms_rule.sources.cloudformation.inputs import NOTHING_GIVEN, TemplateInputs
from kms_rule.sources.contents import Contents, DefinedKey, InputError
from kms_rule.sources.json_positions import NOWHERE, Lines, LocatedObject, Position, located
from kms_rule.sources.relevance import (
    json_seems_to_define_a_key,
    seems_key_policy_as_no_json,
    text_names_type_of_key,
)
from kms_rule.sources.terraform import nearly, plan
from least_privilege.parameters import RuleParameters

# A name as YAML writes it, in block or flow style. Whether it is part of the root, only a reader of YAML can tell.
RESOURCES = re.compile(r"""(?<![^\s{,])(["']?)Resources\1\s*:""")
COMMENTS = re.compile(r"(?:\s*(?://[^\n]*|/\*.*?\*/))*\s*", re.DOTALL)
QUOTED = re.compile(r'\s*"(?:[^"\\]|\\.)*"\s*', re.DOTALL)
MEANT_AS_JSON = re.compile(r'\s*\{\s*"')
BEGIN_OF_COMMENT = ("//", "/*", "#")
NAMES_OF_STATE = frozenset({"terraform_version", "lineage"})
NAMES_OF_KEY_POLICY_ANSWER = frozenset({"Policy", "PolicyName"})
BODY = "TemplateBody"
NOT_A_LINE_BREAK = re.compile(r"[^\n]")

KINDS_IN_WORDS = "a key policy as JSON, a CloudFormation template or the output of 'terraform show -json'"
NONE_OF_THESE = f"It is not {KINDS_IN_WORDS}: name another file."
PASSED_OVER = f"Passed over, since it is not {KINDS_IN_WORDS}."
BUT_SEEMS_TO_DEFINE_A_KEY = "Passed over, though it seems to define a KMS key"
SEEMS_TO_DEFINE_A_KEY = f"{BUT_SEEMS_TO_DEFINE_A_KEY}: it is not {KINDS_IN_WORDS}."
OTHER_POLICY = "Passed over, since it is not a key policy: {}."
POLICY_AS_NO_JSON = "It seems to be a key policy, which must be JSON: write it as JSON, without comments."
OWN_STATE = "It is Terraform's own state: give 'kms-rule check' the output of 'terraform show -json' on it."
TOO_DEEP = f"It is nested more than {MAX_DEPTH} deep: write it flatter."
NO_COMMENTS = "It is not JSON, which takes no comments: take them out."


@dataclass(frozen=True, slots=True)
class Other:
    """What is none of the kinds that are judged.

    `remark` says so of it; with `seems_to_define_a_key`, `reason` says what to do where it was to be judged.
    """

    remark: str = PASSED_OVER
    reason: str = NONE_OF_THESE
    seems_to_define_a_key: bool = False


OF_NO_ACCOUNT = Other()
NOT_TO_BE_OVERLOOKED = Other(SEEMS_TO_DEFINE_A_KEY, seems_to_define_a_key=True)

# What is not of a kind that is judged: how it is told, text that is not JSON and parsed JSON, and what is said of it.
OTHER_TEXTS: tuple[tuple[Callable[[str], bool], Other], ...] = (
    (seems_key_policy_as_no_json, Other(SEEMS_TO_DEFINE_A_KEY, POLICY_AS_NO_JSON, seems_to_define_a_key=True)),
    (text_names_type_of_key, NOT_TO_BE_OVERLOOKED),
    (nearly.defines_a_key, NOT_TO_BE_OVERLOOKED),
)
OTHER_JSON: tuple[tuple[Callable[[object], bool], Other], ...] = ((json_seems_to_define_a_key, NOT_TO_BE_OVERLOOKED),)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a text comes from, as it is shown, and what it is read with: see `read`."""

    source: str
    parameters: RuleParameters
    inputs: TemplateInputs


@dataclass(frozen=True, slots=True)
class Document:
    """A text that is a JSON object, and that object."""

    content: Mapping[str, Any]
    text: str
    origin: Origin

    def position(self, name: str) -> Position:
        """Return where a name of the object stands."""
        whole: LocatedObject = located(self.text)
        return whole.names.get(name, NOWHERE)


def read(
    text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN
) -> Contents | Other:
    """Make the contents of a text where it is of a kind that is judged.

    `inputs` are what a template gets from outside. Raises `InputError` where it is broken, or cannot be judged as a
    whole.
    """
    try:
        found = _read(text, Origin(source, parameters, inputs))
    except InputError as error:
        advice = nearly.advice_on(text)
        if advice:
            raise InputError(advice) from error
        raise
    if isinstance(found, Other) and found.seems_to_define_a_key:
        return _advised(found, nearly.advice_on(text))
    return found


def _advised(other: Other, advice: str | None) -> Other:
    return replace(other, remark=f"{BUT_SEEMS_TO_DEFINE_A_KEY}: {advice}", reason=advice) if advice else other


def _read(text: str, origin: Origin) -> Contents | Other:
    if begins_as_json(text):
        return _of_json(text, origin)
    contents = _read_yaml(text, origin) if RESOURCES.search(text) else None
    return contents or _first(OTHER_TEXTS, text)


def _read_yaml(text: str, origin: Origin) -> Contents | None:
    return template.read_yaml(text, origin.source, origin.parameters, origin.inputs)


def begins_as_json(text: str) -> bool:
    """Return whether a text is meant to be JSON."""
    # JSON takes no comments, but what has such ones before it is meant to be JSON.
    comments = COMMENTS.match(text)
    return text.startswith(("{", "["), comments.end() if comments else 0) or bool(QUOTED.fullmatch(text))


def _first(rows: Iterable[tuple[Callable[[Any], bool], Other]], content: object) -> Other:
    return next((other for holds, other in rows if holds(content)), OF_NO_ACCOUNT)


# ---------------------------------------------------------------------------------------------------------------------
# JSON
# ---------------------------------------------------------------------------------------------------------------------


def _of_json(text: str, origin: Origin) -> Contents | Other:
    try:
        content = from_json(text)
    except InputError as error:
        contents = _of_flow_style(text, origin, error)
        if contents is None:
            raise
        return contents
    if isinstance(content, str):
        # As 'aws --query Policy' prints it without '--output text'.
        return _within(content, origin, NOWHERE)
    if isinstance(content, Mapping):
        document = Document(content, text, origin)
        for holds, contents_of in KINDS:
            if holds(content):
                return contents_of(document)
    return _first(OTHER_JSON, content)


def _of_flow_style(text: str, origin: Origin, error: InputError) -> Contents | None:
    """Make the keys of a template in YAML that begins as JSON does, or None where it cannot be read as one."""
    if not RESOURCES.search(text):
        return None
    try:
        contents = _read_yaml(text, origin)
    except InputError:
        # What is wrong with it as JSON is told, since that is how it begins.
        return None
    if contents is None or not MEANT_AS_JSON.match(text):
        return contents
    remark = (
        f"{origin.source}:{error.position.line}:{error.position.column}: It is read as YAML, since it is not JSON: "
        f"correct it, because not every reader takes that."
    )
    return replace(contents, remarks=(*contents.remarks, remark))


def _within(text: str, origin: Origin, place: Position) -> Contents | Other:
    """Make the contents of a text that stands within a file, at `place`, to which everything in it then points."""
    found = _read(text, origin)
    if isinstance(found, Other):
        return found
    keys = (replace(key, place=replace(key.place, line=place.line, column=place.column)) for key in found.keys)
    return replace(found, keys=tuple(map(_without_positions, keys)))


def _without_positions[Key](key: Key) -> Key:
    if not isinstance(key, DefinedKey):
        return key
    return replace(key, candidates=tuple(replace(each, position=NOWHERE, statements=()) for each in key.candidates))


def holds_own_state(content: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is the file in which Terraform itself keeps its state."""
    return content.keys() >= NAMES_OF_STATE


def holds_key_policy_answer(content: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is what `aws kms get-key-policy` answers."""
    given = content.get("Policy")
    if not content.keys() <= NAMES_OF_KEY_POLICY_ANSWER or not isinstance(given, str):
        return False
    return given.lstrip().startswith("{")


def _read_plan(document: Document) -> Contents:
    return plan.read(document.content, document.origin.source, document.origin.parameters)


def _read_template(document: Document) -> Contents:
    origin = document.origin
    return template.read_json(document.text, origin.source, origin.parameters, origin.inputs)


def _read_policy(document: Document) -> Contents | Other:
    why_not = policy.why_no_key_policy(document.content)
    return Other(OTHER_POLICY.format(why_not)) if why_not else policy.read(document.text, document.origin.source)


def _read_answer_with_policy(document: Document) -> Contents | Other:
    return _within(document.content["Policy"], document.origin, document.position("Policy"))


def _read_answer_with_template(document: Document) -> Contents | Other:
    body = document.content[BODY]
    if isinstance(body, str):
        return _within(body, document.origin, document.position(BODY))
    return _read(_alone(document.text, BODY), document.origin)


def _alone(text: str, name: str) -> str:
    """Return the text of the object's member of this name, which is an object itself, where it stands in the whole."""
    whole: LocatedObject = located(text)
    start = Lines(text).offset(whole[name].position)
    _, end = json.JSONDecoder().raw_decode(text, start)
    return f"{NOT_A_LINE_BREAK.sub(' ', text[:start])}{text[start:end]}"


def _refuse_own_state(_document: Document) -> Contents:
    raise InputError(OWN_STATE)


# What an object holds, and what makes its contents. A policy is told before a template, since its names are fewer.
KINDS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Document], Contents | Other]], ...] = (
    (plan.is_plan, _read_plan),
    (lambda content: "Statement" in content, _read_policy),
    (lambda content: isinstance(content.get("Resources"), Mapping), _read_template),
    (lambda content: isinstance(content.get(BODY), str | Mapping), _read_answer_with_template),
    (holds_key_policy_answer, _read_answer_with_policy),
    (holds_own_state, _refuse_own_state),
)


def from_json(text: str) -> Any:
    """Parse JSON.

    Raises `InputError`, with the position where it is known, where it is broken, or nested more than 100 deep and not a
    plan.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        position = Position(error.lineno, error.colno)
        if text.startswith(BEGIN_OF_COMMENT, error.pos):
            raise InputError(NO_COMMENTS, position) from error
        raise InputError(f"It is not JSON ({error.msg}): correct it.", position) from error
    except RecursionError as error:
        raise InputError(TOO_DEEP) from error
    except ValueError as error:
        raise InputError(f"Its JSON cannot be read ({error}): correct it.") from error
    # A plan has as many levels as modules in modules, of which its reader has a limit of its own.
    if _is_too_deep(content) and not (isinstance(content, Mapping) and plan.is_plan(content)):
        raise InputError(TOO_DEEP)
    return content


def _is_too_deep(content: Any) -> bool:
    level = [content] if isinstance(content, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            member
            for each in level
            for member in (each.values() if type(each) is dict else each)
            if type(member) is dict or type(member) is list
        ]
        if not level:
            return False
    return True
