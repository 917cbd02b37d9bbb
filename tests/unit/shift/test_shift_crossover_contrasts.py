"""Crossover studies from the tables to the decisions: the numbers of R, of enumeration, and what is said in words."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytoshift.frames import conform
from cytoshift.shift.comparison import compare
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.rearrangements import two_sided_p
from cytoshift.shift.functions import crossover
from cytoshift.shift.grid import make_grid
from cytoshift.shift.orbits import joint_null
from cytoshift.shift.orders.carry_over import carry_over
from cytoshift.shift.orders.crossover import crossover_effect, period_order
from cytoshift.shift.orders.crossover_labels import order_relabellings, order_test
from cytoshift.shift.orders.order_inversion import order_interval
from cytoshift.shift.study import Decisions, Shifts, decide_endpoints, estimate_shifts
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import PANEL, SAMPLES
from shift_tables import make_plan

REFERENCE = Path(__file__).parents[2] / "reference" / "crossover"
AT = {"id": "effect", "at": "v1", "arm": "a", "against": "b"}
CHANGE = {"id": "effect", "reference": "v1", "target": "v2", "arm": "a", "against": "b"}
Tables = tuple[pd.DataFrame, pd.DataFrame]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.tsv", sep="\t")


def plan_of(contrast: dict[str, Any] | None = None, tier: str = "primary", **changes: Any) -> ShiftPlan:
    settings: dict[str, Any] = {
        "design": "crossover", "randomised": True, "limits": {"policy": "censored"},
        "arms": [{"id": "b", "control": True}, {"id": "a"}, {"id": "c"}], "contrasts": [contrast or AT],
        "endpoints": [{"id": "all", "tier": tier, "contrasts": ["effect"], "features": ["all"]}],
    }  # fmt: skip
    return make_plan(**settings | changes)


def tables_of(rows: pd.DataFrame) -> Tables:
    """From subject, visit, arm, period and a column of log2 values per feature; below 0 a non-detect at −value."""
    keys = ["subject", "visit", "arm", "period"]
    rows = rows.assign(sample=rows["subject"] + "|" + rows["visit"] + "|" + rows["arm"])
    extra = [name for name in ("site", "study_day", "sequence") if name in rows]
    samples = rows[["sample", *keys, *extra]].assign(type="sample")
    panel = rows.drop(columns=[*keys, *extra]).melt(id_vars="sample", var_name="feature", value_name="value").dropna()
    below = panel["value"] < 0
    panel = panel.assign(
        source="msd", layer="cytokine", label=panel["feature"], scale="log2", plate="p1", detected=~below,
        status=np.where(below, "below", "observed"), lower=panel["value"].mask(below, -np.inf),
        upper=panel["value"].abs(), value=panel["value"].mask(below),
    )  # fmt: skip
    return conform(panel, PANEL), conform(samples, SAMPLES)


def simulate(
    sequences: list[str], *, visits: tuple[str, ...] = ("v1",), seed: int = 1, limit: float = 0.0
) -> pd.DataFrame:
    """Two features with a strong effect of period, condition a 1 higher; under `limit` they are non-detects."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, sequence in enumerate(sequences):
        level = rng.normal(6, 1, 2)
        for period, arm in enumerate(sequence, start=1):
            for visit in visits:
                values = level + rng.normal(0, 0.5, 2) + 0.7 * period + (arm == "a")
                values = np.where(values < limit, -limit, values)
                rows.append((f"s{number:02d}", visit, arm, str(period), *values))
    return pd.DataFrame(rows, columns=["subject", "visit", "arm", "period", "il6", "tnf"])


def answered(tables: Tables, plan: ShiftPlan) -> tuple[Shifts, Decisions]:
    shifts = estimate_shifts(*tables, plan)
    return shifts, decide_endpoints(*tables, shifts.shifts, plan)


def arrays(rows: pd.DataFrame, visits: tuple[str, ...] = ("v1",)) -> tuple[np.ndarray, ...]:
    """Value (or last visit less first) under a and b, and their periods."""
    found = []
    for arm in ("a", "b"):
        own = rows[rows["arm"] == arm].set_index(["visit", "subject"]).sort_index()
        values = [own.loc[visit][["il6", "tnf"]].to_numpy(float) for visit in visits]
        found.append((values[-1] - values[0] if len(visits) > 1 else values[0], own.loc[visits[0]]["period"]))
    return found[0][0], found[1][0], found[0][1].to_numpy(float), found[1][1].to_numpy(float)


def from_reference(name: str) -> Tables:
    study = read(name).rename(columns={"condition": "arm"})
    study["period"] = study["period"].astype(str)
    study["arm"] = study["arm"].str.lower()
    # Far from 0, below which `tables_of` sees a non-detect.
    values = [name for name in study if name.startswith("f")]
    study[values] += 20
    if "d1" in study:
        study["d1"] = np.where(study["d1"] == 1, 5.0, -3.0)
    return tables_of(study.assign(visit="v1") if "visit" not in study else study)


@pytest.mark.parametrize("name", ["two", "williams", "latin"])
def test_estimates_are_those_of_lm(name: str) -> None:
    found, _ = answered(from_reference(name), plan_of(tier="exploratory", limits={"detection_only_above": 0.1}))
    expected = read("effects_expected")
    expected = expected[(expected["study"] == name) & (expected["oracle"] == "lm_values")].set_index("feature")
    rows = found.shifts.set_index("feature").loc[expected.index]
    for column in ("estimate", "se", "df", "p_value"):
        np.testing.assert_allclose(rows[column], expected[column], rtol=1e-9)
    assert set(rows["method"]) == {"crossover"}
    assert not rows["note"].str.contains("period|Hodges").any()


@pytest.mark.parametrize(
    ("test", "name", "strata"),
    [("order_two", "two", []), ("order_two_by_site", "two", ["site"]), ("order_williams", "williams", []),
     ("sequence_latin", "latin", [])],
)  # fmt: skip
def test_planned_families_are_decided_by_enumeration_of_orders(test: str, name: str, strata: list[str]) -> None:
    samples = {"file": "samples.csv", "covariates": ["site"]}
    plan = plan_of(limits={"detection_only_above": 0.1}, strata=strata, samples=samples)
    shifts, found = answered(from_reference(name), plan)
    expected = read("exact_expected")
    expected = expected[expected["test"] == test].set_index("feature")
    decisions = found.decisions.set_index("feature").loc[expected.index]
    for ours, column in (("statistic", "statistic"), ("p_value", "p_value"), ("p_adjusted", "step_down")):
        np.testing.assert_allclose(decisions[ours], expected[column], rtol=1e-9)
    words = found.families.iloc[0]["correction"]
    assert ("no condition of the study matters" in words) == (test == "sequence_latin")
    assert ("within strata" in words) == bool(strata)
    rows = shifts.shifts.set_index("feature").loc[expected.index]
    if test == "sequence_latin":
        assert rows["note"].str.contains("decided by redistributed orders instead").all()
        assert set(rows["p_method"]) == {"t"}
    else:
        assert set(rows["p_method"]) == {"exact_order"}
        np.testing.assert_allclose(rows["p_value"], expected["p_value"], rtol=1e-12)


def test_detection_is_prescotts_test_in_the_row_and_in_the_family() -> None:
    plan = plan_of(tier="exploratory", limits={"detection_only_above": 0.1})
    found, _ = answered(from_reference("two"), plan)
    row = found.shifts.set_index("feature").loc["d1"]
    expected = read("exact_expected").set_index(["test", "feature"]).loc[("order_two", "d1")]
    assert row["p_value"] == pytest.approx(expected["p_value"], rel=1e-12)
    assert (row["method"], row["p_method"]) == ("detection_paired", "exact_order")
    assert "odds ratio not adjusted for period" in row["note"]


def test_the_named_mixed_model_of_all_conditions_is_lmertests() -> None:
    expected = read("models_expected").set_index(["study", "contrast", "feature"]).sort_index()
    visits = [{"id": name} for name in ("h0", "h2", "h6")]
    asked = {
        ("latin", "A-B"): (AT, None), ("williams", "A-C"): (AT | {"against": "c"}, None),
        ("visits", "h6"): (AT | {"at": "h6"}, visits),
        ("visits", "h6-h0"): (CHANGE | {"reference": "h0", "target": "h6"}, visits),
    }  # fmt: skip
    for (study, contrast), (written, planned) in asked.items():
        plan = plan_of(written | {"method": "crossover_model"}, **({"visits": planned} if planned else {}))
        rows = answered(from_reference(study), plan)[0].shifts.set_index("feature")
        oracle = expected.loc[(study, contrast)]
        np.testing.assert_allclose(rows.loc[oracle.index, "estimate"], oracle["estimate"], rtol=1e-5)
        np.testing.assert_allclose(rows.loc[oracle.index, "se"], oracle["se"], rtol=1e-5)
        np.testing.assert_allclose(rows.loc[oracle.index, "df"], oracle["df"], rtol=1e-3)
        assert set(rows["method"]) == {"crossover_model"}
        assert set(rows["p_method"]) == {"satterthwaite_t"}


def test_differences_of_differences_are_reduced_to_one_number_and_decided_exactly() -> None:
    rows = simulate(["ab", "ba", "ab", "ba", "ab", "ba", "ab"], visits=("v1", "v2"))
    found, decided = answered(tables_of(rows), plan_of(CHANGE))
    arm, control, period_arm, period_control = arrays(rows, ("v1", "v2"))
    expected = crossover_effect(arm, control, period_arm, period_control)
    shifts = found.shifts.set_index("feature")
    np.testing.assert_allclose(shifts["estimate"], expected.estimate, rtol=1e-12)
    np.testing.assert_allclose(shifts["se"], expected.se, rtol=1e-12)
    later = np.where((period_arm == 2)[:, None], arm - control, control - arm)
    gaps = []
    for chosen in itertools.combinations(range(7), 3):  # who took a last
        last = np.isin(np.arange(7), chosen)
        gaps.append(later[last].mean(axis=0) - later[~last].mean(axis=0))
    seen = later[period_arm == 2].mean(axis=0) - later[period_arm == 1].mean(axis=0)
    p_values = (np.abs(gaps) >= np.abs(seen) - 1e-9).mean(axis=0)
    np.testing.assert_allclose(decided.decisions["p_value"], p_values)
    np.testing.assert_allclose(shifts["smallest_p"], 1 / 35)
    np.testing.assert_allclose(shifts["n_informative"], 7)


def test_interval_holds_what_the_order_test_does_not_reject() -> None:
    rng = np.random.default_rng(5)
    order = period_order([2, 2, 2, 1, 1, 1, 2, 1, 3, 3, 1], [1, 1, 1, 2, 2, 2, 1, 2, 1, 1, 3], 11)
    strata = np.array(list("xxyyxxxxyyy"))
    scores = order.later_less_earlier(rng.normal(size=(11, 12)))
    scores[0, 1] = scores[8, 2] = np.nan
    scores[:, 3] = np.round(scores[:, 3])  # ties
    ways = order_relabellings(order, strata)
    low, high = order_interval(scores, order, ways, strata, alpha=0.2)
    assert (low < high).all()
    turn = np.where(order.arm_later, 1.0, -1.0)[:, None]

    def p_value(shift: np.ndarray) -> np.ndarray:
        return order_test(scores - shift * turn, order, ways, strata).p_value

    step = 1e-6
    for limit, inside in ((low, 1), (high, -1)):
        known = np.isfinite(limit)
        limit = np.where(known, limit, 0.0)
        assert (p_value(limit + inside * step)[known] > 0.2).all()
        assert (p_value(limit - inside * step)[known] <= 0.2).all()
    assert np.isfinite(low).sum() >= 10
    np.testing.assert_array_equal(p_value(np.zeros(12)) <= 0.2, (low > 0) | (high < 0))
    few = order_interval(
        scores[:2], period_order([2, 1], [1, 2], 2), order_relabellings(period_order([2, 1], [1, 2], 2))
    )
    assert np.isinf(few[0]).all()
    with pytest.raises(ValueError, match="alpha"):
        order_interval(scores, order, ways, strata, alpha=1.0)


def test_in_a_planned_family_p_and_interval_agree() -> None:
    for seed in range(4):
        rows = simulate(["ab", "ba"] * 4, seed=seed)
        rows[["il6", "tnf"]] -= 0.6 * (rows["arm"] == "a").to_numpy()[:, None]
        found = answered(tables_of(rows), plan_of())[0].shifts
        assert set(found["ci_method"]) == {"exact_order"}
        outside = (found["ci_low"] > 0) | (found["ci_high"] < 0)
        assert ((found["p_value"] <= 0.05) == outside).all()
        assert ((found["ci_low"] <= found["estimate"]) & (found["estimate"] <= found["ci_high"])).all()


def under_orders(rows: pd.DataFrame, sequences: list[str]) -> pd.DataFrame:
    """The same values in the same periods, under other conditions."""
    names = [sequences[int(subject[1:])][int(period) - 1] for subject, period in rows[["subject", "period"]].to_numpy()]
    return rows.assign(arm=names)


def assert_exact(p_values: np.ndarray) -> None:
    """No level k/N is exceeded by more than k of the N equally likely data sets."""
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()
    assert p_values.min() < 1


@pytest.mark.parametrize(
    ("sequences", "contrast", "limit"),
    [
        (["ab"] * 3 + ["ba"] * 3, AT, 7.2),
        (["ab"] * 3 + ["ba"] * 3, CHANGE, 6.6),
        (["abc", "bca", "cab", "abc", "bca"], AT, 7.2),
    ],
)
def test_orbit_with_non_detects(sequences: list[str], contrast: dict[str, Any], limit: float) -> None:
    visits = ("v1", "v2") if "target" in contrast else ("v1",)
    rows = simulate(sequences, visits=visits, seed=3, limit=limit)
    assert 0.15 < (rows["il6"] < 0).mean() < 0.7
    plan = plan_of(contrast, limits={"policy": "censored", "detection_only_above": 0.95})
    single, family = [], []
    every = sorted(set(itertools.permutations(sequences)))
    for drawn in every:
        panel, samples = tables_of(under_orders(rows, list(drawn)))
        null = joint_null(compare(make_grid(panel, "censored"), samples, plan.contrasts[0], plan), plan)
        assert null.orbit is not None
        assert null.orbit.draws == len(every)
        single.append(two_sided_p(null.orbit))
        family.append(max_t(null.orbit).step_down.min())
    for column in np.array(single).T:
        assert_exact(column)
    assert_exact(np.array(family))


@pytest.mark.parametrize(
    ("sequences", "contrast", "limit"),
    [
        (["ab", "ba"] * 6, AT, 7.0), (["ab", "ba"] * 8, CHANGE, 5.9), (["abc", "bca", "cab"] * 5, AT, 7.0),
        (["abc", "acb", "bac", "bca", "cab", "cba"] * 3, AT, 7.0),
    ],
)  # fmt: skip
def test_non_detects_stay_intervals_and_the_period_goes(
    sequences: list[str], contrast: dict[str, Any], limit: float
) -> None:
    visits = ("v1", "v2") if "target" in contrast else ("v1",)
    rows = simulate(sequences, visits=visits, seed=8, limit=limit)
    plan = plan_of(contrast, tier="exploratory")
    first = answered(tables_of(rows), plan)[0].shifts.set_index("feature")
    assert set(first["method"]) == {"censored_crossover"}
    assert set(first["p_method"]) == {"influence_t" if "target" in contrast else "calibrated_lr"}
    # Everything in the second period 3 higher, limits included: no effect of any condition.
    later = rows["period"] == "2"
    values = rows.loc[later, ["il6", "tnf"]]
    moved = rows.copy()
    moved.loc[later, ["il6", "tnf"]] = values.where(values < 0, values + 3).where(values > 0, values - 3)
    second = answered(tables_of(moved), plan)[0].shifts.set_index("feature")
    exchanged = answered(tables_of(rows), plan_of(contrast | {"arm": "b", "against": "a"}, tier="exploratory"))
    turned = exchanged[0].shifts.set_index("feature")
    latin_square = set(sequences) == {"abc", "bca", "cab"}
    assert set(first["note"].str.contains("differences known between limits: approximate")) == {latin_square}
    for column in ("estimate", "se", "p_value", "ci_low", "ci_high"):
        np.testing.assert_allclose(second[column], first[column], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(turned["estimate"], -first["estimate"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(turned["ci_low"], -first["ci_high"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(turned["p_value"], first["p_value"], rtol=1e-5, atol=1e-6)


def test_hardly_any_non_detect_hardly_changes_the_estimate() -> None:
    rows = simulate(["ab", "ba"] * 8, seed=4)
    arm, control, *periods = arrays(rows)
    expected = crossover_effect(arm, control, *periods)
    lowest = rows["il6"].idxmin()
    rows.loc[lowest, "il6"] = -rows.loc[lowest, "il6"] - 0.01
    row = answered(tables_of(rows), plan_of(tier="exploratory"))[0].shifts.set_index("feature").loc["il6"]
    assert row["method"] == "censored_crossover"
    assert row["estimate"] == pytest.approx(expected.estimate[0], abs=0.25 * expected.se[0])
    assert row["se"] == pytest.approx(expected.se[0], rel=0.25)
    assert row["df"] == expected.df[0]


def test_the_conditions_days_stand_for_periods_that_nobody_wrote() -> None:
    rows = simulate(["abc", "bca", "cab", "bac", "acb", "cba"] * 2)
    known = answered(tables_of(rows), plan_of(tier="exploratory"))[0].shifts
    days = rows.assign(study_day=30.0 * rows["period"].astype(int) - 30, period="")
    dated = answered(tables_of(days), plan_of(tier="exploratory"))[0]
    pd.testing.assert_frame_equal(dated.shifts, known)
    assert "periods_unknown" not in set(dated.findings["check"])
    # A condition without a date may have been any of the three.
    days.loc[(days["subject"] == "s00") & (days["arm"] == "c"), "study_day"] = np.nan
    fewer = answered(tables_of(days), plan_of(tier="exploratory"))[0]
    assert fewer.shifts["n_pairs"].tolist() == [11, 11]
    lost = fewer.pairs[~fewer.pairs["used"]]
    assert set(lost["reason"]) == {"its two periods are not known"}
    assert set(lost["subject"]) == {"s00"}
    finding = fewer.findings.set_index("check").loc["periods_unknown"]
    assert finding["message"].startswith("1 subject of 12 with both conditions left out")


def test_without_any_period_the_answer_is_not_adjusted_and_says_so() -> None:
    rows = simulate(["ab", "ba"] * 5).assign(period="")
    found, decided = answered(tables_of(rows), plan_of())
    assert set(found.shifts["method"]) == {"paired_t"}
    assert found.shifts["note"].str.contains("not adjusted for period").all()
    assert "samples.columns.period" in found.findings.set_index("check").loc["periods_unknown", "message"]
    assert "periods not known" in decided.families.iloc[0]["correction"]


def test_periods_that_are_no_numbers_are_named() -> None:
    rows = simulate(["ab", "ba"] * 5)
    rows["period"] = rows["period"].map({"1": "first", "2": "second"})
    found, _ = answered(tables_of(rows), plan_of())
    checks = found.findings.set_index("check")
    assert "'first', 'second'" in checks.loc["period_not_a_number", "message"]
    assert "periods_unknown" in checks.index


def test_two_periods_for_one_condition_are_no_period() -> None:
    rows = simulate(["ab", "ba"] * 5, visits=("v1", "v2"))
    rows.loc[(rows["subject"] == "s03") & (rows["arm"] == "a") & (rows["visit"] == "v2"), "period"] = "1"
    found, _ = answered(tables_of(rows), plan_of(CHANGE))
    assert found.shifts["n_pairs"].tolist() == [9, 9]
    assert found.shifts["note"].str.contains("1 subject without two known periods left out").all()


def test_one_order_for_all_decides_nothing_whatever_the_values() -> None:
    rows = simulate(["ba"] * 9)
    found, decided = answered(tables_of(rows), plan_of())
    assert found.shifts["note"].str.contains("all pairs have the same order").all()
    assert found.shifts["smallest_p"].tolist() == [1, 1]
    assert set(decided.decisions["decision"]) == {"not_rejected"}
    assert decided.families.iloc[0]["p_value"] == 1
    assert "cannot_be_rejected" in set(found.findings["check"])


def test_non_detects_in_one_order_for_all_are_compared_without_the_period() -> None:
    rows = simulate(["ba"] * 9, limit=7.2, seed=2)
    row = answered(tables_of(rows), plan_of(tier="exploratory"))[0].shifts.set_index("feature").loc["il6"]
    assert row["method"] == "censored_crossover"
    assert np.isfinite(row["estimate"])
    assert "all pairs have the same order" in row["note"]


def test_an_order_that_was_not_drawn_stays_descriptive_and_unadjusted() -> None:
    rows = simulate(["ab", "ba"] * 5)
    found, decided = answered(tables_of(rows), plan_of(tier="primary", randomised=False))
    arm, control, *_ = arrays(rows)
    np.testing.assert_allclose(found.shifts["estimate"], (arm - control).mean(axis=0), rtol=1e-12)
    assert found.shifts["note"].str.contains("not adjusted for period").all()
    assert found.shifts["note"].str.contains("descriptive").all()
    assert set(decided.decisions["decision"]) == {"none"}
    assert "which ignore the periods" in decided.families.iloc[0]["correction"]
    assert not {"carry_over", "periods_unknown"} & set(found.findings["check"])
    named = answered(tables_of(rows), plan_of(AT | {"method": "crossover"}, randomised=False))[0].shifts
    np.testing.assert_allclose(named["se"], crossover_effect(*arrays(rows)).se, rtol=1e-12)
    assert named["note"].str.contains("descriptive").all()


def test_carry_over_is_told_beside_the_effect_and_changes_nothing() -> None:
    rows = simulate(["ab", "ba"] * 6)
    strong = rows.copy()
    strong.loc[strong["subject"].isin(rows.loc[(rows["arm"] == "a") & (rows["period"] == "1"), "subject"]), "il6"] += 4
    plain, _ = answered(tables_of(rows), plan_of())
    found, decided = answered(tables_of(strong), plan_of())
    telling = found.findings.set_index("check").loc["carry_over"]
    expected = carry_over(*arrays(strong))
    assert (telling["severity"], telling["action"], telling["contrast"]) == ("note", "nothing", "effect")
    assert f"smallest_p={expected.p_value[0]:.6g}" in telling["numbers"]
    assert "at=il6" in telling["numbers"]
    assert "it decides nothing" in telling["message"]
    numbers = ["estimate", "se", "p_value", "ci_low", "ci_high"]
    np.testing.assert_allclose(found.shifts[numbers], plain.shifts[numbers], rtol=1e-9)
    assert set(decided.decisions["decision"]) != {"none"}


def test_a_change_of_detection_is_compared_between_orders() -> None:
    rows = simulate(["ab", "ba"] * 4, visits=("v1", "v2"))
    rng = np.random.default_rng(6)
    rows["il6"] = np.where(rng.random(len(rows)) < 0.6, -5.0, 6.0)
    plan = plan_of(CHANGE, tier="exploratory", limits={"detection_only_above": 0.3})
    row = answered(tables_of(rows), plan)[0].shifts.set_index("feature").loc["il6"]
    seen = rows.assign(il6=(rows["il6"] > 0).astype(float))
    arm, control, period_arm, _ = arrays(seen, ("v1", "v2"))
    later = np.where(period_arm == 2, (arm - control)[:, 0], (control - arm)[:, 0])
    last = period_arm == 2
    result = stats.permutation_test(
        (later[last], later[~last]), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=np.inf,
        permutation_type="independent",
    )  # fmt: skip
    assert (row["p_method"], row["method"]) == ("exact_order", "detection_paired")
    assert row["p_value"] == pytest.approx(result.pvalue, rel=1e-9)
    assert "families only" not in row["note"]


def test_the_library_answers_as_the_workflow_does() -> None:
    rows = simulate(["ab", "ba"] * 5)
    tidy = rows.assign(sequence=rows.groupby("subject")["arm"].transform("".join)).melt(
        id_vars=["subject", "visit", "arm", "period", "sequence"], var_name="feature", value_name="value"
    )
    tidy["value"] = 2 ** tidy["value"]
    expected = crossover_effect(*arrays(rows))
    for method in ("auto", "crossover", "crossover_model"):
        found = crossover(tidy, at="v1", arm="a", against="b", randomised=True, method=method).set_index("feature")
        np.testing.assert_allclose(found.loc[["il6", "tnf"], "estimate"], expected.estimate, rtol=1e-8)
        np.testing.assert_allclose(found.loc[["il6", "tnf"], "p_value"], expected.p_value, rtol=1e-5)
    assert set(found["method"]) == {"crossover_model"}
    without = crossover(tidy.drop(columns="period"), at="v1", arm="a", against="b", randomised=True)
    assert without["note"].str.contains("not adjusted for period").all()
