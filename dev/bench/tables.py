"""Results on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from dev.bench.grids import Grid, grids
from dev.bench.results import Results

COLOURS = {"yes": "green", "no": "bold red"}


def tables(results: Results) -> Iterator[Table]:
    """Make a table of each grid."""
    yield from map(_table, grids(results).values())


def _table(grid: Grid) -> Table:
    table = Table(title=grid.title, title_justify="left")
    for number, head in enumerate(grid.heads):
        table.add_column(head, justify="left" if number == 0 else "right")
    for row in grid.rows:
        table.add_row(*row, style=COLOURS.get(row[-1]))
    return table
