"""Studies on which a careless analysis says something wrong, and what ours must say instead."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytoshift.frames import conform
from cytoshift.shift.study import decide_endpoints, estimate_shifts
from cytoshift.study.problem import Problems
from cytoshift.tables import PANEL, SAMPLES
from shift_tables import PARALLEL, make_plan, make_tables, paired_rows, values_of


def primary(contrast: str, *features: str, **more: Any) -> dict[str, Any]:
    return {"id": "first", "tier": "primary", "contrasts": [contrast], "features": list(features or ["all"])} | more


def decided(tables: tuple[pd.DataFrame, pd.DataFrame], plan: Any) -> Any:
    shifts = estimate_shifts(*tables, plan).shifts
    return shifts, decide_endpoints(*tables, shifts, plan)


def rising_pairs(subjects: int) -> list[tuple[str, str, str, dict[str, float]]]:
    rng = np.random.default_rng(1)
    return [
        (f"s{i}", visit, "", {"il6": float(rng.normal(5 + 2 * (visit == "v2"), 1)), "tnf": float(rng.normal(5, 1))})
        for i in range(subjects)
        for visit in ("v1", "v2")
    ]


@pytest.mark.parametrize(
    "others", [[], [{"id": "more", "tier": "exploratory", "features": ["all"], "correction": "max_t"}]]
)
def test_holm_families_are_tested_whatever_other_endpoints_there_are(others: list[dict[str, Any]]) -> None:
    plan = make_plan(endpoints=[*others, primary("shift", correction="holm")])
    _, found = decided(make_tables(rising_pairs(10)), plan)
    family = found.families.set_index("endpoint").loc["first"]
    assert family["decision"] == "rejected"
    assert family["p_value"] >= family["smallest_p"] == 2 * 2**-9


def test_detection_that_nobody_changed_is_no_shift_between_arms_that_were_not_randomised() -> None:
    def rows(arm: str, count: int, seen: int) -> list[tuple[str, str, str, dict[str, float]]]:
        return [
            (f"{arm}{i}", visit, arm, {"il6": 4.0 if i < seen else -2.0})
            for i in range(count)
            for visit in ("v1", "v2")
        ]

    plan = make_plan(
        **PARALLEL | {"randomised": False, "endpoints": [primary("effect")]}, limits={"detection_only_above": 0.5}
    )
    shifts, found = decided(make_tables(rows("ldn", 12, 11) + rows("placebo", 40, 1)), plan)
    assert shifts["p_value"].isna().all()
    assert found.families.iloc[0]["decision"] != "rejected"


def test_a_change_of_limit_is_no_change_of_concentration() -> None:
    rows = []
    for i in range(10):
        rows += [(f"s{i}", "v1", "", {"il6": -1.0}), (f"s{i}", "v2", "", {"il6": -4.0})]
    for i in range(3):
        rows[2 * i] = (f"s{i}", "v1", "", {"il6": 6.0 + i})
        rows[2 * i + 1] = (f"s{i}", "v2", "", {"il6": 6.0 + i})
    row = estimate_shifts(*make_tables(rows), make_plan()).shifts.iloc[0]
    assert row["estimate"] == 0
    assert "7 values judged by the larger limit of their pair" in row["note"]


def test_a_number_under_the_other_visits_limit_says_nothing_about_direction() -> None:
    rows = [(f"s{i}", visit, "", {"il6": 6.0 + i / 3 + (visit == "v2")}) for i in range(6) for visit in ("v1", "v2")]
    rows[0], rows[1] = ("s0", "v1", "", {"il6": 2.0}), ("s0", "v2", "", {"il6": -4.0})
    found = estimate_shifts(*make_tables(rows), make_plan())
    pair = found.pairs.set_index("subject").loc["s0"]
    assert pair["change"] == 0
    assert (pair["reference"], pair["reference_status"]) == (2.0, "observed")


def confounded(shift: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Arms at one visit whose covariate differs between them and drives the marker."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["ldn", "placebo"], 12)
    weight = rng.normal(0, 1, 24) + 1.5 * (arm == "ldn")
    rows = [
        (f"{name}{i}", "v1", name, {"il6": 20 + w + shift * (name == "ldn") + float(rng.normal(0, 0.5))})
        for i, (name, w) in enumerate(zip(arm, weight, strict=True))
    ]
    panel, samples = make_tables(rows)
    return panel, samples.assign(weight=[f"{w:.6f}" for w in weight])


def test_arms_that_were_not_randomised_are_judged_given_their_covariates() -> None:
    plan = make_plan(
        **PARALLEL
        | {
            "randomised": False,
            "samples": {"file": "samples.csv", "covariates": ["weight"]},
            "contrasts": [{"id": "start", "at": "v1", "arm": "ldn", "against": "placebo", "adjust": ["weight"]}],
            "endpoints": [primary("start")],
        }
    )
    null = [decided(confounded(0, seed), plan)[1].families.iloc[0]["p_value"] for seed in range(12)]
    effect = [decided(confounded(1.2, seed), plan)[1].families.iloc[0]["p_value"] for seed in range(12)]
    assert np.mean(np.array(null) <= 0.05) <= 0.25
    assert np.mean(np.array(effect) <= 0.05) >= 0.8


def test_a_crossover_whose_order_was_not_drawn_decides_nothing() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (f"s{i}", visit, arm, {"il6": float(rng.normal(5, 0.2) + 3 * (arm == "run" and visit == "v2"))})
        for i in range(8)
        for arm in ("rest", "run")
        for visit in ("v1", "v2")
    ]
    plan = make_plan(
        design="crossover", randomised=False, arms=[{"id": "rest", "control": True}, {"id": "run"}],
        contrasts=[{"id": "load", "reference": "v1", "target": "v2", "arm": "run", "against": "rest"}],
        endpoints=[primary("load")],
    )  # fmt: skip
    _, found = decided(make_tables(rows), plan)
    assert set(found.families["decision"]) == {"none"}
    assert set(found.decisions["decision"]) == {"none"}
    assert "order of conditions was not randomised" in found.families.iloc[0]["decided_by"]


def test_the_order_of_the_sample_sheet_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    rows = [
        (f"{arm}{i}", visit, arm, {"il6": float(rng.normal(5, 1))})
        for arm in ("ldn", "placebo")
        for i in range(8)
        for visit in ("v1", "v2")
    ]
    panel, samples = make_tables(rows)
    samples = samples.assign(weight=[f"{value:.3f}" for value in rng.normal(70, 9, len(samples))])
    contrast = {
        "id": "effect",
        "reference": "v1",
        "target": "v2",
        "arm": "ldn",
        "against": "placebo",
        "adjust": ["weight"],
    }
    plan = make_plan(**PARALLEL | {"samples": {"file": "s.csv", "covariates": ["weight"]}, "contrasts": [contrast]})
    first = estimate_shifts(panel, samples, plan).shifts
    second = estimate_shifts(panel, samples.iloc[::-1].reset_index(drop=True), plan).shifts
    assert first["estimate"].tolist() == pytest.approx(second["estimate"].tolist(), rel=1e-12)


def test_cells_are_not_adjusted_for_the_plates_of_cytokines() -> None:
    rng = np.random.default_rng(6)
    rows = [(f"{arm}{i}", "v1", arm, {"il6": float(rng.normal(5, 1))}) for arm in ("ldn", "placebo") for i in range(8)]
    panel, samples = make_tables(rows)
    panel["plate"] = [f"p{i % 3}" for i in range(len(panel))]
    cells = panel.assign(
        source="cbc", layer="cell", feature="neutrophils", plate="", value=rng.normal(12, 1, len(panel))
    )
    cells = cells.assign(lower=cells["value"], upper=cells["value"])
    contrast = {"id": "start", "at": "v1", "arm": "ldn", "against": "placebo", "adjust": ["plate"]}
    found = estimate_shifts(
        conform(pd.concat([panel.iloc[:-2], cells]), PANEL), samples, make_plan(**PARALLEL | {"contrasts": [contrast]})
    ).shifts.set_index("feature")
    assert (found.loc["neutrophils", "n_pairs"], found.loc["neutrophils", "df"]) == (16, 14)
    assert (found.loc["il6", "n_pairs"], found.loc["il6", "df"]) == (14, 10)
    assert "plate (3 categories)" in found.loc["il6", "note"]


def arms_at(first: int, second: int, strata: list[str] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        (f"{arm}{i}", "v1", arm, {"il6": 9.0 * (arm == "ldn") + i / 10 + 1})
        for arm, n in (("ldn", first), ("placebo", second))
        for i in range(n)
    ]
    panel, samples = make_tables(rows)
    return panel, samples if strata is None else samples.assign(site=strata)


def test_smallest_p_of_arms_is_that_of_the_relabellings() -> None:
    plan = make_plan(**PARALLEL | {"contrasts": [{"id": "start", "at": "v1", "arm": "ldn", "against": "placebo"}]})
    found = estimate_shifts(*arms_at(2, 5), plan)
    assert found.shifts.iloc[0]["smallest_p"] == pytest.approx(1 / 21)
    assert "cannot_be_rejected" not in set(found.findings["check"])
    stratified = make_plan(
        **PARALLEL
        | {"strata": ["site"], "samples": {"file": "s.csv", "covariates": ["site"]}}
        | {"contrasts": [{"id": "start", "at": "v1", "arm": "ldn", "against": "placebo"}]}
    )
    alone = estimate_shifts(*arms_at(4, 4, ["a"] * 4 + ["b"] * 4), stratified)
    assert alone.shifts.iloc[0]["smallest_p"] == 1
    assert "no stratum holds both arms" in alone.shifts.iloc[0]["note"]


def test_values_above_the_range_are_detected() -> None:
    panel, samples = make_tables([(f"s{i}", v, "", {"il6": 4.0 + i / 9}) for i in range(8) for v in ("v1", "v2")])
    above = panel["sample"].str.contains("v2")
    panel.loc[above, ["status", "value", "upper"]] = ["above", np.nan, np.inf]
    row = estimate_shifts(panel, samples, make_plan(limits={"detection_only_above": 0.45})).shifts.iloc[0]
    assert not row["method"].startswith("detection")


def test_a_subject_of_two_arms_is_no_pair_and_says_so() -> None:
    rows = [
        (f"{arm}{i}", v, arm, {"il6": 5.0 + i / 7})
        for arm in ("ldn", "placebo")
        for i in range(5)
        for v in ("v1", "v2")
    ]
    rows[1] = ("ldn0", "v2", "placebo", {"il6": 9.0})
    found = estimate_shifts(*make_tables(rows), make_plan(**PARALLEL))
    pair = found.pairs[found.pairs["subject"] == "ldn0"].iloc[0]
    assert (bool(pair["used"]), pair["reason"]) == (False, "the subject appears in more than one arm")
    assert found.shifts.iloc[0]["n_pairs"] == 9


def test_pairs_say_used_of_those_who_were_used() -> None:
    rows = [
        (f"{arm}{i}", v, arm, {"il6": 5.0 + i / 7})
        for arm in ("ldn", "placebo")
        for i in range(6)
        for v in ("v1", "v2")
    ]
    panel, samples = make_tables(rows)
    samples["age"] = [
        "" if subject in ("ldn0", "placebo0") else str(40 + i) for i, subject in enumerate(samples["subject"])
    ]
    contrast = {
        "id": "effect",
        "reference": "v1",
        "target": "v2",
        "arm": "ldn",
        "against": "placebo",
        "adjust": ["age"],
    }
    plan = make_plan(**PARALLEL | {"samples": {"file": "s.csv", "covariates": ["age"]}, "contrasts": [contrast]})
    found = estimate_shifts(panel, samples, plan)
    assert found.pairs["used"].sum() == found.shifts.iloc[0]["n_pairs"] == 10
    assert set(found.pairs.loc[~found.pairs["used"], "reason"]) == {"covariate age is not known"}


def test_dropped_non_detects_still_count_in_a_test_of_detection() -> None:
    rows = [(f"s{i}", v, "", {"il6": -2.0}) for i in range(10) for v in ("v1", "v2")]
    plan = make_plan(limits={"policy": "drop"})
    found = estimate_shifts(*make_tables(rows), plan)
    assert found.shifts.iloc[0]["n_pairs"] == found.pairs["used"].sum() == 10


def test_the_p_a_decision_rests_on_is_the_exact_one() -> None:
    shifts, found = decided(make_tables(rising_pairs(10)), make_plan(endpoints=[primary("shift")]))
    row = found.decisions.set_index("feature").loc["il6"]
    assert row["p_kind"] == "sign_flip"
    assert row["p_value"] >= 2**-9
    assert shifts.set_index("feature").loc["il6", ["p_value", "p_method"]].tolist() == [row["p_value"], "sign_flip"]


def test_intervals_of_planned_features_agree_with_the_test_that_decides() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = [
            (f"s{i}", v, "", {"il6": float(rng.normal(9 + 0.9 * (v == "v2"), 1))})
            for i in range(7)
            for v in ("v1", "v2")
        ]
        shifts, found = decided(make_tables(rows), make_plan(endpoints=[primary("shift", "il6")]))
        row = shifts.iloc[0]
        assert row["ci_method"] == "sign_flip"
        assert (row["ci_low"] > 0 or row["ci_high"] < 0) == (found.decisions.iloc[0]["p_value"] <= 0.05)


def test_a_planned_feature_that_no_file_holds_is_an_error() -> None:
    with pytest.raises(Problems, match=r"endpoints\[first\].features: 'il66' is not in the data; did you mean 'il6'"):
        decided(make_tables(rising_pairs(6)), make_plan(endpoints=[primary("shift", "il66")]))


def test_an_exploratory_correction_is_the_one_that_was_asked_for() -> None:
    endpoint = {"id": "look", "tier": "exploratory", "features": ["all"], "correction": "max_t"}
    _, found = decided(make_tables(rising_pairs(9)), make_plan(endpoints=[endpoint]))
    assert found.decisions["p_adjusted"].notna().all()
    assert found.decisions["q_value"].isna().all()
    assert set(found.decisions["decision"]) == {"none"}


def test_another_feature_changes_no_drawn_p_value() -> None:
    rows = paired_rows(20)
    panel, samples = make_tables(rows)
    plan = make_plan(endpoints=[primary("shift", "il6")])
    both = decided((panel, samples), plan)[1].families.iloc[0]["p_value"]
    alone = decided((panel[panel["feature"] == "il6"], samples), plan)[1].families.iloc[0]["p_value"]
    assert both == alone
    change = values_of(rows, "v2", "il6") - values_of(rows, "v1", "il6")
    assert both == pytest.approx(stats.ttest_1samp(change, 0).pvalue, abs=0.03)


def test_nothing_to_estimate_is_one_clear_line() -> None:
    _, samples = make_tables(paired_rows(3))
    with pytest.raises(Problems, match="nothing is left to estimate"):
        estimate_shifts(conform(pd.DataFrame(), PANEL), conform(samples, SAMPLES), make_plan())
