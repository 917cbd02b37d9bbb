"""A planned trend over the arms' dose: where it makes sense, and what is said where it does not."""

from typing import Any

import pytest

from cytoshift.study.problems import problems
from cytoshift.study.study import contrast_randomised
from report_tables import make_study

ARMS = [
    {"id": "placebo", "dose_mg": 0, "control": True},
    {"id": "low", "dose_mg": 1.5},
    {"id": "high", "dose_mg": 4.5},
    {"id": "healthy", "visits": ["baseline"]},
]
TREND = {"id": "week_16", "reference": "baseline", "target": "week_16", "trend": "dose_mg"}
AT = {"id": "week_16", "at": "week_16", "trend": "dose_mg"}
BESIDE = "stands beside `trend`, which takes every arm that states `dose_mg`; leave one out"
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "an arm beside it": (
        {"contrasts": [TREND | {"arm": "low"}]},
        f"contrasts[week_16].arm: {BESIDE}",
    ),
    "each arm beside it": (
        {"contrasts": [TREND | {"each": {"arm": ["low"]}}]},
        f"contrasts[week_16].each.arm: {BESIDE}",
    ),
    "one dose": (
        {"arms": [{"id": "placebo", "control": True}, {"id": "high", "dose_mg": 4.5}]},
        "contrasts[week_16].trend: needs arms of at least two doses; `dose_mg` states 4.5 mg (high); placebo counts "
        "where it says `dose_mg: 0`",
    ),
    "no dose": (
        {"arms": ["placebo", "high"]},
        "contrasts[week_16].trend: needs arms of at least two doses; `dose_mg` states none; placebo counts where it "
        "says `dose_mg: 0`",
    ),
    "one arm": (
        {"design": "single_arm", "randomised": None, "arms": []},
        "contrasts[week_16].trend: 'single_arm' has no other dose to compare with",
    ),
    "crossover": (
        {"design": "crossover"},
        "contrasts[week_16].trend: compares doses of different people; in a crossover name `arm` and `against`",
    ),
    "another method": (
        {"contrasts": [TREND | {"method": "welch_t"}]},
        "contrasts[week_16].method: 'welch_t' does not fit a trend; legal: auto, ancova, change",
    ),
    "a method at one visit": (
        {"contrasts": [AT | {"method": "ancova"}]},
        "contrasts[week_16].method: 'ancova' does not fit a trend; legal: auto",
    ),
    "no target": (
        {"contrasts": [{"id": "week_16", "reference": "baseline", "trend": "dose_mg"}]},
        "contrasts[week_16]: `target` is missing; legal: `reference` and `target`, or `at` with `arm` and `against`",
    ),
    "a dose that was not measured": (
        {"arms": [*ARMS[:3], {"id": "pilot", "dose_mg": 9, "visits": ["baseline"], "randomised": True}]},
        "contrasts[week_16]: arm 'pilot' was not measured at 'week_16' (`arms[pilot].visits`)",
    ),
    "not randomised": (
        {"randomised": False},
        "contrasts[week_16].method: arms were not randomised: name `ancova` (assumes that without the difference "
        "between them, subjects who start alike end alike) or `change` (assumes that all would have changed by the "
        "same amount)",
    ),
}


def lines_of(**changes: Any) -> list[str]:
    study = make_study(**{"arms": ARMS, "contrasts": [TREND]} | changes)
    return [f"{one.key}: {one.message}" for one in problems(study, {}, "plan.yaml") if "contrasts" in one.key]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"contrasts": [AT | {"adjust": ["age"]}], "samples": {"file": "s.csv", "covariates": ["age"]}},
        {"contrasts": [TREND | {"method": "change"}], "randomised": False},
        {"contrasts": [TREND | {"target": None, "each": {"target": ["week_16"]}}]},
    ],
)
def test_a_trend_over_the_arms_that_state_a_dose_is_sayable(changes: dict[str, Any]) -> None:
    assert lines_of(**changes) == []


@pytest.mark.parametrize(("changes", "line"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_one_line(changes: dict[str, Any], line: str) -> None:
    assert lines_of(**changes) == [line]


def test_a_trend_is_randomised_where_every_arm_with_a_dose_was() -> None:
    for arms, expected in ((ARMS, True), ([*ARMS[:2], ARMS[2] | {"randomised": False}, ARMS[3]], False)):
        study = make_study(arms=arms, contrasts=[TREND])
        found = contrast_randomised(study.contrasts[0], study.arms, study.randomised, study.design)
        assert found is expected
