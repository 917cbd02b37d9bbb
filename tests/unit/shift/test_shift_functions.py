"""Questions asked of a tidy table of one's own: the numbers of a textbook where one has them, and of the workflow."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytoshift import shift
from cytoshift.shift.classical.arms import ancova
from cytoshift.shift.mixed.mixed_design import cell_contrast, repeated_design
from cytoshift.shift.mixed.unstructured import unstructured
from cytoshift.study.problem import Problems


def table(
    subjects: int = 9, visits: tuple[str, ...] = ("Day 0", "Day 28"), arms: tuple[str, ...] = (), seed: int = 4
) -> pd.DataFrame:
    """Concentrations of two features, known everywhere."""
    rng = np.random.default_rng(seed)
    rows = [
        {"subject": f"{arm}{person}", "visit": visit, "feature": feature, "value": float(2 ** (level + rng.normal()))}
        | ({"arm": arm, "age": float(person)} if arm else {})
        for arm in arms or ("",)
        for person in range(subjects)
        for level in [rng.normal(5)]
        for visit in visits
        for feature in ("IL-6", "TNF-α")
    ]
    return pd.DataFrame(rows)


def wide(data: pd.DataFrame, feature: str) -> pd.DataFrame:
    """log2 values, subjects × visits, in order of appearance."""
    own = data[data["feature"] == feature]
    wide_values = own.pivot_table(index="subject", columns="visit", values="value")
    return np.log2(wide_values).loc[own["subject"].unique()]


def row(found: pd.DataFrame, feature: str) -> pd.Series:
    return found.set_index("feature").loc[feature]


def test_paired_is_the_paired_t_of_target_minus_reference() -> None:
    data = table()
    found = row(shift.paired(data, reference="Day 0", target="Day 28", method="paired_t"), "TNF-α")
    values = wide(data, "TNF-α")
    expected = stats.ttest_rel(values["Day 28"], values["Day 0"])
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-12)
    assert found["estimate"] == pytest.approx((values["Day 28"] - values["Day 0"]).mean())
    assert found["ratio"] == pytest.approx(2 ** found["estimate"])


def test_reference_and_target_are_the_ones_named_whatever_the_alphabet_says() -> None:
    data = table()
    there = shift.paired(data, reference="Day 0", target="Day 28")["estimate"]
    back = shift.paired(data, reference="Day 28", target="Day 0")["estimate"]
    np.testing.assert_allclose(there, -back)


def test_a_non_detect_is_the_same_written_as_text_or_as_a_limit() -> None:
    data = table(12)
    low = (data["feature"] == "IL-6") & (data["value"] < 20)
    assert 3 < low.sum() < 18
    as_limit = data.assign(value=data["value"].where(~low), upper=np.where(low, 20.0, np.nan))
    as_text = data.assign(
        value=[f"<{20}" if cut else repr(value) for cut, value in zip(low, data["value"], strict=True)]
    )
    first, second = (shift.paired(one, reference="Day 0", target="Day 28") for one in (as_limit, as_text))
    pd.testing.assert_frame_equal(first, second)
    found = row(first, "IL-6")
    assert found["method"] == "censored_pairs"
    assert found["below_reference"] + found["below_target"] == low.sum()
    assert row(first, "TNF-α")["method"] == "paired_t"


def test_values_that_are_logarithms_already_are_not_logged_again() -> None:
    data = table()
    logged = data.assign(value=np.log2(data["value"]))
    first = shift.paired(data, reference="Day 0", target="Day 28")
    second = shift.paired(logged, reference="Day 0", target="Day 28", measure="log_concentration")
    pd.testing.assert_frame_equal(first, second, rtol=1e-12)


def test_randomised_arms_are_compared_given_their_baseline() -> None:
    data = table(8, arms=("ldn", "placebo"))
    found = row(
        shift.parallel(data, reference="Day 0", target="Day 28", arm="ldn", against="placebo", randomised=True), "IL-6"
    )
    values = wide(data, "IL-6")
    arm = np.array([name.startswith("ldn") for name in values.index], dtype=float)
    expected = ancova(values[["Day 28"]].to_numpy(), arm, baseline=values[["Day 0"]].to_numpy())
    assert found["p_value"] == pytest.approx(expected.p_value[0], rel=1e-10)
    assert found["method"] == "ancova"


def test_covariates_are_adjusted_for_under_their_own_names() -> None:
    data = table(8, arms=("ldn", "placebo")).rename(columns={"age": "Age (years)"})
    found = shift.parallel(
        data, reference="Day 0", target="Day 28", arm="ldn", against="placebo", randomised=True, adjust=["Age (years)"]
    )
    assert found["note"].str.contains("adjusted for age_years").all()


def test_arms_at_one_visit_are_a_welch_test() -> None:
    data = table(8, arms=("ldn", "placebo"))
    found = row(shift.parallel(data, at="Day 0", arm="ldn", against="placebo", randomised=True), "IL-6")
    start = wide(data, "IL-6")["Day 0"]
    of_arm = start.index.str.startswith("ldn")
    assert found["p_value"] == pytest.approx(stats.ttest_ind(start[of_arm], start[~of_arm], equal_var=False).pvalue)


def test_conditions_of_the_same_people_are_compared_within_them() -> None:
    data = table(9, visits=("load",)).assign(arm="rest")
    other = table(9, visits=("load",), seed=8).assign(arm="exercise")
    both = pd.concat([data, other])
    found = row(shift.crossover(both, at="load", arm="exercise", against="rest", randomised=False), "IL-6")
    change = np.log2(other[other["feature"] == "IL-6"]["value"].to_numpy()) - np.log2(
        data[data["feature"] == "IL-6"]["value"].to_numpy()
    )
    assert found["estimate"] == pytest.approx(change.mean())
    assert "not randomised" in found["note"]


def test_longitudinal_is_the_mixed_model_of_all_visits_and_keeps_who_missed_one() -> None:
    data = table(16, visits=("v1", "v2", "v3"))
    data = data[~((data["subject"] == "3") & (data["visit"] == "v3"))]
    found = row(shift.longitudinal(data, reference="v1", target="v3"), "IL-6")
    own = data[data["feature"] == "IL-6"]
    design = repeated_design(own["subject"], own["visit"], visits=["v1", "v2", "v3"])
    fit = unstructured(np.log2(own[["value"]].to_numpy()), design, [cell_contrast(design, "v3", "v1")])
    assert found["n_pairs"] == 16
    assert found["estimate"] == pytest.approx(fit.estimates[0].estimate[0], rel=1e-9)
    assert found["p_value"] == pytest.approx(fit.estimates[0].p_value[0], rel=1e-7)
    intercept = row(shift.longitudinal(data, reference="v1", target="v3", method="random_intercept"), "IL-6")
    assert intercept["method"] == "random_intercept"


def test_detection_is_the_exact_mcnemar_test() -> None:
    seen = [(0, 1)] * 6 + [(1, 0)] + [(1, 1)] * 3
    rows = [
        {"subject": person, "visit": visit, "feature": "IL-4", "value": "12" if there else "<4"}
        for person, pair in enumerate(seen)
        for visit, there in zip(("before", "after"), pair, strict=True)
    ]
    found = shift.detection(pd.DataFrame(rows), reference="before", target="after").iloc[0]
    assert found["p_value"] == pytest.approx(stats.binomtest(6, 7).pvalue)
    assert found["effect_size"] == pytest.approx(6.0)
    assert found["effect_size_kind"] == "odds_ratio_of_detection"


def test_families_decide_by_all_sign_flips_of_the_features_together() -> None:
    data = table(7, seed=11)
    endpoint = {"id": "all", "tier": "primary", "contrasts": ["change"], "features": ["all"], "direction": "increase"}
    found = shift.families(
        data,
        contrasts=[{"id": "change", "reference": "Day 0", "target": "Day 28"}],
        endpoints=[endpoint | {"test": "global"}],
    )
    changes = np.stack([(lambda w: w["Day 28"] - w["Day 0"])(wide(data, name)) for name in ("IL-6", "TNF-α")])
    unit = changes / np.sqrt((changes**2).sum(axis=1, keepdims=True))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 7)).reshape(7, -1)
    totals = np.abs((unit @ signs).sum(axis=0))
    expected = np.mean(totals >= abs(unit.sum()) - 1e-9)
    assert found["p_family"].to_numpy() == pytest.approx(expected)
    assert found["smallest_p"].to_numpy() == pytest.approx(2 / 2**7)


MISTAKES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a visit nobody has": (table(), {"target": "Day 29"}, "'Day 29' is not a visit"),
    "a method nobody knows": (table(), {"method": "paired_z"}, "did you mean 'paired_t'?"),
    "a column that is missing": (table().drop(columns="subject"), {}, "'subject' is missing; the table has visit"),
    "a cell that is no number": (
        table().assign(value=lambda data: data["value"].astype(str).where(data.index != 2, "1O.5")),
        {},
        "row 3, value: ",
    ),
    "a zero without a limit": (
        table().assign(value=lambda data: data["value"].where(data.index != 0, 0.0)),
        {},
        "row 1, value: 0 cannot stand on the log2 scale; a non-detect is left blank with its limit in `upper`",
    ),
    "a row given twice": (pd.concat([table(), table().head(1)]), {}, "row 37, feature: 'IL-6' was given before"),
    "an arm that does not exist": (table(), {"arm": "ldn"}, "'ldn' is not an arm"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line_that_names_the_place_and_the_fix(name: str) -> None:
    data, changed, words = MISTAKES[name]
    with pytest.raises(Problems) as caught:
        shift.paired(data, **{"reference": "Day 0", "target": "Day 28"} | changed)
    assert words in str(caught.value)


def test_arms_that_were_not_randomised_need_their_assumption_named() -> None:
    data = table(8, arms=("ldn", "placebo"))
    with pytest.raises(Problems, match="arms were not randomised: name `ancova`"):
        shift.parallel(data, reference="Day 0", target="Day 28", arm="ldn", against="placebo", randomised=False)


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected option 'aplha'; legal: alpha"):
        shift.paired(table(), reference="Day 0", target="Day 28", aplha=0.1)
