"""Censored pairs against R: mvtnorm for the fits and the bivariate normal, survival where a change says all there is.

How the numbers were made, by which versions, and why each tolerance: censored/README.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.censoring.bivariate_normal import quadrant
from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.censored_pairs import (
    DELTA,
    FULL,
    KAPPA,
    LAMBDA,
    MU,
    UNEQUAL_SPREAD,
    ZETA,
    fit_pairs,
    fit_without_shift,
    starting_values,
)
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_data import PairData, pair_data

FOLDER = Path(__file__).parent / "censored"
LIMITS = ["reference_lower", "reference_upper", "target_lower", "target_upper"]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t", keep_default_na=False)  # "null" is a model


def all_bounds(name: str) -> tuple[list[object], PairBounds]:
    """The data sets of a table as analytes, those with fewer pairs filled up with missing ones."""
    table = read(name)
    sets = list(dict.fromkeys(table["set"]))
    subjects = table["subject"].max()
    wide = np.full((len(LIMITS), subjects, len(sets)), np.nan)
    wide[:, table["subject"] - 1, table["set"].map(sets.index)] = table[LIMITS].to_numpy().T
    return sets, pair_bounds(*wide)


def fitted(data: PairData, model: str) -> pd.DataFrame:
    """Our maximum in the units and columns of fits.tsv."""
    if model == "null":
        fit = fit_without_shift(data)
    else:
        fit = fit_pairs(data, starting_values(data), FULL)
        if model == "unequal":
            fit = fit_pairs(data, fit.parameters, UNEQUAL_SPREAD)
    p = fit.parameters
    return pd.DataFrame(
        {
            "log_likelihood": fit.log_likelihood - data.known_values * np.log(data.scale),
            "mean_reference": data.centre + data.scale * (p[:, MU] - p[:, DELTA] / 2),
            "mean_target": data.centre + data.scale * (p[:, MU] + p[:, DELTA] / 2),
            "sd_reference": data.scale * np.exp(p[:, LAMBDA] - p[:, KAPPA] / 2),
            "sd_target": data.scale * np.exp(p[:, LAMBDA] + p[:, KAPPA] / 2),
            "correlation": np.tanh(p[:, ZETA]),
        }
    )


@pytest.mark.parametrize("model", ["full", "null", "unequal"])
def test_fits_agree_with_the_best_r_finds(model: str) -> None:
    sets, bounds = all_bounds("pairs")
    expected = read("fits").query("model == @model").set_index("set").loc[sets]
    found = fitted(pair_data(bounds), model)
    assert len(found) == 24
    np.testing.assert_allclose(found["log_likelihood"], expected["log_likelihood"], atol=1e-8)
    for name in found.columns[1:]:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6, err_msg=name)


def test_quadrants_agree_with_tvpack() -> None:
    points = read("quadrants")
    found = quadrant(*(points[name].to_numpy() for name in ("h", "k")), np.arctanh(points["rho"].to_numpy()))
    np.testing.assert_allclose(found, points["probability"], atol=2e-15)


def test_changes_of_very_different_subjects_agree_with_interval_censored_regression() -> None:
    _, bounds = all_bounds("wide")
    expected = read("regressions")
    found = censored_change(bounds)
    np.testing.assert_allclose(found.estimates.estimate, expected["estimate"], atol=2e-3)
    sd_of_change = found.sd * np.sqrt(2 * (1 - found.correlation))
    np.testing.assert_allclose(sd_of_change, expected["sd"], rtol=5e-3)
    np.testing.assert_allclose(found.likelihood_ratio, expected["ratio"], atol=1e-2)
