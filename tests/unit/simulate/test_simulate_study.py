"""A simulated study is the same every time, hides the truth it states, and looks like what a laboratory sends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cytoshift.simulate.assay import Defects, Hook
from cytoshift.simulate.demo import DEMO_SEED, ldn_ms_demo, tiny_design
from cytoshift.simulate.design import Arm, Loss, Plate, StudyDesign, design_problems
from cytoshift.simulate.latent import centre_on_scale, draw_factors, draw_markers
from cytoshift.simulate.people import draw_subjects
from cytoshift.simulate.plates import write_value
from cytoshift.simulate.study import SimulatedStudy, simulate_study, true_differences
from cytoshift.simulate.writing import study_files

LARGE = 600


@pytest.fixture(scope="module")
def demo() -> SimulatedStudy:
    return simulate_study(ldn_ms_demo(), DEMO_SEED)


@pytest.fixture(scope="module")
def large() -> SimulatedStudy:
    """The demo with 600 patients per arm, on as many plates as that takes."""
    design = ldn_ms_demo()
    plates = tuple(
        replace(design.plates[i % 5], id=f"P{i + 1}", file=f"plate_{i + 1}.csv") for i in range(LARGE * 2 // 10 + 1)
    )
    arms = tuple(replace(arm, subjects=LARGE) for arm in design.arms)
    return simulate_study(replace(design, arms=arms, plates=plates), 7)


def all_wells(study: SimulatedStudy) -> pd.DataFrame:
    """The instrument's result for every patient well of a study, columns as the analytes are written; NaN: none."""
    parts = []
    for raw in study.raw.values():
        table = pd.DataFrame(raw.result, columns=list(raw.analytes))
        parts.append(table.assign(Sample=raw.samples, Plate=raw.plate.id))
    patients = study.samples.loc[study.samples["type"] == "sample", "sample_id"]
    wells = pd.concat(parts, ignore_index=True)
    return wells[wells["Sample"].isin(patients)].reset_index(drop=True)


def share_below(study: SimulatedStudy) -> dict[str, float]:
    """Share of patient wells of each feature whose signal is less than three background SDs above the blanks."""
    patients = set(study.samples.loc[study.samples["type"] == "sample", "sample_id"])
    nets = [raw.net[[name in patients for name in raw.samples]] for raw in study.raw.values()]
    below = (np.vstack(nets) < 3 * study.design.assay.background_sd).mean(axis=0)
    return {analyte.feature: float(share) for analyte, share in zip(study.design.analytes, below, strict=True)}


def arm_difference(study: SimulatedStudy, values: pd.Series, target: str) -> tuple[float, float]:
    """Difference between the arms' mean changes and its standard error, from values indexed by sample."""
    sheet = study.samples[study.samples["type"] == "sample"].set_index("sample_id")
    written = {visit.id: visit.written for visit in study.design.visits}
    before, after = (
        values.reindex(rows.index).set_axis(rows["patient"])
        for rows in (sheet[sheet["visit"] == written["baseline"]], sheet[sheet["visit"] == written[target]])
    )
    arm = sheet.drop_duplicates("patient").set_index("patient")["arm"]
    ldn, placebo = ((after - before)[arm == name].dropna() for name in ("ldn", "placebo"))
    return float(ldn.mean() - placebo.mean()), float(np.hypot(ldn.sem(), placebo.sem()))


def truth_of(study: SimulatedStudy, target: str) -> pd.DataFrame:
    truth = study.truth
    return truth[(truth["target"] == target) & (truth["against"] == "placebo")].set_index("feature")


def test_same_seed_gives_the_same_files_and_another_seed_does_not(demo: SimulatedStudy) -> None:
    again = study_files(simulate_study(ldn_ms_demo(), DEMO_SEED))
    other = study_files(simulate_study(ldn_ms_demo(), DEMO_SEED + 1))
    assert again == study_files(demo)
    assert other["plates/plate_1.csv"] != again["plates/plate_1.csv"]
    assert other["truth.tsv"] == again["truth.tsv"]


def test_other_plates_leave_the_patients_as_they_were(demo: SimulatedStudy) -> None:
    design = ldn_ms_demo()
    noisier = simulate_study(replace(design, assay=replace(design.assay, pipetting_sd=0.5)), DEMO_SEED)
    pd.testing.assert_frame_equal(noisier.values, demo.values)
    pd.testing.assert_frame_equal(noisier.samples, demo.samples)


@pytest.mark.parametrize("target", ["week_8", "week_16"])
def test_true_values_of_a_large_study_differ_by_the_truth(large: SimulatedStudy, target: str) -> None:
    for feature, row in truth_of(large, target).iterrows():
        estimate, se = arm_difference(large, large.values[str(feature)], target)
        assert estimate == pytest.approx(row["true_difference"], abs=4 * se), feature
        assert se < 0.08 or row["scale"] == "identity", feature


def test_files_of_a_large_study_give_the_truth_back(large: SimulatedStudy) -> None:
    wells = all_wells(large)
    truth = truth_of(large, "week_16")
    below = share_below(large)
    recovered = 0
    for analyte in large.design.analytes:
        if below[analyte.feature] > 0.002 or analyte.feature == "crp":  # crp: one sample lies above the range
            continue
        values = np.log2(wells[analyte.written]).groupby(wells["Sample"]).mean()
        estimate, se = arm_difference(large, values, "week_16")
        assert estimate == pytest.approx(truth.loc[analyte.feature, "true_difference"], abs=4 * se), analyte.written
        assert se < 0.08
        recovered += 1
    assert recovered >= 12


def test_cell_files_of_a_large_study_give_the_truth_back(large: SimulatedStudy) -> None:
    truth = truth_of(large, "week_16")
    counts = large.counts.set_index("Sample")
    fractions = large.fractions.set_index("Sample") / 100
    neutrophils = np.log2(counts["Neutrophils"])
    leukocytes = np.log2(counts["Leukocytes"])
    th17 = np.log(fractions["Th17"] / (1 - fractions["Th17"]))
    for name, values in {"neutrophils": neutrophils, "leukocytes": leukocytes, "th17": th17}.items():
        estimate, se = arm_difference(large, values, "week_16")
        assert estimate == pytest.approx(truth.loc[name, "true_difference"], abs=4 * se), name
        assert se < 0.08


def test_markers_of_one_factor_correlate_as_their_loadings_say(large: SimulatedStudy) -> None:
    baseline = large.values[large.values.index.str.endswith("V1")]
    inflamed = baseline["il12p70"].corr(baseline["il17a"])
    assert inflamed == pytest.approx(0.5 * 0.5, abs=0.06)
    assert baseline["pdgf_bb"].corr(baseline["il5"]) == pytest.approx(0.0, abs=0.06)


def test_non_detects_are_none_some_and_most_as_intended(demo: SimulatedStudy, large: SimulatedStudy) -> None:
    for study in (demo, large):
        below = share_below(study)
        assert all(below[name] < 0.01 for name in ("tnf", "mcp1", "ip10", "rantes", "crp", "il8", "beta_endorphin"))
        assert all(0.01 < below[name] < 0.3 for name in ("il2", "il5", "il17a"))
        assert 0.3 < below["il1b"] < 0.7
        assert all(below[name] > 0.7 for name in ("il4", "gm_csf"))


def test_people_can_be_told_apart_by_most_of_their_markers(large: SimulatedStudy) -> None:
    values = large.values[[analyte.feature for analyte in large.design.analytes]]
    placebo = large.samples.loc[large.samples["arm"] == "placebo", "sample_id"]
    values = values.loc[values.index.isin(placebo)].drop(columns="crp")
    by_person = values.groupby(values.index.str.split("-").str[0])
    within = by_person.var().mean()
    between = by_person.mean().var() - within / 3
    assert np.median(between / (between + within)) == pytest.approx(0.8, abs=0.03)
    assert (between / (between + within) > 0.6).sum() >= 20


def test_a_printed_number_lies_within_the_limits_of_its_plate() -> None:
    study = simulate_study(tiny_design(), DEMO_SEED)
    limits = study.limits.set_index("analyte")
    table = study.wells["plate_1.csv"]
    named = 0
    for analyte in study.design.analytes:
        cells = table[f"{analyte.written} Calc. Concentration"]
        number = pd.to_numeric(cells, errors="coerce").dropna()
        assert number.between(limits.loc[analyte.written, "lower"], limits.loc[analyte.written, "upper"]).all()
        below = cells[cells.str.startswith("<")]
        assert (below.str[1:].astype(float) == limits.loc[analyte.written, "lower"]).all()
        named += len(below)
    assert named > 0


def test_leukocytes_are_the_sum_of_the_differential(demo: SimulatedStudy) -> None:
    parts = [count.written for count in demo.design.counts if count.in_total]
    assert np.allclose(demo.counts["Leukocytes"], demo.counts[parts].sum(axis=1), atol=1e-9)
    assert demo.counts["Platelets"].between(80, 700).all()
    assert len(demo.counts) == (demo.samples["type"] == "sample").sum()


def test_fractions_fit_into_their_parent(large: SimulatedStudy) -> None:
    table = large.fractions
    assert (table["CD4+ T cells"] + table["CD8+ T cells"] < 100).all()
    assert (table[["Treg", "Th1", "Th2", "Th17"]] > 0).all(axis=None)


def test_scores_are_whole_numbers_in_range(large: SimulatedStudy) -> None:
    for outcome in large.design.outcomes:
        scores = large.outcomes[outcome.written]
        assert scores.dtype == np.dtype(int)
        assert scores.between(outcome.lowest, outcome.highest).all()


def test_every_patient_stays_on_one_plate_and_arms_are_balanced_over_plates(demo: SimulatedStudy) -> None:
    wells = all_wells(demo)
    patient = wells["Sample"].str.split("-").str[0]
    assert len(wells[["Plate"]].assign(patient=patient).drop_duplicates()) == 48
    arm = demo.samples.drop_duplicates("patient").set_index("patient")["arm"]
    plate = wells.groupby(patient)["Plate"].first()
    table = pd.crosstab(plate, arm.reindex(plate.index))
    assert sorted(table["ldn"]) == sorted(table["placebo"]) == [4, 5, 5, 5, 5]


def test_the_place_on_the_plate_does_not_follow_the_visit(demo: SimulatedStudy) -> None:
    for raw in demo.raw.values():
        names = pd.Series(raw.samples)
        visit = names.str.extract(r"^P\d+-V(\d)$")[0].dropna().astype(int)
        assert abs(visit.corr(pd.Series(visit.index, index=visit.index), method="spearman")) < 0.35
        assert not names[visit.index].is_monotonic_increasing


def test_bridges_are_on_every_plate_and_always_measurable(demo: SimulatedStudy) -> None:
    bridges = demo.samples.loc[demo.samples["type"] == "bridge", "sample_id"].tolist()
    assert len(bridges) == 2
    for raw in demo.raw.values():
        for bridge in bridges:
            wells = raw.wells_of(bridge)
            assert len(wells) == 2
            assert (raw.concentration[wells] > raw.expected[-1]).all()
            assert np.isfinite(raw.result[wells]).all()
        assert len(set(raw.wells)) == len(raw.wells)


def test_randomisation_is_balanced_in_every_site_and_the_lost_visits_are_lost(demo: SimulatedStudy) -> None:
    patients = demo.samples[demo.samples["type"] == "sample"]
    once = patients.drop_duplicates("patient")
    table = pd.crosstab(once["site"], once["arm"])
    assert (table["ldn"] == table["placebo"]).all()
    assert table["ldn"].to_dict() == {"Northfield": 10, "Harbour": 8, "Lakeside": 6}
    visits = patients.groupby("patient")["visit"].nunique()
    assert (visits < 3).sum() == 1
    assert patients["visit"].value_counts().to_dict() == {"V1": 48, "V2": 48, "V3": 47}


def test_visits_follow_one_another(demo: SimulatedStudy) -> None:
    patients = demo.samples[demo.samples["type"] == "sample"].sort_values(["patient", "visit"])
    days = pd.to_datetime(patients["draw_date"]).groupby(patients["patient"]).diff().dropna().dt.days
    assert days.min() >= 50


def test_truth_names_the_control_arm_only_where_there_is_one() -> None:
    truth = true_differences(ldn_ms_demo())
    fatigue = truth[(truth["feature"] == "fatigue") & (truth["target"] == "week_16")]
    by_arm = {(row.arm, row.against): row.true_difference for row in fatigue.itertuples()}
    assert by_arm == {("placebo", ""): -2.5, ("ldn", ""): -7.0, ("ldn", "placebo"): -4.5}
    alone = true_differences(tiny_design())
    assert set(alone["against"]) == {""}
    assert alone.loc[alone["feature"] == "il6", "true_difference"].tolist() == [pytest.approx(np.log2(0.55))]


def test_tiny_is_six_subjects_twice_with_a_blood_count() -> None:
    study = simulate_study(tiny_design(), DEMO_SEED)
    assert len(study.samples) == 12
    assert study.wells["plate_1.csv"].shape == (24, 2 + 4)
    assert sorted(study_files(study)) == [
        "README.md",
        "cbc.csv",
        "lod.csv",
        "plates.csv",
        "plates/plate_1.csv",
        "samples.csv",
        "truth.tsv",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.2149, "3.21"), (1.196, "1.20"), (1.194, "<1.20"), (100.004, "100.00"), (100.2, "OOR >"), (np.nan, "")],
)
def test_a_value_is_written_as_the_instrument_does(value: float, text: str) -> None:
    assert write_value(value, 1.2, 100.0, ldn_ms_demo().analytes[0], "<{limit}") == text


def test_software_without_limits_in_its_files_writes_out_of_range() -> None:
    assert write_value(0.2, 1.2, 100.0, ldn_ms_demo().analytes[0], "OOR <") == "OOR <"


def _il6(design: StudyDesign, **changes: object) -> StudyDesign:
    analytes = tuple(replace(a, **changes) if a.feature == "il6" else a for a in design.analytes)
    return replace(design, analytes=analytes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: replace(d, arms=(*d.arms, d.arms[0])), "arm 'placebo' appears more than once"),
        (lambda d: replace(d, plates=()), "at least one arm, one visit and one plate"),
        (lambda d: replace(d, arms=tuple(replace(a, control=True) for a in d.arms)), "only one arm can be the control"),
        (lambda d: replace(d, losses=(Loss(arm="ldn", visits=("week_9",), patients=1),)), "no such arm or visit"),
        (lambda d: replace(d, losses=(Loss(arm="ldn", visits=("week_8",), patients=25),)), "to lose visits of 25"),
        (lambda d: _il6(d, loadings={"a": 0.9, "b": 0.9}), "IL-6: the squared loadings add up to more than 1"),
        (lambda d: _il6(d, lower=9000.0), "IL-6: limits must satisfy"),
        (
            lambda d: replace(d, assay=replace(d.assay, defects=Defects(hook=Hook(plate="P9", feature="mcp1")))),
            "hook: no such plate in the study: 'P9'",
        ),
        (lambda d: _il6(d, centre=0.0), "IL-6: centre 0.0 must be above 0"),
        (lambda d: _il6(d, effects={"LDN": (0.0, 0.0, 0.0)}), "an effect is given for 'LDN', which is not an arm"),
        (lambda d: _il6(d, effects={"ldn": (0.0, 1.0)}), "one value for each of the 3 visits"),
        (
            lambda d: replace(d, counts=(replace(d.counts[0], effects={"ldn": (0.0, 1.0, 1.0)}), *d.counts[1:])),
            "the parts of a total must share their effects",
        ),
        (
            lambda d: replace(d, fractions=tuple(replace(f, effects={"ldn": (0.0, 1.0, 1.0)}) for f in d.fractions)),
            "CD8+ T cells: populations that share a remainder cannot have effects",
        ),
        (lambda d: replace(d, fractions=d.fractions[2:]), "comes after 'CD4+ T cells', which is not an earlier"),
    ],
)
def test_a_design_without_a_stateable_truth_is_refused(change, said: str) -> None:  # type: ignore[no-untyped-def]
    design = change(ldn_ms_demo())
    assert any(said in line for line in design_problems(design)), design_problems(design)
    with pytest.raises(ValueError, match="cannot be simulated"):
        simulate_study(design, 1)


def test_a_plate_that_is_too_full_is_refused() -> None:
    design = replace(tiny_design(), arms=(Arm(id="ldn", subjects=21),))
    with pytest.raises(ValueError, match="42 samples in 2 wells each and has room for 40: give the study more plates"):
        simulate_study(design, 1)
    two = replace(design, plates=(*design.plates, Plate(id="P2", file="plate_2.csv", lot="L1", run_date="2025-03-12")))
    assert {len(table) for table in simulate_study(two, 1).wells.values()} == {40, 44}


def test_a_marker_keeps_its_centre_and_both_spreads() -> None:
    design = replace(ldn_ms_demo(), arms=(Arm(id="placebo", subjects=20000, control=True), Arm(id="ldn", subjects=0)))
    generator = np.random.Generator(np.random.PCG64(3))
    subjects = draw_subjects(design, generator)
    marker = replace(design.analytes[5], age_slope=0.0)
    factors = draw_factors(design.factors, len(subjects), 3, generator)
    values = draw_markers([marker], subjects, 3, factors, generator)[:, :, 0]
    assert values.mean() == pytest.approx(centre_on_scale(marker), abs=0.02)
    within = values.var(axis=1, ddof=1).mean()
    assert np.sqrt(within) == pytest.approx(marker.within_sd, rel=0.02)
    assert np.sqrt(values.mean(axis=1).var(ddof=1) - within / 3) == pytest.approx(marker.between_sd, rel=0.02)
