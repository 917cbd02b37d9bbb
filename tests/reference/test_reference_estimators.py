"""Our estimators against R (stats, limma, coin, sandwich) and against published p-values of a real study.

How the numbers were made, by which versions, and why each tolerance: estimators/README.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.classical.arms import ancova, arm_effect, student_t, welch_t
from cytoshift.shift.classical.effects import detectable_difference, paired_effect
from cytoshift.shift.classical.moderation import fit_prior, moderate
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.classical.ranks import matched_rank_biserial, rank_sum, signed_rank
from shared_data import requires_shared, shared_study

FOLDER = Path(__file__).parent / "estimators"
T_FIELDS = ("estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value")
MODERATED_FIELDS = ("estimate", "se", "df", "statistic", "p_value")


def read_input(name):
    return pd.read_csv(FOLDER / "inputs" / f"{name}.tsv", sep="\t", index_col=0).to_numpy().T


def read_output(name):
    return pd.read_csv(FOLDER / "outputs" / f"{name}.tsv", sep="\t", index_col=0)


def assert_same(found, expected, fields, tolerance):
    """Relative agreement of every field R gives; an absolute floor where R's value is near 0."""
    for field in fields:
        given = expected[field].notna().to_numpy()
        assert given.sum() >= min(20, len(expected)), f"R gives too few values of {field} to compare"
        np.testing.assert_allclose(
            getattr(found, field)[given], expected[field][given], rtol=tolerance, atol=tolerance / 100, err_msg=field
        )


@pytest.fixture(scope="module")
def visits():
    return read_input("pairs_reference"), read_input("pairs_target")


@pytest.fixture(scope="module")
def change(visits):
    return visits[1] - visits[0]


@pytest.fixture(scope="module")
def trial():
    subjects = pd.read_csv(FOLDER / "inputs" / "arms_subjects.tsv", sep="\t")
    return read_input("arms_baseline"), read_input("arms_followup"), subjects


def test_paired_t(change):
    assert_same(paired_t(change), read_output("paired_t"), T_FIELDS, 1e-10)


@pytest.mark.parametrize(("method", "name"), [(student_t, "student_t"), (welch_t, "welch_t")])
def test_two_arms(method, name, trial):
    _, followup, subjects = trial
    target = subjects["arm"].to_numpy() == 1
    assert_same(method(followup[target], followup[~target]), read_output(name), T_FIELDS, 1e-10)


@pytest.mark.parametrize(("spread", "name"), [("equal", "ancova"), ("hc3", "ancova_hc3")])
def test_ancova(spread, name, trial):
    baseline, followup, subjects = trial
    covariates = subjects[["age", "site_b", "site_c"]]
    found = ancova(followup, subjects["arm"], covariates, baseline=baseline, spread=spread)
    assert_same(found, read_output(name), T_FIELDS, 1e-10)


def test_adjusted_change(trial):
    baseline, followup, subjects = trial
    found = arm_effect(followup - baseline, subjects["arm"], subjects[["age"]])
    assert_same(found, read_output("adjusted_change"), T_FIELDS, 1e-10)


@pytest.mark.parametrize(("robust", "name", "tolerance"), [(False, "", 1e-8), (True, "_robust", 1e-6)])
def test_moderated_paired(robust, name, tolerance, change):
    expected = read_output(f"limma_paired{name}")
    plain = paired_t(change)
    prior = fit_prior(plain.residual_variance, plain.df, robust=robust)
    assert prior.variance == pytest.approx(expected["prior_variance"].iloc[0], rel=tolerance)
    np.testing.assert_allclose(prior.df, expected["prior_df"], rtol=tolerance)
    assert_same(moderate(plain, prior), expected, MODERATED_FIELDS, tolerance)


def test_moderated_arms(trial):
    _, followup, subjects = trial
    plain = arm_effect(followup, subjects["arm"], subjects[["age", "site_b", "site_c"]])
    found = moderate(plain, fit_prior(plain.residual_variance, plain.df))
    assert_same(found, read_output("limma_arms"), MODERATED_FIELDS, 1e-8)


@pytest.mark.parametrize(("robust", "tolerance"), [(False, 1e-8), (True, 1e-6)])
@pytest.mark.parametrize("kind", ["spread", "alike", "outlying", "alike_but_one", "narrow_but_one"])
def test_prior_of_variances(kind, robust, tolerance):
    given = pd.read_csv(FOLDER / "inputs" / "variances.tsv", sep="\t", index_col=0)
    expected = read_output("squeezed_variances")
    expected = expected[(expected["robust"] == robust) & expected.index.str.startswith(f"{kind}.")]
    prior = fit_prior(given.loc[kind], given.loc["df"], robust=robust)
    assert prior.variance == pytest.approx(expected["prior_variance"].iloc[0], rel=tolerance)
    np.testing.assert_allclose(prior.df, expected["prior_df"], rtol=tolerance)


def test_signed_rank_with_ties_and_zeros(change):
    expected = read_output("signed_rank")
    assert_same(signed_rank(change), expected, ("statistic", "p_value", "estimate"), 1e-10)
    np.testing.assert_allclose(matched_rank_biserial(change), expected["rank_biserial"], atol=1e-12)
    assert (np.round(change, 9) == 0).any(axis=0).sum() >= 5


def test_hodges_lehmann_intervals_where_r_has_them(change):
    assert_same(signed_rank(change), read_output("signed_rank"), ("ci_low", "ci_high", "coverage"), 1e-10)


def test_rank_tests_beyond_the_exact_limit():
    many = read_input("many_changes")
    expected = read_output("signed_rank_asymptotic")
    assert_same(signed_rank(many), expected, ("statistic", "p_value", "estimate"), 1e-10)
    assert_same(rank_sum(many[:30], many[30:]), read_output("rank_sum_asymptotic"), ("statistic", "p_value"), 1e-10)


def test_rank_sum_with_ties(trial):
    _, followup, subjects = trial
    target = subjects["arm"].to_numpy() == 1
    found = rank_sum(followup[target], followup[~target])
    fields = ("statistic", "p_value", "estimate", "ci_low", "ci_high", "coverage")
    assert_same(found, read_output("rank_sum"), fields, 1e-10)


def test_paired_effect(visits):
    found, expected = paired_effect(*visits), read_output("paired_effect")
    np.testing.assert_allclose(found.estimate, expected["estimate"], rtol=1e-10)
    np.testing.assert_allclose(found.low, expected["ci_low"], atol=1e-9)
    np.testing.assert_allclose(found.high, expected["ci_high"], atol=1e-9)


def test_detectable_difference():
    expected = read_output("detectable_difference").reset_index()
    for (design, power), rows in expected.groupby(["feature", "power"]):
        second = None if design == "paired" else rows["n_reference"]
        found = detectable_difference(1.7, rows["n"], second, power=power)
        np.testing.assert_allclose(found, rows["delta"], rtol=1e-9)


@pytest.fixture(scope="module")
def periodontitis():
    file = shared_study("periodontitis") / "export_txt_6_10_20_results_combi_merged.txt"
    table = pd.read_csv(file, sep="\t")
    table.columns = table.columns.str.removesuffix("_Conc_Mean")
    return table


def mediators_of(table):
    return table.columns[-16:]


def natural_log(values):
    """Zeros in the export stand for `OOR <`: missing here, as in the numbers compared with."""
    return np.log(np.where(values > 0, values, np.nan))


@requires_shared
def test_periodontitis_baseline_cases_against_controls(periodontitis):
    """The data's README, table 4. Its Mann–Whitney column is normal with continuity correction, ours without."""
    names = mediators_of(periodontitis)
    start = periodontitis[periodontitis["Visit"] == 0]
    cases, controls = (start.loc[start["case_control"] == group, names].to_numpy(float) for group in (1, 2))
    p_values = pd.DataFrame(
        {
            "student": student_t(cases, controls).p_value,
            "welch": welch_t(cases, controls).p_value,
            "log": student_t(natural_log(cases), natural_log(controls)).p_value,
            "ranks": rank_sum(cases, controls).p_value,
        },
        index=names,
    )
    published = pd.DataFrame(
        {
            "GM_CSF": [0.00017, 0.00017, 0.00017, 0.00022],
            "IL1beta": [0.032, 0.032, 0.026, 0.077],
            "IL4": [0.0147, 0.0148, 0.0058, 0.0077],
        },
        index=["student", "welch", "log", "ranks"],
    ).T
    tests = ["student", "welch", "log"]
    np.testing.assert_allclose(p_values.loc[published.index, tests], published[tests], rtol=0.03)
    np.testing.assert_allclose(p_values.loc[published.index, "ranks"], published["ranks"], rtol=0.06)
    others = p_values.drop(index=published.index)
    assert others.min().min() == pytest.approx(0.092, abs=0.0005)
    assert (others.min().idxmin(), others["log"].idxmin()) == ("log", "VGEF")


@requires_shared
def test_periodontitis_change_within_cases_and_controls(periodontitis):
    """The data's README, item 5: ratios and t on natural logs, Wilcoxon on pg/mL, visit 0 to visit 6."""
    names = list(mediators_of(periodontitis))
    found = {}
    for group in (1, 2):
        wide = periodontitis[periodontitis["case_control"] == group].set_index(["SubjectID", "Visit"])[names]
        start = wide.xs(0, level="Visit")
        end = wide.xs(6, level="Visit").reindex(start.index)
        on_logs = paired_t(natural_log(end.to_numpy(float)) - natural_log(start.to_numpy(float)))
        ranked = signed_rank(end.to_numpy(float) - start.to_numpy(float))
        found[group] = pd.DataFrame(
            {"n": on_logs.n, "ratio": np.exp(on_logs.estimate), "t": on_logs.p_value, "ranks": ranked.p_value}, names
        )
    published = {
        "IL10": (25, 0.738, 0.039, 0.037),
        "IL_12p70": (25, 0.798, 0.033, 0.045),
        "CRP": (24, 0.72, 0.023, 0.034),
    }
    for name, (pairs, ratio, p_log, p_ranks) in published.items():
        assert found[1].loc[name, "n"] == pairs
        assert found[1].loc[name, "ratio"] == pytest.approx(ratio, abs=0.005)
        assert found[1].loc[name, ["t", "ranks"]].tolist() == pytest.approx([p_log, p_ranks], abs=0.0006)
    assert found[2].loc["IL10", ["n", "t"]].tolist() == pytest.approx([23, 0.93], abs=0.005)
    assert found[2].loc["IL_12p70", ["n", "t"]].tolist() == pytest.approx([23, 0.60], abs=0.005)
    assert (found[2]["t"] > 0.05).all()
