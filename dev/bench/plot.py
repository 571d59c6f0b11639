"""The plot of the page, drawn in the environment that has matplotlib: `python -m dev.bench.plot RESULTS SVG`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]
from matplotlib import pyplot as plt

from dev.bench.page import NAMES, waiting
from dev.bench.plan import USUAL_KEYS, USUAL_LATENCY_MS
from dev.bench.results import CONFIG, KMS, Results

COLOURS = {KMS: "#1f6fb4", CONFIG: "#d9822b"}
OTHER_COLOUR = "#9aa5b1"
STYLE = Path(__file__).with_name("plot.mplstyle")


def draw_growth(axes: Any, results: Results) -> None:
    """Draw processor time by number of keys, with the line on which a run of twice the keys takes twice the time."""
    for source, colour in COLOURS.items():
        runs = results.all("rule", source)
        keys, seconds = [run.keys for run in runs], [run.processor_seconds for run in runs]
        axes.plot(keys, seconds, marker="o", color=colour, label=NAMES["rule", source], linewidth=2)
        axes.plot(keys, [seconds[0] * each / keys[0] for each in keys], color=colour, linestyle=":", linewidth=1)
        place = {"xytext": (-6, 8), "ha": "right"} if source == KMS else {"xytext": (6, -13), "ha": "left"}
        for run in runs:
            text, point = f"{run.milliseconds_a_key:.2f} ms a key", (run.keys, run.processor_seconds)
            axes.annotate(text, point, textcoords="offset points", color=colour, fontsize=8, **place)
    axes.set(xscale="log", yscale="log")
    for axis, form in ((axes.xaxis, "{x:,.0f}"), (axes.yaxis, "{x:,g}")):
        axis.set_major_formatter(mpl.ticker.StrMethodFormatter(form))
    axes.margins(x=0.3, y=0.16)
    axes.minorticks_off()
    axes.grid(which="major", color="#e4e7eb")
    axes.set(title="Processor time of a run", xlabel="keys (dotted: linear growth)", ylabel="seconds")
    axes.legend(frameon=False, loc="upper left")


def draw_wall(axes: Any, results: Results) -> None:
    """Draw the wall time of each tool as a multiple of the rule's from KMS."""
    found = sorted(waiting(results), key=lambda row: -row[1].wall_seconds)
    colours = [COLOURS.get(run.source, OTHER_COLOUR) for _, run, _ in found]
    bars = axes.barh([name for name, _, _ in found], [times for _, _, times in found], color=colours, height=0.65)
    axes.bar_label(bars, [f"{times:.1f}" if times >= 1 else f"{times:.2f}" for _, _, times in found], padding=4)
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0)
    title = f"Wall time, {USUAL_KEYS:,} keys, {USUAL_LATENCY_MS} ms an answer"
    axes.set(title=title, xlabel="times that of the rule from KMS")


def main(results_file: Path, target: Path) -> None:
    """Draw the plot of a results file."""
    results = Results.load(results_file)
    with plt.style.context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        draw_growth(left, results)
        draw_wall(right, results)
        figure.savefig(target, metadata={"Date": None, "Creator": None}, facecolor="white")
    target.write_text("\n".join(line.rstrip() for line in target.read_text().splitlines()) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
