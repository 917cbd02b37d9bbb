"""Exact tests against complete enumeration in R (tests/reference/exact)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.classical.detection import fisher, mcnemar
from cytoshift.shift.exact.families import benjamini_hochberg, holm
from cytoshift.shift.exact.flips import sign_flip_interval, sign_flip_orbit, sign_flip_test, sign_flips
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.null_model import FreedmanLaneOrbit, null_scores
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit, relabelling_test

FOLDER = Path(__file__).parent / "exact"


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def test_sign_flips_max_t_and_interval_agree_with_enumeration() -> None:
    scores, expected = read("pairs").to_numpy(), read("pairs_expected")
    flips = sign_flips(8)
    test = sign_flip_test(scores, flips)
    family = max_t(sign_flip_orbit(scores, flips))
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-12)
    np.testing.assert_allclose(test.p_value, expected["p_value"], atol=1e-12)
    np.testing.assert_allclose(family.single_step, expected["single_step"], atol=1e-12)
    np.testing.assert_allclose(family.step_down, expected["step_down"], atol=1e-12)
    for level, alpha in ((95, 0.05), (99, 0.01)):
        low, high = sign_flip_interval(scores, flips, alpha=alpha)
        np.testing.assert_allclose(low, expected[f"low_{level}"], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(high, expected[f"high_{level}"], rtol=1e-9, atol=1e-9)


def test_global_test_agrees_with_enumeration() -> None:
    expected = read("global_expected").iloc[0]
    orbit = sign_flip_orbit(read("pairs").to_numpy(), sign_flips(8))
    test = global_test(orbit, np.array([1, -1, 1, -1, 1, -1]))
    assert test.statistic == pytest.approx(expected["statistic"], rel=1e-12)
    assert test.p_value == pytest.approx(expected["two_sided"], abs=1e-12)
    assert test.p_one_sided == pytest.approx(expected["one_sided"], abs=1e-12)


def test_stratified_relabelling_agrees_with_enumeration() -> None:
    arms, expected = read("arms"), read("arms_expected")
    target, strata = arms["arm"].to_numpy() == 1, arms["site"].to_numpy()
    outcome = arms[["f1", "f2", "f3", "f4"]].to_numpy()
    covariates = np.column_stack([arms["age"], strata == 2])
    scores = null_scores(outcome, covariates)
    np.testing.assert_allclose(scores, read("arms_scores").to_numpy(), atol=1e-10)
    relabellings = arm_relabellings(target, strata)
    assert relabellings.complete
    assert relabellings.draws == expected["relabellings"][0]
    test = relabelling_test(scores, target, relabellings, strata)
    orbit = relabelling_orbit(scores, target, relabellings, strata)
    family = max_t(orbit)
    np.testing.assert_allclose(test.statistic, expected["statistic"], atol=1e-10)
    np.testing.assert_allclose(test.p_value, expected["p_value"], atol=1e-12)
    np.testing.assert_allclose(family.single_step, expected["single_step"], atol=1e-12)
    np.testing.assert_allclose(family.step_down, expected["step_down"], atol=1e-12)
    assert global_test(orbit, np.ones(4)).p_value == pytest.approx(expected["global"][0], abs=1e-12)


def test_freedman_lane_statistic_is_the_refitted_partial_correlation() -> None:
    arms, expected = read("arms"), read("freedman_lane")
    order = expected[[f"V{i}" for i in range(1, 15)]].to_numpy().T - 1
    age = arms["age"].to_numpy(dtype=float)
    residuals = null_scores(arms[["f1", "f2", "f4"]].to_numpy(), age[:, None]).T
    arm = null_scores(arms[["arm"]].to_numpy(dtype=float), age[:, None])[:, 0]
    basis, _ = np.linalg.qr(np.column_stack([np.ones(14), age]))
    inverse = np.argsort(order, axis=0)
    orbit = FreedmanLaneOrbit(
        labels=(arm / np.linalg.norm(arm))[inverse],
        basis=np.stack([column[inverse] for column in basis.T]),
        residuals=residuals / np.linalg.norm(residuals, axis=1, keepdims=True),
    )
    computed = orbit.statistics(slice(0, 3), slice(0, orbit.draws)).T
    np.testing.assert_allclose(computed, expected[["s1", "s2", "s4"]].to_numpy(), atol=1e-10)


def test_mcnemar_agrees_with_binom_test() -> None:
    expected = read("mcnemar")
    gains, losses = expected["gains"].to_numpy(), expected["losses"].to_numpy()
    subjects = np.arange((gains + losses).max() + 3)[:, None]
    target = np.where(subjects < gains, 1.0, 0.0)
    reference = np.where((subjects >= gains) & (subjects < gains + losses), 1.0, 0.0)
    test = mcnemar(reference, target)
    np.testing.assert_allclose(test.p_value, expected["p_value"], atol=1e-12)
    np.testing.assert_allclose(test.odds_ratio, expected["odds_ratio"], rtol=1e-12)
    np.testing.assert_allclose(test.ci_low, expected["low"], rtol=1e-10)
    np.testing.assert_allclose(test.ci_high, expected["high"], rtol=1e-10)


def test_fisher_agrees_with_r() -> None:
    expected = read("fisher")
    tests = []
    for row in expected.itertuples():
        detected = np.repeat([0, 1, 0, 1], [row.control_not, row.control_detected, row.target_not, row.target_detected])
        control = row.control_not + row.control_detected
        tests.append(fisher(detected[:, None], np.arange(len(detected)) >= control))
    computed = {name: np.concatenate([getattr(test, name) for test in tests]) for name in ("odds_ratio", "p_value")}
    computed |= {name: np.concatenate([getattr(test, f"ci_{name}") for test in tests]) for name in ("low", "high")}
    np.testing.assert_allclose(computed["p_value"], expected["p_value"], atol=1e-12)
    for name in ("odds_ratio", "low", "high"):
        np.testing.assert_allclose(computed[name], expected[name], rtol=1e-9)
        np.testing.assert_allclose(computed[name], expected[f"r_{name}"], rtol=2e-3)


def test_adjustments_agree_with_p_adjust() -> None:
    expected = read("adjusted")
    np.testing.assert_allclose(holm(expected["p_value"].to_numpy()), expected["holm"], atol=1e-14)
    q_values, m = benjamini_hochberg(expected["p_value"].to_numpy())
    np.testing.assert_allclose(q_values, expected["benjamini_hochberg"], atol=1e-14)
    assert m == 9
