"""Says of what is not one of the kinds that are judged whether it concerns a key, so that nobody overlooks it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import dedent

from kms_rule.sources.files import BEGINNING_OF_ZIP
from kms_rule.sources.policy import why_no_key_policy

# Without any of these in lower case, nothing in a file can matter: words of key policies and plans, and whatever may
# bring keys into a template that names none.
NAMES_KMS = b"kms"
ALWAYS_MATTER = (NAMES_KMS, b"statement", b"format_version", b"terraform")
MATTER_IN_TEMPLATES = (
    b"::module",
    b"aws::cloudformation::",
    b"serverless::application",
    b"servicecatalog",
    b"transform",
    b"rain::",
)
# With these, a word may be written otherwise.
ESCAPES = (b"\\u", b"\\x", b"\\\n", b"\\\r", b"\0")
WHITE_SPACE = b"\xef\xbb\xbf \t\r\n"
# What is broken and has none of these cannot be told from any other file.
BEGINNINGS_OF_KINDS = (b"Statement", b"Resources", b"terraform", b"Terraform", b"TemplateBody")

# The types of keys in CloudFormation and AWS Config, in Terraform, and in Pulumi, and what may name one of them.
TYPE_OF_KEY = re.compile(
    r"AWS::KMS::(?:Replica)?Key"
    r"|(?:aws|awscc)_kms_(?:replica_|external_|replica_external_)?key(?:_policy)?"
    r"|aws(?:-native)?:kms(?:/\w+)?:\w*Key(?:Policy)?"
)
NAMES_OF_TYPE = ("Type", "type", "resourceType")
TYPE_IN_TEXT = re.compile(r"AWS::KMS::(?:Replica)?Key\b|\baws(?:-native)?:kms(?:/\w+)?:\w*Key(?:Policy)?\b")
ACTION = re.compile("kms:", re.IGNORECASE)

STATEMENT = re.compile(r"""(?<![^\s{,])(["']?)Statement\1\s*:""")
STATEMENT_AT_LINE_START = re.compile(r"""^(["']?)Statement\1\s*:""", re.MULTILINE)
BEFORE_THE_ROOT = re.compile(r"^(?:---(?=\s)|%.*|[ \t]*#.*)", re.MULTILINE)


def may_matter(content: bytes) -> bool:
    """Return whether anything in the content of a file can concern a key: quickly, and True where in doubt."""
    lower = content.lower()
    if _has_any(lower, ALWAYS_MATTER) or _has_any(lower, ESCAPES):
        return True
    return b"resources" in lower and _has_any(lower, MATTER_IN_TEMPLATES)


def was_meant_to_matter(content: bytes) -> bool:
    """Return whether a file that is broken may have been of a kind that is judged.

    That is so of what is empty or a zip file, too, since nobody knows what it should have been.
    """
    if content.startswith(BEGINNING_OF_ZIP) or not content.strip(WHITE_SPACE):
        return True
    return names_kms(content) or _has_any(content.replace(b"\0", b""), BEGINNINGS_OF_KINDS)


def names_kms(content: bytes) -> bool:
    """Return whether the content of a file names KMS; in UTF-16 there is a zero byte beside each letter."""
    return NAMES_KMS in content.replace(b"\0", b"").lower()


def _has_any(content: bytes, words: tuple[bytes, ...]) -> bool:
    return any(word in content for word in words)


def seems_key_policy_as_no_json(text: str) -> bool:
    """Return whether a text that does not begin as JSON seems to be a policy, and names an action of KMS."""
    return bool(ACTION.search(text)) and seems_policy_as_no_json(text)


def seems_policy_as_no_json(text: str) -> bool:
    """Return whether a text that does not begin as JSON has `Statement` at its root."""
    if "Statement" not in text:
        return False
    root = dedent(BEFORE_THE_ROOT.sub("", text)).lstrip()
    return bool((STATEMENT if root.startswith("{") else STATEMENT_AT_LINE_START).search(root))


def text_names_type_of_key(text: str) -> bool:
    """Return whether a text that does not begin as JSON names a type of keys."""
    return bool(TYPE_IN_TEXT.search(text))


def json_seems_to_define_a_key(content: object) -> bool:
    """Return whether a resource that is a key, or a key policy, is anywhere within parsed JSON, also within a text."""
    return any(map(_seems_key, _collections(content)))


def _collections(content: object) -> Iterator[Mapping[str, object]]:
    """Yield every object within parsed JSON, and within each text in it that is JSON itself."""
    rest = [content]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            rest += _json_in(value)
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, Mapping):
            yield value
            rest += value.values()


def _json_in(text: str) -> list[object]:
    if not text.lstrip().startswith("{") or not ACTION.search(text):
        return []
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []


def _seems_key(content: Mapping[str, object]) -> bool:
    types = (content.get(name) for name in NAMES_OF_TYPE)
    if any(isinstance(value, str) and TYPE_OF_KEY.fullmatch(value) for value in types):
        return True
    if any(TYPE_OF_KEY.fullmatch(name) and isinstance(content[name], Mapping | list) for name in content):
        return True
    return "Statement" in content and not why_no_key_policy(content)
