"""Does each analyte's standard curve run as it should on this plate, and as it does on the others?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cytoshift.figures.plates import figure_name, labels_of, natural_plates
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import BLUE, DOUBLE, GREY, INK, LIGHT, PALE, SMALL, VERMILLION, fit, style
from cytoshift.study.study import FigurePlan

ACROSS, HIGH, LOW, LEFT = 4, 0.98, 0.4, 0.36
POINTS = 60
TITLE = "Standard curves"


def draw(
    curves: pd.DataFrame, standards: pd.DataFrame, names: pd.DataFrame, plan: FigurePlan
) -> Iterator[tuple[str, Figure]]:
    """One figure per source and plate: a small panel for each analyte, the other plates' curves behind in grey.

    curves, standards: tables of calibrate; names: of intake, for labels. Plates without a fitted curve have none.
    """
    fitted = curves[curves["model"] != ""]
    if fitted.empty:
        yield "none", draw_empty(plan, TITLE, "No standard curve was fitted in this study.")
        return
    labels = labels_of(names)
    for source, of_source in fitted.groupby("source", sort=False):
        wells = standards[(standards["source"] == source) & (standards["type"] == "standard")]
        for plate in natural_plates(of_source["plate"]):
            yield figure_name(str(source), plate), _figure(of_source, wells, plate, str(source), labels, plan)


@style()
def _figure(
    curves: pd.DataFrame, standards: pd.DataFrame, plate: str, source: str, labels: dict[str, str], plan: FigurePlan
) -> Figure:
    analytes = list(curves.loc[curves["plate"] == plate, "analyte"])
    rows = -(-len(analytes) // ACROSS)
    legend = [
        Entry("standard in the fit", {"marker": "o", "color": BLUE}),
        Entry("left out", {"marker": "x", "color": VERMILLION}),
        Entry("this plate", {"linestyle": "-", "color": BLUE, "marker": ""}),
        Entry("other plates", {"linestyle": "-", "color": LIGHT, "marker": ""}),
        Entry("LLOQ to ULOQ", patch={"facecolor": PALE, "edgecolor": PALE}),
    ]
    where = f", plate {plate}" if plate else ""
    unit = curves["unit"].iloc[0]
    notes = [f"Signal against concentration ({unit}), both on log scales; a dotted line marks the LOD."]
    sheet = Sheet(plan, f"{TITLE}: {source}{where}", rows * (HIGH + LOW), legend=legend, notes=notes)
    wide = (DOUBLE - 2 * MARGIN) / ACROSS
    for number, analyte in enumerate(analytes):
        row, column = divmod(number, ACROSS)
        level = (rows - 1 - row) * (HIGH + LOW) + LOW - 0.14
        axes = sheet.axes(MARGIN + column * wide + LEFT, level, wide - LEFT - 0.06, HIGH)
        mine = curves[curves["analyte"] == analyte]
        _panel(axes, mine, standards[standards["analyte"] == analyte], plate)
        name = fit(labels.get(str(analyte), str(analyte)), wide - LEFT - 0.06)
        sheet.text(MARGIN + column * wide + LEFT, level + HIGH + 0.05, name, SMALL, color=INK)
    return sheet.figure


def _panel(axes: Axes, curves: pd.DataFrame, standards: pd.DataFrame, plate: str) -> None:
    here = curves[curves["plate"] == plate].iloc[0]
    if here["lloq"] < here["uloq"]:
        axes.axvspan(np.log10(here["lloq"]), np.log10(here["uloq"]), color=PALE, linewidth=0, zorder=0)
    for row in curves[curves["plate"] != plate].itertuples():
        axes.plot(*_line(row), color=LIGHT, linewidth=0.6, zorder=1)
    axes.plot(*_line(here), color=BLUE, linewidth=1.1, zorder=2)
    if np.isfinite(here["lod"]) and here["lod"] > 0:
        axes.axvline(np.log10(here["lod"]), color=GREY, linewidth=0.6, linestyle=":", zorder=1)
    mine = standards[standards["plate"] == plate]
    used = mine["used"].to_numpy(dtype=bool)
    # at the concentration in the file: a lost decimal point then stands where it was written
    known = mine[["expected", "signal"]].to_numpy(dtype=float)
    x, y = np.log10(np.where(known > 0, known, np.nan)).T
    axes.plot(x[used], y[used], "o", color=BLUE, markersize=2.4, zorder=3)
    axes.plot(x[~used], y[~used], "x", color=VERMILLION, markersize=3.6, zorder=4, markeredgewidth=1)
    axes.tick_params(length=1.5, pad=1, labelsize=SMALL)
    _decades(axes)


def _decades(axes: Axes) -> None:
    """At most four labelled decades on each axis, written short; the axes are log10 already, which draws faster."""
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        first, last = int(np.ceil(low)), int(np.floor(high))
        step = max(1, -(-(last - first + 1) // 4))
        powers = list(range(first, last + 1, step))
        axis.set_ticks(powers, [_short(power) for power in powers])


def _short(power: int) -> str:
    if power >= 6:
        return f"{10 ** (power - 6)}M"
    if power >= 3:
        return f"{10 ** (power - 3)}k"
    return f"{10.0**power:g}"


def _line(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    """log10 of the fitted curve over the standards' range and a factor of three beyond on either side."""
    low, high, a, b, c, d, g = (
        float(curve[name]) if isinstance(curve, pd.Series) else float(getattr(curve, name))
        for name in ("lowest_standard", "highest_standard", "a", "b", "c", "d", "g")
    )
    concentration = np.geomspace(low / 3, high * 3, POINTS)
    return np.log10(concentration), np.log10(d + (a - d) / (1 + (concentration / c) ** b) ** g)
