"""Who was selected, and from which population: what may be said, what is refused, and which visits it concerns."""

from typing import Any

import pytest

from cytoshift.study.contrasts import Contrast
from cytoshift.study.problems import problems
from cytoshift.study.selection import Selection, start_of
from cytoshift.study.settings import Visit
from report_tables import make_study

CYTOKINES = [{"id": "msd", "files": ["a.csv"], "columns": {"sample": "S", "value": "{analyte}"}, "unit": "pg/mL"}]
IL6 = {"feature": "il6", "mean": 2.0, "unit": "pg/mL", "correlation": 0.6, "source": "Smith 2020"}
MISTAKES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "unknown visit": ({"visits": "screen"}, {}, "visits: 'screen' is not a visit; legal: baseline, week_16"),
    "visit twice": ({"visits": ["baseline", "baseline"]}, {}, "visits: names a visit twice"),
    "feature twice": (
        {"populations": [IL6, IL6]},
        {},
        "populations[2].feature: 'il6' was described before, in selection.populations[1]; keep one",
    ),
    "another name": (
        {},
        {"feature": "il_6"},
        "populations[1].feature: 'il_6' is another name of 'il6'; features go by their id; did you mean 'il6'?",
    ),
    "another unit": (
        {},
        {"unit": "ng/mL"},
        "populations[1].unit: 'ng/mL' is not the unit of 'il6' here, 'pg/mL'; convert the mean",
    ),
    "one limit": (
        {},
        {"mean_low": 1.0},
        "populations[1].mean_high: is missing: limits come together, and `mean_low` is there",
    ),
    "limits beside the mean": (
        {},
        {"mean_low": 2.5, "mean_high": 3.0},
        "populations[1].mean: 2 does not lie between its limits 2.5 and 3",
    ),
    "no logarithm": (
        {},
        {"mean": 0.0},
        "populations[1].mean: has no logarithm; a mean in this unit, and its lower limit, is above 0",
    ),
    "no fraction": (
        {},
        {"feature": "treg_fraction", "unit": "%", "mean": 120.0},
        "populations[1].mean: 120 is not a fraction; legal in %: above 0, below 100",
    ),
}


def lines_of(rule: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    selection = {"rule": "IL-6 above 3 pg/mL", "visits": "baseline", "populations": [IL6 | entry]} | rule
    study = make_study(selection=selection, cytokines=CYTOKINES)
    found = [one for one in problems(study, {}, "plan.yaml") if "selection" in one.key]
    return [f"{one.key}: {one.message}" for one in found]


@pytest.mark.parametrize("entry", [{}, {"unit": "PG / mL"}, {"mean_low": 1.5, "mean_high": 2.6, "people": 80}])
def test_a_rule_with_its_population_is_sayable(entry: dict[str, Any]) -> None:
    assert lines_of({}, entry) == []


@pytest.mark.parametrize(("rule", "entry", "line"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_one_line(rule: dict[str, Any], entry: dict[str, Any], line: str) -> None:
    assert lines_of(rule, entry) == [f"selection.{line}"]


@pytest.mark.parametrize(
    ("decided", "reference", "target", "expected"),
    [
        (["s"], "s", "w", (["s"], [], 1.0)),
        (["s"], ["s", "b"], "w", (["s"], ["b"], 0.5)),
        (["s", "b"], ["b", "s"], "w", (["s", "b"], [], 1.0)),
        (None, ["s", "b"], "w", (["s"], ["b"], 0.5)),
        (None, "b", "w", "no second baseline"),
        (None, ["b", "w"], "s", "no second baseline"),
        (["s"], "b", "w", "does not start from"),
        (["s", "b"], "s", "w", "starts from some only"),
        (["w"], "s", "w", "ends with"),
    ],
)
def test_which_visits_decided_and_which_did_not(
    decided: list[str] | None, reference: Any, target: str, expected: tuple[list[str], list[str], float] | str
) -> None:
    visits = [Visit(id=name) for name in ("s", "b", "w")]
    when = {"mean": reference} if isinstance(reference, list) else reference
    contrast = Contrast.model_validate({"id": "c", "reference": when, "target": target})
    selection = None if decided is None else Selection(rule="high", visits=decided)
    found = start_of(contrast, selection, visits)
    if isinstance(expected, str):
        assert expected in found.why
    else:
        assert (found.deciding, found.others, found.weight) == expected
        assert found.why == ""
        assert found.stated == (decided is not None)
