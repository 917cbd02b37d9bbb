"""Axes on an analysis scale speak original units."""

from __future__ import annotations

import numpy as np
import pytest

from cytoshift.figures.axis import number, ratio_ticks, value_ticks


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.5, "0.5"), (12.0, "12"), (1234, "1,234"), (0.00001, "1e-5"), (2.5e7, "2.5e7"), (-0.4, "−0.4")],
)
def test_numbers_are_written_plainly(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize("reach", [0.05, 0.1, 0.2, 0.4, 0.7, 1, 2, 4, 7, 12, 25])
def test_ratio_ticks_are_few_inside_and_hold_one(reach: float) -> None:
    ticks = ratio_ticks(-reach, reach)
    assert 1 in ticks
    assert 3 <= len(ticks) <= 7
    assert all(2**-reach <= tick <= 2**reach for tick in ticks)


@pytest.mark.parametrize("span", [0.02, 0.3, 1.1, 2.5, 4, 9, 20])
@pytest.mark.parametrize("middle", [-8.0, 0.3, 5.0, 19.0])
def test_log2_values_are_labelled_in_their_unit(middle: float, span: float) -> None:
    positions, labels, name = value_ticks("log2", "pg/mL", middle - span / 2, middle + span / 2)
    assert name == "pg/mL (log scale)"
    assert 1 <= len(positions) <= 6
    for position, label in zip(positions, labels, strict=True):
        assert float(label.replace(",", "")) == pytest.approx(2**position, rel=0.06)


def test_npx_is_not_turned_back_into_a_concentration() -> None:
    positions, labels, name = value_ticks("log2", "NPX", -1.0, 5.0)
    assert name == "NPX"
    assert [float(label.replace("−", "-")) for label in labels] == pytest.approx(positions)


def test_fractions_are_labelled_in_percent() -> None:
    positions, labels, name = value_ticks("logit", "fraction", -3.0, 0.5)
    assert name == "share (logit scale)"
    assert [float(label.removesuffix(" %")) / 100 for label in labels] == pytest.approx(
        1 / (1 + np.exp(-np.array(positions)))
    )
