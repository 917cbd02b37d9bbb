"""Which analytes could be measured at all on which plate, and how many samples lie outside the range?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from cytoshift.figures.plates import labels_of, natural_plates
from cytoshift.figures.sheet import MARGIN, Sheet, draw_empty
from cytoshift.figures.theme import BLUE, DOUBLE, INK, LABEL, PALE, SMALL, VERMILLION, fit, style
from cytoshift.study.study import FigurePlan

TITLE = "Samples outside the measurable range"
LEFT, ROW, MOST_ROWS = 1.35, 0.155, 60
WORTH_WRITING = 0.005


def draw(plate_review: pd.DataFrame, names: pd.DataFrame, plan: FigurePlan) -> Iterator[tuple[str, Figure]]:
    """One figure per source: share of sample wells below and above range, analytes × plates.

    plate_review: the table of quality; names: of intake, for labels. The analytes most often outside come first.
    """
    known = plate_review[plate_review["below_share"].notna()]
    if known.empty:
        yield "none", draw_empty(plan, TITLE, "No plate of this study has wells with samples.")
        return
    labels = labels_of(names)
    for source, part in known.groupby("source", sort=False):
        yield str(source), _figure(part, str(source), labels, plan)


@style()
def _figure(part: pd.DataFrame, source: str, labels: dict[str, str], plan: FigurePlan) -> Figure:
    outside = (part["below_share"] + part["above_share"]).groupby(part["analyte"], sort=False).mean()
    ranked = outside.sort_values(ascending=False, kind="stable")
    analytes = [str(name) for name in ranked.index[:MOST_ROWS]]
    notes = ["Share of sample wells in %; empty where none."]
    if len(ranked) > MOST_ROWS:
        notes.append(f"{MOST_ROWS} of {len(ranked)} analytes: those most often outside.")
    high = ROW * len(analytes)
    sheet = Sheet(plan, f"{TITLE}: {source}", high + 0.5, notes=notes)
    plates = natural_plates(part["plate"])
    wide = (DOUBLE - LEFT - 2 * MARGIN - 0.3) / 2
    for number, (column, words, colour) in enumerate(
        (("below_share", "below", BLUE), ("above_share", "above", VERMILLION))
    ):
        left = LEFT + number * (wide + 0.3)
        shares = part.set_index(["analyte", "plate"])[column]
        table = shares.reindex(pd.MultiIndex.from_product([analytes, plates])).to_numpy(dtype=float)
        axes = sheet.axes(left, 0.05, wide, high)
        _shares(axes, table.reshape(len(analytes), len(plates)), plates, colour)
        sheet.text(left, high + 0.34, words, LABEL)
    for row, analyte in enumerate(analytes):
        level = 0.05 + high - ROW * (row + 0.5) - 0.035
        sheet.text(LEFT - 0.06, level, fit(labels.get(analyte, analyte), LEFT - MARGIN - 0.08), ha="right", color=INK)
    return sheet.figure


def _shares(axes: Axes, shares: np.ndarray, plates: list[str], colour: str) -> None:
    colours = LinearSegmentedColormap.from_list("share", ["#FFFFFF", colour])
    axes.imshow(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="none")
    axes.hlines(np.arange(-0.5, len(shares)), -0.5, shares.shape[1] - 0.5, color=PALE, linewidth=0.5)
    for (row, column), share in np.ndenumerate(shares):
        if share >= WORTH_WRITING:
            ink = "white" if share > 0.6 else INK
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=SMALL, color=ink)
    axes.set_xticks(range(len(plates)), [fit(plate, 0.5, SMALL) for plate in plates])
    axes.set_yticks([])
    axes.tick_params(length=0, pad=1, labelsize=SMALL, top=True, bottom=False, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
