"""Effect sizes, change limits and centred log-ratios agree with R (tests/reference/effects)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import empty
from cytoshift.shift.censoring.censored_pairs import DELTA, FULL, LAMBDA, fit_pairs, starting_values
from cytoshift.shift.censoring.pair_data import pair_data
from cytoshift.shift.classical.arms import ancova
from cytoshift.shift.classical.composition import centred_log_ratios
from cytoshift.shift.classical.effects import (
    censored_effect,
    hedges_factor,
    noncentrality_limits,
    paired_effect,
    standardised_by_baseline,
)
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.subjects.reference_change import change_ratios
from cytoshift.shift.subjects.variation import between_runs, sigma_of_cv, within_subjects
from cytoshift.tables import PLATE_FACTORS
from pair_draws import known_pairs

FOLDER = Path(__file__).parent / "effects"


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


LIMITS = read("change_limits").set_index("quantity")["value"]


def panel(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Values as subjects × sets, shorter sets filled with NaN."""
    parts = [part[column].to_numpy(float) for _, part in frame.groupby("set")]
    full = np.full((max(map(len, parts)), len(parts)), np.nan)
    for place, values in enumerate(parts):
        full[: len(values), place] = values
    return full


def test_limits_of_a_noncentrality():
    grid = read("noncentrality")
    low, high = noncentrality_limits(grid["t"], grid["df"])
    np.testing.assert_allclose(low, grid["low"], atol=1e-8)
    np.testing.assert_allclose(high, grid["high"], atol=1e-8)


def test_hedges_correction_by_gamma_functions_and_as_an_expectation():
    expected = read("hedges")
    np.testing.assert_allclose(hedges_factor(expected["df"]), expected["j"], rtol=1e-13)
    np.testing.assert_allclose(hedges_factor(expected["df"]), expected["j_by_quadrature"], rtol=1e-9)


def test_paired_effects():
    pairs, expected = read("pairs"), read("effects")
    found = paired_effect(panel(pairs, "reference"), panel(pairs, "target"))
    np.testing.assert_allclose(found.estimate, expected["d_av"], rtol=1e-12)
    np.testing.assert_allclose(found.low, expected["low"], atol=1e-9)
    np.testing.assert_allclose(found.high, expected["high"], atol=1e-9)


def test_an_estimate_over_the_spread_at_baseline():
    expected = read("effects")
    found = standardised_by_baseline(expected["ml_estimate"], panel(read("pairs"), "reference"))
    np.testing.assert_allclose(found, expected["ml_estimate"] / expected["baseline_sd"], rtol=1e-12)


def test_the_effect_of_a_censored_fit_without_non_detects_is_that_of_complete_pairs():
    """From nlminb's fit of the pair model (its gradients are numeric: 1e-5), and from the project's own."""
    pairs, expected = read("pairs"), read("effects")
    found = censored_effect(expected["ml_estimate"], expected["ml_sd"], expected["n"])
    np.testing.assert_allclose(found.estimate, expected["d_av"], rtol=1e-5)
    data = pair_data(known_pairs(panel(pairs, "reference"), panel(pairs, "target")))
    fit = fit_pairs(data, starting_values(data), FULL)
    shift, spread = fit.parameters[:, DELTA] * data.scale, np.exp(fit.parameters[:, LAMBDA]) * data.scale
    np.testing.assert_allclose(spread, expected["ml_sd"], rtol=1e-5)
    np.testing.assert_allclose(censored_effect(shift, spread, expected["n"]).estimate, expected["d_av"], rtol=1e-6)


def test_variation_between_runs():
    """Our variance is of the natural logarithm, R's of log2."""
    controls = read("controls").assign(source="luminex", analyte="il6")
    features = pd.DataFrame({"source": ["luminex"], "feature": ["il6"]})
    spread, unaligned = between_runs(controls.astype({"plate": str}), empty(PLATE_FACTORS), set(), features)
    np.testing.assert_allclose(spread.variance, LIMITS["between_run_variance"] * np.log(2) ** 2, rtol=1e-12)
    assert spread.df.tolist() == [LIMITS["between_run_df"]]
    assert not unaligned.any()


@pytest.mark.parametrize(("visits", "word"), [(2, "two"), (3, "three")])
def test_variation_within_subjects(visits, word):
    values = read("visits").pivot_table(index="subject", columns="visit", values="value").to_numpy()[:, :visits, None]
    spread = within_subjects(values)
    np.testing.assert_allclose(spread.variance, LIMITS[f"within_{word}_variance"], rtol=1e-12)
    assert spread.df.tolist() == [LIMITS[f"within_{word}_df"]]


@pytest.mark.parametrize(
    ("within", "ends"),
    [("sigma_within", ("low", "high")), ("sigma_cited", ("low_cited", "high_cited")),
     (None, ("low_analytical", "high_analytical"))],
)  # fmt: skip
def test_change_limits(within, ends):
    sigma = np.hypot(LIMITS["sigma_analytical"], 0.0 if within is None else LIMITS[within])
    np.testing.assert_allclose(change_ratios(sigma), [LIMITS[end] for end in ends], rtol=1e-12)


def test_sigma_of_a_cited_cv():
    assert sigma_of_cv(0.25) == pytest.approx(LIMITS["sigma_cited"], rel=1e-14)


def test_centred_log_ratios_and_their_tests():
    parts, expected = read("parts"), read("parts_expected")
    names = expected["part"].tolist()
    logit, clr = {}, {}
    for visit, rows in parts.groupby("visit"):
        shares = rows.pivot_table(index="subject", columns="part", values="share")[names].to_numpy()
        logit[visit] = np.log(shares) - np.log1p(-shares)
        clr[visit] = rows.pivot_table(index="subject", columns="part", values="clr")[names].to_numpy()
    groups = np.zeros(4, dtype=int)
    before, after = (centred_log_ratios(logit[visit], groups) for visit in ("v1", "v2"))
    np.testing.assert_allclose(before, clr["v1"], atol=1e-12)
    np.testing.assert_allclose(after, clr["v2"], atol=1e-12)
    paired = paired_t(after - before)
    np.testing.assert_allclose(paired.estimate, expected["paired_estimate"], atol=1e-12)
    np.testing.assert_allclose(paired.p_value, expected["paired_p"], rtol=1e-9)
    arm = parts.drop_duplicates("subject").sort_values("subject")["arm"].to_numpy()
    arms = ancova(after, arm, baseline=before)
    np.testing.assert_allclose(arms.estimate, expected["arm_estimate"], atol=1e-11)
    np.testing.assert_allclose(arms.p_value, expected["arm_p"], rtol=1e-9)
