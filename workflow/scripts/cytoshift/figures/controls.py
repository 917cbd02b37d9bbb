"""Did the controls read the same on every plate, and which rule of Westgard's does a plate break?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cytoshift.figures.plates import figure_name, labels_of
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import BLUE, DOUBLE, GREY, INK, LIGHT, PALE, SMALL, VERMILLION, fit, style
from cytoshift.study.study import FigurePlan

TITLE = "Controls over the plates"
ACROSS, HIGH, LOW, LEFT = 4, 0.66, 0.34, 0.3
LARGEST_Z = 4.0
WARNING_ONLY = "1-2s"  # one point in twenty lies outside 2 SD by chance


def draw(controls: pd.DataFrame, names: pd.DataFrame, plan: FigurePlan) -> Iterator[tuple[str, Figure]]:
    """One figure per source and control: Levey-Jennings charts, a panel for each analyte, plates in run order.

    controls: the table of quality; names: of intake, for labels. Points beyond four SDs are drawn at four.
    """
    if controls.empty:
        yield "none", draw_empty(plan, TITLE, "No control or reference sample was measured on any plate.")
        return
    labels = labels_of(names)
    for (source, control), points in controls.groupby(["source", "control"], sort=False):
        yield figure_name(str(source), str(control)), _figure(points, f"{source}, {control}", labels, plan)


@style()
def _figure(points: pd.DataFrame, where: str, labels: dict[str, str], plan: FigurePlan) -> Figure:
    analytes = list(dict.fromkeys(points["analyte"]))
    plates = points.drop_duplicates("plate").sort_values("run", kind="stable")["plate"].tolist()
    rows = -(-len(analytes) // ACROSS)
    assessable = bool(points["z"].notna().any())
    legend = [Entry("plate", {"marker": "o", "color": BLUE, "linestyle": "-"})]
    if assessable:
        legend.append(Entry("breaks a rule", {"marker": "D", "color": VERMILLION}))
        legend.append(Entry("within 2 SD", patch={"facecolor": PALE, "edgecolor": PALE}))
    scale = "SDs of the other plates" if assessable else "log2 from the mean of the plates (too few plates for SDs)"
    notes = [f"Distance from the mean in {scale}. Plates from left to right: {', '.join(plates)}."]
    sheet = Sheet(plan, f"{TITLE}: {where}", rows * (HIGH + LOW), legend=legend, notes=notes)
    wide = (DOUBLE - 2 * MARGIN) / ACROSS
    for number, analyte in enumerate(analytes):
        row, column = divmod(number, ACROSS)
        level = (rows - 1 - row) * (HIGH + LOW) + LOW - 0.2
        axes = sheet.axes(MARGIN + column * wide + LEFT, level, wide - LEFT - 0.08, HIGH)
        _panel(axes, points[points["analyte"] == analyte], plates, assessable)
        name = fit(labels.get(str(analyte), str(analyte)), wide - LEFT - 0.08)
        sheet.text(MARGIN + column * wide + LEFT, level + HIGH + 0.05, name, SMALL, color=INK)
    return sheet.figure


def _panel(axes: Axes, points: pd.DataFrame, plates: list[str], assessable: bool) -> None:
    place = {plate: number for number, plate in enumerate(plates)}
    points = points.sort_values("run", kind="stable")
    x = points["plate"].map(place).to_numpy(dtype=float)
    height = points["z"] if assessable else points["value"] - points["centre"]
    y = height.to_numpy(dtype=float)
    largest = LARGEST_Z if assessable else max(0.5, float(np.nanmax(np.abs(y), initial=0.0)) * 1.1)
    if assessable:
        axes.axhspan(-2, 2, color=PALE, linewidth=0, zorder=0)
        for level in (-3, 3):
            axes.axhline(level, color=LIGHT, linewidth=0.6, linestyle="--", zorder=1)
    axes.axhline(0, color=GREY, linewidth=0.5, zorder=1)
    shown = np.clip(y, -largest, largest)
    axes.plot(x, shown, "-o", color=BLUE, linewidth=0.6, markersize=2.6, zorder=2)
    broken = ~points["rules"].isin(["", WARNING_ONLY]).to_numpy()
    axes.plot(x[broken], shown[broken], "D", color=VERMILLION, markersize=4, zorder=3, clip_on=False)
    axes.set_ylim(-largest * 1.08, largest * 1.08)
    axes.set_xlim(-0.5, len(plates) - 0.5)
    axes.set_xticks(range(len(plates)), [""] * len(plates))
    axes.tick_params(length=1.5, pad=1, labelsize=SMALL)
    if assessable:
        axes.set_yticks([-3, 0, 3])
