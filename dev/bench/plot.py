"""The plot of the page, drawn in the environment that has matplotlib: `python -m dev.bench.plot RESULTS SVG`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]
from matplotlib import pyplot as plt

from dev.bench.results import CONFIG, KMS, Measurement, Results

COLOURS = {KMS: "#1f6fb4", CONFIG: "#d9822b"}
OTHER_COLOUR = "#9aa5b1"
SOURCE_NAMES = {KMS: "from KMS", CONFIG: "from AWS Config"}
STYLE = {
    "svg.hashsalt": "performance",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
}


def draw_growth(axes: Any, results: Results) -> None:
    """Draw processor time by number of keys, with the line on which a run of twice the keys takes twice the time."""
    for source, colour in COLOURS.items():
        runs = results.sizes(source)
        if not runs:
            continue
        keys = [run.keys for run in runs]
        seconds = [run.processor_seconds for run in runs]
        axes.plot(keys, seconds, marker="o", color=colour, label=SOURCE_NAMES[source], linewidth=2)
        axes.plot(keys, [seconds[0] * count / keys[0] for count in keys], color=colour, linestyle=":", linewidth=1)
        for run in runs:
            write_time_a_key(axes, run, colour, above=source == KMS)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.3, y=0.16)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,g}"))
    axes.grid(which="major", color="#e4e7eb")
    axes.set(title="Processor time of a run", xlabel="keys (dotted: linear growth)", ylabel="seconds")
    axes.legend(frameon=False, loc="upper left")


def write_time_a_key(axes: Any, run: Measurement, colour: str, *, above: bool) -> None:
    """Write the time a key beside a point."""
    axes.annotate(
        f"{run.processor_milliseconds_a_key:.2f} ms a key",
        (run.keys, run.processor_seconds),
        textcoords="offset points",
        xytext=(-6, 8) if above else (6, -13),
        ha="right" if above else "left",
        color=colour,
        fontsize=8,
    )


def draw_wall(axes: Any, results: Results) -> None:
    """Draw the wall time of each tool as a multiple of the rule's from KMS."""
    from dev.bench.grids import waiting  # noqa: PLC0415 - beside the plot, nothing needs what it imports

    runs = sorted(waiting(results), key=lambda named: -named[1].wall_seconds)
    ours = next((run for _, run in runs if run.source == KMS), None)
    if ours is None:
        axes.set_visible(False)
        return
    times = [run.wall_seconds / ours.wall_seconds for _, run in runs]
    colours = [COLOURS.get(run.source, OTHER_COLOUR) for _, run in runs]
    bars = axes.barh([name for name, _ in runs], times, color=colours, height=0.65)
    axes.bar_label(bars, [f"{value:.1f}" if value >= 1 else f"{value:.2f}" for value in times], padding=4)
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0)
    axes.set(
        title=f"Wall time, {ours.keys:,} keys, {ours.latency_ms:g} ms an answer",
        xlabel="times that of the rule from KMS",
    )


def main(results_file: Path, target: Path) -> None:
    """Draw the plot of a results file."""
    results = Results.load(results_file)
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        draw_growth(left, results)
        draw_wall(right, results)
        figure.savefig(target, metadata={"Date": None, "Creator": None}, facecolor="white")
    lines = (line.rstrip() for line in target.read_text().splitlines())
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
