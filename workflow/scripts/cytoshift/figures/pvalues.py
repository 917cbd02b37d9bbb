"""Do the p-values of a contrast look as they would if nothing had happened? One small histogram per contrast."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import BLUE, SMALL, VERMILLION, style, wrap
from cytoshift.figures.words import concrete_contrasts, contrast_label
from cytoshift.study.study import FigurePlan

COLUMNS, ROWS, WIDE, HIGH = 4, 6, 1.7, 1.5


def bins_for(count: int) -> int:
    """How many bins a histogram of `count` p-values can bear."""
    return 20 if count >= 100 else 10 if count >= 30 else 5


def draw(shifts: pd.DataFrame, plan: FigurePlan) -> Iterator[tuple[str, Figure]]:
    """Histograms of the unadjusted p-values, one per contrast, at most 24 to a figure (`pvalues`, `pvalues-2`, …)."""
    tested = shifts[shifts["p_value"].notna()]
    by_contrast = {
        contrast: tested.loc[tested["contrast"] == contrast, "p_value"].to_numpy(dtype=float)
        for contrast in concrete_contrasts(plan)
    }
    filled = {contrast: values for contrast, values in by_contrast.items() if len(values)}
    if not filled:
        yield "pvalues", draw_empty(plan, "p-values", "No feature has a p-value.")
    page = COLUMNS * ROWS
    for start in range(0, len(filled), page):
        chosen = dict(list(filled.items())[start : start + page])
        yield "pvalues" if start == 0 else f"pvalues-{start // page + 1}", _figure(chosen, plan)


@style()
def _figure(values: dict[str, np.ndarray], plan: FigurePlan) -> Figure:
    rows = -(-len(values) // COLUMNS)
    width = 2 * MARGIN + 0.35 + WIDE * min(len(values), COLUMNS)
    notes = ["Dashed: the height expected in each bin if nothing moved and the tests were independent.",
             "With few markers the shape says little."]  # fmt: skip
    legend = [Entry("expected under no shift", {"color": VERMILLION, "linestyle": "--"})]
    sheet = Sheet(plan, "p-values, unadjusted", HIGH * rows + 0.25, width=max(width, 3.35), legend=legend, notes=notes)
    for index, (contrast, p) in enumerate(values.items()):
        left = MARGIN + 0.4 + WIDE * (index % COLUMNS)
        bottom = 0.45 + HIGH * (rows - 1 - index // COLUMNS)
        axes = sheet.axes(left, bottom, WIDE - 0.4, HIGH - 0.68)
        bins = bins_for(len(p))
        counts, edges = np.histogram(p, bins=bins, range=(0, 1))
        axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.75)
        axes.plot([0, 1], [len(p) / bins] * 2, "--", color=VERMILLION, linewidth=1.1)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, max(counts.max(), len(p) / bins) * 1.08)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.locator_params(axis="y", nbins=4, integer=True)
        axes.set_xlabel(f"p   (m = {len(p):,})", labelpad=1, fontsize=SMALL)
        for number, line in enumerate(reversed(wrap(contrast_label(plan, contrast), WIDE - 0.12, SMALL, lines=2))):
            sheet.text(left - 0.3, bottom + HIGH - 0.63 + 0.115 * number, line)
    return sheet.figure
