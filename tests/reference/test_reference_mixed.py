"""Mixed models against lmerTest, pbkrtest, nlme::gls and emmeans (tests/reference/mixed)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.mixed.mixed_answer import MixedFit
from cytoshift.shift.mixed.mixed_design import (
    CellContrast,
    RepeatedDesign,
    cell_contrast,
    changes_from_baseline,
    repeated_design,
)
from cytoshift.shift.mixed.random_intercept import random_intercept
from cytoshift.shift.mixed.unstructured import unstructured

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


def test_a_period_within_the_subject_agrees_with_lmertest() -> None:
    study = read("crossover")
    design = repeated_design(
        study["subject"],
        study["visit"],
        study["arm"],
        visits=["h0", "h2", "h6"],
        arms=["drug", "placebo"],
        covariates=(study[["period"]] == "two").to_numpy(dtype=float),
        within=study["period"],
    )
    contrasts = asked(design, "drug", "placebo", ["h0", "h2", "h6"])
    fit = random_intercept(study[["f1", "f2", "f3"]].to_numpy(), design, contrasts, [[contrasts[2], contrasts[0]]])
    compare(fit, "crossover", ["f1", "f2", "f3"])


@pytest.mark.parametrize("base", ["common", "free"])
def test_unstructured_covariance_agrees_with_gls_and_pbkrtest(base) -> None:
    values, design, contrasts = trial(base, age=True)
    fit = unstructured(values[:, :5], design, contrasts, [[contrasts[2], contrasts[0]]])
    rows = read("unstructured_expected")
    for contrast, found in zip(["week_16", "mean_later", "week_8"], fit.estimates, strict=True):
        expected = rows[(rows["model"] == base) & (rows["contrast"] == contrast)]
        assert expected["feature"].tolist() == FEATURES[:5]
        assert (np.abs(found.estimate - expected["estimate"]) < 1e-6 * expected["se"].to_numpy()).all()
        assert (np.abs(found.estimate - expected["gls_estimate"]) < 1e-4 * expected["se"].to_numpy()).all()
        np.testing.assert_allclose(found.se, expected["se"], rtol=1e-6)
        np.testing.assert_allclose(found.df, expected["df"], rtol=1e-6)
        np.testing.assert_allclose(found.p_value, expected["p_value"], atol=1e-6)
    upper = np.triu_indices(3)
    np.testing.assert_allclose(
        fit.components[:, upper[0], upper[1]],
        expected[["s11", "s12", "s13", "s22", "s23", "s33"]],
        rtol=1e-6,
        atol=1e-6,
    )
    tests = read("unstructured_tests_expected")
    expected = tests[tests["model"] == base]
    np.testing.assert_allclose(fit.tests[0].statistic, expected["statistic"], rtol=1e-6)
    np.testing.assert_allclose(fit.tests[0].df_denominator, expected["denominator"], rtol=1e-6)
    np.testing.assert_allclose(fit.tests[0].p_value, expected["p_value"], atol=1e-6)


@pytest.mark.parametrize("likelihood", ["ml", "reml"])
def test_f_tests_of_a_proteomics_study_agree_with_lmertest(likelihood) -> None:
    study, expected = read("npx"), read("npx_expected")
    visits = ["baseline", "week_6", "week_12"]
    values = study.drop(columns=["visit", "subject", "arm"]).to_numpy()
    arms = repeated_design(study["subject"], study["visit"], study["arm"], visits=visits, arms=["untreated", "treated"])
    interaction = changes_from_baseline(arms, arm="treated", against="untreated")
    alone = repeated_design(study["subject"], study["visit"], visits=visits)
    for name, design, test in (("interaction", arms, interaction), ("time", alone, changes_from_baseline(alone))):
        found = random_intercept(values, design, test[:1], [test], likelihood=likelihood).tests[0]
        np.testing.assert_allclose(found.statistic, expected[f"{name}_statistic_{likelihood}"], rtol=1e-5)
        np.testing.assert_allclose(found.df_denominator, expected[f"{name}_df_{likelihood}"], rtol=1e-4)
        np.testing.assert_allclose(found.p_value, expected[f"{name}_p_value_{likelihood}"], atol=1e-5)


def test_contrasts_agree_with_emmeans() -> None:
    values, design, contrasts = trial("free")
    expected = read("emmeans_expected")
    fits = {
        "lmer": random_intercept(values[:, :3], design, contrasts),
        "gls": unstructured(values[:, :3], design, contrasts),
    }
    for name, fit in fits.items():
        for contrast, found in zip(["week_16", "mean_later"], fit.estimates, strict=False):
            rows = expected[(expected["model"] == name) & (expected["contrast"] == contrast)]
            assert rows["feature"].tolist() == FEATURES[:3]
            # gls stops searching early: its estimates are right to 2e-5 of their standard error.
            room = (1e-4 if name == "gls" else 1e-6) * rows["se"].to_numpy()
            assert (np.abs(found.estimate - rows["estimate"]) < room).all()
            if name == "lmer":
                np.testing.assert_allclose(found.se, rows["se"], rtol=1e-6)
                np.testing.assert_allclose(found.df, rows["df"], rtol=1e-4)
