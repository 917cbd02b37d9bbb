"""Where does each value stand on a figure over visits: its position, and whether it is a non-detect?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cytoshift.figures.theme import SMALL, clean, fit, text_width
from cytoshift.figures.words import visit_label
from cytoshift.study.study import FigurePlan

TRIANGLES = {"below": "v", "above": "^"}


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts 'S2' before 'S10'."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts)


def people(samples: pd.DataFrame) -> pd.DataFrame:
    """The samples of people: bridges, controls and pools left out, and samples that quality did not keep."""
    kept = samples[samples["type"].isin(["sample", ""])]
    if "kept" in kept.columns:
        kept = kept[kept["kept"].astype(str) != "no"]
    return kept


def positions(frame: pd.DataFrame) -> pd.Series:
    """Where a value is drawn: itself, or the limit of a non-detect; NaN where there is nothing to draw."""
    drawn = frame["value"].where(frame["status"] != "below", frame["upper"])
    return drawn.where(frame["status"] != "above", frame["lower"])


def over_visits(panel: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """The panel with subject, visit, arm and `position`, where the value is drawn; rows without one are left out."""
    who = people(samples)[["sample", "subject", "visit", "arm"]]
    joined = panel.merge(who, on="sample", how="inner", sort=False)
    joined = joined.assign(position=positions(joined))
    return joined[np.isfinite(joined["position"])]


def arms_in(plan: FigurePlan, present: Sequence[str]) -> list[str]:
    """Arms that occur, in plan order; '' for a study without arms."""
    order = [arm.id for arm in plan.arms]
    found = set(present)
    return [arm for arm in order if arm in found] + sorted(found - set(order))


def visit_places(plan: FigurePlan, present: Sequence[str]) -> tuple[dict[str, float], bool]:
    """Where the visits that occur stand on the time axis, and whether that is to scale.

    To scale when every visit has a time and none would stand on another's toes; otherwise evenly spaced.
    """
    found = [visit for visit in plan.visits if visit.id in set(present)]
    times = [visit.time for visit in found]
    known = [time for time in times if time is not None]
    if len(known) == len(found) > 2:
        gaps = np.diff(sorted(known))
        if gaps.min() >= 0.09 * (max(known) - min(known)) and known == sorted(known):
            return {visit.id: float(time) for visit, time in zip(found, known, strict=True)}, True
    return {visit.id: float(index) for index, visit in enumerate(found)}, False


@dataclass(frozen=True)
class VisitAxis:
    """Visits under an axis: their places, words (turned or not), the limits, and the room below in inches."""

    places: dict[str, float]
    words: list[str]
    turned: bool
    limits: tuple[float, float]
    room: float

    def apply(self, axes: Axes) -> None:
        """Set limits and ticks of the horizontal axis."""
        axes.set_xlim(*self.limits)
        axes.set_xticks(list(self.places.values()), self.words, rotation=90 if self.turned else 0)


def visit_axis(plan: FigurePlan, places: dict[str, float], inches: float, air: float = 0.1) -> VisitAxis:
    """Visit labels for an axis `inches` wide, turned when there is no room; `air` beside the ends as a share."""
    low, high = min(places.values()), max(places.values())
    spread = high - low or 1.0
    gaps = np.diff(sorted(places.values()))
    room = inches * (float(gaps.min()) / (spread * (1 + 2 * air)) if len(gaps) else 1.0) - 0.07
    labels = [clean(visit_label(plan, visit)) for visit in places]
    level = all(text_width(label, SMALL) <= room for label in labels)
    words = labels if level else [fit(label, 0.7) for label in labels]
    below = 0.2 if level else 0.12 + max(text_width(word, SMALL) for word in words)
    return VisitAxis(places, words, not level, (low - air * spread, high + air * spread), below)


def draw_people(
    axes: Axes, frame: pd.DataFrame, places: dict[str, float], colour: str, dots: bool = False, faint: float = 0.45
) -> None:
    """Thin lines joining each subject's values, optionally with dots, and open triangles at the limit of non-detects.

    A line that ends at a limit is dashed: how steep it is, nobody knows. frame: subject, visit, position, status. Lines
    of a kind are one path, which keeps the file small.
    """
    x = np.array([places.get(visit, np.nan) for visit in frame["visit"]], dtype=float)
    y = frame["position"].to_numpy(dtype=float)
    _, subject = np.unique(frame["subject"].to_numpy(dtype=object).astype(str), return_inverse=True)
    order = np.lexsort((x, subject))
    order = order[~np.isnan(x[order])]
    x, y, subject, status = x[order], y[order], subject[order], frame["status"].to_numpy(dtype=object)[order]
    seen = ~np.isin(status.astype(str), list(TRIANGLES))
    joined = subject[1:] == subject[:-1]
    known = joined & seen[1:] & seen[:-1]
    for steps, dashes in ((known, "-"), (joined & ~known, (0, (2.5, 2)))):
        starts, stops = np.flatnonzero(steps), np.flatnonzero(steps) + 1
        if len(starts):
            # A break wherever the next line does not begin where the last one ended.
            breaks = np.flatnonzero(starts[1:] != stops[:-1]) + 1
            points = [np.append(run, run[-1] + 1) for run in np.split(starts, breaks)]
            path = [np.append(np.column_stack([x, y])[run], [[np.nan, np.nan]], axis=0) for run in points]
            across, up = np.concatenate(path).T
            axes.plot(across, up, color=colour, alpha=faint, linewidth=0.7, linestyle=dashes, zorder=1)
    if dots and seen.any():
        draw_dots(axes, x[seen], y[seen], colour, 2.6)
    for limit, triangle in TRIANGLES.items():
        # Many non-detects share a limit: one triangle per place looks the same and keeps the file small.
        at = np.unique(np.column_stack([x, y])[status == limit], axis=0)
        if len(at):
            axes.plot(
                at[:, 0], at[:, 1], triangle, markersize=4.2, markerfacecolor="white",
                markeredgecolor=colour, markeredgewidth=0.8, zorder=3,
            )  # fmt: skip


def draw_dots(
    axes: Axes, x: np.ndarray | pd.Series, y: np.ndarray | pd.Series, colour: str, size: float, zorder: float = 2
) -> None:
    """Round dots of `size` points as one path of round-capped strokes, a third of the bytes of markers in SVG."""
    gap = np.full(len(x), np.nan)
    # A stroke needs some length to be drawn; this one is far below a hundredth of a point.
    xs = np.column_stack([x, np.asarray(x, dtype=float) + 1e-9, gap]).ravel()
    ys = np.column_stack([y, y, gap]).ravel()
    axes.plot(xs, ys, color=colour, linewidth=size, solid_capstyle="round", snap=False, zorder=zorder)


def draw_middle(
    axes: Axes, frame: pd.DataFrame, places: dict[str, float], colour: str, marker: str = "", shift: float = 0.0
) -> None:
    """The median over subjects at each visit, a non-detect counted at its limit."""
    visits, y = frame["visit"].to_numpy(dtype=object), frame["position"].to_numpy(dtype=float)
    known = [visit for visit in places if (visits == visit).any()]
    middle = {visit: float(np.nanmedian(y[visits == visit])) for visit in known}
    axes.plot(
        [places[visit] + shift for visit in known], [middle[visit] for visit in known], marker=marker or None,
        markersize=4, color=colour, linewidth=2, zorder=4, solid_capstyle="round",
    )  # fmt: skip
