"""What the templates of one run export, so that others can import it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from kms_rule.sources.budget import BudgetError
from kms_rule.sources.cloudformation.choices import ImpossibleError, Option, all_ways
from kms_rule.sources.cloudformation.definitions import Definitions, object_in
from kms_rule.sources.cloudformation.inputs import TemplateInputs
from kms_rule.sources.cloudformation.intrinsics import resolved
from kms_rule.sources.cloudformation.text import budget_of_file, parsed
from kms_rule.sources.cloudformation.world import World
from kms_rule.sources.contents import InputError
from kms_rule.sources.exclusion import is_excluded_by_name, wanted_below
from kms_rule.sources.files import STANDARD_INPUT, Exclusion, content_of, nothing, shown, text_in
from kms_rule.sources.late import LateText, text_of

EXPORT = b"Export"


class ExportsOfFiles:
    """The exports of all templates among some files, which are read when the first is asked for."""

    def __init__(self, names: Iterable[str], inputs: TemplateInputs, is_excluded: Exclusion = nothing) -> None:
        """Take the names of files and folders, what the templates get from outside besides, and what to leave out."""
        self._names = tuple(names)
        self._is_excluded = is_excluded
        self._inputs = inputs

    def options_of(self, name: str) -> Sequence[Option]:
        """Return what an export of this name may be, by the templates that make one; nothing where none does."""
        return tuple(self._found.get(name, {}).values())

    @cached_property
    def _found(self) -> dict[str, dict[str, Option]]:
        found: dict[str, dict[str, Option]] = {}
        for file in self._files():
            for name, value, is_secret in _exports_of(file, self._inputs):
                words = "" if is_secret else f": {value}"
                remark = f"The import {shown(name)} is judged with what {shown(file)} exports{words}."
                found.setdefault(name, {}).setdefault(str(value), Option(value, remark, is_secret))
        return found

    def _files(self) -> Iterator[str]:
        for name in self._names:
            if Path(name).is_dir():
                yield from (file for file in wanted_below(name, self._is_excluded) if isinstance(file, str))
            elif name != STANDARD_INPUT and not is_excluded_by_name(name, self._is_excluded):
                yield name


type Export = tuple[str, str | LateText, bool]


def _exports_of(file: str, inputs: TemplateInputs) -> Iterator[Export]:
    """Yield the name and value of each export of a file, and whether the value is not to be shown."""
    try:
        content = content_of(file)
        template = parsed(text_in(content, file)) if EXPORT in content else None
    except InputError:
        # It is told where the file is judged.
        return
    if not isinstance(template, Mapping):
        return
    definitions = Definitions(template, inputs, budget_of_file())
    for output in object_in(template, "Outputs").values():
        export = object_in(output, "Export") if isinstance(output, Mapping) else {}
        if "Name" in export and "Value" in output:
            yield from _values_of(export["Name"], output["Value"], definitions)


def _values_of(name: object, value: object, definitions: Definitions) -> Iterator[Export]:
    try:
        for choices in all_ways():
            world = World(definitions, choices)
            written = resolved(name, world)
            if isinstance(written, str):
                known = text_of([resolved(value, world)])
                yield written, known, world.holds_secrets
    except (BudgetError, ImpossibleError, RecursionError):
        # Whoever imports it does without.
        return
