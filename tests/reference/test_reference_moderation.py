"""Correlation within subjects, effects given it, and priors along a trend, against limma.

How the numbers were made, by which versions, and why each tolerance: moderation/README.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.classical.moderation import fit_prior, mean_level, moderate
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.mixed.blocked import blocked_effects, consensus_correlation
from cytoshift.shift.mixed.mixed_design import cell_contrast, repeated_design

FOLDER = Path(__file__).parent / "moderation"
KINDS = {
    "plain": (False, False, 1e-8),
    "trend": (True, False, 1e-8),
    "robust": (False, True, 1e-6),
    "trend_robust": (True, True, 1e-6),
}


def read(name):
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def panel_of(name):
    return read(name).set_index("feature").to_numpy().T


@pytest.fixture(scope="module")
def samples():
    return read("samples")


@pytest.fixture(scope="module")
def panel():
    return panel_of("panel")


@pytest.fixture(scope="module")
def design(samples):
    return repeated_design(
        samples["subject"], samples["visit"], samples["arm"], visits=["w0", "w8", "w16"], arms=["placebo", "treated"],
        covariates=samples[["age"]], covariate_names=["age"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def blocked(panel, design):
    """Effects given the consensus, by contrast."""
    consensus = consensus_correlation(panel, design.columns, design.subject)
    contrasts = {
        "change": cell_contrast(design, "w8", "w0", arm="treated"),
        "difference": cell_contrast(design, "w16", "w0", arm="treated", against="placebo"),
        "at": cell_contrast(design, "w8", arm="treated", against="placebo"),
    }
    found = blocked_effects(panel, design, list(contrasts.values()), consensus.value)
    return dict(zip(contrasts, found, strict=True))


@pytest.mark.parametrize("name", ["panel", "complete"])
def test_consensus_correlation(name, samples, design):
    expected = read("correlations")
    expected = expected[expected["panel"] == name].set_index("feature")
    own = expected.drop(index="consensus")
    visits = (samples["visit"].to_numpy()[:, None] == ["w0", "w8", "w16"]).astype(float)
    columns = design.columns if name == "panel" else visits
    found = consensus_correlation(panel_of(name), columns, samples["subject"])
    assert found.value == pytest.approx(expected.loc["consensus", "limma"], rel=1e-6)
    np.testing.assert_allclose(found.own, own["limma"], rtol=1e-6, atol=1e-8)
    best = consensus_correlation(panel_of(name), columns, samples["subject"], still_to_fall=1e-15, steps=500)
    assert best.value == pytest.approx(expected.loc["consensus", "best"], rel=1e-7)
    np.testing.assert_allclose(best.own, own["best"], atol=1e-6)
    assert name == "complete" or own["limma"].min() < -0.2


def assert_moderated(plain, expected, level, kind):
    trend, robust, tolerance = KINDS[kind]
    np.testing.assert_allclose(plain.residual_variance, expected["variance"], rtol=1e-8)
    prior = fit_prior(plain.residual_variance, plain.df, trend=level if trend else None, robust=robust)
    np.testing.assert_allclose(prior.variance, expected["prior_variance"], rtol=tolerance)
    np.testing.assert_allclose(prior.df, expected["prior_df"], rtol=tolerance)
    found = moderate(plain, prior)
    for field in ("estimate", "se", "df", "statistic", "p_value"):
        np.testing.assert_allclose(
            getattr(found, field), expected[field], rtol=tolerance, atol=tolerance / 100, err_msg=field
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("contrast", ["change", "difference", "at"])
def test_blocked(contrast, kind, blocked, panel):
    expected = read("blocked")
    expected = expected[(expected["contrast"] == contrast) & (expected["kind"] == kind)]
    # The consensus of our own is limma's to 1e-9 (see the test above), so effects given it are compared to 1e-8.
    assert_moderated(blocked[contrast], expected, mean_level(panel), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_paired_along_the_level(kind, samples, panel):
    treated = samples[samples["arm"] == "treated"]
    subjects = treated["subject"].unique()

    def visit(name):
        rows = treated[treated["visit"] == name]
        found = pd.DataFrame(panel[rows.index], index=rows["subject"])
        return found.reindex(subjects).to_numpy()

    before, after = visit("w0"), visit("w16")
    expected = read("paired")
    assert_moderated(paired_t(after - before), expected[expected["kind"] == kind], mean_level(before, after), kind)


@pytest.mark.parametrize(("robust", "tolerance"), [(False, 1e-8), (True, 1e-6)])
@pytest.mark.parametrize("kind", ["few", "many", "tied", "alike", "outlying", "partly"])
def test_prior_along_a_trend(kind, robust, tolerance):
    given, expected = read("variances"), read("priors")
    given = given[given["set"] == kind]
    expected = expected[(expected["set"] == kind) & (expected["robust"] == robust)]
    prior = fit_prior(given["variance"], given["df"], trend=given["level"], robust=robust, use=given["use"] == 1)
    np.testing.assert_allclose(prior.variance, expected["prior_variance"], rtol=tolerance)
    np.testing.assert_allclose(prior.df, expected["prior_df"], rtol=tolerance)
