"""The places in which scenarios, rule parameters and environment variables stand, and what each says of them.

Left to other tests is what they hold to the code already: the annotations, numbers and results of docs/scenarios.md
(tests/command/test_scenarios_page.py), and the choices and defaults of the templates' parameters
(tests/deploy/test_templates.py).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, invalidate_caches
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from kms_rule import rule_modules
from tests.deploy.templates import read, resources

# What is said of a name, by aspect: `{"need": "no", "default": "Alias"}`. An aspect that is left out is not compared.
type Said = Mapping[str, str]
type Names = dict[str, Said]

CODE = "AWSConfigRuleKMS"
SCENARIO_TABLE = f"{CODE}/least_privilege/scenarios.py"
PARAMETER_TABLE = f"{CODE}/least_privilege/parameters.py"
FEATURE = "AWSConfigRuleKMS.feature"
RDK_PARAMETERS = f"{CODE}/parameters.json"
RULE_TEMPLATE = "deploy/rule.yaml"
ORGANIZATION_TEMPLATE = "deploy/organization.yaml"
README = "README.md"
SCENARIOS_PAGE = "docs/scenarios.md"

CHOICE = re.compile(r"`(\w+)`")
MARKED_DEFAULT = re.compile(r"`(\w+)` \(default\)|Default `(\w+)`")
CHOICE_IN_FEATURE = re.compile(r"[Ww]ith (\w+),|(\w+) or (\w+):")
# Sections of the page about results that no scenario of a key gives.
TAKEN_BACK = ("deleted-key-not-applicable", "taken-back-not-applicable")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, or a folder, and how to read the names in it; one with names of its own besides is not `whole`."""

    path: str
    names: Callable[[Path], Names]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Subject:
    """What must be the same in all of these places."""

    what: str
    places: tuple[Place, ...]

    def differences(self, root: Path) -> Iterator[str]:
        """Yield a sentence for each name that is not in every place, and for each aspect that is not the same."""
        found = {place: place.names(root / place.path) for place in self.places}
        expected = dict.fromkeys(name for place, names in found.items() if place.whole for name in names)
        for name in expected:
            having = [place.path for place, names in found.items() if name in names]
            lacking = [place.path for place in found if place.path not in having]
            if lacking:
                yield f"The {self.what} {name} stands in {listed(having)}, but not in {listed(lacking)}."
        for name in expected:
            said = {place.path: names[name] for place, names in found.items() if name in names}
            yield from _contradictions(f"the {self.what} {name}", said)


def _contradictions(what: str, said: Mapping[str, Said]) -> Iterator[str]:
    for aspect in dict.fromkeys(aspect for aspects in said.values() for aspect in aspects):
        values: dict[str, list[str]] = {}
        for path, aspects in said.items():
            if aspect in aspects:
                values.setdefault(aspects[aspect], []).append(path)
        if len(values) > 1:
            told = ", but ".join(f"{value or 'none'} in {listed(paths)}" for value, paths in values.items())
            yield f"The {aspect} of {what} differs: {told}."


def listed(words: list[str]) -> str:
    """Return words as a sentence has them: with commas, and an "and" before the last."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def text_of(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def _named(names: list[str]) -> Names:
    return {name: {} for name in names}


def rule_module(path: Path) -> ModuleType:
    """Import the module that holds one of the rule's tables, apart from the rule that other tests have imported."""
    folder = path.parents[1]
    changed = tuple((folder / module).stat().st_mtime_ns for module in rule_modules(folder))
    return _imported_apart(folder, changed)[path]


@lru_cache(maxsize=1)
def _imported_apart(folder: Path, _changed: tuple[int, ...]) -> Mapping[Path, ModuleType]:
    with _apart(folder):
        modules = [import_module(f"least_privilege.{Path(table).stem}") for table in (SCENARIO_TABLE, PARAMETER_TABLE)]
    return {Path(str(module.__file__)): module for module in modules}


@contextmanager
def _apart(folder: Path) -> Iterator[None]:
    """Import the rule's modules from this folder for as long as the block lasts, and leave no trace of them."""
    own = {module.parts[0].removesuffix(".py") for module in rule_modules(folder)}
    before, path, no_bytecode = dict(sys.modules), list(sys.path), sys.dont_write_bytecode
    _forget(own)
    sys.path.insert(0, str(folder))
    # A change within a second that leaves a file its length would not be seen.
    sys.dont_write_bytecode = True
    invalidate_caches()
    try:
        yield
    finally:
        _forget(own)
        sys.modules.update({name: module for name, module in before.items() if name.partition(".")[0] in own})
        sys.path[:] = path
        sys.dont_write_bytecode = no_bytecode


def _forget(packages: Iterable[str]) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


# Scenarios


def scenarios_of_code(path: Path) -> Names:
    """Read the table `SCENARIOS`."""
    return {
        row.name: {"number": str(row.number or ""), "result": row.compliance.value}
        for row in rule_module(path).SCENARIOS
    }


def scenarios_of_feature(path: Path) -> Names:
    """Read the headings of the feature's scenarios."""
    return _named(re.findall(r"^  Scenario(?: Outline)?: (.+)$", text_of(path), re.MULTILINE))


def scenarios_of_readme(path: Path) -> Names:
    """Read the table of scenarios."""
    rows = re.findall(r"^\| (\S+) \| `([\w-]+)` \| .* \| `(\w+)` \|$", text_of(path), re.MULTILINE)
    return {name: {"number": number if number.isdecimal() else "", "result": result} for number, name, result in rows}


def scenarios_of_page(path: Path) -> Names:
    """Read the headings of the page's sections."""
    headings = re.findall(r"^## (.+)$", text_of(path), re.MULTILINE)
    return _named([heading for heading in headings if heading not in TAKEN_BACK])


# Rule parameters


def parameters_of_code(path: Path) -> Names:
    """Read the table `PARAMETERS`."""
    return {
        name: {"need": "yes" if row.required else "no", **_said_of(row.choices)}
        for name, row in rule_module(path).PARAMETERS.items()
    }


def _said_of(choices: Iterable[str], default: str | None = None) -> Said:
    """Return which the choices are, in alphabetical order; without a `default`, it is the first of them."""
    ordered = list(choices)
    first = next(iter(ordered), "")
    return {"default": first if default is None else default, "choice": " or ".join(sorted(set(ordered)))}


def parameters_of_feature(path: Path) -> Names:
    """Read the table in the feature's header, whose long rows go on below."""
    header, _, _ = text_of(path).partition("Background:")
    names: Names = {}
    meanings: dict[str, str] = {}
    name = ""
    for row in re.findall(r"^    \| (.*) \|$", header, re.MULTILINE)[1:]:
        given, needed, default, meaning = (cell.strip() for cell in row.split("|"))
        name = given or name
        meanings[name] = f"{meanings.get(name, '')} {meaning}"
        if given:
            names[name] = {"need": needed, "default": default}
    return {name: {**said, **_choices_of_feature(said["default"], meanings[name])} for name, said in names.items()}


def _choices_of_feature(default: str, meaning: str) -> Said:
    choices = [choice for groups in CHOICE_IN_FEATURE.findall(meaning) for choice in groups if choice]
    # Where there is nothing to choose, the column says in words what happens.
    return _said_of(choices, default if choices else "")


def parameters_of_rdk(path: Path) -> Names:
    """Read both lists that RDK has."""
    parameters = json.loads(text_of(path))["Parameters"]
    return _named(
        [name for field in ("InputParameters", "OptionalParameters") for name in json.loads(parameters[field])]
    )


def parameters_of_template(path: Path) -> Names:
    """Work out which parameters the template gives the rule where each is wanted."""
    wanted = {"CMKWhitelist": "Otter*", "ExecutionRoleName": "role"}
    declared = read(path)["Parameters"]
    given = {name: value for name, value in wanted.items() if name in declared}
    properties = resources(path, **given)["Rule"]["Properties"]
    parameters = properties.get("OrganizationCustomRuleMetadata", properties)["InputParameters"]
    return _named(list(json.loads(parameters) if isinstance(parameters, str) else parameters))


def parameters_of_readme(path: Path) -> Names:
    """Read the table of parameters, whose choices and defaults are set in the font of code."""
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| (.*) \|$", text_of(path), re.MULTILINE)
    return {name: {"need": needed, **_marked_choices(meaning)} for name, needed, meaning in rows}


def _marked_choices(meaning: str) -> Said:
    defaults = ["".join(groups) for groups in MARKED_DEFAULT.findall(meaning)]
    return _said_of(CHOICE.findall(meaning), listed(defaults) if defaults else "")


# Environment variables


def variables_of_code(folder: Path) -> Names:
    """Read which variables any module of the rule asks for, with the default after each `or`."""
    trees = [ast.parse(text_of(folder / module)) for module in rule_modules(folder)]
    return {name: said for tree in trees for name, said in _variables_of_module(tree)}


def _variables_of_module(tree: ast.Module) -> Iterator[tuple[str, Said]]:
    constants = dict(_constants(tree))
    for choice in (node for node in ast.walk(tree) if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)):
        for call in (node for node in ast.walk(choice) if isinstance(node, ast.Call)):
            if ast.unparse(call.func) == "os.environ.get":
                yield _value(call.args[0], constants), {"default": _value(choice.values[-1], constants)}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for statement in tree.body:
        match statement:
            case ast.Assign([ast.Name(name)], ast.Constant(value)):
                yield name, str(value)


def _value(expression: ast.expr, constants: Mapping[str, str]) -> str:
    """Return the text that a literal, or the name of one of the module's constants, stands for."""
    if isinstance(expression, ast.Name):
        return constants[expression.id]
    return str(ast.literal_eval(expression))


def variables_of_readme(path: Path) -> Names:
    """Read the variables and their defaults, which follow in brackets."""
    return {name: {"default": default} for name, default in re.findall(r"`([A-Z_]+)` \(default `?(\w+)", text_of(path))}


def variables_of_template(path: Path) -> Names:
    """Read the function's environment where no parameter of the template says otherwise."""
    variables: dict[str, Any] = resources(path)["Function"]["Properties"]["Environment"]["Variables"]
    return {name: {"default": str(value)} for name, value in variables.items()}


SCENARIOS = Subject(
    "scenario",
    (
        Place(SCENARIO_TABLE, scenarios_of_code),
        # Most of its scenarios are examples of these, and it runs against the code.
        Place(FEATURE, scenarios_of_feature, whole=False),
        Place(README, scenarios_of_readme),
        Place(SCENARIOS_PAGE, scenarios_of_page),
    ),
)
PARAMETERS = Subject(
    "rule parameter",
    (
        Place(PARAMETER_TABLE, parameters_of_code),
        Place(FEATURE, parameters_of_feature),
        Place(RDK_PARAMETERS, parameters_of_rdk),
        Place(RULE_TEMPLATE, parameters_of_template),
        Place(ORGANIZATION_TEMPLATE, parameters_of_template),
        Place(README, parameters_of_readme),
    ),
)
VARIABLES = Subject(
    "environment variable",
    (
        Place(CODE, variables_of_code),
        Place(README, variables_of_readme),
        Place(RULE_TEMPLATE, variables_of_template),
        Place(ORGANIZATION_TEMPLATE, variables_of_template),
    ),
)
SUBJECTS = (SCENARIOS, PARAMETERS, VARIABLES)
PATHS = tuple(dict.fromkeys(place.path for subject in SUBJECTS for place in subject.places))


def differences(root: Path) -> list[str]:
    """Return a sentence for everything in which the places below this folder differ."""
    return [sentence for subject in SUBJECTS for sentence in subject.differences(root)]


def in_another_order(root: Path, subject: Subject) -> list[str]:
    """Return the places, read whole, that have the subject's names in another order than the one before."""
    whole = [(place.path, list(place.names(root / place.path))) for place in subject.places if place.whole]
    return [path for (_, before), (path, names) in pairwise(whole) if names != before]
