"""Which samples resemble each other: by plate (they should not), or by visit and arm?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cytoshift.figures.labels import place_labels, write_labels
from cytoshift.figures.series import arms_in, natural
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import CYCLE, DOUBLE, GREY, INK, LABEL, LIGHT, MARKERS, fit, style
from cytoshift.figures.words import arm_label, visit_label
from cytoshift.study.study import FigurePlan

SIZE, MANY, PLATES = 2.75, 2000, 8


def draw(sample_map: pd.DataFrame, plan: FigurePlan) -> Iterator[tuple[str, Figure]]:
    """One figure `sample_map`: the first two principal components twice, coloured by plate and by visit (shape: arm).

    sample_map: the table; samples beyond the plan's outlier limit are ringed and named.
    """
    drawn = sample_map[np.isfinite(sample_map["pc1"]) & np.isfinite(sample_map["pc2"])]
    if drawn.empty:
        yield "sample_map", draw_empty(plan, "Sample map", "Too few complete samples or features for a map.")
    else:
        yield "sample_map", _figure(drawn, plan)


@style()
def _figure(rows: pd.DataFrame, plan: FigurePlan) -> Figure:
    plates = sorted(set(rows["plate"]), key=natural)
    kept = [plate for plate in plates if plate][:PLATES]
    visits = [visit.id for visit in plan.visits if visit.id in set(rows["visit"])]
    arms = arms_in(plan, list(rows["arm"]))
    plate_colour = {plate: CYCLE[index % len(CYCLE)] for index, plate in enumerate(kept)}
    visit_colour = {visit: CYCLE[index % len(CYCLE)] for index, visit in enumerate(visits)}
    shape = {arm: MARKERS[index % len(MARKERS)] for index, arm in enumerate(arms)}
    legend = [Entry("plate", heading=True)]
    legend += [Entry(fit(plate, 1.2), _dot(plate_colour[plate], "o")) for plate in kept]
    if len(kept) < len(plates):
        legend.append(Entry("other or no plate", _dot(LIGHT, "o")))
    legend.append(Entry("visit", heading=True))
    legend += [Entry(visit_label(plan, visit), _dot(visit_colour[visit], "o")) for visit in visits]
    if len(arms) > 1:
        legend.append(Entry("arm", heading=True))
        legend += [Entry(arm_label(plan, arm), _dot(INK, shape[arm], "white")) for arm in arms]
    outliers = rows["outlier"].astype(bool).to_numpy()
    notes = ["The same samples twice. Ringed, the farthest also named: further from the others than the plan's limit."]
    sheet = Sheet(plan, "Sample map", SIZE + 0.75, legend=legend, notes=notes)
    wide = (DOUBLE - 2 * MARGIN) / 2
    colours = (
        ("by plate", [plate_colour.get(plate, LIGHT) for plate in rows["plate"]]),
        ("by visit (colour)" + (" and arm (shape)" if len(arms) > 1 else ""),
         [visit_colour.get(visit, LIGHT) for visit in rows["visit"]]),
    )  # fmt: skip
    markers = [shape[arm] for arm in rows["arm"]]
    for index, (title, colour) in enumerate(colours):
        axes = sheet.axes(MARGIN + 0.5 + wide * index, 0.42, wide - 0.6, SIZE)
        _scatter(axes, rows, colour, ["o"] * len(rows) if index == 0 else markers)
        _ring(axes, rows, outliers, wide - 0.6)
        sheet.text(MARGIN + 0.5 + wide * index, 0.42 + SIZE + 0.08, title, LABEL, color=GREY)
    return sheet.figure


def _dot(colour: str, marker: str, face: str | None = None) -> dict[str, object]:
    return {"marker": marker, "color": colour, "markeredgecolor": colour, "markerfacecolor": face or colour}


def _scatter(axes: Axes, rows: pd.DataFrame, colours: Sequence[str], markers: Sequence[str]) -> None:
    looks = pd.Series(list(zip(colours, markers, strict=True)), index=rows.index)
    for look in dict.fromkeys(looks):
        mine = rows[looks == look]
        axes.plot(mine["pc1"], mine["pc2"], look[1], color=look[0], markersize=3.6, markeredgewidth=0.3,
                  markeredgecolor="white", zorder=1)  # fmt: skip
    for axis, setter in (("pc1", axes.set_xlabel), ("pc2", axes.set_ylabel)):
        share = rows[f"explained_{axis}"].iloc[0]
        words = f" ({100 * share:.0f} % of the variance)" if np.isfinite(share) else ""
        setter(f"{axis.upper()}{words}", labelpad=2)
    axes.locator_params(nbins=6)
    axes.axhline(0, color=LIGHT, linewidth=0.6, zorder=0)
    axes.axvline(0, color=LIGHT, linewidth=0.6, zorder=0)
    axes.margins(0.08)
    if len(rows) > MANY:
        axes.set_rasterization_zorder(1.5)


def _ring(axes: Axes, rows: pd.DataFrame, outliers: np.ndarray, wide: float) -> None:
    """Rings round outliers and their names, the farthest first; at most twelve names."""
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    order = rows.assign(far=np.where(outliers, rows["distance_mads"].fillna(0), -1.0))
    order = order.sort_values("far", ascending=False, kind="stable")
    out = order[order["far"] >= 0]
    axes.plot(
        out["pc1"], out["pc2"], "o", markersize=7.5, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.8
    )
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    points = np.column_stack([(order["pc1"] - x0) / (x1 - x0) * wide, (order["pc2"] - y0) / (y1 - y0) * SIZE])
    names = [fit(sample, 1.5) for sample in out["sample"].head(12)]

    def to_data(x: float, y: float) -> tuple[float, float]:
        return x / wide * (x1 - x0) + x0, y / SIZE * (y1 - y0) + y0

    write_labels(axes, place_labels(points, names, wide, SIZE, away=0.09), to_data)
