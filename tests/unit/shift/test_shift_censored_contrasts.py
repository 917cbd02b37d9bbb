"""Contrasts whose non-detects stay intervals: the engines' numbers, in rows, families and notes."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.censoring.censored_arms import censored_ancova
from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.censoring.pair_sums import pair_sum, sum_change, sum_scores
from cytoshift.shift.exact.flips import sign_flip_test, sign_flips
from cytoshift.shift.study import decide_endpoints, estimate_shifts
from shift_tables import PARALLEL, make_plan, make_tables

LIMIT, NAMES = 4.4, ("il6", "tnf", "il10")
Rows = list[tuple[str, str, str, dict[str, float]]]
CENSORED: dict[str, Any] = {"limits": {"policy": "censored"}}
PRIMARY = [{"id": "both", "tier": "primary", "contrasts": ["shift"], "features": ["il6", "tnf"]}]


def rows_with_non_detects(subjects: int = 9, arms: tuple[str, ...] = ("",), seed: int = 2) -> Rows:
    """il6 and tnf have non-detects below LIMIT (written as −LIMIT), il10 has none."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for arm in arms:
        for person in range(subjects):
            level = rng.normal(5, 0.8, 3)
            for visit in ("v1", "v2"):
                value = level + rng.normal(0, 0.5, 3) - 0.5 * (visit == "v2") * (arm != "placebo")
                cut = np.where((value < LIMIT) & [True, True, False], -LIMIT, np.abs(value))
                rows.append(
                    (f"{arm}{person}", visit, arm, dict(zip(("il6", "tnf", "il10"), cut.tolist(), strict=True)))
                )
    return rows


def bounds_of(rows: Rows, feature: str) -> PairBounds:
    ends: dict[str, list[tuple[float, float]]] = {"v1": [], "v2": []}
    for _, visit, _, values in rows:
        value = values[feature]
        ends[visit].append((-np.inf, -value) if value < 0 else (value, value))
    return pair_bounds(*(np.array([[end[k]] for end in ends[visit]]) for visit in ("v1", "v2") for k in (0, 1)))


def row_of(found: pd.DataFrame, feature: str) -> pd.Series:
    return found.set_index("feature").loc[feature]


def test_pairs_with_non_detects_are_fitted_as_intervals_and_the_others_are_the_paired_t() -> None:
    rows = rows_with_non_detects()
    found = estimate_shifts(*make_tables(rows), make_plan(**CENSORED)).shifts
    expected = censored_change(bounds_of(rows, "il6")).estimates
    row = row_of(found, "il6")
    assert row["method"] == "censored_pairs"
    assert row["p_method"] == "calibrated_lr"
    for name in ("estimate", "se", "ci_low", "ci_high", "p_value"):
        assert row[name] == pytest.approx(getattr(expected, name)[0], rel=1e-9), name
    assert "censored t: p = " in row["note"]
    assert "stands in" not in row["note"]
    assert row_of(found, "il10")["method"] == "paired_t"


def test_in_a_planned_family_p_and_interval_are_those_of_all_flips_of_the_scores() -> None:
    rows = rows_with_non_detects(7)
    plan = make_plan(**CENSORED, endpoints=PRIMARY)
    tables = make_tables(rows)
    found = estimate_shifts(*tables, plan).shifts
    scores = np.hstack([pair_scores(bounds_of(rows, name)) for name in ("il6", "tnf")])
    unit = scores / np.sqrt((scores**2).sum(axis=0))
    signs = np.array(list(product([1, -1], repeat=7)))
    orbit = np.abs(signs @ unit)
    own = (orbit >= np.abs(unit.sum(axis=0)) - 1e-9).mean(axis=0)
    for place, name in enumerate(("il6", "tnf")):
        row = row_of(found, name)
        assert row["p_value"] == pytest.approx(own[place])
        assert (row["ci_low"] <= 0 <= row["ci_high"]) == (row["p_value"] > 0.05)
        assert row["n_informative"] == np.count_nonzero(scores[:, place])
        assert row["smallest_p"] == pytest.approx(2.0 ** (1 - row["n_informative"]))
    decided = decide_endpoints(*tables, found, plan).decisions.set_index("feature")
    largest = (orbit.max(axis=1)[:, None] >= np.abs(unit.sum(axis=0)) - 1e-9).mean(axis=0)
    first = int(np.argmin(own))
    assert decided["p_adjusted"].iloc[first] == pytest.approx(largest[first])


def rows_of_visits(keys: list[tuple[str, str]], subjects: int, seed: int) -> Rows:
    """il6 at each (visit, arm) of every subject, 0.5 lower from the third key on; below LIMIT a non-detect."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for person in range(subjects):
        level = rng.normal(5, 0.8)
        for place, (visit, arm) in enumerate(keys):
            value = level + rng.normal(0, 0.5) - 0.5 * (place >= 2)
            rows.append((f"s{person:02d}", visit, arm, {"il6": -LIMIT if value < LIMIT else value}))
    return rows


def pairs_between(rows: Rows, first: tuple[str, str], second: tuple[str, str]) -> PairBounds:
    sides = []
    for key in (first, second):
        values = np.array([one["il6"] for _, visit, arm, one in rows if (visit, arm) == key])[:, None]
        sides += [np.where(values < 0, -np.inf, values), np.abs(values)]
    return pair_bounds(*sides)


BEFORE, BETWEEN, AFTER = ("v1", ""), ("v2", ""), ("v3", "")
LATER = ("v4", "")
MEANS: dict[str, tuple[dict[str, Any], list[tuple[tuple[str, str], tuple[str, str], float]]]] = {
    "two follow-ups against one baseline": (
        {"reference": "v1", "target": {"mean": ["v2", "v3"]}}, [(BEFORE, BETWEEN, 0.5), (BEFORE, AFTER, 0.5)],
    ),
    "two baselines against two follow-ups": (
        {"reference": {"mean": ["v1", "v2"]}, "target": {"mean": ["v3", "v4"]}},
        [(BEFORE, AFTER, 0.5), (BETWEEN, LATER, 0.5)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
def test_each_visit_of_a_mean_keeps_its_own_pairs(name: str) -> None:
    contrast, parts = MEANS[name]
    rows = rows_of_visits([BEFORE, BETWEEN, AFTER, LATER], 9, seed=4)
    visits = [{"id": f"v{number}"} for number in range(1, 5)]
    shared = CENSORED | {"contrasts": [{"id": "shift"} | contrast], "visits": visits}
    row = row_of(estimate_shifts(*make_tables(rows), make_plan(**shared)).shifts, "il6")
    pairs = pair_sum([pairs_between(rows, first, second) for first, second, _ in parts], [w for _, _, w in parts])
    expected = sum_change(pairs)
    assert (row["method"], row["p_method"], row["ci_method"]) == ("censored_pair_sum", "influence_t", "influence_t")
    for column in ("estimate", "se", "ci_low", "ci_high", "p_value"):
        assert row[column] == pytest.approx(getattr(expected.estimates, column)[0], rel=1e-9), column
    assert f"censored t: p = {expected.beside[0]:.3g}" in row["note"]
    assert ("are not exchangeable" in row["note"]) == ("one" in name)
    assert "judged" not in row["note"], "one limit holds for all values"
    assert row["effect_size_kind"] == "d_av_censored" and row["effect_size"] * row["estimate"] > 0
    planned = make_plan(**shared, endpoints=[PRIMARY[0] | {"features": ["il6"]}])
    exact = row_of(estimate_shifts(*make_tables(rows), planned).shifts, "il6")
    assert exact["p_method"] == exact["ci_method"] == "sign_flip"
    assert exact["p_value"] == sign_flip_test(sum_scores(pairs), sign_flips(9)).p_value[0]
    assert (exact["p_value"] > 0.05) == (exact["ci_low"] <= 0 <= exact["ci_high"])


def test_a_value_judged_in_several_pairs_is_counted_once() -> None:
    # Two baselines stand under the limit of both follow-ups; a third is a value like any other.
    after = [-LIMIT, -LIMIT, 5.1, 5.6, 4.9, 6.0, 5.3]
    before = [4.0, 4.2, 5.9, 6.1, 5.0, 6.6, 5.2]
    rows = [
        (f"s{person}", visit, "", {"il6": values[person]})
        for person in range(7)
        for visit, values in (("v1", before), ("v2", after), ("v3", after[:2] + [value + 0.1 for value in after[2:]]))
    ]
    contrast = {"id": "shift", "reference": "v1", "target": {"mean": ["v2", "v3"]}}
    row = row_of(estimate_shifts(*make_tables(rows), make_plan(**CENSORED, contrasts=[contrast])).shifts, "il6")
    assert "2 values judged by the larger limit of their pair in the exact test" in row["note"]


def test_a_difference_between_two_changes_of_the_same_people_is_that_between_conditions_twice() -> None:
    keys = [("v1", "b"), ("v2", "b"), ("v1", "a"), ("v2", "a")]
    rows = rows_of_visits(keys, 10, seed=6)
    contrast = {"id": "shift", "reference": "v1", "target": "v2", "arm": "a", "against": "b"}
    plan = make_plan(
        **CENSORED, design="crossover", randomised=False, arms=[{"id": "b", "control": True}, {"id": "a"}],
        contrasts=[contrast],
    )  # fmt: skip
    row = row_of(estimate_shifts(*make_tables(rows), plan).shifts, "il6")
    parts = [pairs_between(rows, ("v2", "b"), ("v2", "a")), pairs_between(rows, ("v1", "b"), ("v1", "a"))]
    expected = sum_change(pair_sum(parts, [1.0, -1.0])).estimates
    assert row["method"] == "censored_pair_sum"
    assert row["estimate"] == pytest.approx(expected.estimate[0], rel=1e-9)
    assert row["p_value"] == pytest.approx(expected.p_value[0], rel=1e-9)


def test_arms_with_non_detects_are_compared_as_intervals_given_their_baseline() -> None:
    rows = rows_with_non_detects(8, ("ldn", "placebo"))
    found = estimate_shifts(*make_tables(rows), make_plan(**PARALLEL | CENSORED)).shifts
    bounds = bounds_of(rows, "tnf")
    arm = np.repeat([1.0, 0.0], 8)
    limits = bounds.reference_lower, bounds.reference_upper, bounds.target_lower, bounds.target_upper
    expected = censored_ancova(*limits, arm)
    row = row_of(found, "tnf")
    assert row["method"] == "censored_ancova"
    for name in ("estimate", "ci_low", "ci_high", "p_value"):
        assert row[name] == pytest.approx(getattr(expected, name)[0], rel=1e-7), name
    assert row_of(found, "il10")["method"] == "ancova"


def test_each_arms_own_change_and_the_guards_use_the_intervals_too() -> None:
    rows = rows_with_non_detects(8, ("ldn", "placebo"))
    found = estimate_shifts(*make_tables(rows), make_plan(**PARALLEL | CENSORED))
    own = [row for row in rows if row[2] == "placebo"]
    expected = censored_change(bounds_of(own, "il6")).estimates
    change = found.arm_changes.set_index(["feature", "arm"]).loc[("il6", "placebo")]
    assert change["estimate"] == pytest.approx(expected.estimate[0])
    assert change["ci_low"] == pytest.approx(expected.ci_low[0])


def test_a_textbook_test_asked_for_by_name_says_what_stood_in() -> None:
    rows = rows_with_non_detects()
    contrast = {"id": "shift", "reference": "v1", "target": "v2", "method": "paired_t"}
    found = estimate_shifts(*make_tables(rows), make_plan(**CENSORED, contrasts=[contrast])).shifts
    row = row_of(found, "il6")
    assert row["method"] == "paired_t"
    assert "limit/√2 stands in for non-detects: paired_t takes no intervals" in row["note"]
    assert "stands in" not in row_of(found, "il10")["note"]


def test_the_moderated_t_learns_from_censored_fits_with_few_non_detects() -> None:
    rng = np.random.default_rng(5)
    names = [f"a{number:02}" for number in range(24)]
    rows: Rows = []
    for person in range(10):
        level = rng.normal(5, 1, 24)
        for visit in ("v1", "v2"):
            value = level + rng.normal(0, 0.5, 24)
            value[0] = -4.0 if value[0] < 4.0 else value[0]
            rows.append((f"s{person}", visit, "", dict(zip(names, value.tolist(), strict=True))))
    contrast = {"id": "shift", "reference": "v1", "target": "v2", "method": "moderated_t"}
    found = estimate_shifts(*make_tables(rows), make_plan(**CENSORED, contrasts=[contrast])).shifts
    assert set(found["p_method"]) == {"moderated_t"}
    assert (found["df"] > 9).all()


def column(before: list[float], after: list[float], arms: list[str] | None = None) -> Rows:
    return [
        (f"s{person}", visit, "" if arms is None else arms[person], {"il6": value})
        for person, pair in enumerate(zip(before, after, strict=True))
        for visit, value in zip(("v1", "v2"), pair, strict=True)
    ]


HARD_CASES: dict[str, tuple[Rows, dict[str, Any], str]] = {
    "two pairs": (column([5, 6], [-4, 7]), {}, "3 pairs needed, 2 found"),
    "two pairs without non-detects": (column([5, 6], [6, 7]), {}, "all changes are equal"),
    "all non-detects": (column([-4] * 6, [-4] * 6), {"detection_only_above": 1.0}, "no estimate and no p-value"),
    "all non-detects, tested on detection": (column([-4] * 6, [-4] * 6), {}, "tested on detection only"),
    "no variation": (column([5] * 6, [6] * 6), {}, "all changes are equal: no interval and no p-value"),
    "target wholly below its limit": (
        column([5, 5.5, 6, 6.5, 7], [-4] * 5),
        {},
        "every target value is below its limit: no finite estimate",
    ),
    "one arm empty": (
        column([5, 6, 7], [5, 7, 6], ["ldn"] * 3),
        PARALLEL,
        "values in the reference arm needed, 0 found",
    ),
    "arm aliased with its covariate": (
        column([5, 6, 7, 5, 6, -4], [5, 7, 6, 7, -4, 5], ["ldn"] * 3 + ["placebo"] * 3),
        PARALLEL | {"aliased": True},
        "aliased",
    ),
}


@pytest.mark.parametrize("name", HARD_CASES)
def test_a_feature_without_an_answer_has_a_row_that_says_why(name: str) -> None:
    rows, changed, words = HARD_CASES[name]
    changed = dict(changed)
    limits = {"policy": "censored"} | {k: changed.pop(k) for k in ("detection_only_above",) if k in changed}
    panel, samples = make_tables(rows)
    if changed.pop("aliased", False):
        samples["site"] = samples["arm"]
        contrast = PARALLEL["contrasts"][0] | {"adjust": ["site"]}
        changed |= {"contrasts": [contrast], "samples": {"file": "s.csv", "covariates": ["site"]}}
    found = estimate_shifts(panel, samples, make_plan(limits=limits, **changed)).shifts
    assert len(found) == 1
    row = found.iloc[0]
    assert words in row["note"], row["note"]
    for number in ("estimate", "p_value", "ci_low"):
        assert not (np.isnan(row[number]) and row["note"] == "")


def test_an_exact_interval_that_cannot_close_stands_beside_that_of_the_fit() -> None:
    rows = rows_with_non_detects(5)
    plan = make_plan(**CENSORED, endpoints=PRIMARY)
    row = row_of(estimate_shifts(*make_tables(rows), plan).shifts, "il6")
    alone = row_of(estimate_shifts(*make_tables(rows), make_plan(**CENSORED)).shifts, "il6")
    assert np.isinf(row["ci_low"]) or np.isinf(row["ci_high"])
    assert f"ratio by profile: {alone['ratio_low']:.3g} to {alone['ratio_high']:.3g}" in row["note"]


def test_a_measured_value_under_its_partners_limit_is_no_non_detect() -> None:
    rows = column([3.5, 5, 6, 5.5, 4.8], [-4, 5.5, 6.2, 5.1, 4.9])
    row = estimate_shifts(*make_tables(rows), make_plan(**CENSORED)).shifts.iloc[0]
    assert (row["below_reference"], row["below_target"]) == (0, 1)
    half = column([3.0] * 12, [-9] * 12)
    assert estimate_shifts(*make_tables(half), make_plan(**CENSORED)).shifts.iloc[0]["method"] == "censored_pairs"


def test_a_censored_ancova_of_arms_that_were_not_randomised_says_what_it_takes_for_granted() -> None:
    rows = rows_with_non_detects(8, ("ldn", "placebo"))
    contrast = PARALLEL["contrasts"][0] | {"method": "ancova"}
    plan = make_plan(**PARALLEL | CENSORED | {"randomised": False, "contrasts": [contrast]})
    found = estimate_shifts(*make_tables(rows), plan).shifts
    assert "takes the arms' baselines to be alike" in row_of(found, "il6")["note"]
    assert "alike" not in row_of(found, "il10")["note"]
    drawn = estimate_shifts(*make_tables(rows), make_plan(**PARALLEL | CENSORED)).shifts
    assert "alike" not in row_of(drawn, "il6")["note"]
