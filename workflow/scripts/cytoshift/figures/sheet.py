"""Where does everything go on a figure: a sheet measured in inches, with its title, legend, notes and stamp.

Positions are computed from measured text instead of by a layout engine: nothing can overlap by surprise, and a study's
sixty small figures are drawn in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from cytoshift.figures.theme import (
    DOUBLE,
    GREY,
    INK,
    LABEL,
    SINGLE,
    SMALL,
    TITLE,
    fit,
    style,
    text_width,
    wrap,
)  # fmt: skip
from cytoshift.figures.words import condition
from cytoshift.study.study import FigurePlan

MARGIN, BAND, TITLE_LINE, LINE = 0.1, 0.21, 0.17, 0.135
LONGEST = 2.6  # inches: a legend entry, so that it fits a single column
SIMULATED = "SIMULATED DATA"


@dataclass(frozen=True)
class Entry:
    """One legend entry: words and looks (Line2D properties, or `patch` for a square); a `heading` starts a row."""

    label: str
    look: dict[str, Any] = field(default_factory=dict)
    patch: dict[str, Any] | None = None
    heading: bool = False


def true_condition(plan: FigurePlan) -> str:
    """Disease and intervention as one line, empty where the plan names neither."""
    return " · ".join(part for part in (condition(plan.disease), plan.intervention) if part)


def stamp(figure: Figure, plan: FigurePlan) -> None:
    """Say on the figure itself what the data are: a band SIMULATED DATA, or the true disease and intervention."""
    width, height = figure.get_size_inches()
    inches = figure.dpi_scale_trans
    if plan.origin == "simulated":
        band = Rectangle((0, height - BAND), width, BAND, transform=inches, facecolor="#FBE3D2", edgecolor="none")
        figure.add_artist(band)
        figure.text(
            width / 2, height - BAND / 2, SIMULATED, transform=inches, ha="center", va="center_baseline",
            fontsize=LABEL, fontweight="bold", color="#8A3B00",
        )  # fmt: skip
    words = fit(true_condition(plan), width - 2 * MARGIN)
    if words:
        figure.text(
            MARGIN, 0.06, words, transform=inches, fontsize=SMALL, color=GREY, ha="left", va="baseline"
        )  # fmt: skip


class Sheet:
    """A figure whose body is `height` inches high; positions in it are inches from its lower left corner."""

    def __init__(
        self,
        plan: FigurePlan,
        title: str,
        height: float,
        *,
        width: float = DOUBLE,
        legend: Sequence[Entry] = (),
        notes: Sequence[str] = (),
    ) -> None:
        inner = width - 2 * MARGIN
        heading = wrap(title, inner, TITLE, bold=True, lines=2)
        lines = [line for note in notes for line in wrap(note, inner)]
        rows = _legend_rows(legend, inner)
        top = (BAND if plan.origin == "simulated" else 0) + 0.06 + TITLE_LINE * len(heading) + 0.06
        foot = 0.08 + (LINE + 0.02 if true_condition(plan) else 0)
        self.bottom = foot + LINE * len(lines) + (0.05 if lines else 0) + 0.17 * len(rows) + (0.04 if rows else 0)
        self.width, self.height, self.inner = width, height, inner
        self.figure = Figure(figsize=(width, top + height + self.bottom))
        self._total = top + height + self.bottom
        for number, line in enumerate(heading):
            drop = self._total - top + 0.06 + TITLE_LINE * (len(heading) - number)
            self._write(MARGIN, drop - 0.12, line, TITLE, fontweight="bold")
        for number, line in enumerate(reversed(lines)):
            self._write(MARGIN, foot + LINE * number, line, SMALL, color=GREY)
        level = foot + LINE * len(lines) + (0.05 if lines else 0) + 0.17 * len(rows) - 0.12
        for number, row in enumerate(rows):
            self._legend(row, level - 0.17 * number)
        stamp(self.figure, plan)

    def axes(self, left: float, bottom: float, width: float, height: float, **options: Any) -> Axes:
        """New axes at a place in the body, all in inches."""
        place = (
            left / self.width, (self.bottom + bottom) / self._total, width / self.width, height / self._total
        )  # fmt: skip
        return self.figure.add_axes(place, **options)

    def text(self, x: float, y: float, words: str, size: float = SMALL, **options: Any) -> None:
        """Text at a place in the body in inches; the caller has cleaned and fitted it."""
        self._write(x, self.bottom + y, words, size, **options)

    def add(self, artist: Any, behind: bool = False) -> None:
        """Add a line or patch given in inches of the body, above the axes or behind them."""
        artist.set_zorder(-1 if behind else 1)
        artist.set_transform(Affine2D().translate(0, self.bottom) + self.figure.dpi_scale_trans)
        self.figure.add_artist(artist)

    def _write(self, x: float, y: float, words: str, size: float, **options: Any) -> None:
        looks = {"ha": "left", "va": "baseline", "color": INK, **options}
        self.figure.text(x, y, words, transform=self.figure.dpi_scale_trans, fontsize=size, **looks)

    def _legend(self, row: Sequence[Entry], y: float) -> None:
        x, inches = MARGIN, self.figure.dpi_scale_trans
        for entry in row:
            if entry.heading:
                self._write(x + 0.03, y, fit(entry.label, LONGEST), SMALL, color=GREY)
                x += _entry_width(entry)
                continue
            if entry.patch is not None:
                looks = {"linewidth": 0.5, "edgecolor": GREY, **entry.patch}
                self.figure.add_artist(Rectangle((x + 0.05, y - 0.01), 0.15, 0.09, transform=inches, **looks))
            else:
                look = {"markersize": 4.5, "linewidth": 1.2, "linestyle": "none", **entry.look}
                self.figure.add_artist(
                    Line2D([x + 0.03, x + 0.125, x + 0.22], [y + 0.035] * 3, transform=inches, markevery=[1], **look)
                )
            self._write(x + 0.27, y, fit(entry.label, LONGEST), SMALL)
            x += _entry_width(entry)


def _entry_width(entry: Entry) -> float:
    width = text_width(fit(entry.label, LONGEST), SMALL)
    return max(width + 0.12, 0.5) if entry.heading else 0.27 + width + 0.2


def _legend_rows(entries: Sequence[Entry], inner: float) -> list[list[Entry]]:
    rows: list[list[Entry]] = []
    used = inner + 1
    for entry in entries:
        width = _entry_width(entry)
        if used + width > inner or entry.heading:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += width
    return rows


@style()
def draw_empty(plan: FigurePlan, title: str, message: str) -> Figure:
    """A figure for a kind with nothing to draw: it says so, and why, in words."""
    lines = wrap(message, SINGLE - 2 * MARGIN, LABEL)
    sheet = Sheet(plan, title, 0.3 + 0.16 * len(lines), width=SINGLE)
    for number, line in enumerate(lines):
        sheet.text(MARGIN, 0.16 * (len(lines) - number), line, LABEL, color=GREY)
    return sheet.figure
