"""Where can names stand beside their points without covering anything?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from cytoshift.figures.theme import INK, LIGHT, SMALL, text_width

HIGH = 0.115  # inches: one line of small text


@dataclass(frozen=True)
class Placed:
    """A name that found a place: its point, its lower left corner in inches, and whether a line must join them."""

    index: int
    name: str
    corner: tuple[float, float]
    point: tuple[float, float]
    joined: bool


def place_labels(
    points: np.ndarray,
    names: Sequence[str],
    width: float,
    height: float,
    *,
    taken: Sequence[tuple[float, float, float, float]] = (),
    away: float = 0.07,
) -> list[Placed]:
    """Places for the names of the first points: no two overlap and none covers a point, a line or the edge.

    points: n × 2 positions in inches, all points of the figure; names: of the first len(names) of them; width, height
    of the area; taken: boxes (left, bottom, right, top) to keep free; away: distance of the nearest places. Places are
    tried outwards from the point, in a fixed order; a name that finds none is left out.
    """
    boxes = np.array([*taken]).reshape(-1, 4)
    placed = []
    for index, name in enumerate(names):
        wide = text_width(name) + 0.03
        x, y = (float(part) for part in points[index])
        for left, bottom, near in _places(x, y, wide, away):
            right, top = left + wide, bottom + HIGH
            inside = left >= 0 and bottom >= 0 and right <= width and top <= height
            covered = (points[:, 0] > left - 0.04) & (points[:, 0] < right + 0.04)
            covered &= (points[:, 1] > bottom - 0.04) & (points[:, 1] < top + 0.04)
            crossing = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < top) & (boxes[:, 3] > bottom)
            if inside and not crossing.any() and not covered.any():
                boxes = np.vstack([boxes, [left, bottom, right, top]])
                placed.append(Placed(index, name, (left, bottom), (x, y), not near))
                break
    return placed


def _places(x: float, y: float, wide: float, away: float) -> Iterator[tuple[float, float, bool]]:
    for times in (1.0, 1.8, 3.0, 4.5, 6.0, 8.0, 11.0, 15.0):
        step, near = away * times, times == 1.0
        yield x + step, y - HIGH / 2, near
        yield x - step - wide, y - HIGH / 2, near
        yield x - wide / 2, y + step, near
        yield x - wide / 2, y - step - HIGH, near
        yield x + 0.7 * step, y + 0.7 * step, near
        yield x - 0.7 * step - wide, y + 0.7 * step, near
        yield x + 0.7 * step, y - 0.7 * step - HIGH, near
        yield x - 0.7 * step - wide, y - 0.7 * step - HIGH, near


def write_labels(axes: Axes, placed: Sequence[Placed], to_data: Callable[[float, float], tuple[float, float]]) -> None:
    """Write placed names; `to_data` turns inches of the area into the axes' coordinates."""
    for label in placed:
        left, bottom = label.corner
        if label.joined:
            right, top = left + text_width(label.name), bottom + HIGH
            end = (min(max(label.point[0], left), right), min(max(label.point[1], bottom), top))
            start, stop = to_data(*label.point), to_data(*end)
            axes.plot([start[0], stop[0]], [start[1], stop[1]], color=LIGHT, linewidth=0.6, zorder=1)
        axes.text(*to_data(left, bottom + 0.02), label.name, fontsize=SMALL, color=INK, zorder=5)
