"""Derived visits, dates and the order of conditions."""

import numpy as np
import pytest

from cytoshift.quality.visits import find_derived_visits, find_disorder, find_order_effect, find_undated
from cytoshift.study.settings import Arm, DerivedVisit, Visit
from quality_tables import (
    checks,
    exercise,
    make_measurements,
    make_rows,
    make_samples,
    numbers_of,
    periodontitis_export,
)
from shared_data import requires_shared

VISITS = [Visit(id=name, time=time) for time, name in enumerate(("v0", "v1", "v2", "v3"))]


def study(change=0.0, derived="v0"):
    """Eight subjects × two analytes; `derived` is the mean of v1 and v2, but for `change` in one subject."""
    numbers = np.random.default_rng(1).lognormal(2, 0.5, (4, 8, 2))
    numbers[0] = (numbers[1] + numbers[2]) / 2
    numbers[0, 0] += change
    samples, rows = [], []
    for v, visit in enumerate(("v0", "v1", "v2", "v3")):
        for s in range(8):
            samples.append((f"s{s}-{visit}", f"s{s}", visit, ""))
            rows += [(f"s{s}-{visit}", f"a{a}", numbers[v, s, a]) for a in range(2)]
    return make_samples(samples), make_rows(make_measurements(rows))


def test_a_visit_that_is_a_mean_is_derived():
    samples, rows = study()
    derived, found = find_derived_visits(rows, samples, VISITS, DerivedVisit())
    assert derived == ["v0"]
    assert numbers_of(found[0])["mean_of"] == "v1+v2"
    assert (numbers_of(found[0])["equal"], numbers_of(found[0])["cells"]) == ("16", "16")
    assert found[0]["action"] == "excluded"


def test_one_exception_in_eight_is_no_derived_visit():
    samples, rows = study(change=0.1)
    assert find_derived_visits(rows, samples, VISITS, DerivedVisit()) == ([], [])


def test_visits_that_are_all_the_same_number_are_not_derived():
    samples, rows = study()
    rows["written"] = 7.0
    assert find_derived_visits(rows, samples, VISITS, DerivedVisit()) == ([], [])


def dated(days):
    names = [f"v{k}" for k in range(len(days))]
    return make_samples(
        [(f"s1-{v}", "s1", v, "", day) for v, day in zip(names, days, strict=True)],
        ("sample", "subject", "visit", "arm", "study_day"),
    )


@pytest.mark.parametrize(("days", "visit"), [
    ((0, 7, 14, 21), None), ((0, 0, 14, 21), None), ((0, 7, 5, 21), "v2"), ((0, 373, 14, 21), "v2"),
    ((0, 7, None, 3), "v3"),
])  # fmt: skip
def test_dates_out_of_order(days, visit):
    found = find_disorder(dated(days), VISITS)
    assert [numbers_of(f)["visit"] for f in found] == ([visit] if visit else [])


def crossover(order):
    rows = [
        (f"{s}-{arm}", f"s{s}", "v0", arm, 7.0 * place)
        for s, arms in enumerate(order)
        for place, arm in enumerate(arms)
    ]
    return make_samples(rows, ("sample", "subject", "visit", "arm", "study_day"))


def test_a_condition_that_always_came_first():
    arms = [Arm(id="rest", label="Rest"), Arm(id="bike"), Arm(id="run")]
    found = find_order_effect(
        crossover([("rest", "bike", "run"), ("rest", "run", "bike"), ("rest", "bike", "run")]), arms
    )
    assert checks(found) == ["condition_always_first"]
    assert found[0]["message"].startswith("Rest was always the first condition (3 of 3 subjects)")
    assert find_order_effect(crossover([("rest", "bike"), ("bike", "rest"), ("rest", "bike")]), arms) == []


def test_no_dates_no_claim():
    samples = crossover([("rest", "bike")] * 3).assign(study_day=np.nan)
    assert find_order_effect(samples, []) == []
    assert checks(find_undated(samples, crossover=True)) == ["no_dates"]
    assert find_undated(samples.assign(period="1"), crossover=True) == []


@requires_shared
def test_periodontitis_visit_0_is_derived_and_four_subjects_are_out_of_order():
    samples, measurements = periodontitis_export()
    visits = [Visit(id=f"v{k}", time=k) for k in range(7)]
    derived, found = find_derived_visits(make_rows(measurements), samples, visits, DerivedVisit())
    assert derived == ["v0"]
    assert (numbers_of(found[0])["equal"], numbers_of(found[0])["cells"]) == ("832", "832")
    disorder = find_disorder(samples, visits[1:])
    assert {f["subject"] for f in disorder} == {"A11-9", "A12-13", "A12-10", "A12-23"}


@requires_shared
def test_exercise_rest_came_first():
    found = find_order_effect(exercise()[0], [Arm(id="p1", label="Rest")])
    assert checks(found) == ["condition_always_first"]
    assert (numbers_of(found[0])["arm"], numbers_of(found[0])["subjects"]) == ("p1", "15")
