"""Westgard's rules, and what "beyond 3 SD" means with a handful of plates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t

from cytoshift.quality.westgard import broken_rules, leave_one_out, westgard

SERIES = {
    "in control": ([[0.5, -1.5, 1.9, -0.2, 0.4]], {}),
    "one beyond 2 is a warning": ([[0.0, 2.1, 0.0]], {1: "1-2s"}),
    "one beyond 3": ([[0.0, -3.2, 0.0]], {1: "1-2s,1-3s"}),
    "two in a row beyond 2": ([[0.0, 2.1, 2.2, 0.0]], {1: "1-2s", 2: "1-2s,2-2s"}),
    "two beyond 2 on different sides": ([[0.0, 2.1, -2.2, 0.0]], {1: "1-2s", 2: "1-2s"}),
    "four in a row beyond 1": ([[1.1, 1.2, 1.3, 1.4, 0.0]], {3: "4-1s"}),
    "a gap interrupts": ([[1.1, 1.2, np.nan, 1.3, 1.4]], {}),
    "ten on one side": ([[-0.1] * 10], {9: "10-x"}),
    "nine on one side": ([[0.1] * 9 + [-0.1]], {}),
}


@pytest.mark.parametrize(("series", "expected"), SERIES.values(), ids=SERIES.keys())
def test_rules_along_the_runs(series, expected):
    broken = broken_rules(westgard(np.array(series)[:, :, None]))[0, :, 0]
    assert {run: rules for run, rules in enumerate(broken) if rules} == expected


def test_two_controls_on_opposite_sides_of_one_run():
    z = np.array([[0.0, 2.3, 0.0], [0.0, -2.3, 2.3], [0.0, 0.5, 0.0]])[:, :, None]
    broken = broken_rules(westgard(z))[:, :, 0]
    assert broken[:, 1].tolist() == ["1-2s,R-4s", "1-2s,R-4s", ""]
    assert broken[1, 2] == "1-2s"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-20, 20), min_size=3, max_size=12))
def test_each_plate_is_judged_by_the_others_alone(numbers):
    values = np.array(numbers)
    ours = leave_one_out(values[:, None], prior_sd=0.3, prior_df=2.0)
    for place, value in enumerate(values):
        rest = np.delete(values, place)
        df = len(rest) - 1
        sd = np.sqrt((2 * 0.09 + rest.var(ddof=1) * df) / (2 + df))
        statistic = (value - rest.mean()) / (sd * np.sqrt(1 + 1 / len(rest)))
        tail = t.sf(abs(statistic), 2 + df)
        assert ours.sd[place, 0] == pytest.approx(sd, rel=1e-6, abs=1e-6)
        if tail > 1e-12:
            assert abs(ours.z[place, 0]) == pytest.approx(norm.isf(tail), rel=1e-5, abs=1e-5)
    assert ours.centre[0] == pytest.approx(values.mean(), abs=1e-9)


def test_without_a_prior_three_sd_are_as_rare_with_four_plates_as_the_rule_says():
    values = np.random.default_rng(3).normal(size=(4, 60_000))
    z = leave_one_out(values, prior_df=0.0).z
    assert (np.abs(z) > 3).mean() == pytest.approx(2 * norm.sf(3), rel=0.15)
    # against the plain SD of the other three every eighth point would lie beyond 3
    others = np.stack([np.delete(values, k, axis=0) for k in range(4)])
    plain = (values - others.mean(axis=1)) / others.std(axis=1, ddof=1)
    assert (np.abs(plain) > 3).mean() > 0.1


def test_two_plates_and_gaps_are_not_judged():
    values = np.array([[0.0, 1.0, 1.0], [5.0, np.nan, 2.0], [np.nan, np.nan, 9.0]])
    z = leave_one_out(values).z
    assert np.isnan(z[:, :2]).all()
    assert np.isfinite(z[:, 2]).all()


def test_an_enormous_distance_stays_a_number():
    assert np.isfinite(leave_one_out(np.array([[0.0], [0.0], [0.0], [1e9]])).z).all()
