"""By how much did each marker shift, and how sure is that? One figure of ratios with intervals per contrast."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cytoshift.figures.axis import number, ratio_ticks
from cytoshift.figures.row_words import (
    below_words,
    closed_ends,
    count_words,
    interval_words,
    log2,
    no_estimate_words,
    one_end_words,
    open_ended,
)
from cytoshift.figures.selection import rank_rows, with_decisions
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.standing import TOGETHER, TOGETHER_NOTE, WORDS, entries, look
from cytoshift.figures.theme import (
    DOUBLE,
    GREY,
    INK,
    LABEL,
    LIGHT,
    PALE,
    ROLES,
    SMALL,
    fit,
    ink,
    role_of,
    style,
    wrap,
)
from cytoshift.figures.words import concrete_contrasts, contrast_label, effect_label, feature_labels
from cytoshift.study.study import FigurePlan

ROW = 0.17
LABELS, PAIRS, BELOW, PLOT, PLOT_WIDTH, NUMBERS = MARGIN, 1.72, 2.28, 2.72, 2.75, 5.55
NUMBERS_WIDTH = 1.35
WORDS_WIDTH = DOUBLE - MARGIN - PLOT - 0.1
NAME_WIDTH = 2 * (DOUBLE - MARGIN - PLOT - PLOT_WIDTH / 2)  # the axis' name is centred under the plot


def draw(
    shifts: pd.DataFrame, decisions: pd.DataFrame, plan: FigurePlan, limit: int = 45
) -> Iterator[tuple[str, Figure]]:
    """One figure of ratios per contrast, and one of differences (`<contrast>-differences`) where scores were measured.

    shifts, decisions: the tables; limit: rows per figure, planned ones first, then the smallest p.
    """
    labels = feature_labels(shifts)
    rows = with_decisions(shifts, decisions).assign(label=shifts["feature"].map(labels).to_numpy())
    for contrast in concrete_contrasts(plan):
        mine = rows[rows["contrast"] == contrast]
        ratios, differences = mine[mine["scale"] != "identity"], mine[mine["scale"] == "identity"]
        title = contrast_label(plan, contrast)
        if ratios.empty and differences.empty:
            yield contrast, draw_empty(plan, title, "No feature could be compared in this contrast.")
        if not ratios.empty:
            yield contrast, _ratios(ratios, plan, contrast, limit)
        if not differences.empty:
            yield f"{contrast}-differences", _differences(differences.head(limit), plan, contrast)


def grouped(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows by role in the theme's order, from right to left as they are drawn within each; rows without a place last.

    A row's place is its ratio, whatever the scale it was estimated on (the difference where there is no ratio), or the
    closed end of its interval.
    """
    role = [role_of(layer, roles) for layer, roles in zip(rows["layer"], rows["roles"], strict=True)]
    place = pd.Series(log2(rows["ratio"]), index=rows.index).where(rows["scale"] != "identity", rows["estimate"])
    place = place.where(~open_ended(rows), np.fmin(*closed_ends(rows)))
    ordered = rows.assign(role=role, place=place).sort_values(
        ["place", "feature"], ascending=[False, True], na_position="last"
    )
    ordered = ordered.drop(columns="place")
    return [(key, ordered[ordered["role"] == key]) for key in ROLES if (ordered["role"] == key).any()]


@style()
def _ratios(rows: pd.DataFrame, plan: FigurePlan, contrast: str, limit: int) -> Figure:
    shown = rank_rows(rows).head(limit)
    groups = grouped(shown)
    lines = len(shown) + len(groups)
    # The axis' name can be long (two arms' labels): it takes lines instead of being cut.
    name = wrap(f"{effect_label(plan, contrast)}, log scale", NAME_WIDTH, LABEL, lines=3)
    below = 0.42 + 0.13 * (len(name) - 1)
    height = below + 0.2 + ROW * lines
    notes = _notes(rows, shown, plan)
    sheet = Sheet(plan, contrast_label(plan, contrast), height, legend=_legend(shown), notes=notes)
    top = height - 0.2
    axes = sheet.axes(PLOT, below, PLOT_WIDTH, ROW * lines)
    low, high = _limits(shown)
    _prepare(axes, low, high, lines, "\n".join(name))
    for x, words, align in (
        (LABELS, "marker (bold: planned)", "left"), (PAIRS + 0.42, "pairs", "right"),
        (BELOW + 0.36, "< limit", "right"), (NUMBERS, "ratio [interval]", "left"),
    ):  # fmt: skip
        sheet.text(x, top + 0.03, words, color=GREY, ha=align)
    position, silent = 0, []
    for role, members in groups:
        heading, colour = ROLES[role]
        band = Rectangle((MARGIN, top - ROW * (position + 1)), DOUBLE - 2 * MARGIN, ROW, facecolor=PALE, linewidth=0)
        sheet.add(band, behind=True)
        sheet.text(LABELS + 0.06, _level(top, position), heading, color=ink(colour), fontweight="bold")
        levels = position + 1.5 + np.arange(len(members))
        _draw_rows(axes, members, levels, colour, low, high)
        for row, level in zip(members.itertuples(), levels, strict=True):
            _write_row(sheet, row, top, level - 0.5)
        silent += [float(level) for level in levels[members["ratio"].isna() & ~open_ended(members)]]
        position += 1 + len(members)
    _line_at_one(axes, lines, silent)
    return sheet.figure


def _level(top: float, position: float) -> float:
    return top - ROW * (position + 1) + 0.05


def _prepare(axes: Axes, low: float, high: float, lines: int, name: str) -> None:
    axes.set_xlim(low, high)
    axes.set_ylim(lines, 0)
    ticks = ratio_ticks(low, high)
    axes.set_xticks(np.log2(ticks), [number(tick) for tick in ticks])
    axes.set_yticks([])
    axes.patch.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(name, labelpad=2)


def _line_at_one(axes: Axes, lines: int, silent: list[float]) -> None:
    """The line at ratio 1, interrupted where a row has words instead of an estimate."""
    edges = [0.0, *(edge for level in silent for edge in (level - 0.5, level + 0.5)), float(lines)]
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop > start:
            axes.plot([0, 0], [start, stop], color=GREY, linewidth=0.8, zorder=1)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """An axis that shows every estimate and 1, and intervals unless they would squeeze the rest."""
    middle = np.concatenate([log2(rows["ratio"]), *(end[open_ended(rows)] for end in closed_ends(rows))])
    middle = middle[np.isfinite(middle)]
    ends = np.concatenate([log2(rows["ratio_low"]), log2(rows["ratio_high"])])
    ends = ends[np.isfinite(ends)]
    usual = 1.65 * np.quantile(np.abs(ends), 0.9) if len(ends) else 0.0
    reach = max(usual, 1.6 * np.abs(middle).max() if len(middle) else 0.0)
    shown = [*middle, *ends[np.abs(ends) <= reach], -0.15, 0.15]
    low, high = min(shown), max(shown)
    # Behind the closed end of an interval there is room for the line that goes on.
    room = 0.12 * (high - low)
    for way, closed in zip((1, -1), closed_ends(rows[open_ended(rows)]), strict=True):
        low, high = min([low, *(closed + way * room)]), max([high, *(closed + way * room)])
    air = 0.05 * (high - low)
    return low - air, high + air


def _draw_rows(axes: Axes, rows: pd.DataFrame, levels: np.ndarray, colour: str, low: float, high: float) -> None:
    middle, left, right = (log2(rows[column]) for column in ("ratio", "ratio_low", "ratio_high"))
    drawn = np.isfinite(middle) | open_ended(rows).to_numpy()
    left, right = np.where(np.isnan(left), middle, left), np.where(np.isnan(right), middle, right)
    gap = np.full(len(rows), np.nan)
    xs = np.column_stack([np.clip(left, low, high), np.clip(right, low, high), gap])[drawn]
    ys = np.column_stack([levels, levels, gap])[drawn]
    axes.plot(xs.ravel(), ys.ravel(), color=colour, linewidth=1.3, solid_capstyle="butt", zorder=2)
    for beyond, edge, marker in ((left < low, low, "<"), (right > high, high, ">")):
        if (beyond & drawn).any():
            where = levels[beyond & drawn]
            axes.plot([edge] * len(where), where, marker, color=colour, markersize=4.5, clip_on=False, zorder=3)
    for standing in WORDS:
        chosen = np.isfinite(middle) & (rows["standing"] == standing).to_numpy()
        if chosen.any():
            axes.plot(middle[chosen], levels[chosen], linestyle="none", zorder=4, **look(standing, colour))


def _write_row(sheet: Sheet, row: object, top: float, position: float) -> None:
    level = _level(top, position)
    planned = bool(row.planned)  # type: ignore[attr-defined]
    label = fit(row.label, PAIRS - LABELS, SMALL, planned)  # type: ignore[attr-defined]
    sheet.text(LABELS + 0.06, level, label, fontweight="bold" if planned else "normal")
    sheet.text(PAIRS + 0.42, level, count_words(row), ha="right")
    sheet.text(BELOW + 0.36, level, below_words(row), ha="right", color=GREY)
    ratio = float(row.ratio)  # type: ignore[attr-defined]
    low, high = float(row.ratio_low), float(row.ratio_high)  # type: ignore[attr-defined]
    one_end = one_end_words(row, low, high)
    if one_end:
        sheet.text(NUMBERS, level, one_end)
    elif isfinite(ratio):
        sheet.text(NUMBERS, level, fit(interval_words(ratio, low, high), NUMBERS_WIDTH))
    else:
        sheet.text(PLOT + 0.03, level, no_estimate_words(row, WORDS_WIDTH), color=GREY)


def _legend(rows: pd.DataFrame) -> list[Entry]:
    return entries(set(rows["standing"]), dict.fromkeys(WORDS, INK))


def _notes(rows: pd.DataFrame, shown: pd.DataFrame, plan: FigurePlan) -> list[str]:
    notes = [f"Intervals are {100 * (1 - plan.alpha):g} %, one marker at a time; arrows go on beyond the axis."]
    if (shown["scale"] == "logit").any():
        notes.append("Fractions of cells are shown as odds ratios.")
    if (shown["standing"] == TOGETHER).any():
        notes.append(TOGETHER_NOTE)
    if open_ended(shown).any():
        notes.append("A line without a point: only one end is known, the note of the row says why.")
    if len(shown) < len(rows):
        notes.append(
            f"{len(shown)} of {len(rows)} shown: planned markers, then the smallest p; the rest is in the table."
        )
    return notes


@style()
def _differences(rows: pd.DataFrame, plan: FigurePlan, contrast: str) -> Figure:
    step = 0.5
    height = 0.3 + step * len(rows)
    notes = [f"Differences in points, each score on its own axis; intervals are {100 * (1 - plan.alpha):g} %."]
    if (rows["standing"] == TOGETHER).any():
        notes.append(TOGETHER_NOTE)
    title = f"Clinical scores: {contrast_label(plan, contrast)}"
    sheet = Sheet(plan, title, height, legend=_legend(rows), notes=notes)
    for x, words, align in (
        (LABELS, "score (bold: planned)", "left"), (PAIRS + 0.42, "pairs", "right"),
        (NUMBERS, "difference [interval]", "left"),
    ):  # fmt: skip
        sheet.text(x, height - 0.15, words, color=GREY, ha=align)
    for index, row in enumerate(rows.itertuples()):
        _difference(sheet, rows.iloc[[index]], row, height - 0.22 - step * (index + 1))
    return sheet.figure


def _difference(sheet: Sheet, frame: pd.DataFrame, row: object, bottom: float) -> None:
    planned = bool(row.planned)  # type: ignore[attr-defined]
    level, colour = bottom + 0.3, ROLES["outcome"][1]
    label = fit(row.label, PAIRS - LABELS, SMALL, planned)  # type: ignore[attr-defined]
    sheet.text(LABELS + 0.06, level, label, fontweight="bold" if planned else "normal")
    sheet.text(PAIRS + 0.42, level, count_words(row), ha="right")
    middle, low, high = (float(getattr(row, name)) for name in ("estimate", "ci_low", "ci_high"))
    one_end = one_end_words(row, low, high)
    if not isfinite(middle) and not one_end:
        sheet.text(PLOT + 0.03, level, no_estimate_words(row, WORDS_WIDTH), color=GREY)
        return
    sheet.text(NUMBERS, level, one_end or fit(interval_words(middle, low, high), NUMBERS_WIDTH))
    axes = sheet.axes(PLOT, bottom + 0.2, PLOT_WIDTH, 0.27)
    reach = 1.15 * max(abs(value) for value in (middle, low, high, 1e-6) if isfinite(value))
    left, right = (value if isfinite(value) else np.sign(value) * reach * 2 for value in (low, high))
    axes.plot(np.clip([left, right], -reach, reach), [0, 0], color=colour, linewidth=1.3)
    for beyond, edge, marker in ((left < -reach, -reach, "<"), (right > reach, reach, ">")):
        if beyond:
            axes.plot([edge], [0], marker, color=colour, markersize=4.5, clip_on=False)
    if isfinite(middle):
        axes.plot([middle], [0], **look(row.standing, colour))  # type: ignore[attr-defined]
    axes.axvline(0, color=LIGHT, linewidth=0.8, zorder=0)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(axis="x", labelsize=SMALL, pad=1.5)
