"""What did each person do? One figure per chosen feature: every subject's own line, arms apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cytoshift.figures.axis import set_value_axis
from cytoshift.figures.selection import select_features
from cytoshift.figures.series import (
    VisitAxis,
    arms_in,
    draw_middle,
    draw_people,
    over_visits,
    visit_axis,
    visit_places,
)  # fmt: skip
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import DOUBLE, GREY, INK, PALE, SINGLE, SMALL, cycle, fit, style, text_width
from cytoshift.figures.words import arm_label, concrete_contrasts, feature_labels, when_label
from cytoshift.study.contrasts import Contrast
from cytoshift.study.study import FigurePlan

HEIGHT, PANELS, CONDITIONS = 1.75, 4, 6
LIMITS = "In brackets: subjects. Triangles, where dashed lines lead, stand at the limit; the true value is beyond it."
LEFT, AIR = 0.72, 0.12  # inches: room for the scale, and between panels


@dataclass(frozen=True)
class _Panel:
    """One set of axes: subjects' values at places with names under them."""

    title: str
    arm: str
    frame: pd.DataFrame  # subject, visit, position, status
    places: dict[str, float]
    names: list[str] | None  # None: the plan's visits
    count: int | None = None
    counts: Sequence[int | None] = ()  # one for each name
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

    Paired designs: slopes from reference to target, those of the feature's main contrast and then of the others as far
    as there is room, in the plan's order. Crossovers: all visits, one set of axes per condition. Arms at one visit:
    points. Non-detects are open triangles at their limit.
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
    pairs_of = dict(tuple(pairs.groupby("contrast", sort=False)))
    known = {
        contrast: _panels(pairs_of[contrast], plan, terms)
        for contrast, terms in concrete_contrasts(plan).items()
        if contrast in pairs_of
    }
    # The main contrast decides which panels there is room for, the plan in which order: it is the same in each figure.
    main = known.get(first, {})
    drawn = {key: panel for panels in (main, *known.values()) for key, panel in panels.items() if len(panel.frame)}
    chosen = list(drawn)[:PANELS]
    return [drawn[key] for key in dict.fromkeys(key for panels in known.values() for key in panels) if key in chosen]


def _panels(pairs: pd.DataFrame, plan: FigurePlan, terms: Contrast) -> dict[object, _Panel]:
    """The panels a contrast asks for, its arm of interest first, by what they show: contrasts may share one."""
    if terms.at is not None:
        return {("at", str(terms.at)): _points(pairs, plan, when_label(plan, terms.at))}
    names = [when_label(plan, terms.reference), when_label(plan, terms.target)]
    arms = sorted(arms_in(plan, list(pairs["arm"])), key=lambda arm: arm != terms.arm)
    return {
        (str(terms.reference), str(terms.target), arm, str(terms.where)): _pair_panel(
            pairs[pairs["arm"] == arm], plan, arm, names
        )
        for arm in arms
    }


def _pair_panel(pairs: pd.DataFrame, plan: FigurePlan, arm: str, names: list[str]) -> _Panel:
    both = pairs[(pairs["reference"].notna() & pairs["target"].notna()).to_numpy()]
    frame = pd.DataFrame({
        "subject": np.tile(both["subject"].to_numpy(dtype=object), 2),
        "visit": np.repeat(["reference", "target"], len(both)),
        "position": np.concatenate([both["reference"].to_numpy(dtype=float), both["target"].to_numpy(dtype=float)]),
        "status": np.concatenate([both[f"{end}_status"].to_numpy(dtype=object) for end in ("reference", "target")]),
    })  # fmt: skip
    places = {"reference": 0.0, "target": 1.0}
    return _Panel(arm_label(plan, arm), arm, frame, places, names, len(both), (None, None))


def _points(pairs: pd.DataFrame, plan: FigurePlan, when: str) -> _Panel:
    """Arms compared at one visit: the visit of each point is its arm, so that the same drawing serves."""
    value = pairs["target"].where(pairs["target"].notna(), pairs["reference"])
    status = pairs["target_status"].where(pairs["target"].notna(), pairs["reference_status"])
    frame = pd.DataFrame({"subject": pairs["subject"], "visit": pairs["arm"], "position": value, "status": status})
    arms = arms_in(plan, list(pairs["arm"]))
    places = {arm: float(index) for index, arm in enumerate(arms)}
    names = [arm_label(plan, arm) for arm in arms]
    counts = [int((pairs["arm"] == arm).sum()) for arm in arms]
    return _Panel(when, "", frame.dropna(subset=["position"]), places, names, counts=counts)


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
        _Panel(arm_label(plan, arm), arm, frame, places, None, frame["subject"].nunique(), band=band)
        for arm, frame in frames.items()
    ]


@style()
def _figure(panels: list[_Panel], plan: FigurePlan, title: str, scale: str, unit: str) -> Figure:
    over_time = panels[0].names is None
    columns = min(len(panels), 3 if over_time else PANELS)
    rows = -(-len(panels) // columns)
    width = SINGLE if columns < 3 else DOUBLE
    wide = (width - 0.75 - MARGIN) / columns
    times = visit_axis(plan, panels[0].places, wide - AIR) if over_time else None
    below = 0.05 + (times.room if times else 0.2)
    cell = HEIGHT + below + 0.22
    statuses = set().union(*(panel.frame["status"] for panel in panels))
    sheet = Sheet(plan, title, cell * rows, width=width, legend=_legend(statuses),
                  notes=[LIMITS if statuses & {"below", "above"} else "In brackets: subjects."])  # fmt: skip
    ends = np.concatenate([panel.frame["position"].to_numpy(dtype=float) for panel in panels])
    axis = (scale, unit, float(np.nanmin(ends)), float(np.nanmax(ends)))
    looks = cycle(
        [arm.id for arm in plan.arms] or [""], [arm.id for arm in plan.arms if arm.control and len(plan.arms) > 1]
    )
    colours = [looks.get(panel.arm, looks[next(iter(looks))])[0] for panel in panels]
    corners = [
        (LEFT + wide * (index % columns), below + cell * (rows - 1 - index // columns)) for index in range(len(panels))
    ]
    if times:
        _over_time(sheet, panels, colours, corners, wide, times, axis)
    else:
        _side_by_side(sheet, panels, colours, corners[0], wide, axis)
    for panel, (left, bottom) in zip(panels, corners, strict=True):
        sheet.text(left, bottom + HEIGHT + 0.06, _counted(panel.title, panel.count, wide - 0.14), color=GREY)
    return sheet.figure


def _over_time(
    sheet: Sheet, panels: list[_Panel], colours: list[str], corners: list[tuple[float, float]], wide: float,
    times: VisitAxis, axis: tuple[str, str, float, float],
) -> None:  # fmt: skip
    """Each panel on axes of its own, over the plan's visits; the visits compared are shaded."""
    for panel, colour, (left, bottom) in zip(panels, colours, corners, strict=True):
        axes = sheet.axes(left, bottom, wide - AIR, HEIGHT)
        for visit in panel.band:
            if visit in panel.places:
                axes.axvline(panel.places[visit], color=PALE, linewidth=6, zorder=0)
        draw_people(axes, panel.frame, panel.places, colour)
        draw_middle(axes, panel.frame, panel.places, INK)
        name = set_value_axis(axes, *axis)
        times.apply(axes)
        if left == corners[0][0]:
            axes.set_ylabel(fit(name, HEIGHT, SMALL + 1), labelpad=2)
        else:
            axes.tick_params(axis="y", labelleft=False)


def _side_by_side(
    sheet: Sheet, panels: list[_Panel], colours: list[str], corner: tuple[float, float], wide: float,
    axis: tuple[str, str, float, float],
) -> None:  # fmt: skip
    """Panels of a few places each, in inches along one pair of axes: they share the scale, and axes cost time."""
    across = wide * len(panels) - AIR
    axes = sheet.axes(*corner, across, HEIGHT)
    places: list[float] = []
    for index, (panel, colour) in enumerate(zip(panels, colours, strict=True)):
        step = (wide - AIR) / (len(panel.places) - 0.3)
        inches = {key: wide * index + step * (place + 0.35) for key, place in panel.places.items()}
        draw_people(axes, panel.frame, inches, colour, dots=True)
        draw_middle(axes, panel.frame, inches, INK)
        room = (wide - 0.16) / len(panel.places)
        for place, name, count in zip(inches.values(), panel.names or [], panel.counts, strict=True):
            sheet.text(corner[0] + place, corner[1] - 0.16, _counted(name, count, room), ha="center")
        places += inches.values()
    axes.set_ylabel(fit(set_value_axis(axes, *axis), HEIGHT, SMALL + 1), labelpad=2)
    axes.set_xlim(0, across)
    axes.set_xticks([])
    low, high = axes.get_ylim()
    # The frame of every panel after the first (the axes' own runs under them all), and a tick at every place.
    starts, ticks = wide * np.arange(1, len(panels)), np.array(places)
    down = low - 0.035 * (high - low) / HEIGHT
    xs = np.concatenate([np.column_stack([at, at, np.full(len(at), np.nan)]).ravel() for at in (starts, ticks)])
    ys = np.concatenate([np.tile([low, high, np.nan], len(starts)), np.tile([low, down, np.nan], len(ticks))])
    axes.plot(xs, ys, color=GREY, linewidth=0.7, zorder=0, clip_on=False)


def _counted(words: str, count: int | None, inches: float) -> str:
    """A name and how many, the name shortened first so that the number is never cut."""
    if count is None:
        return fit(words, inches)
    number = f" ({count})"
    return fit(words, inches - text_width(number)) + number


def _legend(statuses: set[str]) -> list[Entry]:
    entries = [Entry("median", {"linestyle": "-", "color": INK, "linewidth": 2})]
    for status, marker, words in (("below", "v", "below the limit"), ("above", "^", "above the limit")):
        if status in statuses:
            look = {"marker": marker, "markerfacecolor": "white", "markeredgecolor": INK, "color": INK}
            entries.append(Entry(words, look))
    return entries
