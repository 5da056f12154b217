"""The report as a picture. Needs matplotlib."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from artsimilarity.lab.search_speed.report import (
    RECALL_TARGET,
    Report,
    p95_target,
)


def can_plot() -> bool:
    """Whether matplotlib can be imported."""
    return importlib.util.find_spec("matplotlib") is not None


def plot(report: Report, path: Path) -> None:
    """Write a PNG: the worst recall and the worst p95 of the balances, one client, by filter."""
    importlib.import_module("matplotlib").use("Agg")
    pyplot = importlib.import_module("matplotlib.pyplot")
    results = [result for result in report.results if result.clients == 1]
    keeps = list(dict.fromkeys(result.keep_percent for result in results))
    names = list(dict.fromkeys(result.baseline for result in results))
    width = 0.8 / len(names)
    figure, (above, below) = pyplot.subplots(2, figsize=(8, 7), sharex=True, layout="constrained")
    for number, name in enumerate(names):
        places, recalls, times = [], [], []
        for place, keep in enumerate(keeps):
            some = [r for r in results if (r.baseline, r.keep_percent) == (name, keep)]
            if some:
                places.append(place + (number - (len(names) - 1) / 2) * width)
                recalls.append(min(r.recall for r in some))
                times.append(max(r.p95_ms for r in some))
        above.bar(places, recalls, width, label=name)
        bars = below.bar(places, times, width, label=name)
        below.bar_label(bars, fmt="{:.3g}", fontsize=8, padding=1)
    above.axhline(RECALL_TARGET, color="black", linestyle="--", linewidth=1)
    above.set(ylabel="lowest recall@10", ylim=(0, 1.05))
    handles, labels = above.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(names))
    for place, keep in enumerate(keeps):
        target = p95_target(report.rows, keep)
        below.plot([place - 0.45, place + 0.45], [target] * 2, "k--", linewidth=1)
    below.set(ylabel="highest p95, ms", yscale="log", xlabel="rows that the filter keeps")
    below.margins(y=0.15)
    below.set_xticks(range(len(keeps)), [f"{keep:g} %" for keep in keeps])
    figure.suptitle(
        f"{report.rows:,} rows, one client, worst of five balances\n"
        f"{report.machine.cpu}, {report.machine.cores} cores, PostgreSQL "
        f"{report.machine.postgres}, pgvector {report.machine.pgvector}; dashed: targets",
        fontsize=10,
    )
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
