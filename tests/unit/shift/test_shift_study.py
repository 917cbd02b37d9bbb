"""The contrasts and endpoints of small studies whose answers can be computed by hand or by scipy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytoshift.frames import conform
from cytoshift.shift.study import decide_endpoints, estimate_shifts
from cytoshift.study.problem import Problems
from cytoshift.tables import SAMPLES
from shift_tables import PARALLEL, arm_rows, make_plan, make_tables, paired_rows, values_of


def test_one_arm_is_a_paired_t_test_of_target_minus_reference() -> None:
    rows = paired_rows(8)
    found = estimate_shifts(*make_tables(rows), make_plan()).shifts.set_index("feature")
    expected = stats.ttest_rel(values_of(rows, "v2", "il6"), values_of(rows, "v1", "il6"))
    assert found.loc["il6", "p_value"] == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.loc["il6", "estimate"] == pytest.approx(
        np.mean(values_of(rows, "v2", "il6") - values_of(rows, "v1", "il6"))
    )
    assert found.loc["il6", "ratio"] == pytest.approx(2 ** found.loc["il6", "estimate"])
    assert found.loc["il6", "smallest_p"] == 2**-7
    assert "not moderated" in found.loc["il6", "note"]


def test_subject_order_in_the_tables_does_not_matter() -> None:
    panel, samples = make_tables(paired_rows(8))
    first = estimate_shifts(panel, samples, make_plan()).shifts
    shuffled = samples.sample(frac=1, random_state=1).reset_index(drop=True)
    mixed = panel.sample(frac=1, random_state=2).reset_index(drop=True)
    second = estimate_shifts(mixed, shuffled, make_plan()).shifts
    second = second.set_index("feature").loc[first["feature"]].reset_index()[first.columns]
    pd.testing.assert_frame_equal(first, second, rtol=1e-12)


def test_mean_of_visits_is_taken_on_the_analysis_scale_and_needs_every_visit() -> None:
    rows = paired_rows(7)
    rows = [row for row in rows if row[:2] != ("s6", "v2")]
    plan = make_plan(contrasts=[{"id": "late", "reference": {"mean": ["v1", "v2"]}, "target": "v3"}])
    found = estimate_shifts(*make_tables(rows), plan)
    changes = [
        values_of(rows[3 * i : 3 * i + 3], "v3", "tnf")
        - np.mean([values["tnf"] for _, _, _, values in rows[3 * i : 3 * i + 2]])
        for i in range(6)
    ]
    row = found.shifts.set_index("feature").loc["tnf"]
    assert row["estimate"] == pytest.approx(np.mean(changes))
    assert row["n_pairs"] == 6
    lost = found.pairs[(found.pairs["feature"] == "tnf") & ~found.pairs["used"]]
    assert list(zip(lost["subject"], lost["reason"], strict=True)) == [("s6", "no sample at v2")]


@pytest.mark.parametrize(("policy", "stands_in"), [("half_limit", -1.0), ("limit_over_sqrt2", -0.5), ("limit", 0.0)])
def test_non_detects_stand_at_their_policy_in_tests_and_at_their_limit_in_pairs(policy: str, stands_in: float) -> None:
    rows = [
        (f"s{i}", visit, "", {"il6": value}) for i in range(6) for visit, value in (("v1", 4.0 + i / 10), ("v2", 3.0))
    ]
    rows[1] = ("s0", "v2", "", {"il6": -2.0})
    found = estimate_shifts(*make_tables(rows), make_plan(limits={"policy": policy}))
    row = found.shifts.iloc[0]
    assert row["estimate"] == pytest.approx(np.mean([2.0 + stands_in - 4.0] + [3 - 4 - i / 10 for i in range(1, 6)]))
    assert (row["below_reference"], row["below_target"]) == (0, 1)
    pair = found.pairs.set_index("subject").loc["s0"]
    assert (pair["target"], pair["target_status"]) == (2.0, "below")


def test_dropped_non_detects_are_lost_pairs_with_a_reason() -> None:
    rows = [(f"s{i}", visit, "", {"il6": value}) for i in range(4) for visit, value in (("v1", 4.0 + i), ("v2", 3.0))]
    rows[1] = ("s0", "v2", "", {"il6": -2.0})
    found = estimate_shifts(*make_tables(rows), make_plan(limits={"policy": "drop"}))
    lost = found.pairs[~found.pairs["used"]]
    assert lost[["subject", "reason"]].to_numpy().tolist() == [["s0", "non-detect at v2, dropped by the policy"]]
    assert found.shifts.iloc[0]["n_pairs"] == 3


def test_mostly_non_detects_are_tested_on_detection_only() -> None:
    rows = [(f"s{i}", visit, "", {"il6": -2.0}) for i in range(10) for visit in ("v1", "v2")]
    for i in range(3):
        rows[2 * i + 1] = (f"s{i}", "v2", "", {"il6": 4.0})
    row = estimate_shifts(*make_tables(rows), make_plan()).shifts.iloc[0]
    assert row["method"] == "detection_paired"
    assert row["p_value"] == pytest.approx(stats.binomtest(3, 3).pvalue)
    assert np.isnan(row["estimate"])
    assert "detection only" in row["note"]


def test_randomised_arms_are_compared_at_follow_up_given_baseline() -> None:
    rows = arm_rows(9)
    found = estimate_shifts(*make_tables(rows), make_plan(**PARALLEL))
    arm = np.repeat([1.0, 0.0], 9)
    before = np.concatenate([values_of(rows, "v1", "il6", name) for name in ("ldn", "placebo")])
    after = np.concatenate([values_of(rows, "v2", "il6", name) for name in ("ldn", "placebo")])
    design = np.column_stack([np.ones(18), before, arm])
    beta = np.linalg.lstsq(design, after, rcond=None)[0]
    row = found.shifts.set_index("feature").loc["il6"]
    assert row["method"] == "ancova"
    assert row["estimate"] == pytest.approx(beta[2])
    own = found.arm_changes.set_index(["feature", "arm"])
    assert own.loc[("il6", "ldn"), "estimate"] == pytest.approx(np.mean(after[:9] - before[:9]))
    assert own.loc[("il6", "placebo"), "n_pairs"] == 9


def test_arms_that_were_not_randomised_get_the_difference_of_changes_and_the_word_association() -> None:
    rows = arm_rows(9)
    found = estimate_shifts(*make_tables(rows), make_plan(**PARALLEL | {"randomised": False}))
    row = found.shifts.set_index("feature").loc["tnf"]
    change = {arm: values_of(rows, "v2", "tnf", arm) - values_of(rows, "v1", "tnf", arm) for arm in ("ldn", "placebo")}
    assert row["p_value"] == pytest.approx(stats.ttest_ind(change["ldn"], change["placebo"]).pvalue)
    assert "an association" in row["note"]
    assert "not name ancova" in row["note"]


def test_arms_at_one_visit_are_a_welch_test() -> None:
    rows = arm_rows(9)
    plan = make_plan(**PARALLEL | {"contrasts": [{"id": "start", "at": "v1", "arm": "ldn", "against": "placebo"}]})
    row = estimate_shifts(*make_tables(rows), plan).shifts.set_index("feature").loc["il10"]
    expected = stats.ttest_ind(
        values_of(rows, "v1", "il10", "ldn"), values_of(rows, "v1", "il10", "placebo"), equal_var=False
    )
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert (row["n_target"], row["n_reference"]) == (9, 9)


def test_crossover_is_the_difference_of_differences_within_the_subject() -> None:
    rng = np.random.default_rng(8)
    rows = [
        (f"s{subject}", visit, arm, {"il6": float(rng.normal(5, 1))})
        for subject in range(7)
        for arm in ("rest", "run")
        for visit in ("v1", "v2")
    ]
    plan = make_plan(
        design="crossover",
        randomised=False,
        arms=[{"id": "rest", "control": True}, {"id": "run"}],
        contrasts=[{"id": "load", "reference": "v1", "each": {"target": ["v2"], "arm": ["run"]}, "against": "rest"}],
    )
    found = estimate_shifts(*make_tables(rows), plan)
    change = {arm: values_of(rows, "v2", "il6", arm) - values_of(rows, "v1", "il6", arm) for arm in ("rest", "run")}
    row = found.shifts.iloc[0]
    assert row["contrast"] == "load.v2.run"
    assert row["p_value"] == pytest.approx(stats.ttest_rel(change["run"], change["rest"]).pvalue)
    assert "descriptive" in row["note"]
    assert set(found.arm_changes["arm"]) == {"rest", "run"}


def test_a_subject_with_two_samples_at_one_visit_is_refused_by_name() -> None:
    panel, samples = make_tables(paired_rows(4))
    twice = samples.iloc[[0]].assign(sample="again", specimen="csf")
    with pytest.raises(Problems, match=r"subject 's0' has several samples at v1 \(s0\|v1\|, again\)"):
        estimate_shifts(
            pd.concat([panel, panel.iloc[:4].assign(sample="again")]), pd.concat([samples, twice]), make_plan()
        )


def test_planned_families_use_max_t_and_open_in_order() -> None:
    rows = [
        (subject, visit, arm, {name: value - 3 * (visit == "v2" and name == "il6") for name, value in values.items()})
        for subject, visit, arm, values in paired_rows(9)
    ]
    endpoints = [
        {
            "id": "first",
            "tier": "primary",
            "contrasts": ["shift"],
            "features": ["il6"],
            "direction": "decrease",
            "test": "global",
        },
        {"id": "second", "tier": "secondary", "contrasts": ["shift"], "features": ["all"], "except": ["il6"]},
        {"id": "third", "tier": "secondary", "contrasts": ["shift"], "features": ["il6"]},
        {"id": "rest", "tier": "exploratory", "features": ["all"]},
    ]
    tables = make_tables(rows)
    plan = make_plan(endpoints=endpoints)
    shifts = estimate_shifts(*tables, plan).shifts
    decided = decide_endpoints(*tables, shifts, plan)
    families = decided.families.set_index("endpoint")
    assert families.loc["first", "decision"] == "rejected"
    change = values_of(rows, "v2", "il6") - values_of(rows, "v1", "il6")
    sums = np.array([np.dot(signs, change) for signs in product([1, -1], repeat=9)])
    assert families.loc["first", "p_value"] == np.mean(np.abs(sums) >= abs(sums[0]) - 1e-9)
    assert families.loc["second", "features"] == "tnf,il10,mcp1"
    assert families.loc["third", "decision"] == (
        "rejected" if families.loc["second", "decision"] == "rejected" else "not_tested"
    )
    rest = decided.decisions[decided.decisions["endpoint"] == "rest"]
    assert set(rest["decision"]) == {"none"}
    assert rest["q_value"].tolist() == pytest.approx(stats.false_discovery_control(shifts["p_value"]).tolist())


def test_without_flagged_samples_the_estimate_is_made_again() -> None:
    rows = paired_rows(8)
    panel, samples = make_tables(rows)
    samples["flags"] = np.where(samples["sample"] == "s0|v2|", "failed_sample", "")
    found = estimate_shifts(panel, conform(samples, SAMPLES), make_plan())
    assert set(found.shifts["n_pairs"]) == {8}
    assert set(found.without_flagged["n_pairs"]) == {7}


def test_an_odd_feature_gets_a_row_with_a_reason_and_never_a_silent_gap() -> None:
    rows = [(f"s{i}", visit, "", {"same": 3.0, "one": 4.0 + i}) for i in range(5) for visit in ("v1", "v2")]
    rows = [(s, v, a, {k: x for k, x in values.items() if k == "same" or s == "s1"}) for s, v, a, values in rows]
    found = estimate_shifts(*make_tables(rows), make_plan()).shifts.set_index("feature")
    assert np.isnan(found.loc["same", "p_value"])
    assert "all changes are equal" in found.loc["same", "note"]
    assert "2 pairs needed, 1 found" in found.loc["one", "note"]
