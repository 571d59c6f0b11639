"""Reads a CloudFormation template in YAML, with the short forms of intrinsic functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kms_rule.sources.budget import MAX_DEPTH
from kms_rule.sources.contents import InputError
from kms_rule.sources.json_positions import LocatedList, LocatedObject, Position

MAX_VALUES = 250_000
NEEDS_PYYAML = "It seems to be a CloudFormation template in YAML, which needs PyYAML to be read: pip install PyYAML."
STANDARD_TAG = "tag:yaml.org,2002:"
MERGE = f"{STANDARD_TAG}merge"
TAGS_OF_TEXT = frozenset({f"{STANDARD_TAG}{kind}" for kind in ("str", "timestamp", "binary", "merge", "value")})
TAGS_OF_COLLECTIONS = frozenset({f"{STANDARD_TAG}map", f"{STANDARD_TAG}seq"})
# These are the short forms of names that do not begin with `Fn::`.
PLAIN_FUNCTIONS = frozenset({"Ref", "Condition"})
GET_ATT = "Fn::GetAtt"


def located_yaml(text: str) -> Any:
    """Return the value of a YAML text, its objects and lists with their positions.

    Raises `InputError`, with the position, where it is broken, names a thing twice in one object, is nested more than
    100 deep, or is more than 250,000 values large once its aliases are replaced; and where PyYAML is not installed.
    """
    try:
        # Templates in JSON do without it.
        import yaml  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise InputError(NEEDS_PYYAML) from error
    try:
        events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return _Reader(events, _Scalars(yaml)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(error.problem or error.context, Position(mark.line + 1, mark.column + 1)) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise _broken(str(error)) from error


def _broken(reason: str, *position: Position) -> InputError:
    first_line, *_ = reason.splitlines()
    return InputError(f"It is not YAML that CloudFormation reads ({first_line}): correct it.", *position)


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _function_of(tag: str) -> str:
    """Return the name of the function whose short form a tag is."""
    name = tag.removeprefix("!")
    return name if name in PLAIN_FUNCTIONS else f"Fn::{name}"


def _tagged(tag: str | None, value: Any, position: Position) -> Any:
    """Return a value, or the function whose short form its tag is, with the value as its argument."""
    if tag is None or tag == "!":
        return value
    if tag.startswith(STANDARD_TAG):
        if tag not in TAGS_OF_COLLECTIONS:
            raise _broken(f"the tag {tag!r} is unknown", position)
        return value
    function = _function_of(tag)
    if function == GET_ATT and isinstance(value, str):
        value = value.split(".", 1)
    found = LocatedObject(position)
    found[function] = value
    return found


class _Scalars:
    """Makes values of YAML's scalars, as YAML 1.1 reads them, except for dates, which stay texts."""

    def __init__(self, yaml: Any) -> None:
        self._node = yaml.ScalarNode
        self._resolver = yaml.resolver.Resolver()
        made_by = yaml.constructor.SafeConstructor()
        self._makers = {
            f"{STANDARD_TAG}{kind}": getattr(made_by, f"construct_yaml_{kind}")
            for kind in ("null", "bool", "int", "float")
        }

    def tag(self, event: Any) -> str:
        """Return the tag that a scalar has, or that YAML gives it for its text."""
        if event.tag and event.tag != "!":
            return str(event.tag)
        return str(self._resolver.resolve(self._node, event.value, (event.implicit[0] and not event.tag, True)))

    def value(self, tag: str, event: Any) -> Any:
        """Return the value of a scalar that has this standard tag."""
        if tag not in self._makers and tag not in TAGS_OF_TEXT:
            raise _broken(f"the tag {tag!r} is unknown", _position(event))
        make = self._makers.get(tag)
        try:
            return make(self._node(tag, event.value)) if make else event.value
        except (ValueError, KeyError) as error:
            raise _broken(str(error), _position(event)) from error


@dataclass(slots=True)
class _Open:
    """An object or a list whose end has not been read yet; `name` is that of the member to come."""

    value: Any
    tag: str | None
    anchor: str | None
    size: int = 1
    name: str | None = None
    merged: list[Any] = field(default_factory=list)


class _Reader:
    def __init__(self, events: Iterator[Any], scalars: _Scalars) -> None:
        self._events = events
        self._scalars = scalars
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents: list[Any] = []

    def document(self) -> Any:
        """Return the value of the one document."""
        for event in self._events:
            kind = type(event).__name__
            if kind in {"MappingStartEvent", "SequenceStartEvent"}:
                self._begin(event, LocatedObject if kind.startswith("Mapping") else LocatedList)
            elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
                self._end(event)
            elif kind == "ScalarEvent":
                self._scalar(event)
            elif kind == "AliasEvent":
                self._take(*self._named(event), event)
            elif kind == "DocumentStartEvent" and self._documents:
                raise _broken("expected a single document in the stream", _position(event))
        return self._documents[0] if self._documents else None

    def _begin(self, event: Any, collection: type[LocatedObject | LocatedList]) -> None:
        self._refuse_as_name(event)
        if len(self._open) >= MAX_DEPTH:
            raise InputError(f"It is nested more than {MAX_DEPTH} deep: write it flatter.", _position(event))
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(collection(_position(event)), event.tag, event.anchor))

    def _end(self, event: Any) -> None:
        ended = self._open.pop()
        for each in ended.merged:
            for name, member in each.items():
                ended.value.setdefault(name, member)
        self._take(_tagged(ended.tag, ended.value, ended.value.position), ended.size, event, ended.anchor)

    def _scalar(self, event: Any) -> None:
        tag = self._scalars.tag(event)
        if self._open and isinstance(self._open[-1].value, LocatedObject) and self._open[-1].name is None:
            self._name(tag, event)
            return
        standard = tag.startswith(STANDARD_TAG)
        value = self._scalars.value(tag, event) if standard else event.value
        self._take(_tagged(None if standard else tag, value, _position(event)), 1, event, event.anchor)

    def _name(self, tag: str, event: Any) -> None:
        inner, name = self._open[-1], event.value
        names = inner.value.names
        if tag == f"{STANDARD_TAG}null":
            raise _broken("a name is missing", _position(event))
        if name in names and tag != MERGE:
            reason = f"{name!r} stands twice in one object, first in line {names[name].line}"
            raise _broken(reason, _position(event))
        names[name] = _position(event)
        inner.name = MERGE if tag == MERGE else name
        if event.anchor:
            self._anchors[event.anchor] = (name, 1)

    def _named(self, event: Any) -> tuple[Any, int]:
        """Return the value that an alias stands for, and its size."""
        self._refuse_as_name(event)
        if any(each.anchor == event.anchor for each in self._open):
            raise _broken("an alias stands within what it names", _position(event))
        if event.anchor not in self._anchors:
            raise _broken("found undefined alias", _position(event))
        return self._anchors[event.anchor]

    def _refuse_as_name(self, event: Any) -> None:
        if self._open and isinstance(self._open[-1].value, LocatedObject) and self._open[-1].name is None:
            raise _broken("a name is not a text", _position(event))

    def _take(self, value: Any, size: int, event: Any, anchor: str | None = None) -> None:
        """Put a whole value where it belongs."""
        if size > MAX_VALUES:
            raise InputError(f"It is larger than {MAX_VALUES:,} values: split it.", _position(event))
        if anchor:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self._documents.append(value)
            return
        inner = self._open[-1]
        inner.size += size
        if isinstance(inner.value, LocatedList):
            inner.value.append(value)
        elif inner.name == MERGE:
            self._merge(value, event)
        else:
            inner.value[str(inner.name)] = value
        inner.name = None

    def _merge(self, value: Any, event: Any) -> None:
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(each, LocatedObject) for each in merged):
            raise _broken("what is merged is not an object", _position(event))
        self._open[-1].merged += merged
