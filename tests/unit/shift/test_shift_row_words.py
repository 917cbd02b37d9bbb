"""What a row says of itself must be true of that row: its method, its size, its notes, and what is found about it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytoshift import shift
from cytoshift.shift.call_plan import plan_of_call
from cytoshift.shift.study import decide_endpoints, estimate_shifts
from cytoshift.shift.tidy import tidy_tables
from cytoshift.study.problem import Problems

LIMIT = 0.5


def tidy(values: dict[str, np.ndarray], *, limit: float = 0.0, **columns: list[str]) -> pd.DataFrame:
    """Concentrations (subjects, features) by visit, blank below the limit; `columns` hold a text for each subject."""
    rows = [
        {"subject": f"s{person}", "visit": visit, "feature": f"f{feature}"}
        | {"value": np.nan if value < limit else value, "upper": limit if value < limit else np.nan}
        | {name: words[person] for name, words in columns.items()}
        for visit, table in values.items()
        for (person, feature), value in np.ndenumerate(table)
        if not np.isnan(value)
    ]
    return pd.DataFrame(rows)


def visits(rng: np.random.Generator, subjects: int, features: int, *names: str) -> dict[str, np.ndarray]:
    level = rng.normal(size=(subjects, features))
    return {name: 2 ** (level + 0.5 * rng.normal(size=(subjects, features))) for name in names}


def tables_of(data: pd.DataFrame, contrast: dict[str, Any], design: str, randomised: bool | None) -> Any:
    tables = tidy_tables(data, "concentration")
    endpoint = {"id": "all", "tier": "primary", "contrasts": [contrast["id"]], "features": ["all"]}
    plan = plan_of_call(tables, [contrast], [endpoint], design, randomised, {})
    shifts = estimate_shifts(tables.panel, tables.samples, plan)
    return shifts, decide_endpoints(tables.panel, tables.samples, shifts.shifts, plan)


def test_unequal_spread_is_told_of_features_with_non_detects_though_others_have_welchs_t() -> None:
    spread = np.where(np.arange(24) < 5, 3.0, 0.7)[:, None]
    values = 2 ** (
        spread * np.random.default_rng(4).normal(size=(24, 40)) + np.where(np.arange(24) < 5, 1.4, 0)[:, None]
    )
    values[:, ::2] = np.maximum(values[:, ::2], 1.01 * LIMIT)
    arms = ["a" if person < 5 else "b" for person in range(24)]
    found = shift.parallel(tidy({"v": values}, limit=LIMIT, arm=arms), at="v", arm="a", against="b", randomised=True)
    assert set(found["method"]) == {"welch_t", "censored_linear"}
    warned = found["note"].str.contains("rests on equal spread")
    assert warned[found["method"] == "censored_linear"].any()
    assert not warned[found["method"] == "welch_t"].any()


def test_the_size_of_a_mixed_models_shift_is_its_estimate_over_the_spread_at_baseline() -> None:
    values = visits(np.random.default_rng(2), 20, 6, "v1", "v2", "v3")
    values["v1"][12:], values["v3"][:3] = np.nan, np.nan
    found = shift.longitudinal(tidy(values), reference="v1", target="v3")
    assert (found["method"] == "unstructured").all()
    assert (found["effect_size_kind"] == "baseline_sd").all()
    spread = np.nanstd(np.log2(values["v1"]), axis=0, ddof=1)
    np.testing.assert_allclose(found["effect_size"], found["estimate"] / spread, rtol=1e-9)
    assert found["note"].str.contains("Hodges–Lehmann ratio of complete pairs").all()


def test_arms_whose_baseline_is_a_mean_of_visits_are_compared_given_it_and_their_covariates() -> None:
    rng = np.random.default_rng(6)
    values = visits(rng, 10, 2, "v1", "v2", "v3")
    arms, ages = ["a", "b"] * 5, [str(30 + person) for person in rng.permutation(10)]
    data = tidy(values, arm=arms, age=ages)
    mean = {"reference": {"mean": ["v1", "v2"]}, "target": "v3", "arm": "a", "against": "b", "randomised": True}
    found = shift.parallel(data, **mean, adjust=["age"])
    assert (found["method"] == "ancova").all()
    columns = [np.ones(10), np.log2(values["v1"] * values["v2"])[:, 0] / 2, np.array(ages, float)]
    design = np.column_stack([*columns, np.array(arms) == "a"]).astype(float)
    expected = np.linalg.lstsq(design, np.log2(values["v3"])[:, 0], rcond=None)[0][-1]
    assert found["estimate"].iloc[0] == pytest.approx(expected)


def test_a_mixed_model_says_what_it_was_adjusted_for_and_own_pairs_what_they_were_not() -> None:
    for subjects, words in ((10, "not adjusted for age (number)"), (30, "adjusted for age (number)")):
        rng = np.random.default_rng(subjects)
        ages = [str(30 + person) for person in rng.permutation(subjects)]
        data = tidy(visits(rng, subjects, 1, "v1", "v2", "v3"), arm=["a", "b"] * (subjects // 2), age=ages)
        found = shift.longitudinal(
            data, reference="v1", target="v3", arm="a", against="b", randomised=True, adjust=["age"]
        )
        assert words in found["note"].iloc[0].split("; ")[-1].split(": ")


def test_a_mean_of_visits_against_one_visit_is_not_called_exact_where_there_are_non_detects() -> None:
    values = visits(np.random.default_rng(8), 12, 4, "v1", "v2", "v3")
    values = {
        visit: np.column_stack([table[:, :2], np.maximum(table[:, 2:], 1.01 * LIMIT)])
        for visit, table in values.items()
    }
    for low in values["v1"][:2], values["v3"][2:4]:
        low[:, :2] = 0.4 * LIMIT
    contrast = {"id": "shift", "reference": {"mean": ["v1", "v2"]}, "target": "v3"}
    shifts, decided = tables_of(tidy(values, limit=LIMIT), contrast, "single_arm", None)
    approximate = shifts.shifts["note"].str.contains("means of different numbers of visits are not exchangeable")
    assert approximate.tolist() == [True, True, False, False]
    assert "approximate for features with non-detects" in decided.families["decided_by"].iloc[0]
    alike, plain = tables_of(tidy(values, limit=LIMIT), {**contrast, "reference": "v1"}, "single_arm", None)
    assert not alike.shifts["note"].str.contains("exchangeable").any()
    assert "approximate" not in plain.families["decided_by"].iloc[0]


def test_arms_compared_by_a_mean_of_visits_say_that_its_limits_move() -> None:
    values = visits(np.random.default_rng(9), 16, 2, "v1", "v2", "v3")
    for low in values["v1"][:2], values["v3"][2:4]:
        low[:, :1] = 0.4 * LIMIT
    values = {
        visit: np.column_stack([table[:, :1], np.maximum(table[:, 1:], 1.01 * LIMIT)])
        for visit, table in values.items()
    }
    data = tidy(values, limit=LIMIT, arm=["a", "b"] * 8)
    shared = {"reference": "v1", "arm": "a", "against": "b", "randomised": True}
    mean = shift.parallel(data, target={"mean": ["v2", "v3"]}, **shared)
    one = shift.parallel(data, target="v3", **shared)
    assert mean["method"].tolist() == one["method"].tolist() == ["censored_ancova", "ancova"]
    assert mean["note"].str.contains("limits of a mean of visits move").tolist() == [True, False]
    assert not one["note"].str.contains("limits of a mean").any()


def test_a_crossover_by_a_mean_of_visits_keeps_each_visits_own_limits() -> None:
    rng = np.random.default_rng(10)
    frames = []
    for period, arm in enumerate(("b", "a"), start=1):
        values = visits(rng, 12, 1, "v1", "v2")
        values["v2"][:4] = 0.4 * LIMIT
        frames.append(tidy(values, limit=LIMIT, arm=[arm] * 12).assign(period=str(period)))
    data = pd.concat(frames, ignore_index=True)
    turned = data["subject"].isin(sorted(set(data["subject"]))[::2])
    data["period"] = np.where(turned, np.where(data["arm"] == "a", "1", "2"), np.where(data["arm"] == "a", "2", "1"))
    found = shift.crossover(data, at={"mean": ["v1", "v2"]}, arm="a", against="b", randomised=True)
    assert found[["method", "p_method"]].iloc[0].tolist() == ["censored_crossover", "influence_t"]
    assert "limits of a mean" not in found["note"].iloc[0]
    same = data.assign(period=np.where(data["arm"] == "a", "2", "1"))
    alone = shift.crossover(same, at={"mean": ["v1", "v2"]}, arm="a", against="b", randomised=True)
    assert "not adjusted for period" in alone["note"].iloc[0]
    assert "paired t" not in alone["note"].iloc[0]


def test_a_mixed_model_asked_for_by_name_judges_no_value_by_the_limit_of_its_pair() -> None:
    values = visits(np.random.default_rng(3), 14, 1, "v1", "v2")
    data = tidy(values, limit=LIMIT)
    raised = (data["visit"] == "v2") & data["upper"].notna()
    raised.iloc[np.flatnonzero(data["visit"] == "v2")[:3]] = True
    data.loc[raised, ["value", "upper"]] = [np.nan, 4 * LIMIT]
    judged = {
        name: shift.paired(data, reference="v1", target="v2", method=name)["note"].iloc[0]
        for name in ("paired_t", "random_intercept")
    }
    assert "judged by the larger limit of their pair;" in judged["paired_t"] + ";"
    assert "judged by the larger limit of their pair in the exact test" in judged["random_intercept"]


def test_no_exact_test_is_no_exact_test_that_cannot_reject() -> None:
    values = visits(np.random.default_rng(5), 24, 2, "v1", "v2")
    values["v2"][::2] *= 32
    contrast = {
        "id": "shift", "reference": "v1", "target": "v2", "arm": "a", "against": "b", "method": "ancova",
    }  # fmt: skip
    shifts, decided = tables_of(tidy(values, arm=["a", "b"] * 12), contrast, "parallel", False)
    assert decided.families["decision"].iloc[0] == "rejected"
    assert "cannot_be_rejected" not in set(shifts.findings["check"])
    few, _ = tables_of(tidy(visits(np.random.default_rng(1), 3, 1, "v1", "v2")),
                       {"id": "shift", "reference": "v1", "target": "v2"}, "single_arm", None)  # fmt: skip
    assert "cannot_be_rejected" in set(few.findings["check"])


PAIR = {"reference": "v1", "target": "v2"}
ARMS = PAIR | {"arm": "a", "against": "b"}
MISTAKES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "a feature of two measures": ("paired", {"measure": ["concentration", "score"]}, PAIR, "concentration, score"),
    "a feature of two layers": ("paired", {"layer": ["cytokine", "cell"]}, PAIR, "several: cytokine, cell"),
    "a limit that is no number": ("paired", {"upper": ["low", ""]}, PAIR, "row 1, upper: 'low' is not a number"),
    "a dose that is no number": ("paired", {"dose_mg": ["4.5", "full"]}, PAIR, "row 2, dose_mg: 'full' is not"),
    "an alpha that is none": ("paired", {}, PAIR | {"alpha": 2}, "alpha: 2 is not between 0 and 0.5"),
    "unknown strata": ("parallel", {}, ARMS | {"randomised": True, "strata": ["site"]}, "strata: 'site' is not"),
    "arms, but not how they came about": ("longitudinal", {}, ARMS, "randomised: is missing"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_table_or_the_call_is_named(mistake: str) -> None:
    function, columns, words, message = MISTAKES[mistake]
    data = tidy(visits(np.random.default_rng(1), 4, 1, "v1", "v2"), arm=["a", "a", "b", "b"])
    if function == "paired":
        data = data.drop(columns="arm")
    for name, two in columns.items():
        data[name] = two * (len(data) // 2)
    with pytest.raises(Problems, match=message.replace("(", r"\(")):
        getattr(shift, function)(data, **words)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ({}, "a primary endpoint names its contrasts; legal: shift"),
        ({"contrasts": ["shift"], "test": "global"}, "needs a planned direction"),
        ({"contrasts": ["shift"], "correction": "benjamini_hochberg"}, "does not control"),
    ],
)
def test_endpoints_of_a_call_are_checked_as_those_of_a_study(endpoint: dict[str, Any], message: str) -> None:
    data = tidy(visits(np.random.default_rng(1), 4, 1, "v1", "v2"))
    claim = {"id": "all", "tier": "primary", "features": ["all"]}
    with pytest.raises(Problems, match=message):
        shift.families(data, contrasts=[{"id": "shift", **PAIR}], endpoints=[claim | endpoint])


def test_who_enters_a_mixed_model_without_a_pair_is_told_from_who_does_not() -> None:
    values = visits(np.random.default_rng(7), 20, 1, "v1", "v2")
    values["v2"][0] = np.nan
    lost = {}
    for method in ("random_intercept", "paired_t"):
        contrast = {"id": "shift", "reference": "v1", "target": "v2", "method": method}
        pairs = tables_of(tidy(values), contrast, "single_arm", None)[0].pairs
        assert pairs["used"].sum() == 19
        lost[method] = pairs.loc[pairs["subject"] == "s0", "reason"].iloc[0]
    assert lost == {"random_intercept": "no sample at v2: in the mixed model only", "paired_t": "no sample at v2"}
