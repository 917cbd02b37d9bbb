"""Markers say whether a feature was rejected, not rejected, or decided only together with others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import figure_frames as frames
from cytoshift.figures import forest, volcano
from figure_checks import overlaps_and_overflows, words

REJECTED, NOT_REJECTED = "planned, rejected at the plan's alpha", "planned, not rejected"
TOGETHER, UNPLANNED = "planned, decided together as a whole", "not planned: no decision"
LONG = "Low-dose naltrexone 4.5 mg taken at bedtime for sixteen weeks, with a run-in"


def whole(decisions: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """The same decisions where the planned rows of `features` belong to a global test."""
    chosen = (decisions["tier"] == "primary") & decisions["feature"].isin(features)
    note = "decided for the endpoint as a whole, not for this feature"
    changed = decisions.copy()
    changed.loc[chosen, ["decision", "note"]] = ["none", note]
    changed.loc[chosen, "p_adjusted"] = np.nan
    return changed


def circles(figure: Figure) -> dict[str, int]:
    """How many circles inside the axes are full, open and half-filled."""
    counted = {"filled": 0, "open": 0, "half": 0}
    for axes in figure.axes:
        for line in axes.lines:
            if line.get_marker() == "o":
                full = "open" if line.get_markerfacecolor() == "white" else "filled"
                counted["half" if line.get_fillstyle() == "left" else full] += len(line.get_xdata())
    return counted


@pytest.mark.parametrize("kind", [forest, volcano])
def test_three_planned_states_have_three_markers_and_their_words(demo, kind) -> None:
    study, t, _ = demo
    mine = t["shifts"]["feature"].isin(["il6", "tnf", "il1b", "il2"])
    decisions = whole(t["decisions"], ["tnf"])
    own = (decisions["tier"] == "primary") & decisions["feature"].isin(["il6", "il1b"])
    decisions.loc[own, "decision"] = decisions.loc[own, "feature"].map({"il6": "rejected", "il1b": "not_rejected"})
    figure = dict(kind.draw(t["shifts"][mine], decisions, study))["week_16"]
    assert circles(figure) == {"filled": 1, "open": 1, "half": 1}
    assert {REJECTED, NOT_REJECTED, TOGETHER, UNPLANNED} <= set(words(figure))
    assert any(text.startswith("Half-filled: ") for text in words(figure))
    assert overlaps_and_overflows(figure) == []


@pytest.mark.parametrize("kind", [forest, volcano])
def test_a_study_with_a_global_endpoint_only_says_nothing_of_rejection(demo, kind) -> None:
    study, t, _ = demo
    decisions = whole(t["decisions"], list(t["decisions"]["feature"].unique()))
    for name, figure in kind.draw(t["shifts"], decisions, study):
        shown = circles(figure)
        assert shown["filled"] == shown["open"] == 0, name
        assert (shown["half"] > 0) == (TOGETHER in words(figure)) == name.startswith("week_16")
        assert not any("reject" in text for text in words(figure))


def test_a_score_of_a_global_endpoint_is_half_filled_too(demo) -> None:
    study, t, _ = demo
    figures = dict(forest.draw(t["shifts"], whole(t["decisions"], ["fatigue"]), study))
    assert circles(figures["week_16-differences"]) == {"filled": 0, "open": 0, "half": 1}


def test_volcano_draws_the_circles_its_note_speaks_of(demo) -> None:
    figure = demo[2]["volcano"]["week_16"]
    assert any("(circles: filled" in text for text in words(figure))
    assert circles(figure)["open"] + circles(figure)["filled"] > 0
    assert not [line for line in figure.findobj() if getattr(line, "get_marker", str)() == "s"]
    assert "circles" not in " ".join(words(demo[2]["volcano"]["week_8"])), "nothing was planned at week 8"


def test_rows_without_an_estimate_are_whole_and_off_the_line(demo) -> None:
    study, t, _ = demo
    long = "tested on detection only: odds ratio 0.25 (0.005 to 2.53); mostly values below the limit at both visits"
    lost = t["shifts"]["feature"] == "csf2"
    table = t["shifts"].copy()
    table.loc[lost, "note"] = long
    figure = dict(forest.draw(table, t["decisions"], study))["week_16"]
    assert "detection only: see table" in words(figure)
    assert not any("…" in text for text in words(figure))
    axes = figure.axes[0]
    (row,) = [text for text in figure.texts if text.get_text() == "detection only: see table"]
    figure.draw_without_rendering()
    box = row.get_window_extent()
    upright = [line.get_window_extent() for line in axes.lines if list(line.get_xdata()) == [0, 0]]
    assert upright
    assert not any(line.y0 < box.y1 - 1 and line.y1 > box.y0 + 1 for line in upright)
    table.loc[lost, "note"] = "another reason that is much too long for the place beside the other rows of " * 2
    assert "no estimate: see table" in words(dict(forest.draw(table, t["decisions"], study))["week_16"])


@pytest.mark.parametrize("kind", [forest, volcano])
def test_an_axis_name_with_long_arms_is_whole(demo, kind) -> None:
    _, t, _ = demo
    study = frames.plan(arms=[{"id": "placebo", "control": True, "label": f"Not {LONG}"}, {"id": "ldn", "label": LONG}])
    figure = dict(kind.draw(t["shifts"], t["decisions"], study))["week_16"]
    name = figure.axes[0].get_xlabel().replace("\n", " ")
    assert name == f"ratio of the changes, {LONG} / Not {LONG}, log scale"
    assert overlaps_and_overflows(figure) == []
