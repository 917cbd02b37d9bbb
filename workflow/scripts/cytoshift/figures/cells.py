"""What is the blood made of at each visit, and how do the counts run?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cytoshift.figures.axis import set_value_axis
from cytoshift.figures.series import TRIANGLES, arms_in, draw_dots, draw_middle, over_visits, visit_axis, visit_places
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import (
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    INK,
    LABEL,
    LIGHT,
    ORANGE,
    PURPLE,
    SINGLE,
    SMALL,
    VERMILLION,
    cycle,
    fit,
    style,
)
from cytoshift.figures.words import arm_label, feature_labels
from cytoshift.study.study import FigurePlan

# The five-part differential: colour and, for black-and-white print, the fixed order from the bottom.
PARTS = {
    "neutrophils": ("Neutrophils", BLUE),
    "lymphocytes": ("Lymphocytes", ORANGE),
    "monocytes": ("Monocytes", GREEN),
    "eosinophils": ("Eosinophils", VERMILLION),
    "basophils": ("Basophils", PURPLE),
}
COLUMNS, PAGE, HIGH, TALL = 3, 12, 1.3, 1.75


def draw(panel: pd.DataFrame, samples: pd.DataFrame, plan: FigurePlan) -> Iterator[tuple[str, Figure]]:
    """`composition` (mean shares of the differential by visit and arm) and `counts`, `counts-2`, … (every population).

    panel: values on the analysis scale (counts log2, fractions logit); samples: the table.
    """
    values = over_visits(panel[panel["layer"] == "cell"], samples)
    if values.empty:
        yield "cells", draw_empty(plan, "Blood cells", "This study has no cell counts.")
        return
    shares = composition(values)
    if not shares.empty:
        yield "composition", _composition(shares, plan)
    features = list(dict.fromkeys(values["feature"]))
    for start in range(0, len(features), PAGE):
        name = "counts" if start == 0 else f"counts-{start // PAGE + 1}"
        yield name, _counts(values, features[start : start + PAGE], plan)


def composition(values: pd.DataFrame) -> pd.DataFrame:
    """Mean share of each part of the differential by arm and visit, over the samples that have every part.

    values: rows of `over_visits`. Counts where there are some, else fractions; shares are of the sum of the parts.
    Returns arm, visit, n and one column per part; no rows when fewer than three parts were measured.
    """
    part = values["feature"].str.replace(r"@.*$", "", regex=True)
    mine = values.assign(part=part)[part.isin(PARTS).to_numpy()]
    counts = mine[(mine["scale"] == "log2") & (mine["unit"] == "cells/uL")]
    used = counts if counts["part"].nunique() >= 3 else mine[mine["scale"] == "logit"]
    parts = [name for name in PARTS if name in set(used["part"])]
    if len(parts) < 3:
        return pd.DataFrame(columns=["arm", "visit", "n"])
    amount = np.where(used["scale"] == "log2", 2.0 ** used["position"], 1 / (1 + np.exp(-used["position"])))
    table = used.assign(amount=amount).pivot_table(
        index=["arm", "visit", "sample"], columns="part", values="amount", aggfunc="first"
    )
    whole = table[parts].dropna()
    shares = whole.div(whole.sum(axis=1), axis=0).groupby(level=["arm", "visit"])
    return shares.mean().assign(n=shares.size()).reset_index()


@style()
def _composition(shares: pd.DataFrame, plan: FigurePlan) -> Figure:
    parts = [name for name in PARTS if name in shares.columns]
    arms = arms_in(plan, list(shares["arm"]))
    visits = [visit.id for visit in plan.visits if visit.id in set(shares["visit"])]
    places = {visit: float(index) for index, visit in enumerate(visits)}
    width = DOUBLE if len(arms) * len(visits) > 6 else SINGLE
    columns = min(len(arms), 5)
    rows = -(-len(arms) // columns)
    wide = (width - 0.55 - MARGIN) / columns
    times = visit_axis(plan, places, wide - 0.12, 0.6 / max(len(visits) - 1, 1))
    cell = TALL + 0.36 + times.room
    legend = [Entry(PARTS[part][0], patch={"facecolor": PARTS[part][1]}) for part in parts]
    notes = [
        "Mean share of the sum of these populations; in brackets the samples per visit. Shares hide totals: see counts."
    ]
    sheet = Sheet(plan, "Composition of leukocytes", cell * rows, width=width, legend=legend, notes=notes)
    for index, arm in enumerate(arms):
        mine = shares[shares["arm"] == arm].set_index("visit").reindex(visits)
        left, bottom = 0.5 + wide * (index % columns), 0.05 + times.room + cell * (rows - 1 - index // columns)
        axes = sheet.axes(left, bottom, wide - 0.12, TALL)
        start = np.zeros(len(visits))
        for part in parts:
            share = mine[part].fillna(0).to_numpy(dtype=float)
            axes.bar(np.arange(len(visits)), share, bottom=start, width=0.78, color=PARTS[part][1], linewidth=0)
            start += share
        times.apply(axes)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        if index % columns:
            axes.tick_params(axis="y", labelleft=False)
        n = mine["n"].dropna()
        span = f"{int(n.min())}" if n.min() == n.max() else f"{int(n.min())}–{int(n.max())}"
        sheet.text(left, bottom + TALL + 0.07, fit(f"{arm_label(plan, arm)} ({span})", wide - 0.14), color=GREY)
    return sheet.figure


@style()
def _counts(values: pd.DataFrame, features: list[str], plan: FigurePlan) -> Figure:
    mine = values[values["feature"].isin(features)]
    labels = feature_labels(mine)
    arms = arms_in(plan, list(mine["arm"]))
    looks = cycle(arms, [arm.id for arm in plan.arms if arm.control and len(arms) > 1])
    places, to_scale = visit_places(plan, list(mine["visit"]))
    step = (DOUBLE - 2 * MARGIN) / COLUMNS
    times = visit_axis(plan, places, step - 0.7, 0.3 / max(len(places) - 1, 1))
    rows, cell = -(-len(features) // COLUMNS), HIGH + 0.4 + times.room
    legend = [
        Entry(f"{arm_label(plan, arm)}, median",
              {"linestyle": "-", "linewidth": 2, "color": looks[arm][0], "marker": looks[arm][1]})
        for arm in arms
    ]  # fmt: skip
    notes = ["Points: samples; open triangles: values beyond a limit. Lines: medians."]
    if not to_scale:
        notes.append("Visits are evenly spaced, not to scale.")
    sheet = Sheet(plan, "Cells over the visits", cell * rows, legend=legend, notes=notes)
    spread = (max(places.values()) - min(places.values()) or 1.0) / max(len(places) - 1, 1)
    for index, feature in enumerate(features):
        left, bottom = (
            MARGIN + 0.62 + step * (index % COLUMNS),
            0.05 + times.room + cell * (rows - 1 - index // COLUMNS),
        )
        axes = sheet.axes(left, bottom, step - 0.7, HIGH)
        frame = mine[mine["feature"] == feature]
        for number, arm in enumerate(arms):
            group = frame[frame["arm"] == arm]
            # Arms stand side by side at each visit, never on top of each other.
            shift = spread * 0.5 * ((number + 0.5) / len(arms) - 0.5)
            x = group["visit"].map(places) + shift
            seen = ~group["status"].isin(list(TRIANGLES))
            draw_dots(axes, x[seen], group.loc[seen, "position"], LIGHT, 1.8, zorder=1)
            for status, triangle in TRIANGLES.items():
                limit = group["status"] == status
                if limit.any():
                    axes.plot(x[limit], group.loc[limit, "position"], triangle, markerfacecolor="white",
                              markeredgecolor=INK, markersize=3, markeredgewidth=0.5)  # fmt: skip
            draw_middle(axes, group, places, looks[arm][0], looks[arm][1], shift)
        first = frame.iloc[0]
        name = set_value_axis(axes, first["scale"], first["unit"], frame["position"].min(), frame["position"].max())
        axes.set_ylabel(fit(name, HIGH, SMALL), labelpad=2, fontsize=SMALL)
        times.apply(axes)
        sheet.text(left - 0.3, bottom + HIGH + 0.07, fit(labels[feature], step - 0.4, LABEL), LABEL)
    return sheet.figure
