"""A trend over the arms' doses as a contrast: its slope, its exact test, and what the rows say about doses."""

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytoshift.shift.functions import families
from cytoshift.shift.study import decide_endpoints, estimate_shifts
from shift_tables import make_plan, make_tables

Row = tuple[str, str, str, dict[str, float]]

DOSES = {"placebo": 0.0, "low": 1.5, "high": 4.5}
ARMS = [{"id": "healthy"}, *({"id": arm, "dose_mg": dose} for arm, dose in DOSES.items())]
TREND = {"id": "trend", "reference": "v1", "target": "v2", "trend": "dose_mg"}
STUDY: dict[str, Any] = {"design": "parallel", "randomised": True, "arms": ARMS, "contrasts": [TREND]}


def dosed_rows(per_arm: int = 6, slope: float = -0.2, seed: int = 4) -> list[Row]:
    """Two visits; il6 falls by `slope` per mg, tnf does not; healthy people, who have no dose, do something else."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for arm, dose in {"healthy": 30.0, **DOSES}.items():
        for number in range(per_arm):
            before = rng.normal(6, 1, 2)
            after = before + rng.normal(0, 0.4, 2) + [slope * dose, 0.0]
            for visit, values in (("v1", before), ("v2", after)):
                rows.append((f"{arm}{number}", visit, arm, dict(zip(("il6", "tnf"), map(float, values), strict=True))))
    return rows


def columns(rows: list[Row], feature: str = "il6") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dose, value before and value after of everybody with a dose."""
    dosed = [row for row in rows if row[2] in DOSES]
    before, after = (np.array([row[3][feature] for row in dosed if row[1] == visit]) for visit in ("v1", "v2"))
    return np.array([DOSES[row[2]] for row in dosed if row[1] == "v1"]), before, after


def slope_of(outcome: np.ndarray, *explaining: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(outcome)), *explaining])
    return float(np.linalg.lstsq(design, outcome, rcond=None)[0][-1])


def row_of(rows: list[Row], feature: str = "il6", **changes: Any) -> pd.Series:
    found = estimate_shifts(*make_tables(rows), make_plan(**STUDY | changes))
    return found.shifts.set_index("feature").loc[feature]


def test_randomised_doses_are_a_slope_per_mg_given_the_baseline_of_the_arms_that_state_a_dose() -> None:
    rows = dosed_rows()
    dose, before, after = columns(rows)
    row = row_of(rows)
    assert row["estimate"] == pytest.approx(slope_of(after, before, dose))
    assert row["ratio"] == pytest.approx(2 ** row["estimate"])
    assert (row["method"], row["n_pairs"], row["effect_size_kind"]) == (
        "dose_trend_given_baseline", 18, "baseline_sd_per_mg",
    )  # fmt: skip
    assert "0 mg: 6, 1.5 mg: 6, 4.5 mg: 6 subjects" in row["note"]
    assert "departure from a straight line" in row["note"]
    assert row["smallest_p"] < 0.001
    noncentrality = np.log2(row["detectable_ratio"]) / row["se"]
    assert stats.nct.sf(stats.t.isf(0.025, 16), 16, noncentrality) == pytest.approx(0.8, abs=1e-6)


def test_doses_that_were_not_drawn_by_lot_are_an_association_of_the_change_without_a_joint_test() -> None:
    rows = dosed_rows()
    dose, before, after = columns(rows)
    change = [TREND | {"method": "change"}]
    endpoint = {"id": "main", "tier": "primary", "contrasts": ["trend"], "features": ["il6", "tnf"]}
    plan = make_plan(**STUDY | {"randomised": False, "contrasts": change, "endpoints": [endpoint]})
    tables = make_tables(rows)
    found = estimate_shifts(*tables, plan)
    row = found.shifts.set_index("feature").loc["il6"]
    assert row["estimate"] == pytest.approx(slope_of(after - before, dose))
    assert row["method"] == "dose_trend_of_changes"
    assert "doses not randomised: an association" in row["note"]
    assert np.isnan(row["smallest_p"])
    family = decide_endpoints(*tables, found.shifts, plan).families.iloc[0]
    assert "no joint test of doses that were not randomised" in family["correction"]


def test_a_trend_at_one_visit_counts_the_lowest_dose_as_reference() -> None:
    rows = dosed_rows()
    dose, _, after = columns(rows)
    row = row_of(rows, contrasts=[{"id": "trend", "at": "v2", "trend": "dose_mg"}])
    assert row["estimate"] == pytest.approx(slope_of(after, dose))
    assert (row["method"], row["n_reference"], row["n_target"]) == ("dose_trend", 6, 12)


def test_each_dosed_arm_shows_its_own_change_and_who_was_at_the_lowest_dose() -> None:
    rows = dosed_rows()
    found = estimate_shifts(*make_tables(rows), make_plan(**STUDY))
    own = found.arm_changes[found.arm_changes["feature"] == "il6"].set_index("arm")["estimate"]
    dose, before, after = columns(rows)
    assert list(own.index) == list(DOSES)
    for arm, level in DOSES.items():
        assert own[arm] == pytest.approx((after - before)[dose == level].mean())
    roles = found.pairs[found.pairs["feature"] == "il6"].groupby("arm")["role"].unique().map(list)
    assert roles.to_dict() == {"placebo": ["against"], "low": ["arm"], "high": ["arm"]}


def test_the_joint_test_hands_the_doses_out_again_in_every_way() -> None:
    rows = dosed_rows(per_arm=2, slope=-0.5)
    endpoint = {"id": "main", "tier": "primary", "contrasts": ["trend"], "features": ["il6"], "correction": "holm"}
    plan = make_plan(**STUDY | {"endpoints": [endpoint]})
    tables = make_tables(rows)
    found = estimate_shifts(*tables, plan).shifts
    decided = decide_endpoints(*tables, found, plan)
    dose, before, after = columns(rows)
    residual = after - np.polyval(np.polyfit(before, after, 1), before)
    size = [abs(np.dot(ways, residual - residual.mean())) for ways in set(permutations(dose))]
    seen = abs(np.dot(dose, residual - residual.mean()))
    assert len(size) == 90
    assert decided.decisions["p_value"].iloc[0] == pytest.approx(np.mean(np.array(size) >= seen - 1e-9))
    assert "relabellings of the doses" in decided.families["correction"].iloc[0]


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({}, "censored_dose_trend_given_baseline"),
        ({"randomised": False, "contrasts": [TREND | {"method": "change"}]}, "censored_dose_trend_of_changes"),
        ({"contrasts": [{"id": "trend", "at": "v2", "trend": "dose_mg"}]}, "censored_dose_trend"),
    ],
)
def test_non_detects_stay_intervals_and_a_far_limit_gives_nearly_the_slope_of_the_values(
    changes: dict[str, Any], method: str
) -> None:
    rows = dosed_rows()
    exact = row_of(rows, limits={"policy": "censored"}, **changes)
    lowest = min((row for row in rows if row[1] == "v2" and row[2] == "high"), key=lambda row: row[3]["il6"])
    known = lowest[3]["il6"]
    assert known == min(row[3]["il6"] for row in rows if row[2] in DOSES and row[1] == "v2")
    lowest[3]["il6"] = -(known + 0.05)
    row = row_of(rows, limits={"policy": "censored"}, **changes)
    assert row["method"] == method
    assert row["estimate"] == pytest.approx(exact["estimate"], abs=0.03)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert row["below_target"] == 1
    assert "1.5 mg: 6" in row["note"]
    assert "departure from a straight line not tested" in row["note"]


def test_one_subject_above_the_lowest_dose_is_no_trend_with_non_detects_either() -> None:
    rows = [row for row in dosed_rows() if row[2] in ("placebo", "healthy") or row[0] == "high0"]
    rows[-1][3]["il6"] = -3.0
    row = row_of(rows, limits={"policy": "censored"})
    assert np.isnan(row["estimate"])
    assert np.isnan(row["p_value"])
    assert "2 subjects above the lowest dose" in row["note"]


def test_mostly_non_detects_are_tested_over_the_doses_in_families_only() -> None:
    rows = dosed_rows()
    for row in rows:
        if not (row[2] == "high" and row[1] == "v2"):
            row[3]["il6"] = -2.0
    endpoint = {"id": "main", "tier": "primary", "contrasts": ["trend"], "features": ["il6"]}
    plan = make_plan(**STUDY | {"endpoints": [endpoint]})
    tables = make_tables(rows)
    found = estimate_shifts(*tables, plan)
    row = found.shifts.set_index("feature").loc["il6"]
    assert row["method"] == "detection_dose_trend"
    assert "tested in families only" in row["note"]
    assert decide_endpoints(*tables, found.shifts, plan).decisions["p_value"].iloc[0] < 0.001


def test_placebo_that_moved_and_plates_that_hold_one_dose_are_found() -> None:
    rows = dosed_rows(slope=0.0)
    for row in rows:
        if row[2] == "placebo" and row[1] == "v2":
            row[3]["tnf"] += 3.0
    panel, samples = make_tables(rows)
    panel["plate"] = panel["sample"].str.contains("high").map({True: "p2", False: "p1"})
    found = estimate_shifts(panel, samples, make_plan(**STUDY)).findings.set_index("check")
    assert "placebo) changed by itself: tnf" in found.loc["control_moved", "message"]
    assert "with_one_arm_only=1" in found.loc["arm_confounded_with_plate", "numbers"]


def test_the_library_takes_the_doses_of_a_table() -> None:
    rows = dosed_rows()
    data = pd.DataFrame(
        [
            {"subject": subject, "visit": visit, "arm": arm, "dose_mg": DOSES.get(arm), "feature": feature,
             "value": 2**value}
            for subject, visit, arm, values in rows
            for feature, value in values.items()
        ]
    )  # fmt: skip
    endpoint = {"id": "main", "tier": "primary", "contrasts": ["trend"], "features": ["il6", "tnf"]}
    found = families(data, contrasts=[TREND], endpoints=[endpoint], design="parallel", randomised=True).set_index(
        "feature"
    )
    assert found.loc["il6", "decision"] == "rejected"
    assert found.loc["tnf", "decision"] == "not_rejected"
