"""Interval-censored regression against R: survival::survreg where values are censored, lm where they are not.

How the numbers were made, by which versions, and why each tolerance: interval/README.md.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.censoring.interval_likelihood import checked_bounds, fit_intervals, interval_data
from cytoshift.shift.censoring.interval_regression import interval_effect, interval_mean
from cytoshift.shift.censoring.interval_scores import interval_scores
from cytoshift.shift.exact.null_model import null_scores

FOLDER = Path(__file__).parent / "interval"


@cache
def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t", keep_default_na=False)


def covariates(data: pd.DataFrame, model: str) -> np.ndarray:
    columns = [] if model == "none" else [data["age"].to_numpy(float)]
    if model == "age_plate":
        plates = np.unique(data["plate"])[1:]
        columns += [(data["plate"] == plate).to_numpy(float) for plate in plates]
    return np.column_stack([np.empty((len(data), 0)), *columns])


def cases() -> list[tuple[str, str]]:
    return list(read("fits")[["set", "model"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(("name", "model"), cases())
def test_effects_and_scores_agree_with_survreg(name: str, model: str) -> None:
    data = read("values").query("set == @name")
    expected = read("fits").query("set == @name and model == @model").iloc[0]
    low, high = data[["lower"]].to_numpy(float), data[["upper"]].to_numpy(float)
    shared, exposure, n = covariates(data, model), data["exposure"].to_numpy(float), len(data)
    df = n - shared.shape[1] - 2
    found = interval_effect(low, high, exposure, shared, method=name)
    near = {"rtol": 1e-7, "atol": 1e-7}
    np.testing.assert_allclose(found.estimate[0], expected["estimate"], **near)
    np.testing.assert_allclose(found.se[0] * np.sqrt(df / n), expected["se_ml"], **near)
    np.testing.assert_allclose(np.sqrt(found.residual_variance[0] * df / n), expected["sd"], **near)
    np.testing.assert_allclose(n * np.log1p(found.statistic[0] ** 2 / df), expected["ratio"], **near)
    np.testing.assert_allclose(found.p_value[0], expected["p_value"], rtol=1e-6)
    np.testing.assert_allclose(found.ci_low[0], expected["ci_low"], **near)
    np.testing.assert_allclose(found.ci_high[0], expected["ci_high"], **near)
    assert found.df[0] == df
    scores = interval_scores(low, high, shared)[:, 0]
    slope = read("scores").query("set == @name and model == @model")["score"]
    np.testing.assert_allclose(scores, slope, **near)


@pytest.mark.parametrize(("name", "model"), cases())
def test_log_likelihoods_agree_with_survreg(name: str, model: str) -> None:
    data = read("values").query("set == @name")
    expected = read("fits").query("set == @name and model == @model").iloc[0]
    low, high = checked_bounds(data[["lower"]], data[["upper"]])
    shared = covariates(data, model)
    null = np.column_stack([np.ones(len(data)), shared])
    full = np.column_stack([null, data["exposure"]])
    for column, columns in (("null_log_likelihood", null), ("log_likelihood", full)):
        standard = interval_data(low, high, np.linalg.qr(columns)[0][None])
        found = fit_intervals(standard).log_likelihood - standard.known.sum(axis=1) * np.log(standard.scale)
        np.testing.assert_allclose(found[0], expected[column], atol=1e-9, rtol=1e-10)


def test_means_agree_with_survreg() -> None:
    for expected in read("means").itertuples():
        data = read("values").query("set == @expected.set")
        found = interval_mean(data[["lower"]] - 4, data[["upper"]] - 4)
        n = found.n[0]
        near = {"rtol": 1e-6, "atol": 1e-6, "err_msg": expected.set}
        np.testing.assert_allclose(found.estimate[0], expected.estimate, **near)
        np.testing.assert_allclose(np.sqrt(found.residual_variance[0] * (n - 1) / n), expected.sd, **near)
        np.testing.assert_allclose(n * np.log1p(found.statistic[0] ** 2 / (n - 1)), expected.ratio, **near)
        np.testing.assert_allclose(found.ci_low[0], expected.ci_low, **near)
        np.testing.assert_allclose(found.ci_high[0], expected.ci_high, **near)


def test_known_values_agree_with_lm() -> None:
    for expected in read("least_squares").itertuples():
        data = read("values").query("set == @expected.set")
        y, age = data[["lower"]].to_numpy(float), data[["age"]].to_numpy(float)
        exact = interval_effect(y, y, data["exposure"].to_numpy(float), age)
        # Known to a millionth: the likelihood, not least squares, has to give the same.
        narrow = interval_effect(y - 5e-7, y + 5e-7, data["exposure"].to_numpy(float), age)
        for found in (exact, narrow):
            for name in ("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "residual_variance"):
                np.testing.assert_allclose(getattr(found, name)[0], getattr(expected, name), rtol=1e-8, err_msg=name)
        slope = read("scores").query("set == @expected.set and model == 'age'")["score"].to_numpy()
        residual = null_scores(y, age)[:, 0]
        np.testing.assert_allclose(residual / np.mean(residual**2), slope, rtol=1e-7, atol=1e-9)
