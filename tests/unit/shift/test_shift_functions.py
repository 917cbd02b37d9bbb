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


ARMS = ("ldn", "Placebo")
BOTH = {"arm": "ldn", "against": "Placebo", "randomised": True}
VISITS = {"reference": "Day 0", "target": "Day 28"}
SHIFT = [{"id": "shift", **VISITS}]
ENDPOINTS = [{"id": "main", "tier": "primary", "contrasts": ["shift"], "features": ["all"]}]
DOSED = table(8, arms=ARMS).assign(dose_mg=lambda data: data["arm"].map({"ldn": 4.5, "Placebo": 0.0}))
ORDERED = pd.concat(
    [table(8, visits=("load",), seed=seed).assign(arm=arm, period=seed) for seed, arm in ((1, "rest"), (2, "Run"))]
)


def value_at(place: int, cell: object) -> pd.DataFrame:
    data = table()
    return data.assign(value=data["value"].astype(object).where(data.index != place, cell))


MISTAKES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a visit nobody has": (
        table(),
        {"target": "Day28"},
        "call: target: 'Day28' is not a visit; legal: Day 0, Day 28; did you mean 'Day 28'?",
    ),
    "a method nobody knows": (table(), {"method": "paired_z"}, "did you mean 'paired_t'?"),
    "a method for others": (table(), {"method": "ancova"}, "call: method: 'ancova' does not fit two visits within one"),
    "a column that is missing": (
        table().drop(columns="subject"),
        {},
        "data: columns: 'subject' is missing; the table has visit",
    ),
    "a visit and itself": (
        table(),
        {"target": "Day 0"},
        "call: target: is the visit that it is compared with",
    ),
    "several visits without saying that they are averaged": (
        table(),
        {"target": ["Day 0", "Day 28"]},
        'call: target: a list is not a text; the mean of several visits is {"mean": [visits]}',
    ),
    "a cell that is no number": (value_at(2, "1O.5"), {}, "data: row 3, value: '1O.5' is not a number: the letter O"),
    "a zero without a limit": (
        value_at(0, 0.0),
        {},
        "data: row 1, value: 0 cannot stand on the log2 scale; a non-detect is left blank with its limit in `upper`",
    ),
    "a row given twice": (
        pd.concat([table(), table().head(1)]),
        {},
        "data: row 37, feature: 'IL-6' of subject 0, visit Day 0: row 1 said it first; keep one row",
    ),
    "an arm that does not exist": (
        table(),
        {"arm": "ldn"},
        "call: arm: 'ldn' is not an arm (the table has no column `arm`); there are none",
    ),
    "arms that would be pooled": (
        table(arms=ARMS),
        {},
        "call: arm: the table has arms ldn, Placebo; name one with arm= (families: design=), or drop the column",
    ),
    "an alpha in percent": (
        table(),
        {"alpha": 5},
        "call: alpha: 5 is not between 0 and 0.5; legal: a number there, such as 0.05",
    ),
    "an alpha that is a text": (
        table(),
        {"alpha": "0.05"},
        "call: alpha: '0.05' is not between 0 and 0.5; legal: a number there",
    ),
    "a seed that is a text": (
        table(),
        {"seed": "abc"},
        "call: seed: 'abc' is not a seed; legal: a whole number from 0",
    ),
    "an unknown policy": (
        table(),
        {"policy": "zero"},
        "call: policy: 'zero' is not legal; legal: censored, half_limit",
    ),
    "an unknown visit in their order": (
        table(),
        {"visits": ["Day 0", "Day 29"]},
        "call: visits: 'Day 29' is not a visit; legal: Day 0, Day 28; did you mean 'Day 28'?",
    ),
    "a flag that is a text": (
        table(),
        {"moderation": {"trend": "yes"}},
        "call: moderation.trend: 'yes' is neither True nor False; did you mean True?",
    ),
    "values that are all missing": (table().assign(value=np.nan), {}, "data: nothing is left to estimate"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line_that_names_the_place_and_the_fix(name: str) -> None:
    data, changed, words = MISTAKES[name]
    with pytest.raises(Problems) as caught:
        shift.paired(data, **VISITS | changed)
    (line,) = str(caught.value).splitlines()
    assert words in line


CALLS: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "longitudinal pools no arms": (
        shift.longitudinal,
        table(arms=ARMS),
        VISITS,
        "call: arm: the table has arms ldn, Placebo; name one with arm= (families: design=), or drop the column",
    ),
    "an arm left out": (
        shift.longitudinal,
        table(arms=ARMS),
        VISITS | {"against": "ldn", "randomised": True},
        "call: arm: is missing: the table has several arms; legal: ldn, Placebo",
    ),
    "one arm is no comparison": (
        shift.parallel,
        table(arms=ARMS),
        VISITS | {"arm": "ldn", "randomised": True},
        "call: against: is missing: parallel() compares `arm` with `against`; without it see paired(), and `trend` for "
        "doses",
    ),
    "an arm is spelled as in the table": (
        shift.parallel,
        table(arms=ARMS),
        VISITS | BOTH | {"against": "PLACEBO"},
        "call: against: 'PLACEBO' is not an arm; legal: ldn, Placebo; did you mean 'Placebo'?",
    ),
    "a subject in two arms": (
        shift.parallel,
        DOSED.drop(columns="dose_mg").assign(subject=lambda data: data["subject"].replace("Placebo3", "ldn3")),
        {"at": "Day 0"} | BOTH,
        "data: arm: subject 'ldn3' is in ldn and Placebo; a subject has one arm; where each took several conditions, "
        "ask crossover()",
    ),
    "an arm and a trend": (
        shift.parallel,
        DOSED,
        VISITS | {"arm": "ldn", "trend": "dose_mg", "randomised": True},
        "call: arm: stands beside `trend`, which takes every arm that states `dose_mg`; leave one out",
    ),
    "a trend without doses": (
        shift.parallel,
        DOSED.drop(columns="dose_mg"),
        VISITS | {"trend": "dose_mg", "randomised": True},
        "call: trend: needs arms of at least two doses; `dose_mg` states none; placebo counts where its `dose_mg` is 0",
    ),
    "a covariate that is not there": (
        shift.parallel,
        table(arms=ARMS).rename(columns={"age": "Age (years)"}),
        VISITS | BOTH | {"adjust": "Age"},
        "call: adjust: 'Age' is not a covariate of the table; legal: Age (years), plate",
    ),
    "a model of periods without any": (
        shift.crossover,
        ORDERED.drop(columns="period"),
        {"at": "load", "arm": "Run", "against": "rest", "randomised": True, "method": "crossover_model"},
        "call: method: 'crossover_model' needs a column `period` in the table: 1, 2 … in the order in which a subject "
        "took the conditions",
    ),
    "periods in words": (
        shift.crossover,
        ORDERED.assign(period="Period " + ORDERED["period"].astype(str)),
        {"at": "load", "arm": "Run", "against": "rest", "randomised": True},
        "data: period: 'Period 1' is not a number; legal: 1, 2 … in the order taken; did you mean 1?\n"
        "data: period: 'Period 2' is not a number; legal: 1, 2 … in the order taken; did you mean 2?",
    ),
    "arms of families were drawn or not": (
        shift.families,
        table(arms=ARMS),
        {"contrasts": SHIFT, "endpoints": ENDPOINTS, "design": "parallel"},
        "call: randomised: is missing: were the arms (or the order of conditions) randomised? legal: True, False",
    ),
    "a feature of an endpoint under another name": (
        shift.families,
        table(),
        {"contrasts": SHIFT, "endpoints": [ENDPOINTS[0] | {"features": ["IL6"]}]},
        "call: endpoints[main].features: 'IL6' is not in the data; did you mean 'IL-6'?; the data have IL-6, TNF-α",
    ),
    "features that are no list": (
        shift.families,
        table(),
        {"contrasts": SHIFT, "endpoints": [ENDPOINTS[0] | {"features": "all"}]},
        "call: endpoints[main].features: 'all' is not a list; put it in [ ]",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_function_says_what_is_wrong_with_its_own_words(name: str) -> None:
    function, data, arguments, words = CALLS[name]
    with pytest.raises(Problems) as caught:
        function(data, **arguments)
    assert str(caught.value) == words


@pytest.mark.parametrize("contrasts", [SHIFT[0], ["shift"], None, "shift", []])
def test_contrasts_that_are_no_list_of_dicts_are_refused_with_an_example(contrasts: Any) -> None:
    with pytest.raises(Problems, match=r'^call: contrasts: is not a list of dicts; write it as \[\{"id": "shift"'):
        shift.families(table(), contrasts=contrasts, endpoints=ENDPOINTS)


@pytest.mark.parametrize("data", [None, [1, 2], {"subject": ["a"]}])
def test_what_is_no_table_is_refused_by_name(data: Any) -> None:
    with pytest.raises(TypeError, match=f"data is a {type(data).__name__}, not a pandas DataFrame with the columns"):
        shift.paired(data, **VISITS)


def test_a_single_covariate_or_stratum_may_stand_alone() -> None:
    data = table(8, arms=ARMS).assign(site=lambda data: np.where(data["age"] < 4, "north", "south"))
    alone, listed = (
        shift.parallel(data, **VISITS, **BOTH, adjust=adjust, strata=strata)
        for adjust, strata in (("age", "site"), (["age"], ["site"]))
    )
    pd.testing.assert_frame_equal(alone, listed)
    assert alone["note"].str.contains("adjusted for age").all()


def test_numbers_and_dates_name_visits_as_the_table_holds_them() -> None:
    data = table(6)
    expected = shift.paired(data, **VISITS)
    days = data["visit"].map({"Day 0": 0.0, "Day 28": 28.0})
    for visit, call in (
        (days, {"reference": 0, "target": "28"}),
        (pd.to_datetime(days, unit="D", origin="2026-03-01"), {"reference": "2026-03-01", "target": "2026-03-29"}),
        (" " + data["visit"] + " ", VISITS),
    ):
        pd.testing.assert_frame_equal(shift.paired(data.assign(visit=visit), **call), expected)


def test_decimal_commas_are_read_where_they_are_announced() -> None:
    data = table(8)
    low = data["value"] < 20
    points = data.assign(value=data["value"].where(~low), upper=np.where(low, 20.5, np.nan))
    commas = points.assign(
        value=["" if cut else repr(value).replace(".", ",") for cut, value in zip(low, data["value"], strict=True)],
        upper=["20,5" if cut else "" for cut in low],
    )
    expected = shift.paired(points, **VISITS)
    pd.testing.assert_frame_equal(shift.paired(commas, **VISITS, decimal=","), expected)
    with pytest.raises(Problems, match='has a decimal comma; pass decimal="," if every comma is a decimal sign'):
        shift.paired(commas, **VISITS)


def test_a_trend_over_doses_is_the_slope_per_mg() -> None:
    data = pd.concat([DOSED, table(8, arms=("high",), seed=9).assign(dose_mg=9.0)])
    found = row(shift.parallel(data, at="Day 28", trend="dose_mg", randomised=True), "IL-6")
    own = data[(data["feature"] == "IL-6") & (data["visit"] == "Day 28")]
    expected = stats.linregress(own["dose_mg"], np.log2(own["value"]))
    assert found["method"] == "dose_trend"
    assert found["estimate"] == pytest.approx(expected.slope)
    assert found["p_value"] == pytest.approx(expected.pvalue)


def test_arms_that_were_not_randomised_need_their_assumption_named() -> None:
    data = table(8, arms=("ldn", "placebo"))
    with pytest.raises(Problems, match="arms were not randomised: name `ancova`"):
        shift.parallel(data, reference="Day 0", target="Day 28", arm="ldn", against="placebo", randomised=False)


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected option 'aplha'; legal: alpha"):
        shift.paired(table(), reference="Day 0", target="Day 28", aplha=0.1)
