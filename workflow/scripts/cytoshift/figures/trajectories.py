"""How did the primary markers run over all visits, in each arm?"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from cytoshift.figures.axis import set_value_axis
from cytoshift.figures.selection import select_features
from cytoshift.figures.series import (
    TRIANGLES,
    arms_in,
    draw_middle,
    draw_people,
    over_visits,
    visit_axis,
    visit_places,
)
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import DOUBLE, INK, LABEL, cycle, fit, style
from cytoshift.figures.words import arm_label, feature_labels
from cytoshift.study.study import FigurePlan

COLUMNS, ROWS, HIGH = 3, 3, 1.45


def chosen_features(shifts: pd.DataFrame, decisions: pd.DataFrame, limit: int = 18) -> list[str]:
    """Features of the primary endpoints in the order of the decisions table; without any, the strongest few."""
    primary = decisions.loc[decisions["tier"] == "primary", "feature"].drop_duplicates().head(limit)
    return list(primary) or list(select_features(shifts, decisions, 6)["feature"])


def draw(
    panel: pd.DataFrame, samples: pd.DataFrame, shifts: pd.DataFrame, decisions: pd.DataFrame, plan: FigurePlan
) -> Iterator[tuple[str, Figure]]:
    """Figures `trajectories`, `trajectories-2`, … of at most nine features: medians by arm over faint individual lines.

    panel: values on the analysis scale; samples, shifts, decisions: the tables.
    """
    values = over_visits(panel, samples)
    present = set(values["feature"])
    features = [feature for feature in chosen_features(shifts, decisions) if feature in present]
    if not features:
        yield "trajectories", draw_empty(plan, "Over all visits", "No primary feature has a value at any visit.")
    labels = feature_labels(panel)
    page = COLUMNS * ROWS
    for start in range(0, len(features), page):
        name = "trajectories" if start == 0 else f"trajectories-{start // page + 1}"
        yield name, _figure(values, features[start : start + page], {**labels}, plan)


@style()
def _figure(values: pd.DataFrame, features: list[str], labels: dict[str, str], plan: FigurePlan) -> Figure:
    mine = values[values["feature"].isin(features)]
    arms = arms_in(plan, list(mine["arm"]))
    looks = cycle(arms, [arm.id for arm in plan.arms if arm.control and len(arms) > 1])
    places, to_scale = visit_places(plan, list(mine["visit"]))
    columns, rows = min(len(features), COLUMNS), -(-len(features) // COLUMNS)
    width = DOUBLE if columns > 1 else 3.35
    step = (width - 2 * MARGIN) / columns
    times = visit_axis(plan, places, step - 0.68)
    cell = HIGH + 0.4 + times.room
    legend = [
        Entry(f"{arm_label(plan, arm)}, median",
              {"linestyle": "-", "linewidth": 2, "color": looks[arm][0], "marker": looks[arm][1]})
        for arm in arms
    ]  # fmt: skip
    for status, words in (("below", "below the limit"), ("above", "above the limit")):
        if (mine["status"] == status).any():
            marker = {"marker": TRIANGLES[status], "markerfacecolor": "white", "markeredgecolor": INK, "color": INK}
            legend.append(Entry(words, marker))
    notes = ["Thin lines: subjects. Triangles: non-detects at their limit, where the median counts them too."]
    if not to_scale:
        notes.append("Visits are evenly spaced, not to scale.")
    sheet = Sheet(plan, "Over all visits", cell * rows, width=width, legend=legend, notes=notes)
    for index, feature in enumerate(features):
        left, bottom = MARGIN + 0.6 + step * (index % columns), 0.05 + times.room + cell * (rows - 1 - index // columns)
        axes = sheet.axes(left, bottom, step - 0.68, HIGH)
        frame = mine[mine["feature"] == feature]
        for arm in arms:
            group = frame[frame["arm"] == arm]
            draw_people(axes, group, places, looks[arm][0], faint=0.25)
            draw_middle(axes, group, places, looks[arm][0], looks[arm][1])
        first = frame.iloc[0]
        name = set_value_axis(axes, first["scale"], first["unit"], frame["position"].min(), frame["position"].max())
        axes.set_ylabel(fit(name, HIGH, LABEL), labelpad=2)
        times.apply(axes)
        sheet.text(left - 0.3, bottom + HIGH + 0.07, fit(labels.get(feature, feature), step - 0.4, LABEL), LABEL)
    return sheet.figure
