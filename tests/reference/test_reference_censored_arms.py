"""Arms with non-detects against R: mvtnorm for the fits, lm where every value is known.

How the numbers were made, by which versions, and why each tolerance: censored_arms/README.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.censoring.censored_arms import METHODS, CensoredArms, Question, censored_arms

FOLDER = Path(__file__).parent / "censored_arms"
LIMITS = ["reference_lower", "reference_upper", "target_lower", "target_upper"]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t", keep_default_na=False)


def answer(table: pd.DataFrame, question: Question) -> CensoredArms:
    """One data set as one analyte, age as in the R script's models."""
    limits = [table[name].to_numpy(float)[:, None] for name in LIMITS]
    age = (table["age"].to_numpy(float)[:, None] - 45) / 10
    return censored_arms(*limits, table["exposure"].to_numpy(float), age, question=question, covariate_names=["age"])


@pytest.mark.parametrize("question", METHODS)
def test_maximum_is_that_found_from_many_starts(question: Question) -> None:
    pairs, fits = read("pairs"), read("fits").set_index(["set", "model"])
    for name in fits.index.unique("set"):
        found, expected = answer(pairs[pairs["set"] == name], question), fits.loc[(name, question)]
        ratio = 2 * (expected["log_likelihood"] - fits.loc[(name, f"{question}_null"), "log_likelihood"])
        np.testing.assert_allclose(found.log_likelihood, expected["log_likelihood"], atol=1e-8, err_msg=name)
        np.testing.assert_allclose(found.likelihood_ratio, ratio, atol=1e-8, err_msg=name)
        np.testing.assert_allclose(found.estimates.estimate, expected["delta"], atol=2e-6, err_msg=name)
        for column in ("sd_reference", "sd_target", "correlation"):
            np.testing.assert_allclose(getattr(found, column), expected[column], atol=2e-6, err_msg=f"{name} {column}")


def test_known_values_are_least_squares() -> None:
    pairs = read("pairs")
    for row in read("least_squares").itertuples():
        found = answer(pairs[pairs["set"] == row.set], row.question).estimates
        for column in ("estimate", "se", "df", "statistic", "p_value", "ci_low", "ci_high"):
            np.testing.assert_allclose(getattr(found, column), getattr(row, column), rtol=1e-10, err_msg=row.set)
