"""Dose trends against lm, anova and complete enumeration in R (tests/reference/dose)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.classical.dose_trend import departure_from_linearity, dose_trend
from cytoshift.shift.exact.dose_orbits import dose_orbit, dose_relabellings, dose_test
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.null_model import null_scores

FOLDER = Path(__file__).parent / "dose"
FEATURES = [f"f{number}" for number in range(1, 7)]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def arguments(model: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Outcome, covariates and baseline of one of the three models."""
    study = read("subjects")
    before, after = (study[[f"{visit}_{name}" for name in FEATURES]].to_numpy() for visit in ("before", "after"))
    covariates = study[["age", "site"]].to_numpy()
    return {
        "ancova": (after, covariates, before),
        "change": (after - before, covariates, None),
        "values": (after, None, None),
    }[model]


@pytest.mark.parametrize("model", ["ancova", "change", "values"])
def test_slope_agrees_with_lm(model: str) -> None:
    outcome, covariates, baseline = arguments(model)
    expected = read("estimates_expected").query("model == @model").reset_index(drop=True)
    found = dose_trend(outcome, read("subjects")["dose"], covariates, baseline=baseline)
    assert found.n.tolist() == expected["n"].tolist()
    for name in ("estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value"):
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=1e-8, err_msg=name)


@pytest.mark.parametrize("model", ["ancova", "change", "values"])
def test_departure_from_the_line_agrees_with_anova(model: str) -> None:
    outcome, covariates, baseline = arguments(model)
    expected = read("estimates_expected").query("model == @model")
    found = departure_from_linearity(outcome, read("subjects")["dose"], covariates, baseline=baseline)
    assert expected["bend_f"].notna().tolist() == [True] * 5 + [False]
    for name, column in (("statistic", "bend_f"), ("df", "bend_df"), ("p_value", "bend_p")):
        np.testing.assert_allclose(getattr(found, name), expected[column], rtol=1e-8, err_msg=name)
    np.testing.assert_array_equal(found.residual_df, expected["bend_residual_df"])


def test_exact_test_agrees_with_enumeration() -> None:
    study, expected = read("allocation"), read("allocation_expected")
    strata, dose = study["site"].to_numpy(), study["dose"].to_numpy()
    scores = null_scores(study[FEATURES[:4]].to_numpy(), np.column_stack([study["age"], strata == 2]))
    rearrangements = dose_relabellings(dose, strata)
    assert rearrangements.complete
    assert rearrangements.draws == expected["rearrangements"][0]
    test = dose_test(scores, dose, rearrangements, strata)
    orbit = dose_orbit(scores, dose, rearrangements, strata)
    family = max_t(orbit)
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-10)
    np.testing.assert_allclose(test.p_value, expected["p_value"], atol=1e-12)
    np.testing.assert_allclose(family.single_step, expected["single_step"], atol=1e-12)
    np.testing.assert_allclose(family.step_down, expected["step_down"], atol=1e-12)
    assert global_test(orbit, np.ones(4)).p_value == pytest.approx(expected["global"][0], abs=1e-12)
