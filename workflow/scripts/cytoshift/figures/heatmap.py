"""Who changed, and in what? Every subject's change in every marker, one figure per contrast."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba_array
from matplotlib.figure import Figure

from cytoshift.figures.axis import number, ratio_ticks
from cytoshift.figures.forest import grouped
from cytoshift.figures.selection import rank_rows, with_decisions
from cytoshift.figures.series import arms_in, natural
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import (
    BLUE,
    DOUBLE,
    GREY,
    INK,
    LIGHT,
    ROLES,
    SMALL,
    VERMILLION,
    cycle,
    fit,
    ink,
    style,
    text_width,
)
from cytoshift.figures.words import arm_label, concrete_contrasts, contrast_label, feature_labels
from cytoshift.study.study import FigurePlan

SHADES = LinearSegmentedColormap.from_list("shift", [BLUE, "#8FC1E0", "#FAFAFA", "#F3B183", VERMILLION])
LEFT, BAR, NAME = 1.0, 0.09, 1.35


def draw(
    pairs: pd.DataFrame, shifts: pd.DataFrame, decisions: pd.DataFrame, plan: FigurePlan, limit: int = 60
) -> Iterator[tuple[str, Figure]]:
    """One figure per contrast: subjects × features, the change as tested in log2 ratios; no scores.

    pairs, shifts, decisions: the tables; limit: features shown, planned ones first, then the smallest p.
    """
    labels = feature_labels(shifts)
    rows = with_decisions(shifts, decisions).assign(label=shifts["feature"].map(labels).to_numpy())
    for contrast, terms in concrete_contrasts(plan).items():
        title = contrast_label(plan, contrast)
        mine = rows[(rows["contrast"] == contrast) & (rows["scale"] != "identity")]
        changes = pairs[(pairs["contrast"] == contrast) & pairs["feature"].isin(mine["feature"])]
        if terms.at is not None:
            yield contrast, draw_empty(plan, title, "Arms are compared at one visit: nobody has a change of their own.")
        elif not np.isfinite(changes["change"]).any():
            yield contrast, draw_empty(plan, title, "No subject has a change in this contrast.")
        else:
            yield contrast, _figure(changes, rank_rows(mine).head(limit), len(mine), plan, contrast)


def change_matrix(
    changes: pd.DataFrame, features: pd.DataFrame, plan: FigurePlan
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Subjects × features: the change as log2 ratio (NaN where there is none), whether a non-detect is in it, and arms.

    changes: rows of `pairs` of one contrast; features: rows of `shifts` (feature, scale) in the order wanted.
    """
    scale = features.set_index("feature")["scale"]
    mine = changes[changes["feature"].isin(scale.index)]
    shifts: pd.Series = mine["change"] / np.where(mine["feature"].map(scale) == "logit", log(2), 1.0)
    nondetect = mine["reference_status"].isin(["below", "above"]) | mine["target_status"].isin(["below", "above"])
    table = mine.assign(log2=shifts.where(mine["used"].astype(bool)), nondetect=nondetect)
    arms = table.drop_duplicates("subject").set_index("subject")["arm"]
    order = arms_in(plan, list(arms))
    subjects = sorted(arms.index, key=lambda subject: (order.index(arms[subject]), natural(subject)))
    cells = table.drop_duplicates(["subject", "feature"]).set_index(["subject", "feature"])
    values = cells["log2"].unstack().reindex(index=subjects, columns=list(scale.index))  # noqa: PD010 -- pivot_table would drop all-missing features
    marks = cells["nondetect"].unstack().reindex(index=subjects, columns=list(scale.index))  # noqa: PD010
    return values, marks.astype("boolean").fillna(False).astype(bool), arms.reindex(subjects)


@style()
def _figure(changes: pd.DataFrame, features: pd.DataFrame, total: int, plan: FigurePlan, contrast: str) -> Figure:
    ordered = pd.concat([members for _, members in grouped(features)])
    values, marks, arms = change_matrix(changes, ordered, plan)
    wide = min(0.22, (DOUBLE - LEFT - MARGIN - 0.1) / len(ordered))
    high = float(np.clip(7.0 / len(values), 0.02, 0.15))
    area = (wide * len(ordered), high * len(values))
    present = arms_in(plan, list(arms))
    looks = cycle(present, [arm.id for arm in plan.arms if arm.control and len(plan.arms) > 1])
    legend = [Entry(arm_label(plan, arm), patch={"facecolor": looks[arm][0]}) for arm in present if len(present) > 1]
    legend.append(Entry("no pair", patch={"facecolor": "white", "hatch": "//////", "edgecolor": LIGHT}))
    if marks.to_numpy().any():
        legend.append(
            Entry(
                "a non-detect is involved", {"marker": "v", "markersize": 3, "markerfacecolor": "white", "color": INK}
            )
        )
    notes = ["One row per subject; colours are deepest from the 98th percentile of the changes on."]
    if len(ordered) < total:
        notes.append(f"{len(ordered)} of {total} markers: planned ones, then the smallest p.")
    width = max(LEFT + area[0] + MARGIN + 0.1, 3.35)
    head = max(text_width(fit(label, NAME)) for label in ordered["label"]) + 0.12 if wide >= 0.095 else 0.1
    sheet = Sheet(plan, contrast_label(plan, contrast), area[1] + head + 0.55, width=width, legend=legend, notes=notes)
    axes = sheet.axes(LEFT, 0.5, *area)
    reach = _paint(axes, values, marks, wide, high)
    _names(sheet, axes, ordered, values.index, (wide, high), area)
    side = sheet.axes(LEFT - BAR - 0.03, 0.5, BAR, area[1])
    side.imshow(_colours([looks[arm][0] for arm in arms])[:, None], aspect="auto", interpolation="none")
    side.set_axis_off()
    _key(sheet, reach, width)
    return sheet.figure


def _colours(names: list[str]) -> np.ndarray:
    return (to_rgba_array(names) * 255).round().astype(np.uint8)


def _paint(axes: Axes, values: pd.DataFrame, marks: pd.DataFrame, wide: float, high: float) -> float:
    """Fill the cells; returns the log2 ratio at which the colours end."""
    numbers = values.to_numpy(dtype=float)
    finite = np.abs(numbers[np.isfinite(numbers)])
    reach = max(float(np.quantile(finite, 0.98)), 1e-6)
    axes.set_facecolor("white")
    axes.patch.set(hatch="//////", edgecolor=LIGHT, linewidth=0)
    seaborn.heatmap(
        numbers, ax=axes, mask=~np.isfinite(numbers), cmap=SHADES, vmin=-reach, vmax=reach, cbar=False,
        xticklabels=False, yticklabels=False, rasterized=True,
    )  # fmt: skip
    rows, columns = np.nonzero(marks.to_numpy() & np.isfinite(numbers))
    size = min(3.0, 72 * 0.6 * min(wide, high))
    if len(rows):
        axes.plot(columns + 0.5, rows + 0.5, "v", markersize=size, markerfacecolor="none", markeredgecolor=INK,
                  markeredgewidth=0.4, rasterized=len(rows) > 300)  # fmt: skip
    axes.set_xlim(0, numbers.shape[1])
    axes.set_ylim(numbers.shape[0], 0)
    return reach


def _names(
    sheet: Sheet,
    axes: Axes,
    features: pd.DataFrame,
    subjects: pd.Index,
    cell: tuple[float, float],
    area: tuple[float, float],
) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if cell[0] >= 0.095:
        for index, (label, role) in enumerate(zip(features["label"], features["role"], strict=True)):
            x, y = LEFT + cell[0] * (index + 0.5) + 0.035, 0.5 + area[1] + 0.05
            # Anchored at the baseline's start, which SVG can express exactly whatever the reader's font.
            sheet.text(x, y, fit(label, NAME), rotation=90, rotation_mode="anchor", color=ink(ROLES[role][1]))
    if cell[1] >= 0.1:
        for index, subject in enumerate(subjects):
            level = 0.5 + area[1] - cell[1] * (index + 0.5) - 0.035
            sheet.text(LEFT - BAR - 0.08, level, fit(subject, LEFT - BAR - 0.15), ha="right", color=GREY)


def _key(sheet: Sheet, reach: float, width: float) -> None:
    ticks = ratio_ticks(-reach, reach)
    axes = sheet.axes(LEFT, 0.26, min(1.9, width - LEFT - 0.2), 0.09)
    shades = SHADES(np.linspace(0, 1, 65), bytes=True)[None]
    axes.imshow(shades, aspect="auto", interpolation="none", extent=(-reach, reach, 0, 1))
    axes.set_xticks(np.log2(ticks), [number(tick) for tick in ticks])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    sheet.text(LEFT - 0.08, 0.27, "ratio", SMALL, ha="right")
