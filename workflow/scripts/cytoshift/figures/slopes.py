"""What did each person do? One figure per chosen feature: every subject's own line, arms apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cytoshift.figures.axis import set_value_axis
from cytoshift.figures.selection import select_features
from cytoshift.figures.series import arms_in, draw_middle, draw_people, over_visits, visit_axis, visit_places
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import DOUBLE, GREY, INK, PALE, SINGLE, SMALL, cycle, fit, style
from cytoshift.figures.words import arm_label, concrete_contrasts, feature_labels, when_label
from cytoshift.study.study import FigurePlan

HEIGHT, PANELS, CONDITIONS = 1.75, 4, 6


@dataclass(frozen=True)
class _Panel:
    """One set of axes: subjects' values at places with names under them."""

    title: str
    arm: str
    frame: pd.DataFrame  # subject, visit, position, status
    places: dict[str, float]
    names: list[str] | None  # None: the plan's visits
    band: tuple[str, ...] = ()


def draw(
    pairs: pd.DataFrame,
    panel: pd.DataFrame,
    samples: pd.DataFrame,
    shifts: pd.DataFrame,
    decisions: pd.DataFrame,
    plan: FigurePlan,
    limit: int = 60,
) -> Iterator[tuple[str, Figure]]:
    """One figure per feature of `select_features(shifts, decisions, limit)`, named by the feature.

    Paired designs: slopes from reference to target, the arms of the feature's main contrast first. Crossovers: all
    visits, one set of axes per condition. Arms at one visit: points. Non-detects are open triangles at their limit.
    """
    chosen = select_features(shifts, decisions, limit)
    if chosen.empty:
        yield "none", draw_empty(plan, "Paired values", "No feature has an estimate, so none is shown by subject.")
    labels = feature_labels(shifts)
    units = panel.drop_duplicates("feature").set_index("feature")["unit"]
    scales = shifts.drop_duplicates("feature").set_index("feature")["scale"]
    pairs_of = dict(tuple(pairs[pairs["used"].astype(bool)].groupby("feature", sort=False)))
    values_of = dict(tuple(over_visits(panel, samples).groupby("feature", sort=False)))
    for feature, contrast in zip(chosen["feature"], chosen["contrast"], strict=True):
        if plan.design == "crossover":
            panels = _conditions(values_of.get(feature), plan, contrast)
        else:
            panels = _slopes(pairs_of.get(feature), plan, contrast)
        title = labels.get(feature, feature)
        if panels:
            yield feature, _figure(panels, plan, title, scales[feature], units.get(feature, ""))
        else:
            yield feature, draw_empty(plan, title, "No subject has both values of this feature.")


def _slopes(pairs: pd.DataFrame | None, plan: FigurePlan, first: str) -> list[_Panel]:
    if pairs is None:
        return []
    known = concrete_contrasts(plan)
    order = [first, *(contrast for contrast in known if contrast != first)]
    panels: dict[object, _Panel] = {}
    for contrast in order:
        mine, terms = pairs[pairs["contrast"] == contrast], known.get(contrast)
        if mine.empty or terms is None:
            continue
        if terms.at is not None:
            panels.setdefault(("at", str(terms.at)), _points(mine, plan, when_label(plan, terms.at)))
            continue
        for arm in _arms(mine, terms.arm):
            key = (str(terms.reference), str(terms.target), arm, str(terms.where))
            names = [when_label(plan, terms.reference), when_label(plan, terms.target)]
            panels.setdefault(key, _pair_panel(mine[mine["arm"] == arm], plan, arm, names))
    return [panel for panel in panels.values() if len(panel.frame)][:PANELS]


def _arms(pairs: pd.DataFrame, interest: str | None) -> list[str]:
    present = sorted(set(pairs["arm"]))
    return sorted(present, key=lambda arm: arm != interest)


def _pair_panel(pairs: pd.DataFrame, plan: FigurePlan, arm: str, names: list[str]) -> _Panel:
    both = pairs.dropna(subset=["reference", "target"])
    ends = [
        pd.DataFrame({"subject": both["subject"], "visit": end, "position": both[end], "status": both[f"{end}_status"]})
        for end in ("reference", "target")
    ]
    title = f"{arm_label(plan, arm)} ({len(both)})"
    return _Panel(title, arm, pd.concat(ends), {"reference": 0.0, "target": 1.0}, names)


def _points(pairs: pd.DataFrame, plan: FigurePlan, when: str) -> _Panel:
    """Arms compared at one visit: the visit of each point is its arm, so that the same drawing serves."""
    value = pairs["target"].where(pairs["target"].notna(), pairs["reference"])
    status = pairs["target_status"].where(pairs["target"].notna(), pairs["reference_status"])
    frame = pd.DataFrame({"subject": pairs["subject"], "visit": pairs["arm"], "position": value, "status": status})
    arms = arms_in(plan, list(pairs["arm"]))
    places = {arm: float(index) for index, arm in enumerate(arms)}
    names = [f"{arm_label(plan, arm)} ({(pairs['arm'] == arm).sum()})" for arm in arms]
    return _Panel(when, "", frame.dropna(subset=["position"]), places, names)


def _conditions(values: pd.DataFrame | None, plan: FigurePlan, contrast: str) -> list[_Panel]:
    if values is None or values.empty:
        return []
    terms = concrete_contrasts(plan).get(contrast)
    arms = arms_in(plan, list(values["arm"]))
    first = [arm for arm in (terms.arm, terms.against) if arm in arms] if terms else []
    arms = [arm for arm in arms if arm in (first + [arm for arm in arms if arm not in first])[:CONDITIONS]]
    places, _ = visit_places(plan, list(values["visit"]))
    band = tuple(terms.visits()) if terms else ()
    frames = {arm: values[values["arm"] == arm] for arm in arms}
    return [
        _Panel(f"{arm_label(plan, arm)} ({frame['subject'].nunique()})", arm, frame, places, None, band)
        for arm, frame in frames.items()
    ]


@style()
def _figure(panels: list[_Panel], plan: FigurePlan, title: str, scale: str, unit: str) -> Figure:
    columns = min(len(panels), 4 if panels[0].names is not None else 3)
    rows = -(-len(panels) // columns)
    width = SINGLE if columns < 3 else DOUBLE
    wide = (width - 0.75 - MARGIN) / columns
    times = visit_axis(plan, panels[0].places, wide - 0.12) if panels[0].names is None else None
    below = 0.05 + (times.room if times else 0.2)
    cell = HEIGHT + below + 0.22
    statuses = set().union(*(panel.frame["status"] for panel in panels))
    sheet = Sheet(plan, title, cell * rows, width=width, legend=_legend(statuses),
                  notes=["In brackets: subjects. Triangles stand at the limit; the true value is beyond it."]
                  if statuses & {"below", "above"} else ["In brackets: subjects."])  # fmt: skip
    ends = np.concatenate([panel.frame["position"].to_numpy(dtype=float) for panel in panels])
    looks = cycle(
        [arm.id for arm in plan.arms] or [""], [arm.id for arm in plan.arms if arm.control and len(plan.arms) > 1]
    )
    for index, panel in enumerate(panels):
        left = 0.72 + wide * (index % columns)
        bottom = below + cell * (rows - 1 - index // columns)
        axes = sheet.axes(left, bottom, wide - 0.12, HEIGHT)
        colour = looks.get(panel.arm, looks[next(iter(looks))])[0]
        for visit in panel.band:
            if visit in panel.places:
                axes.axvline(panel.places[visit], color=PALE, linewidth=6, zorder=0)
        draw_people(axes, panel.frame, panel.places, colour, dots=times is None)
        draw_middle(axes, panel.frame, panel.places, INK)
        name = set_value_axis(axes, scale, unit, float(np.nanmin(ends)), float(np.nanmax(ends)))
        if times:
            times.apply(axes)
        else:
            axes.set_xlim(-0.35, len(panel.places) - 0.65)
            axes.set_xticks(
                list(panel.places.values()),
                [fit(name, (wide - 0.16) / len(panel.places)) for name in panel.names or []],
            )
        if index % columns == 0:
            axes.set_ylabel(fit(name, HEIGHT, SMALL + 1), labelpad=2)
        else:
            axes.tick_params(axis="y", labelleft=False)
        sheet.text(left, bottom + HEIGHT + 0.06, fit(panel.title, wide - 0.14), color=GREY)
    return sheet.figure


def _legend(statuses: set[str]) -> list[Entry]:
    entries = [Entry("median", {"linestyle": "-", "color": INK, "linewidth": 2})]
    for status, marker, words in (("below", "v", "below the limit"), ("above", "^", "above the limit")):
        if status in statuses:
            look = {"marker": marker, "markerfacecolor": "white", "markeredgecolor": INK, "color": INK}
            entries.append(Entry(words, look))
    return entries
