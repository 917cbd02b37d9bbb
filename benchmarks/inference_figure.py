"""Power, size, coverage and family-wise error of the simulated studies on one page."""

from pathlib import Path

import numpy as np
from inference_families import HOLM_FLIPS, HOLM_HALF, HOLM_T, MAX_T, Family, any_false
from inference_methods import (
    CENSORED_T,
    COMPLETE,
    FLIP_HALF,
    INTERVALS,
    INVERTED,
    LR,
    MCNEMAR,
    METHODS,
    RANK,
    SCORE,
    SIGN,
    T_HALF,
    T_ROOT,
)
from inference_studies import CLOSE, HEAVY, MIDDLE, SHARES, SIZES
from inference_tables import Cells, coverage, grid, rejected
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cytoshift.figures.saving import PNG_DPI
from cytoshift.figures.theme import (
    BLACK,
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    style,
)

# Colour and marker of a method are the same in every panel; what rests on substitution is hollow.
LOOKS = {
    LR: (BLUE, "o", True),
    CENSORED_T: (SKY, "v", True),
    SCORE: (VERMILLION, "s", True),
    T_HALF: (BLACK, "D", False),
    RANK: (GREEN, "^", False),
    SIGN: (PURPLE, "P", True),
    COMPLETE: (ORANGE, "X", True),
    MCNEMAR: (GREY, "*", True),
    FLIP_HALF: (VERMILLION, "s", False),
    T_ROOT: (BLACK, "d", False),
}
DRAWN = (LR, CENSORED_T, SCORE, T_HALF, RANK, SIGN, MCNEMAR, COMPLETE)
FAMILY_LOOKS = {MAX_T: LOOKS[SCORE], HOLM_FLIPS: LOOKS[FLIP_HALF], HOLM_T: LOOKS[CENSORED_T], HOLM_HALF: LOOKS[T_HALF]}
OFFSETS = dict(zip(SIZES, (0.27, 0.09, -0.09, -0.27), strict=True))


@style()
def draw(cells: Cells, families: dict[tuple[int, bool], Family], path: Path) -> None:
    """Write the figure to `path`."""
    figure = Figure(figsize=(DOUBLE, 6.9), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[3.1, 3.8])
    panels = upper.subplots(1, len(SIZES), sharey=True)
    for axes, n in zip(panels, SIZES, strict=True):
        _power(axes, cells, n)
    panels[0].set_ylabel("power, %")
    upper.supxlabel("non-detects, %", fontsize=8)
    upper.legend(*panels[-1].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    size, held, family = lower.subplots(1, 3, width_ratios=[1.15, 1, 0.95])
    _sizes(size, cells)
    _coverages(held, cells)
    _families(family, families)
    figure.savefig(path, dpi=PNG_DPI, metadata={"Software": None})


def _marks(name: str) -> dict:
    colour, marker, full = (LOOKS | FAMILY_LOOKS)[name]
    face = colour if full else "white"
    return {"color": colour, "marker": marker, "markerfacecolor": face, "markeredgecolor": colour}


def _power(axes: Axes, cells: Cells, n: int) -> None:
    for name in DRAWN:
        shares = [share for share in SHARES if share or name != MCNEMAR]
        rates = [rejected(cells[MIDDLE, n, share, True].p_values[name]) for share in shares]
        front = 4 if name in (LR, SCORE) else 3
        axes.plot(100 * np.array(shares), rates, label=name, linewidth=1.1, markersize=4, zorder=front, **_marks(name))
    axes.set_title(f"{n} pairs")
    axes.set_xticks([100 * share for share in SHARES])
    axes.set_ylim(0, 82)
    axes.grid(axis="y", color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)


def _sizes(axes: Axes, cells: Cells) -> None:
    """A dot per cell of the scenarios in which no change is true, a line of dots per number of pairs."""
    _rows(axes, METHODS, "type-I error, %", "Size: one dot per cell", 5)
    for row, name in enumerate(METHODS):
        for scenario in (MIDDLE, CLOSE, HEAVY):
            for n, share in grid(scenario):
                if share or name != MCNEMAR:
                    rate = rejected(cells[scenario, n, share, False].p_values[name])
                    _dot(axes, rate, row, n, name)
    axes.set_xlim(left=-0.3)


def _coverages(axes: Axes, cells: Cells) -> None:
    titles = {LR: "profile", INVERTED: "inverted flips", RANK: "Hodges–Lehmann"}
    _rows(axes, [titles.get(name, name) for name in INTERVALS], "coverage of 95 % intervals, %", "Intervals", 95)
    for row, name in enumerate(INTERVALS):
        look = SCORE if name == INVERTED else name
        for n, share in grid(MIDDLE):
            covered, _ = coverage(cells[MIDDLE, n, share, True], name, MIDDLE.shift(n))
            _dot(axes, covered, row, n, look)
    axes.set_xlim(right=101)


def _families(axes: Axes, families: dict[tuple[int, bool], Family]) -> None:
    names = list(FAMILY_LOOKS)
    _rows(axes, [name.replace(", ", ",\n") for name in names], "family-wise error, %", "Families of 20", 5)
    for row, name in enumerate(names):
        for (n, moved), family in families.items():
            _dot(axes, 100 * any_false(family, name, moved), row, n, name)
    axes.set_xlim(-0.3, 8)
    for n in SIZES:
        axes.text(7.9, -OFFSETS[n], f"{n} pairs", color=GREY, fontsize=5.5, ha="right", va="center")


def _rows(axes: Axes, names: list[str] | tuple[str, ...], label: str, title: str, nominal: float) -> None:
    axes.axvline(nominal, color=GREY, linewidth=0.8, zorder=1)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color=PALE, alpha=0.6, linewidth=0, zorder=0)
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.set_title(title, loc="left")


def _dot(axes: Axes, place: float, row: int, n: int, name: str) -> None:
    axes.plot(place, row - OFFSETS[n], markersize=3, linestyle="", alpha=0.75, **(_marks(name) | {"marker": "o"}))
