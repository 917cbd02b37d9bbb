"""What part of a change comes from how people were selected: which visits count, in which unit, and for whom."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytoshift.shift.study import estimate_shifts
from cytoshift.study.problem import Problems
from shift_tables import PARALLEL, arm_rows, make_plan, make_tables, paired_rows, values_of

IL6 = {"feature": "il6", "mean": 16.0, "unit": "pg/mL", "correlation": 0.6, "source": "Smith 2020"}
RULE: dict[str, Any] = {"rule": "IL-6 above 20 pg/mL", "visits": "v1"}
TWO = [{"id": "shift", "reference": {"mean": ["v1", "v2"]}, "target": "v3"}]


def expected(rows: Any, unit: str = "pg/mL", **changes: Any) -> pd.DataFrame:
    """The REGRESSION_TO_MEAN table of a study, by feature."""
    panel, samples = make_tables(rows)
    found = estimate_shifts(panel.assign(unit=unit), samples, make_plan(**changes))
    return found.regression_to_mean.set_index("feature")


def test_a_cited_population_is_put_on_the_analysis_scale_and_compared_with_those_selected() -> None:
    rows = paired_rows(9)
    source = IL6 | {"mean_low": 14.0, "mean_high": 19.0, "people": 40}
    found = expected(rows, selection=RULE | {"populations": [source]})
    assert list(found.index) == ["il6"]
    row = found.loc["il6"]
    excess = values_of(rows, "v1", "il6").mean() - 4.0
    assert row["expected"] == pytest.approx(-0.4 * excess)
    assert row["expected_ratio"] == pytest.approx(2 ** row["expected"])
    se = np.hypot(excess * (1 - 0.6**2) / np.sqrt(37), 0.4 * np.log2(19 / 14) / 3.92)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * 1.959964 * se, rel=1e-5)
    change = (values_of(rows, "v2", "il6") - values_of(rows, "v1", "il6")).mean()
    assert row["share_of_change"] == pytest.approx(np.clip(row["expected"] / change, 0, 1))
    assert (row["basis"], row["source"], row["deciding"]) == ("cited", "Smith 2020", "v1")


def test_of_two_baselines_the_one_that_did_not_decide_shows_it_for_every_feature() -> None:
    rows = paired_rows(9)
    found = expected(rows, contrasts=TWO, selection=RULE)
    between = values_of(rows, "v2", "tnf") - values_of(rows, "v1", "tnf")
    interval = stats.ttest_1samp(between, 0).confidence_interval()
    row = found.loc["tnf"]
    assert row["expected"] == pytest.approx(between.mean() / 2)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((interval.low / 2, interval.high / 2))
    assert set(found["basis"]) == {"baselines"}
    assert "does not say" not in row["note"]
    later = expected(rows, contrasts=TWO, selection=RULE | {"visits": "v2"})
    assert later.loc["tnf", "expected"] == pytest.approx(-row["expected"])


def test_two_baselines_without_a_stated_rule_take_the_first_to_have_decided_and_say_so() -> None:
    stated = expected(paired_rows(9), contrasts=TWO, selection=RULE)
    assumed = expected(paired_rows(9), contrasts=TWO)
    assert assumed["expected"].tolist() == stated["expected"].tolist()
    assert assumed["note"].str.contains("does not say which visit decided").all()


def test_where_the_mean_of_both_baselines_decided_only_a_source_answers() -> None:
    rows = paired_rows(9)
    rule = RULE | {"visits": ["v1", "v2"]}
    assert expected(rows, contrasts=TWO, selection=rule).empty
    found = expected(rows, contrasts=TWO, selection=rule | {"populations": [IL6]})
    mean = (values_of(rows, "v1", "il6").mean() + values_of(rows, "v2", "il6").mean()) / 2
    assert found.loc["il6", "expected"] == pytest.approx(-(1 - 2 * 0.6 / 1.6) * (mean - 4.0))
    assert found.loc["il6", "deciding"] == "v1,v2"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"selection": RULE | {"visits": "v3", "populations": [IL6]}},
        {"selection": RULE | {"visits": "v2", "populations": [IL6]}},
        {"selection": RULE | {"visits": ["v1", "v3"], "populations": [IL6]}},
        {"contrasts": [{"id": "late", "reference": {"mean": ["v2", "v3"]}, "target": "v1"}]},
    ],
    ids=[
        "nothing said",
        "another visit decided",
        "ends where it was decided",
        "starts from one of two",
        "no baselines",
    ],
)
def test_where_nothing_can_be_said_there_is_no_row(changes: dict[str, Any]) -> None:
    assert expected(paired_rows(9), **changes).empty


def test_a_selection_concerns_changes_within_an_arm_and_not_comparisons_of_arms() -> None:
    within = {"id": "within", "reference": "v1", "target": "v2", "arm": "ldn"}
    rows = arm_rows(8)
    study = PARALLEL | {"contrasts": [*PARALLEL["contrasts"], within], "selection": RULE | {"populations": [IL6]}}
    found = expected(rows, **study)
    assert list(found["contrast"]) == ["within"]
    excess = values_of(rows, "v1", "il6", "ldn").mean() - 4.0
    assert found.loc["il6", "expected"] == pytest.approx(-0.4 * excess)


def test_only_subjects_with_both_values_count_and_stand_ins_for_non_detects_are_named() -> None:
    rows = paired_rows(9)
    rows = [row for row in rows if row[:2] != ("s8", "v2")]
    rows[0][3]["il6"] = -3.0
    rows[3][3].pop("il6")
    found = expected(rows, selection=RULE | {"populations": [IL6]})
    kept = values_of(rows[6:24], "v1", "il6")
    mean = (2.5 + kept.sum()) / 7
    assert found.loc["il6", "expected"] == pytest.approx(-0.4 * (mean - 4.0))
    assert "numbers stand in for non-detects" in found.loc["il6", "note"]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"unit": "ng/mL"}, "selection.populations[1].unit: 'ng/mL' is not the unit of 'il6' here, 'pg/mL'"),
        ({"mean": -1.0}, "selection.populations[1].mean: -1 pg/mL with its limits does not fit the log2 scale"),
        ({"feature": "il66"}, "selection.populations[1].feature: 'il66' is not in the data; did you mean 'il6'?"),
    ],
)
def test_a_population_that_cannot_be_compared_is_refused(entry: dict[str, Any], line: str) -> None:
    with pytest.raises(Problems) as refused:
        expected(paired_rows(6), selection=RULE | {"populations": [IL6 | entry]})
    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("scale", "unit", "entry", "centre"),
    [
        ("logit", "fraction", {"mean": 20.0, "unit": "%"}, np.log(0.25)),
        ("logit", "fraction of cd4", {"mean": 0.2, "unit": "fraction"}, np.log(0.25)),
        ("log2", "cells/uL", {"mean": 2.0, "unit": "10^9/L"}, np.log2(2000)),
        ("log2", "NPX", {"mean": 3.5, "unit": "npx"}, 3.5),
        ("identity", "points", {"mean": -3.5, "unit": "points"}, -3.5),
    ],
)
def test_units_of_the_files_are_put_on_the_scale_of_the_panel(
    scale: str, unit: str, entry: dict[str, Any], centre: float
) -> None:
    rows = paired_rows(6)
    panel, samples = make_tables(rows)
    plan = make_plan(selection=RULE | {"populations": [IL6 | entry]})
    found = estimate_shifts(panel.assign(unit=unit, scale=scale), samples, plan).regression_to_mean
    assert found["expected"].iloc[0] == pytest.approx(-0.4 * (values_of(rows, "v1", "il6").mean() - centre))
