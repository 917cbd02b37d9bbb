"""Crossover studies against stats::lm, lmerTest, coin and complete enumeration in R (tests/reference/crossover)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.estimates import Estimates
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.rearrangements import ExactTest, Orbit
from cytoshift.shift.orders.carry_over import carry_over
from cytoshift.shift.orders.crossover import PeriodOrder, crossover_effect, period_order
from cytoshift.shift.orders.crossover_labels import (
    order_orbit,
    order_relabellings,
    order_test,
    sequence_orbit,
    sequence_relabellings,
    sequence_test,
)
from cytoshift.shift.orders.crossover_model import crossover_contrast, crossover_design, crossover_model

FOLDER = Path(__file__).parent / "crossover"
FEATURES = ["f1", "f2", "f3", "f4"]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def under(study: pd.DataFrame, condition: str) -> pd.DataFrame:
    return study[study["condition"] == condition].set_index("subject").sort_index()


def arrays(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    study = read(name)
    a, b = under(study, "A"), under(study, "B")
    return a[FEATURES].to_numpy(), b[FEATURES].to_numpy(), a["period"].to_numpy(), b["period"].to_numpy()


def order_of(name: str) -> PeriodOrder:
    arm, _, period_arm, period_control = arrays(name)
    return period_order(period_arm, period_control, len(arm))


def compare(found: Estimates, expected: pd.DataFrame, rtol: float, df: float) -> None:
    place = [FEATURES.index(feature) for feature in expected["feature"]]
    close = rtol * expected["se"].to_numpy()
    assert (np.abs(found.estimate[place] - expected["estimate"]) < close).all()
    np.testing.assert_allclose(found.se[place], expected["se"], rtol=rtol)
    np.testing.assert_allclose(found.df[place], expected["df"], rtol=df)
    np.testing.assert_allclose(found.p_value[place], expected["p_value"], atol=10 * rtol)


@pytest.mark.parametrize("name", ["two", "williams", "latin"])
def test_the_effect_adjusted_for_period_agrees_with_lm_and_lmertest(name: str) -> None:
    found = crossover_effect(*arrays(name))
    expected = read("effects_expected")
    expected = expected[expected["study"] == name]
    for oracle, rtol in (("lm_differences", 1e-10), ("lm_values", 1e-10)):
        rows = expected[expected["oracle"] == oracle]
        assert rows["feature"].tolist() == FEATURES
        compare(found, rows, rtol, 1e-12)
    if name == "two":
        complete = expected[expected["oracle"] == "lmerTest"]
        assert complete["feature"].tolist() == FEATURES[:3]
        compare(found, complete, 1e-6, 1e-6)


@pytest.mark.parametrize("name", ["two", "williams"])
def test_carry_over_agrees_with_lm_and_t_test(name: str) -> None:
    expected = read("carry_over_expected")
    compare(carry_over(*arrays(name)), expected[expected["study"] == name], 1e-10, 1e-12)


@pytest.mark.parametrize("name", ["two", "williams", "latin"])
def test_the_model_of_all_conditions_agrees_with_lmertest(name: str) -> None:
    study, expected = read(name), read("models_expected")
    conditions = sorted(study["condition"].unique())
    design = crossover_design(
        study["subject"], study["period"], study["condition"], sequence=study["sequence"], conditions=conditions
    )
    against = ["B", "C"][: len(conditions) - 1]
    contrasts = [crossover_contrast(design, "A", other) for other in against]
    for other, found in zip(against, crossover_model(study[FEATURES].to_numpy(), design, contrasts), strict=True):
        rows = expected[(expected["study"] == name) & (expected["contrast"] == f"A-{other}")]
        assert rows["feature"].tolist() == FEATURES
        compare(found, rows, 1e-6, 1e-4)


def test_several_visits_per_period_agree_with_lmertest() -> None:
    study, expected = read("visits"), read("models_expected")
    design = crossover_design(
        study["subject"],
        study["period"],
        study["condition"],
        sequence=study["sequence"],
        visit=study["visit"],
        conditions=["A", "B"],
        visits=["h0", "h2", "h6"],
    )
    asked = {"h6-h0": ("h6", "h0"), "h6": ("h6", None)}
    contrasts = [crossover_contrast(design, "A", "B", *when) for when in asked.values()]
    answers = crossover_model(study[FEATURES[:3]].to_numpy(), design, contrasts)
    for name, found in zip(asked, answers, strict=True):
        rows = expected[(expected["study"] == "visits") & (expected["contrast"] == name)]
        assert rows["feature"].tolist() == FEATURES[:3]
        compare(found, rows, 1e-6, 1e-4)


def compare_exact(name: str, test: ExactTest, orbit: Orbit) -> None:
    expected = read("exact_expected")
    expected = expected[expected["test"] == name]
    assert orbit.complete
    assert orbit.draws == expected["redistributions"].iloc[0]
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-12)
    np.testing.assert_allclose(test.p_value, expected["p_value"], atol=1e-12)
    family = max_t(orbit)
    np.testing.assert_allclose(family.single_step, expected["single_step"], atol=1e-12)
    np.testing.assert_allclose(family.step_down, expected["step_down"], atol=1e-12)
    together = global_test(orbit, np.ones(len(expected))).p_value
    assert together == pytest.approx(expected["all_together"].iloc[0], abs=1e-12)


@pytest.mark.parametrize(
    ("test", "name", "by_site"),
    [("order_two", "two", False), ("order_two_by_site", "two", True), ("order_williams", "williams", False)],
)
def test_redistributed_orders_agree_with_enumeration(test: str, name: str, by_site: bool) -> None:
    study, order = read(name), order_of(name)
    chosen = [*FEATURES, "d1"] if name == "two" else FEATURES
    a, b = under(study, "A"), under(study, "B")
    scores = order.later_less_earlier(a[chosen].to_numpy() - b[chosen].to_numpy())
    strata = a["site"].to_numpy() if by_site else None
    redistributed = order_relabellings(order, strata)
    found = order_test(scores, order, redistributed, strata)
    compare_exact(test, found, order_orbit(scores, order, redistributed, strata))


def test_redistributed_sequences_agree_with_enumeration() -> None:
    study, order = read("latin"), order_of("latin")
    values = study.sort_values(["period", "subject"])[FEATURES].to_numpy().reshape(3, -1, len(FEATURES))
    scores = np.stack([values[int(late) - 1] - values[int(early) - 1] for early, late in order.pairs])
    redistributed = sequence_relabellings(order)
    found = sequence_test(scores, order, redistributed)
    compare_exact("sequence_latin", found, sequence_orbit(scores, order, redistributed))


def test_redistributed_orders_agree_with_coin() -> None:
    expected, study, order = read("coin_expected"), read("two"), order_of("two")
    chosen = expected["feature"].tolist()
    scores = order.later_less_earlier(under(study, "A")[chosen].to_numpy() - under(study, "B")[chosen].to_numpy())
    found = order_test(scores, order, order_relabellings(order))
    np.testing.assert_allclose(found.statistic, expected["statistic"], rtol=1e-10)
    np.testing.assert_allclose(found.p_value, expected["p_value"], atol=1e-10)
