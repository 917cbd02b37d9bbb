"""Mixed models against lmerTest, pbkrtest, nlme::gls and emmeans (tests/reference/mixed)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.mixed_answer import MixedFit
from cytoshift.shift.mixed_design import CellContrast, RepeatedDesign, cell_contrast, repeated_design
from cytoshift.shift.random_intercept import random_intercept
from cytoshift.shift.unstructured import unstructured

FOLDER = Path(__file__).parent / "mixed"
VISITS = ["baseline", "week_8", "week_16"]
FEATURES = ["f1", "f2", "f3", "f4", "f5", "f6"]
# Below this ratio the numerical Hessian of lmerTest is no oracle for degrees of freedom.
LEAST_RATIO = 0.05


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def trial(
    base: str, *, age: bool = False, plate_effect: str | None = None
) -> tuple[np.ndarray, RepeatedDesign, list[CellContrast]]:
    study = read("visits")
    design = repeated_design(
        study["subject"],
        study["visit"],
        study["arm"],
        visits=VISITS,
        arms=["ldn", "placebo"],
        common_baseline=["ldn", "placebo"] if base == "common" else [],
        covariates=study[["age"]] if age else None,
        plate=study["plate"] if plate_effect else None,
        plate_effect=plate_effect or "fixed",
    )
    return study[FEATURES].to_numpy(), design, asked(design, "ldn", "placebo", VISITS)


def asked(design: RepeatedDesign, arm: str, against: str, visits: list[str]) -> list[CellContrast]:
    first, middle, last = visits
    return [
        cell_contrast(design, last, first, arm=arm, against=against),
        cell_contrast(design, [middle, last], first, arm=arm),
        cell_contrast(design, middle, first, arm=arm, against=against),
    ]


def compare(fit: MixedFit, model: str, features: list[str], *, se: float = 1e-6) -> None:
    """Every number of R for this model: contrasts, then the joint test of the first and third."""
    rows, tests = read("contrasts_expected"), read("tests_expected")
    rows, tests = rows[rows["model"] == model], tests[tests["model"] == model]
    assert len(rows) == 3 * len(features)
    for contrast, found in zip(["week_16", "mean_later", "week_8"], fit.estimates, strict=True):
        expected = rows[rows["contrast"] == contrast].set_index("feature").loc[features]
        place = [FEATURES.index(feature) for feature in features]
        close = expected["se"].to_numpy() * se
        assert (np.abs(found.estimate[place] - expected["estimate"]) < close).all()
        np.testing.assert_allclose(found.se[place], expected["se"], rtol=se)
        judged = (expected["ratio"] > LEAST_RATIO).to_numpy()
        assert judged.any()
        np.testing.assert_allclose(found.df[place][judged], expected["df"][judged], rtol=1e-4)
        np.testing.assert_allclose(found.p_value[place][judged], expected["p_value"][judged], atol=1e-5)
    expected = tests.set_index("feature").loc[features]
    judged = (expected["ratio"] > LEAST_RATIO).to_numpy()
    joint = fit.tests[0]
    np.testing.assert_allclose(joint.df_numerator[place], expected["numerator"])
    np.testing.assert_allclose(joint.statistic[place], expected["statistic"], rtol=1e-5)
    np.testing.assert_allclose(joint.df_denominator[place][judged], expected["denominator"][judged], rtol=1e-4)
    np.testing.assert_allclose(joint.p_value[place][judged], expected["p_value"][judged], atol=1e-5)


@pytest.mark.parametrize("base", ["common", "free"])
@pytest.mark.parametrize("likelihood", ["reml", "ml"])
def test_random_intercept_with_age_agrees_with_lmertest(base, likelihood) -> None:
    values, design, contrasts = trial(base, age=True)
    fit = random_intercept(values, design, contrasts, [[contrasts[2], contrasts[0]]], likelihood=likelihood)
    compare(fit, f"{likelihood}_{base}", FEATURES)


@pytest.mark.parametrize("base", ["common", "free"])
def test_kenward_roger_of_a_random_intercept_agrees_with_pbkrtest(base) -> None:
    values, design, contrasts = trial(base)
    fit = random_intercept(values, design, contrasts, [[contrasts[2], contrasts[0]]], df="kenward_roger")
    compare(fit, f"kr_{base}", FEATURES[:5])


@pytest.mark.parametrize(
    ("model", "effect", "likelihood"),
    [("plate_fixed", "fixed", "reml"), ("plate_random", "random", "reml"), ("plate_random_ml", "random", "ml")],
)
def test_plates_agree_with_lmertest(model, effect, likelihood) -> None:
    values, design, contrasts = trial("common", plate_effect=effect)
    fit = random_intercept(values, design, contrasts, [[contrasts[2], contrasts[0]]], likelihood=likelihood)
    compare(fit, model, FEATURES)
