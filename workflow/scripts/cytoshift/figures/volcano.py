"""Which markers moved far, and which moved clearly? One figure of size against p per contrast."""

from __future__ import annotations

from collections.abc import Iterator
from math import log10

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cytoshift.figures.axis import number, ratio_ticks
from cytoshift.figures.labels import place_labels, write_labels
from cytoshift.figures.selection import rank_rows, with_decisions
from cytoshift.figures.sheet import Sheet, draw_empty
from cytoshift.figures.standing import (
    NOT_REJECTED,
    REJECTED,
    TOGETHER,
    TOGETHER_NOTE,
    UNPLANNED,
    WORDS,
    entries,
    look,
)  # fmt: skip
from cytoshift.figures.theme import BLUE, GREY, LABEL, LIGHT, VERMILLION, fit, style, wrap
from cytoshift.figures.words import concrete_contrasts, contrast_label, effect_label, feature_labels
from cytoshift.study.study import FigurePlan

WIDTH, HEIGHT, MANY = 6.1, 3.6, 400
_COLOURS = {REJECTED: VERMILLION, NOT_REJECTED: BLUE, TOGETHER: BLUE, UNPLANNED: "#8A8A8A"}


def draw(
    shifts: pd.DataFrame, decisions: pd.DataFrame, plan: FigurePlan, labelled: int = 15
) -> Iterator[tuple[str, Figure]]:
    """One figure per contrast: log2 ratio against −log10 of the unadjusted p; scores (no ratio) are left out.

    shifts, decisions: the tables; labelled: how many names are written, planned ones first, then the smallest p.
    """
    labels = feature_labels(shifts)
    rows = with_decisions(shifts, decisions).assign(label=shifts["feature"].map(labels).to_numpy())
    for contrast in concrete_contrasts(plan):
        mine = rows[(rows["contrast"] == contrast) & (rows["scale"] != "identity")]
        tested = int(mine["p_value"].notna().sum())
        mine = mine[mine["ratio"].gt(0) & np.isfinite(mine["ratio"]) & mine["p_value"].notna()]
        if mine.empty:
            yield (
                contrast,
                draw_empty(
                    plan, contrast_label(plan, contrast), "No marker has both a ratio and a p-value in this contrast."
                ),
            )
        else:
            yield contrast, _figure(rank_rows(mine), plan, contrast, labelled, tested - len(mine))


@style()
def _figure(rows: pd.DataFrame, plan: FigurePlan, contrast: str, labelled: int, left_out: int) -> Figure:
    x = np.log2(rows["ratio"].to_numpy(dtype=float))
    y = -np.log10(np.maximum(rows["p_value"].to_numpy(dtype=float), 1e-300))
    state = rows["standing"].to_numpy()
    present = set(state)
    name = wrap(f"{effect_label(plan, contrast)}, log scale", WIDTH, LABEL, lines=3)
    below = 0.48 + 0.13 * (len(name) - 1)
    legend = entries(present, _COLOURS)
    notes = _notes(present, plan.alpha)
    if left_out:
        notes.append(f"Left out: {left_out} tested without a point estimate of the ratio; see the table.")
    sheet = Sheet(plan, contrast_label(plan, contrast), HEIGHT + below + 0.07, legend=legend, notes=notes)
    axes = sheet.axes(0.6, below, WIDTH, HEIGHT)
    reach = max(float(np.abs(x).max()) * 1.12, 0.2)
    top = max(float(y.max()) * 1.1, -log10(plan.alpha) * 1.15)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.02 * top, top)
    ticks = ratio_ticks(-reach, reach)
    axes.set_xticks(np.log2(ticks), [number(tick) for tick in ticks])
    axes.locator_params(axis="y", nbins=6)
    axes.set_xlabel("\n".join(name), labelpad=2)
    axes.set_ylabel("\N{MINUS SIGN}log10 of the unadjusted p")
    axes.axvline(0, color=LIGHT, linewidth=0.8, zorder=0)
    axes.axhline(-log10(plan.alpha), color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    for standing in reversed(WORDS):
        chosen = state == standing
        if chosen.any():
            looks = look(standing, _COLOURS[standing])
            axes.plot(x[chosen], y[chosen], linestyle="none", rasterized=chosen.sum() > MANY, **looks)
    names = [fit(label, 1.3) for label in rows["label"].head(labelled)]
    _label(axes, x, y, names, reach, top, plan.alpha)
    return sheet.figure


def _notes(present: set[str], alpha: float) -> list[str]:
    decided = "decisions are made within the planned families"
    if present & {REJECTED, NOT_REJECTED}:
        decided += " (circles: filled where rejected, open where not)"
    notes = [
        f"Dashed: p = {alpha:g} for one marker tested alone. It decides nothing: {decided}. "
        "Markers further up are clearer, not larger.",
    ]
    return [*notes, TOGETHER_NOTE] if TOGETHER in present else notes


def _label(axes: Axes, x: np.ndarray, y: np.ndarray, names: list[str], reach: float, top: float, alpha: float) -> None:
    """Names beside their points; each takes the nearest free place, off both reference lines, or is left out."""
    to_x, to_y = WIDTH / (2 * reach), HEIGHT / (1.02 * top)
    points = np.column_stack([(x + reach) * to_x, (y + 0.02 * top) * to_y])
    line = (-log10(alpha) + 0.02 * top) * to_y
    lines = [(0.0, line - 0.01, WIDTH, line + 0.01), (WIDTH / 2 - 0.01, 0.0, WIDTH / 2 + 0.01, HEIGHT)]

    def to_data(at_x: float, at_y: float) -> tuple[float, float]:
        return at_x / to_x - reach, at_y / to_y - 0.02 * top

    write_labels(axes, place_labels(points, names, WIDTH, HEIGHT, taken=lines), to_data)
