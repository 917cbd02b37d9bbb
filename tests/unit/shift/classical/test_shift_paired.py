"""The paired t: textbook numbers where there are some, and a reason where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.classical.paired import paired_t

NAN = np.nan


def test_student_1908_sleep_data():
    extra = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])[:, None]
    found = paired_t(extra)
    assert found.estimate[0] == pytest.approx(1.58)
    assert found.statistic[0] == pytest.approx(4.0621277)
    assert found.p_value[0] == pytest.approx(0.002832890)
    assert (found.ci_low[0], found.ci_high[0]) == pytest.approx((0.7001142, 2.4598858))
    assert (found.n[0], found.df[0], found.note[0], found.method) == (10, 9, "", "paired_t")


def test_each_feature_uses_its_own_pairs():
    change = np.array([[1.0, 1.0], [2.0, NAN], [4.0, 4.0], [NAN, 5.5]])
    found = paired_t(change)
    for feature in range(2):
        complete = change[~np.isnan(change[:, feature]), feature]
        assert found.n[feature] == complete.size
        assert found.p_value[feature] == pytest.approx(stats.ttest_1samp(complete, 0).pvalue, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "estimate", "note"),
    [
        ([NAN, NAN, NAN], NAN, "2 pairs needed, 0 found"),
        ([1.0, NAN, NAN], NAN, "2 pairs needed, 1 found"),
        ([0.0, 0.0, 0.0], 0.0, "all changes are equal: no interval and no p-value"),
        ([0.3 - 0.1, 0.2, 0.4 - 0.2], 0.2, "all changes are equal: no interval and no p-value"),
    ],
)
def test_a_feature_without_a_p_value_says_why(change, estimate, note):
    found = paired_t(np.array(change)[:, None])
    assert found.estimate[0] == pytest.approx(estimate, nan_ok=True)
    assert np.isnan([found.p_value[0], found.ci_low[0], found.ci_high[0], found.coverage[0]]).all()
    assert found.note[0] == note


def test_no_subjects_at_all():
    assert paired_t(np.empty((0, 2))).note.tolist() == ["2 pairs needed, 0 found"] * 2


@given(st.lists(st.floats(-50, 50).map(lambda value: round(value, 3)), min_size=3, max_size=12, unique=True))
def test_swapping_the_visits_swaps_the_sign(values):
    change = np.array(values)[:, None]
    forward, backward = paired_t(change), paired_t(-change)
    assert forward.estimate == pytest.approx(-backward.estimate)
    assert forward.ci_low == pytest.approx(-backward.ci_high)
    assert forward.p_value == pytest.approx(backward.p_value)


def test_a_wider_level_gives_a_wider_interval():
    change = np.random.default_rng(1).normal(size=(8, 3))
    narrow, wide = paired_t(change, level=0.9), paired_t(change, level=0.99)
    assert (wide.ci_low < narrow.ci_low).all()
    assert (wide.ci_high > narrow.ci_high).all()
    assert wide.coverage.tolist() == [0.99] * 3


@pytest.mark.parametrize(
    ("change", "level", "message"),
    [
        (np.zeros(3), 0.95, "shape"),
        (np.array([[1.0], [-np.inf]]), 0.95, "infinite"),
        (np.zeros((3, 1)), 95, "level 95"),
    ],
)
def test_input_that_means_something_else_is_refused(change, level, message):
    with pytest.raises(ValueError, match=message):
        paired_t(change, level=level)
