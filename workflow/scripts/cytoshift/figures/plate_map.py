"""Does a plate show a pattern that its content cannot explain: an edge, a corner, a row pipetted short?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cytoshift.figures.plates import figure_name, natural_plates
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import BLUE, DOUBLE, GREEN, GREY, LABEL, LIGHT, PURPLE, SMALL, VERMILLION, style
from cytoshift.study.study import FigurePlan

TITLE = "Plate map"
DIVERGING = LinearSegmentedColormap.from_list("blue-white-red", [BLUE, "#FFFFFF", VERMILLION])
SEQUENTIAL = LinearSegmentedColormap.from_list("few-many", ["#8A3B00", "#FBE3D2", "#FFFFFF"])
TYPES = {"standard": ("standard", GREEN), "blank": ("blank", GREY), "control": ("control", PURPLE)}
LARGEST_SHIFT = 1.0  # log2: colours are full at twofold
ENOUGH_BEADS = 100.0


def draw(plate_map: pd.DataFrame, plan: FigurePlan) -> Iterator[tuple[str, Figure]]:
    """One figure per source and plate: each well's signal against wells of its kind, and its beads.

    plate_map: the table of quality. Wells the file does not have stay empty, and wells that are called otherwise than
    by row and column have no place on the map.
    """
    plate_map = plate_map[plate_map["row"].between(1, 16) & plate_map["column"].between(1, 24)]
    if plate_map.empty:
        yield "none", draw_empty(plan, TITLE, "No file of this study says in which well a sample was measured.")
        return
    for source, of_source in plate_map.groupby("source", sort=False):
        for plate in natural_plates(of_source["plate"]):
            wells = of_source[of_source["plate"] == plate]
            yield figure_name(str(source), plate), _figure(wells, str(source), plate, plan)


@style()
def _figure(wells: pd.DataFrame, source: str, plate: str, plan: FigurePlan) -> Figure:
    rows = 8 if wells["row"].max() <= 8 and wells["column"].max() <= 12 else 16
    columns = 12 if rows == 8 else 24
    kinds = [kind for kind in TYPES if (wells["type"] == kind).any()]
    legend = [Entry(TYPES[kind][0], patch={"facecolor": "white", "edgecolor": TYPES[kind][1]}) for kind in kinds]
    legend.append(Entry("sample", patch={"facecolor": "white", "edgecolor": LIGHT}))
    has_beads = bool(wells["beads"].notna().any())
    notes = [
        "Signal: median over analytes of log2(signal) minus the plate's median of such wells; colour is full at a "
        "factor of 2." + (f" Beads: median over analytes; white from {ENOUGH_BEADS:.0f}." if has_beads else "")
    ]
    where = f", plate {plate}" if plate else ""
    wide = (DOUBLE - 2 * MARGIN - 0.3) / 2 if has_beads else DOUBLE * 0.62
    cell = (wide - 0.22) / columns
    high = cell * rows
    sheet = Sheet(plan, f"{TITLE}: {source}{where}", high + 0.42, legend=legend, notes=notes)
    panels = [("level", "Signal, log2 from wells of its kind", DIVERGING, Normalize(-LARGEST_SHIFT, LARGEST_SHIFT))]
    if has_beads:
        panels.append(("beads", "Beads counted", SEQUENTIAL, Normalize(0, ENOUGH_BEADS)))
    for number, (column, words, colours, scale) in enumerate(panels):
        left = MARGIN + number * (wide + 0.3)
        axes = sheet.axes(left + 0.22, 0.06, wide - 0.22, high)
        _plate(axes, wells, column, colours, scale, (rows, columns))
        sheet.text(left + 0.22, high + 0.26, words, LABEL)
    return sheet.figure


def _plate(
    axes: Axes, wells: pd.DataFrame, column: str, colours: LinearSegmentedColormap, scale: Normalize,
    shape: tuple[int, int],
) -> None:  # fmt: skip
    rows, columns = shape
    grid = np.full(shape, np.nan)
    at = wells["row"].to_numpy(dtype=int) - 1, wells["column"].to_numpy(dtype=int) - 1
    grid[at] = wells[column].to_numpy(dtype=float)
    axes.imshow(np.ma.masked_invalid(grid), cmap=colours, norm=scale, aspect="auto", interpolation="none")
    for row, column_, kind in zip(*at, wells["type"], strict=True):
        edge, width = (TYPES[kind][1], 1.2) if kind in TYPES else (LIGHT, 0.4)
        corner = column_ - 0.45, row - 0.45
        axes.add_patch(Rectangle(corner, 0.9, 0.9, fill=False, edgecolor=edge, linewidth=width))
    small = columns > 12
    numbers = [str(number) if not small or number % 2 else "" for number in range(1, columns + 1)]
    axes.set_xticks(range(columns), numbers)
    axes.set_yticks(range(rows), list("ABCDEFGHIJKLMNOP"[:rows]))
    axes.tick_params(length=0, pad=1, labelsize=SMALL, top=True, bottom=False, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
