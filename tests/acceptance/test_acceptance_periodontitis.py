"""Apical periodontitis, tooth extraction: the numbers and warnings that this real study must lead to.

Expected numbers come from the publication, from the data's description, or are worked out here from the files.
"""

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.classical.arms import student_t, welch_t
from cytoshift.shift.classical.paired import paired_t
from shared_data import requires_shared, shared_study

EXPORT = "export_txt_6_10_20_results_combi_merged.txt"
MEDIATORS = {
    "vegf_a": "VGEF", "crp": "CRP", "gm_csf": "GM-CSF", "il1a": "IL-1alpha", "il1b": "IL-1beta", "il4": "IL-4",
    "il6": "IL-6", "il8": "IL-8", "il10": "IL-10", "il12p70": "IL-12p70", "il17a": "IL-17A", "ifng": "IFN-gama",
    "mip1a": "MIP1-alpha", "opg": "OPG", "tnf": "TNF-alpha",
}  # fmt: skip


@pytest.fixture(scope="module")
def study(run_real_study):
    return run_real_study("periodontitis")


@pytest.fixture(scope="module")
def export(run_real_study):
    return run_real_study("periodontitis-export")


@pytest.fixture(scope="module")
def wells():
    """The workbook's wells: log2 concentration per well, with subject, visit letter and group."""
    path = shared_study("periodontitis") / "periodontitis_raw.xlsx"
    table = pd.read_excel(path, sheet_name="Raw data complete", engine="calamine", na_values=["NaN"])
    table.columns = ["".join(name.split()) for name in table.columns]
    numbers = {
        feature: np.log2(table[f"{written}Calc.Concentration(pg/mL)"].astype(float))
        for feature, written in MEDIATORS.items()
    }
    return pd.DataFrame(numbers).assign(
        sample=table["SampleID"], subject=table["SubjectID"], visit=table["Visit"], group=table["Case:1/Control:2"]
    )


def row(shifts, contrast, feature):
    rows = shifts[(shifts["contrast"] == contrast) & (shifts["feature"] == feature)]
    assert len(rows) == 1
    return rows.iloc[0]


def changes_within(wells, group, feature, without=()):
    """log2 change from the mean of visits a and b to visit f, from both wells of each sample."""
    values = (
        wells[(wells["group"] == group) & ~wells["sample"].isin(without)].groupby(["subject", "visit"])[feature].mean()
    )
    table = values.reset_index().pivot_table(index="subject", columns="visit", values=feature)
    return (table["f"] - (table["a"] + table["b"]) / 2).dropna()


def test_every_complete_pair_reproduces_the_instruments_mean_and_cv(study):
    replicates = study.table("quality/replicates.tsv")
    complete = replicates[replicates["numbers"] == 2]
    assert len(complete) == 4177
    assert (complete["agrees"] == "yes").all()
    assert not (replicates["agrees"] == "no").any()
    audit = study.found("replicate_audit")
    assert "4177 of 4177" in audit["message"].iloc[0]


def test_disagreeing_wells_are_counted(study):
    cv = study.found("replicate_cv").set_index("feature")["message"]
    for feature, count in {
        "gm_csf": "111 of 250",
        "mip1a": "113 of 262",
        "il1a": "30 of 61",
        "il17a": "62 of 289",
    }.items():
        assert count in cv[feature]


def test_samples_and_subjects_are_those_of_the_description(study):
    samples = study.table("quality/samples.tsv")
    counts = samples.groupby(["arm", "visit"])["subject"].nunique()
    assert counts["case"].tolist() == [26, 26, 26, 25, 25, 25]
    assert counts["control"].tolist() == [26, 26, 26, 25, 23, 23]


def test_out_of_range_stays_a_non_detect_to_the_plot(study):
    panel = study.table("normalize/panel.parquet")
    rankl = panel[(panel["feature"] == "rankl") & (panel["status"] == "below")]
    assert len(rankl) == 62
    assert rankl["value"].isna().all()
    assert np.isneginf(rankl["lower"]).all()
    assert np.isfinite(rankl["upper"]).all()
    pairs = study.table("shift/pairs.parquet")
    drawn = pairs[(pairs["feature"] == "rankl") & (pairs["contrast"] == "cases")]
    assert (drawn["target_status"] == "below").any()
    assert (drawn["reference_status"] == "below").any()


def test_rankl_is_joined_by_the_right_of_two_id_columns(study):
    """Joined by the second column only 176 of 302 samples would agree with the authors' own table."""
    authors = pd.read_csv(shared_study("periodontitis") / EXPORT, sep="\t").set_index("SampleID")["RANKL_Conc_Mean"]
    measured = study.table("intake/measurements.parquet")
    rankl = measured[(measured["source"] == "rankl") & (measured["status"] == "observed") & ~measured["excluded"]]
    assert len(rankl) == 237  # 239 numbers, less the two tubes whose label is in doubt
    np.testing.assert_allclose(rankl["value"].astype(float), authors[rankl["sample"]], atol=0.006)


def test_a_sample_that_was_never_measured_has_no_rankl(study):
    """The authors' table has 0 for A11-8f; the assay's sheet has no such sample."""
    panel = study.table("normalize/panel.parquet")
    here = panel[(panel["sample"] == "A11-8f") & (panel["feature"] == "rankl")]
    assert here.empty or (here["status"] == "missing").all()


def test_plate_and_group_are_reported_as_confounded(study):
    confounded = study.found("plate_confounded_with_arm").iloc[0]
    assert confounded["severity"] == "warning"
    assert "strength=strong" in confounded["numbers"]
    assert "plt 3 39 / 0" in confounded["message"]
    assert "50 of 52" in confounded["message"]


@pytest.mark.parametrize("feature", ["gm_csf", "il1b", "il4"])
def test_the_plate_adjusted_difference_stands_beside_the_plain_one(study, feature):
    shifts = study.table("shift/shifts.tsv")
    plain, adjusted = row(shifts, "at_baseline", feature), row(shifts, "at_baseline_by_plate", feature)
    assert plain["method"] == "welch_t"
    assert plain["p_value"] < 0.06
    assert adjusted["p_value"] > 0.1
    assert adjusted["method"] != plain["method"]
    assert abs(adjusted["estimate"]) < abs(plain["estimate"])


def test_nothing_is_decided_or_claimed(study):
    decisions, families = study.table("shift/decisions.tsv"), study.table("shift/families.tsv")
    assert set(decisions["tier"]) == {"exploratory"}
    assert set(decisions["decision"]) == {"none"}
    assert set(families["decision"]) <= {"none", "not_tested"}
    page = study.page()
    assert "Nothing claimed" in page
    assert "can only be associated with" in page


def test_dates_typed_wrongly_are_found_in_the_four_subjects(study):
    assert set(study.found("visits_out_of_order")["subject"]) == {"A11-9", "A12-10", "A12-13", "A12-23"}


def test_the_failed_sample_is_flagged_and_stays(study):
    failed = study.found("failed_sample")
    assert failed["sample"].tolist() == ["A11-8f"]
    assert failed["action"].tolist() == ["flagged"]
    samples = study.table("quality/samples.tsv").set_index("sample")
    assert samples.loc["A11-8f", "kept"] == "yes"


@pytest.mark.parametrize("feature", ["il10", "il12p70"])
def test_both_interleukins_fall_within_cases(study, wells, feature):
    expected = changes_within(wells, "case", feature)
    found = row(study.table("shift/shifts.tsv"), "cases", feature)
    assert found["n_pairs"] == len(expected) == 25
    assert found["estimate"] == pytest.approx(expected.mean(), rel=1e-9)
    assert found["ratio"] == pytest.approx(2 ** expected.mean(), rel=1e-9)
    assert found["p_value"] == pytest.approx(paired_t(expected.to_numpy()[:, None]).p_value[0], rel=1e-9)
    assert found["ratio"] < 0.85
    assert (expected < 0).sum() > 25 / 2


@pytest.mark.parametrize("feature", ["il10", "il12p70"])
def test_the_fall_is_shown_without_the_failed_sample_and_against_controls(study, wells, feature):
    expected = changes_within(wells, "case", feature, without=["A11-8f"])
    with_it = row(study.table("shift/shifts.tsv"), "cases", feature)
    without_it = row(study.table("shift/without_flagged.tsv"), "cases", feature)
    assert without_it["n_pairs"] == len(expected) == 24
    assert without_it["ratio"] == pytest.approx(2 ** expected.mean(), rel=1e-9)
    assert with_it["ratio"] < without_it["ratio"] < 1
    control = changes_within(wells, "control", feature)
    difference = row(study.table("shift/shifts.tsv"), "against_controls", feature)
    expected_difference = changes_within(wells, "case", feature).mean() - control.mean()
    assert difference["estimate"] == pytest.approx(expected_difference, rel=1e-9)
    assert row(study.table("shift/shifts.tsv"), "against_controls_from_baseline", feature)["method"] == "ancova"


def test_nothing_moves_in_the_controls(study):
    shifts = study.table("shift/shifts.tsv")
    for feature in ("il10", "il12p70"):
        assert row(shifts, "controls", feature)["p_value"] > 0.3


def test_the_page_says_what_was_done_to_whom_and_whom_to_cite(study):
    page = study.page()
    assert "apical periodontitis" in page
    assert "tooth extraction" in page
    assert "doi:10.1111/iej.13854" in page
    assert "naltrexone" not in page.lower()


def test_the_page_shows_the_results_with_and_without_the_failed_sample(study):
    page = study.page()
    compared = page[page.index("With and without flagged samples") :]
    for contrast in ("cases: 13 weeks after − before", "change in cases − change in controls"):
        for feature in ("IL-10", "IL-12p70"):
            assert f"{feature} {contrast}" in compared


def test_the_page_shows_the_warnings(study):
    page = study.page()
    for words in ("A11-8f", "plate and arm go together", "4177 of 4177"):
        assert words in page


def test_the_derived_visit_is_found_and_is_no_sample(export):
    derived = export.found("derived_visit").iloc[0]
    assert "visit=v0" in derived["numbers"]
    assert "mean_of=v1+v2" in derived["numbers"]
    assert derived["action"] == "excluded"
    samples = export.table("quality/samples.tsv")
    assert (samples.loc[samples["visit"] == "v0", "kept"] == "no").all()
    panel = export.table("normalize/panel.parquet")
    assert not panel["sample"].isin(samples.loc[samples["visit"] == "v0", "sample"]).any()
    assert panel["sample"].nunique() == 302


@pytest.mark.parametrize(
    ("feature", "constant", "times"),
    [("gm_csf", 0.04, 52), ("il1a", 0.03, 239), ("mip1a", 6.1, 39), ("il17a", 0.05, 11)],
)
def test_substituted_constants_are_found_and_become_non_detects(export, feature, constant, times):
    found = export.findings()
    message = found[(found["feature"] == feature) & found["check"].str.startswith("substituted")]["message"].iloc[0]
    assert f"{constant:g}" in message
    assert f"{times} times" in message
    authors = pd.read_csv(shared_study("periodontitis") / EXPORT, sep="\t")
    column = next(name for name in authors if name.replace("_", "").lower().startswith(
        {"gm_csf": "gmcsf", "il1a": "il1alpha", "mip1a": "mip1alpha", "il17a": "il17a"}[feature]))  # fmt: skip
    constants = authors.loc[(authors["Visit"] != 0) & (authors[column] == constant), "SampleID"]
    panel = export.table("normalize/panel.parquet")
    status = panel[panel["feature"] == feature].set_index("sample")["status"]
    assert len(constants) == times
    assert (status[constants] == "below").all()


def test_zeros_of_rankl_are_non_detects(export):
    panel = export.table("normalize/panel.parquet")
    rankl = panel[panel["feature"] == "rankl"]
    assert (rankl["status"] == "below").sum() >= 63
    assert np.isfinite(rankl.loc[rankl["status"] == "observed", "value"]).all()
    assert "rankl" in " ".join(export.found("not_positive")["message"])


def test_the_failed_sample_is_flagged_in_the_authors_table_too(export):
    assert export.found("failed_sample")["sample"].tolist() == ["A11-8f"]


@pytest.fixture(scope="module")
def authors():
    return pd.read_csv(shared_study("periodontitis") / EXPORT, sep="\t")


@requires_shared
@pytest.mark.parametrize(
    ("column", "case", "control", "student", "welch"),
    [
        ("GM_CSF_Conc_Mean", 0.0572, 0.0971, 0.00017, 0.00017),
        ("IL1beta_Conc_Mean", 0.1695, 0.1942, 0.032, 0.032),
        ("IL4_Conc_Mean", 0.0374, 0.0489, 0.0147, 0.0148),
    ],
)
def test_raw_scale_baseline_p_values_come_back(authors, column, case, control, student, welch):
    """Arithmetic only: plate and group are confounded, so these are not findings about the disease."""
    start = authors[authors["Visit"] == 0]
    cases = start.loc[start["case_control"] == 1, column].to_numpy(float)[:, None]
    controls = start.loc[start["case_control"] == 2, column].to_numpy(float)[:, None]
    assert cases.mean() == pytest.approx(case, abs=6e-5)
    assert controls.mean() == pytest.approx(control, abs=6e-5)
    assert student_t(cases, controls).p_value[0] == pytest.approx(student, rel=0.03)
    assert welch_t(cases, controls).p_value[0] == pytest.approx(welch, rel=0.03)


@requires_shared
@pytest.mark.parametrize(("column", "ratio", "p"), [("IL10", 0.738, 0.039), ("IL_12p70", 0.798, 0.033)])
def test_the_fall_within_cases_comes_back_from_the_authors_baseline(authors, column, ratio, p):
    cases = authors[authors["case_control"] == 1]
    table = cases.pivot_table(index="SubjectID", columns="Visit", values=f"{column}_Conc_Mean")
    change = np.log2(table[6] / table[0]).dropna().to_numpy()[:, None]
    found = paired_t(change)
    assert found.n[0] == 25
    assert 2 ** found.estimate[0] == pytest.approx(ratio, abs=5e-4)
    assert found.p_value[0] == pytest.approx(p, abs=5e-4)
    assert (change < 0).sum() == 17
