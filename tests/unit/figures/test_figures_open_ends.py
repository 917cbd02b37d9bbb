"""Intervals with one end on the forest and the volcano, and rows of different scales in one order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import figure_frames as frames
from cytoshift.figures import forest, volcano
from cytoshift.study.study import FigurePlan
from figure_checks import overlaps_and_overflows, words

INF, NAN = np.inf, np.nan
ENDS = {"il6": (-INF, -1.0), "il10": (0.36, INF), "il4": (-INF, INF), "fatigue": (2.0, INF)}


@pytest.fixture(scope="module")
def open_ended() -> tuple[FigurePlan, pd.DataFrame, pd.DataFrame]:
    """The two-arm study with four features whose estimate is not finite, one of them known from neither side."""
    plan = frames.plan()
    t = frames.tables(plan, subjects=8)
    shifts = t["shifts"].copy()
    for feature, (low, high) in ENDS.items():
        rows = shifts["feature"] == feature
        ratio = (NAN, NAN) if feature == "fatigue" else (2.0**low, 2.0**high)
        shifts.loc[rows, ["estimate", "ci_low", "ci_high", "ratio", "ratio_low", "ratio_high"]] = [
            NAN, low, high, NAN, *ratio
        ]  # fmt: skip
    return plan, shifts, t["decisions"]


def test_an_interval_with_one_end_is_drawn_from_it_to_an_arrow(open_ended) -> None:
    plan, shifts, decisions = open_ended
    figures = dict(forest.draw(shifts, decisions, plan))
    texts = words(figures["week_16"])
    assert {"below 0.50", "above 1.28"} <= set(texts)
    assert any("only one end is known" in text for text in texts)
    assert "above 2.00" in words(figures["week_16-differences"])
    lines = figures["week_16"].axes[0].lines
    ends = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in lines if line.get_marker() == "None"])
    low, high = figures["week_16"].axes[0].get_xlim()
    assert np.isclose(ends, -1.0).any()
    assert np.isclose(ends, 0.36).any()
    assert low < -1.0
    assert high > 0.36
    assert any(line.get_marker() == "<" for line in lines)
    assert any(line.get_marker() == ">" for line in lines)
    for figure in figures.values():
        assert overlaps_and_overflows(figure) == []


def test_no_point_stands_where_there_is_no_estimate(open_ended) -> None:
    plan, shifts, decisions = open_ended
    mine = shifts[(shifts["contrast"] == "week_16") & (shifts["scale"] != "identity")]
    lines = dict(forest.draw(shifts, decisions, plan))["week_16"].axes[0].lines
    points = sum(len(line.get_xdata()) for line in lines if line.get_marker() in ("o", "D"))
    assert points == mine["ratio"].notna().sum()


def test_the_volcano_says_how_many_it_leaves_out(open_ended) -> None:
    plan, shifts, decisions = open_ended
    mine = shifts[(shifts["contrast"] == "week_16") & (shifts["scale"] != "identity") & shifts["p_value"].notna()]
    left_out = mine["ratio"].isna().sum()
    texts = " ".join(words(dict(volcano.draw(shifts, decisions, plan))["week_16"]))
    assert left_out >= 3
    assert f"Left out: {left_out} tested without a point estimate" in " ".join(texts.split())


def test_rows_of_different_scales_stand_in_the_order_they_are_drawn_in() -> None:
    rows = pd.DataFrame({
        "feature": list("abcd"), "layer": "cell", "roles": "", "scale": ["log2", "logit", "log2", "logit"],
        "estimate": [0.30, 0.25, -0.2, NAN], "ci_low": [0.1, 0.1, -0.3, -INF], "ci_high": [0.5, 0.5, 0.1, -0.05],
    })  # fmt: skip
    base = np.where(rows["scale"] == "logit", np.e, 2.0)
    for name, source in (("ratio", "estimate"), ("ratio_low", "ci_low"), ("ratio_high", "ci_high")):
        rows[name] = base ** rows[source]
    # exp(0.25) = 1.284 stands right of 2^0.30 = 1.231; exp(−0.05) = 0.95 right of 2^−0.2 = 0.87.
    (_, ordered), *others = forest.grouped(rows)
    assert list(ordered["feature"]) == ["b", "a", "d", "c"]
    assert others == []
