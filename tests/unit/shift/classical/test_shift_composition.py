"""Shares of one parent: what moved in relation to the siblings, and when the answer differs from the share itself."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.frames import conform
from cytoshift.shift.classical.composition import centred_log_ratios, sibling_groups
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.comparison import Comparison, compare
from cytoshift.shift.composition_findings import compare_compositions, composition_findings
from cytoshift.shift.grid import make_grid
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import PANEL
from shift_tables import PARALLEL, arm_rows, make_plan, make_tables, paired_rows

PARTS = ["cd8_naive", "cd8_central_memory", "cd8_effector_memory", "cd8_temra"]


def logit(share: np.ndarray) -> np.ndarray:
    return np.log(share) - np.log1p(-share)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(1e-9, 0.999), min_size=4, max_size=4), min_size=1, max_size=4))
def test_log_ratios_of_siblings_sum_to_zero_and_forget_the_total(rows):
    shares = np.array(rows)
    found = centred_log_ratios(logit(shares), np.zeros(4, dtype=int))
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(found, centred_log_ratios(logit(shares / 3), np.zeros(4, dtype=int)), atol=1e-7)


def test_a_log_ratio_by_hand_of_two_parents_and_a_loner():
    shares = np.array([[0.1, 0.4, 0.5, 0.2, 0.3], [0.1, np.nan, 0.5, 0.2, 0.2]])
    found = centred_log_ratios(logit(shares), np.array([0, 0, 1, -1, 1]))
    np.testing.assert_allclose(found[0, [0, 1]], [-np.log(2), np.log(2)], atol=1e-12)
    np.testing.assert_allclose(found[1, [2, 4]], [np.log(2.5) / 2, -np.log(2.5) / 2], atol=1e-12)
    assert np.isnan(found[1, :2]).all()
    assert np.isnan(found[:, 3]).all()


def test_siblings_have_one_parent_in_one_source_and_values():
    frame = pd.DataFrame({
        "source": ["a", "a", "a", "a", "a", "b", "a", "a"], "layer": ["cell"] * 7 + ["index"],
        "scale": ["logit"] * 6 + ["log2", "logit"], "parent": ["x", "x", "x", "x", "y", "x", "x", "x"],
    })  # fmt: skip
    known = np.array([10, 10, 9, 4, 10, 10, 10, 10])
    assert sibling_groups(frame, known).tolist() == [0, 0, 0, -1, -1, -1, -1, -1]
    assert (sibling_groups(frame, np.where(np.arange(8) == 2, 0, known)) == -1).all()


def with_shares(rows, plan: ShiftPlan, shares: np.ndarray) -> Comparison:
    """A comparison whose four features are shares (rows of the panel, 4) of the CD8+ T cells."""
    panel, samples = make_tables(rows)
    values = logit(shares).ravel()
    panel = panel.assign(
        feature=np.tile(PARTS, len(shares)), label=np.tile(PARTS, len(shares)), layer="cell", scale="logit",
        parent="cd8_t_cells", value=values, lower=values, upper=values, plate="",
    )  # fmt: skip
    return compare(make_grid(conform(panel, PANEL), plan.limits.policy), samples, plan.contrasts[0], plan)


def counts_to_shares(counts: np.ndarray) -> np.ndarray:
    return 0.95 * counts / counts.sum(axis=1, keepdims=True)


def drawn(samples: int, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([500.0, 200.0, 100.0, 50.0]) * np.exp(rng.normal(0, 0.12, (samples, 4)))


def at_visit(rows, visit: str, arm: str = "") -> np.ndarray:
    return np.array([when == visit and under == arm for _, when, under, _ in rows])


def test_one_population_that_grows_makes_the_shares_of_the_others_fall():
    rows, plan = paired_rows(14), make_plan()
    counts = drawn(len(rows))
    counts[at_visit(rows, "v2"), 0] *= 2.5
    whole = compare_compositions(with_shares(rows, plan, counts_to_shares(counts)), plan)
    assert [one.estimate > 0 for one in whole] == [True, False, False, False]
    # the shares of the others fall by different odds, their log-ratios all by a quarter of ln 2.5
    np.testing.assert_allclose([one.relative for one in whole], np.log(2.5) * np.array([3, -1, -1, -1]) / 4, atol=0.15)
    assert [one.siblings for one in whole] == [4] * 4
    assert [one.subjects for one in whole] == [14] * 4


def test_a_share_that_falls_less_than_its_siblings_is_said_to_rise_in_relation():
    rows, plan = paired_rows(14), make_plan()
    shares = counts_to_shares(drawn(len(rows)))
    after = at_visit(rows, "v2")
    shares[after] *= np.array([0.75, 0.35, 0.35, 0.35])
    found = composition_findings(with_shares(rows, plan, shares), plan)
    assert [row["feature"] for row in found] == ["cd8_naive"]
    message = found[0]["message"]
    assert message.startswith(
        "cd8_naive: in relation to the other populations of CD8+ T cells the change goes the other"
    )
    assert found[0]["contrast"] == "shift"


def test_an_equal_fall_of_all_is_no_change_in_relation():
    rows, plan = paired_rows(14), make_plan()
    shares = counts_to_shares(drawn(len(rows)))
    shares[at_visit(rows, "v2")] *= 0.5
    found = composition_findings(with_shares(rows, plan, shares), plan)
    assert len(found) >= 3
    assert all("is not seen" in row["message"] or "other way" in row["message"] for row in found)


def test_both_numbers_come_from_the_same_subjects_and_test():
    rows, plan = (
        paired_rows(12),
        make_plan(contrasts=[{"id": "s", "reference": "v1", "target": "v2", "method": "paired_t"}]),
    )
    shares = counts_to_shares(drawn(len(rows)))
    shares[0, 3] = np.nan  # one subject lacks one sibling at v1
    panel_shares = np.where(np.isnan(shares), 0.5, shares)
    comparison = with_shares(rows, plan, panel_shares)
    before, after = (np.flatnonzero(at_visit(rows, visit)) for visit in ("v1", "v2"))
    order = np.argsort(np.array([rows[index][0] for index in before]))
    assert rows[0][0] == comparison.subjects[0]
    comparison.reference.tested[0, 3] = np.nan
    whole = compare_compositions(comparison, plan)
    kept = order[1:]
    change = logit(shares)[after][kept] - logit(shares)[before][kept]
    ratios = centred_log_ratios(logit(shares), np.zeros(4, dtype=int))
    relative = ratios[after][kept] - ratios[before][kept]
    for one, own, other in zip(whole, change.T, relative.T, strict=True):
        assert one.subjects == 11
        assert one.p_value == pytest.approx(paired_t(own[:, None]).p_value[0])
        assert one.relative_p == pytest.approx(paired_t(other[:, None]).p_value[0])


def test_two_arms_are_compared_by_the_method_of_their_row():
    rows, plan = arm_rows(15), make_plan(**PARALLEL)
    shares = counts_to_shares(drawn(len(rows)))
    shares[at_visit(rows, "v2", "ldn")] *= np.array([0.75, 0.35, 0.35, 0.35])
    found = composition_findings(with_shares(rows, plan, shares), plan)
    assert [row["feature"] for row in found] == ["cd8_naive"]
    at = make_plan(**PARALLEL | {"contrasts": [{"id": "at", "at": "v2", "arm": "ldn", "against": "placebo"}]})
    assert [row["feature"] for row in composition_findings(with_shares(rows, at, shares), at)] == ["cd8_naive"]


def test_cytokines_and_two_siblings_are_left_alone():
    rows, plan = paired_rows(8), make_plan()
    panel, samples = make_tables(rows)
    comparison = compare(make_grid(panel, plan.limits.policy), samples, plan.contrasts[0], plan)
    assert composition_findings(comparison, plan) == []
