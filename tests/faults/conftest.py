"""What the fault tests share: one layer in front of the emulated account, the choice of rows, and the table of them.

`pytest tests/faults --every-fault` tries every row of the matrix, every moment of death and every interleaving, and
prints the matrix; without the option it is a sample of them, chosen by data.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.faults.checks", "tests.faults.world")

from tests.aws.fault_layer import FaultLayer, served_layer  # noqa: E402
from tests.faults import deaths, matrix, races, table  # noqa: E402 - pytest must know first whose assertions to explain
from tests.faults.world import World, world_of  # noqa: E402

EVERY_FAULT = "--every-fault"
# What a test's argument may be: in the sample, and in all.
CHOICES = {
    "row": (matrix.sample, matrix.rows),
    "death": (deaths.sample, deaths.deaths),
    "killing": (deaths.sample_of_killings, deaths.killings),
    "race": (races.sample, races.races),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that asks for everything."""
    parser.addoption(EVERY_FAULT, action="store_true", help="try every row of the fault matrix, not a sample of them")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests their rows."""
    everything = metafunc.config.getoption(EVERY_FAULT, default=False)
    for argument, (some, every) in CHOICES.items():
        if argument in metafunc.fixturenames:
            cases = every() if everything else some()
            metafunc.parametrize(argument, [pytest.param(case, id=str(case)) for case in cases])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the matrix where all of it was tried."""
    rows = {str(row): row for row in matrix.rows()}
    reports = [report for some in terminalreporter.stats.values() for report in some]
    tried = {
        rows[text]: report.outcome
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "row" and report.when == "call"
    }
    if tried and config.getoption(EVERY_FAULT, default=False):
        terminalreporter.write(table.text(tried))


@pytest.fixture(scope="session")
def _layer() -> Iterator[tuple[FaultLayer, str]]:
    with served_layer() as served:
        yield served


@pytest.fixture(scope="module")
def _world(request: pytest.FixtureRequest, _layer: tuple[FaultLayer, str]) -> Iterator[World]:
    account = request.getfixturevalue("_served_account")
    account.reset()
    with world_of(account, *_layer) as world:
        yield world
    account.reset()


@pytest.fixture
def world(_world: World) -> World:
    """The account as every row finds it, behind the layer."""
    _world.restore()
    return _world
