"""What the figures' tests look at: every kind drawn, the words on a figure, and what lies on what."""

from __future__ import annotations

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from cytoshift.figures import (
    cells,
    controls,
    curves,
    flow,
    forest,
    heatmap,
    missingness,
    plate_map,
    pvalues,
    ranges,
    sample_map,
    slopes,
    trajectories,
    volcano,
)
from cytoshift.figures.theme import style
from cytoshift.study.study import FigurePlan


def drawn(study: FigurePlan, t: dict[str, pd.DataFrame], slopes_limit: int = 3) -> dict[str, dict[str, Figure]]:
    """Every kind of figure of a study."""
    s, d = t["shifts"], t["decisions"]
    kinds = {
        "forest": forest.draw(s, d, study),
        "volcano": volcano.draw(s, d, study),
        "pvalues": pvalues.draw(s, study),
        "slopes": slopes.draw(t["pairs"], t["panel"], t["samples"], s, d, study, slopes_limit),
        "trajectories": trajectories.draw(t["panel"], t["samples"], s, d, study),
        "heatmap": heatmap.draw(t["pairs"], s, d, study),
        "missingness": missingness.draw(t["values"], t["samples"], study),
        "cells": cells.draw(t["panel"], t["samples"], study),
        "sample_map": sample_map.draw(t["sample_map"], study),
        "flow": flow.draw(t["samples"], t["pairs"], study),
        "curves": curves.draw(t["curves"], t["standards"], t["names"], study),
        "plate_map": plate_map.draw(t["plate_map"], study),
        "controls": controls.draw(t["controls"], t["names"], study),
        "ranges": ranges.draw(t["plate_review"], t["names"], study),
    }
    return {kind: dict(figures) for kind, figures in kinds.items()}


def words(figure: Figure) -> list[str]:
    """Every visible text of a figure."""
    return [text.get_text() for text in visible_texts(figure)]


def visible_texts(figure: Figure) -> list[Text]:
    """Text artists with something in them."""
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def overlaps_and_overflows(figure: Figure) -> list[str]:
    """Texts that leave the figure or lie on one another, in words."""
    with style():
        figure.set_dpi(100)
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        width, height = figure.get_size_inches() * 100
        skipped = set()
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                shown = {id(tick) for tick in axis._update_ticks()}
                skipped |= {
                    id(label)
                    for tick in [*axis.majorTicks, *axis.minorTicks]
                    for label in (tick.label1, tick.label2)
                    if id(tick) not in shown or not axes.axison
                }
        boxes = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in visible_texts(figure)
            if id(text) not in skipped
        ]
    faults = [
        f"outside: {name!r}" for name, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]  # fmt: skip
    for index, (name, box) in enumerate(boxes):
        for other, second in boxes[index + 1 :]:
            shared = (min(box.x1, second.x1) - max(box.x0, second.x0), min(box.y1, second.y1) - max(box.y0, second.y0))
            if shared[0] > 1.5 and shared[1] > 3:
                faults.append(f"{name!r} lies on {other!r}")
    return faults
