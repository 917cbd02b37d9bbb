"""Six kinds of study that must be sayable, from their files to the report: was each of them understood rightly?"""

import json
import re
import subprocess
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import plan_data
from checkouts import ROOT, Checkout, copy_workflow
from cytoshift.frames import read_table
from cytoshift.study.loading import load_study
from cytoshift.tables import TABLES

pytestmark = pytest.mark.workflow

PLANS = sorted((ROOT / "tests" / "workflow" / "plans").glob("*.yaml"))
IDS = {plan.stem: plan.stem.replace("_", "-") for plan in PLANS}
ODD_FILE = "data/olink_cohorts/npx_2023.parquet"
PLACES = {
    "values": "quality/values.parquet",
    "samples": "quality/samples.tsv",
    "panel": "normalize/panel.parquet",
    "plate_factors": "normalize/plate_factors.tsv",
    "shifts": "shift/shifts.tsv",
    "pairs": "shift/pairs.parquet",
    "arm_changes": "shift/arm_changes.tsv",
    "decisions": "shift/decisions.tsv",
    "families": "shift/families.tsv",
}


@dataclass(frozen=True)
class Runs:
    """One folder: first the study with a file in another unit was tried, then, without that file, all six were run."""

    checkout: Checkout
    refused: subprocess.CompletedProcess[str]
    left_by_the_refused: frozenset[str]

    def table(self, plan: str, name: str) -> pd.DataFrame:
        """A table of a study's results."""
        return read_table(self.checkout.folder / "results" / IDS[plan] / PLACES[name], TABLES[name])

    def findings(self, plan: str) -> pd.DataFrame:
        """Everything that was noticed about a study."""
        folder = self.checkout.folder / "results" / IDS[plan]
        tables = [read_table(path, TABLES["findings"]) for path in sorted(folder.glob("*/findings.tsv"))]
        return pd.concat(tables, ignore_index=True)

    def shifts(self, plan: str, contrast: str) -> pd.DataFrame:
        """Rows of one contrast, by feature."""
        table = self.table(plan, "shifts")
        return table[table["contrast"] == contrast].set_index("feature")


def plan_paths(plans: list[str]) -> str:
    return "studies=" + json.dumps([f"plans/{plan}.yaml" for plan in plans])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("plans") / "checkout"
    copy_workflow(folder)
    (folder / "plans").mkdir()
    for plan in PLANS:
        (folder / "plans" / plan.name).write_bytes(plan.read_bytes())
        plan_data.WRITERS[plan.stem](folder)
    checkout = Checkout(folder)
    refused = checkout.snakemake("all", "--config", plan_paths(["olink_cohorts"]))
    left = frozenset(checkout.results())
    (folder / ODD_FILE).unlink()
    run = checkout.snakemake("all", "--config", plan_paths(list(IDS)))
    assert run.returncode == 0, run.stdout + run.stderr
    return Runs(checkout, refused, left)


def near(found: float, planted: float, factor: float = 1.3) -> bool:
    """Is a ratio within a factor of the one the data were made with?"""
    return abs(np.log(found / planted)) < np.log(factor)


@pytest.mark.parametrize("plan", IDS)
def test_every_study_gets_a_report_a_workbook_and_a_manifest(runs: Runs, plan: str) -> None:
    folder = runs.checkout.folder / "results" / IDS[plan] / "report"
    title = load_study(ROOT / "tests" / "workflow" / "plans" / f"{plan}.yaml").study.title
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert title in re.sub(r"\s+", " ", page)
    assert "simulated" in page.casefold()
    assert (folder / "tables.xlsx").read_bytes().startswith(b"PK")
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    data = sorted((runs.checkout.folder / "data" / plan).iterdir())
    assert [file.name for file in data if file.name not in manifest] == []


def test_one_source_in_two_units_is_refused_with_one_line_and_without_results(runs: Runs) -> None:
    said = runs.refused.stdout + runs.refused.stderr
    assert runs.refused.returncode != 0
    assert "Traceback" not in said
    lines = {line.strip() for line in said.splitlines() if ODD_FILE in line and "unit" in line}
    assert len(lines) == 1, said
    line = lines.pop()
    for part in ('row 2, column "Unit"', "'pg/mL'", "'NPX'", "one source has one unit"):
        assert part in line, f"{part} is not in {line!r}"
    assert not [name for name in runs.left_by_the_refused if name.startswith(IDS["olink_cohorts"])]


class TestOpenLabelMsd:
    """One wide workbook with duplicate wells and a blood-count sheet; the workbook says whose each well is."""

    def test_duplicate_wells_are_one_value_per_patient_and_visit(self, runs: Runs) -> None:
        samples = runs.table("open_label_msd", "samples")
        assert (len(samples), samples["subject"].nunique()) == (16, 8)
        values = runs.table("open_label_msd", "values")
        wells = values.loc[values["layer"] == "cytokine"]
        assert len(wells) == 16 * len(plan_data.MSD_LEVELS)
        assert set(wells["wells"]) == {2}
        assert not wells["as_written"].str.contains("Signal").any()

    def test_a_text_under_the_limit_stays_a_non_detect(self, runs: Runs) -> None:
        values = runs.table("open_label_msd", "values")
        below = values[values["status"] == "below"]
        assert set(below["feature"]) == {"il17a"}
        assert below["value"].isna().all()
        assert (below["upper"] >= 0.99 * plan_data.MSD_LOD_IL17A).all()

    def test_the_blood_count_sheet_is_linked_and_harmonised(self, runs: Runs) -> None:
        values = runs.table("open_label_msd", "values")
        neutrophils = values[values["feature"] == "neutrophils"]
        assert set(neutrophils["unit"]) == {"cells/uL"}
        assert 3000 < neutrophils["value"].median() < 6000
        shifts = runs.shifts("open_label_msd", "week_12")
        assert shifts.loc["neutrophils", "n_pairs"] == shifts.loc["nlr", "n_pairs"] == 7
        assert shifts.loc["il6", "n_pairs"] == 8

    def test_the_fall_is_found_and_decided_exactly(self, runs: Runs) -> None:
        shifts = runs.shifts("open_label_msd", "week_12")
        written = shifts.set_index("as_written")["ratio"]
        assert [name for name, ratio in plan_data.MSD_RATIOS.items() if not near(written[name], ratio)] == []
        family = runs.table("open_label_msd", "families").set_index("endpoint").loc["inflammation"]
        assert set(family["features"].split(",")) == {"il6", "tnf", "il1b", "ifng", "il8", "il17a"}
        assert family["p_value"] == pytest.approx(2 / 2**8)
        assert family["decision"] == "rejected"


class TestCrossoverFiveConditions:
    """Each person passes five conditions, eight times each; changes are set against those at rest."""

    def test_each_expands_to_a_contrast_per_time_and_condition(self, runs: Runs) -> None:
        contrasts = list(dict.fromkeys(runs.table("crossover_five_conditions", "shifts")["contrast"]))
        expanded = [f"load.{time}.{arm}" for time in ("h1", "h3") for arm in plan_data.EXERCISE_RATIOS]
        assert contrasts == [*expanded, "drift", "late"]

    def test_one_person_without_a_condition_is_lost_there_only(self, runs: Runs) -> None:
        shifts = runs.table("crossover_five_conditions", "shifts")
        found = shifts.groupby("contrast")["n_pairs"].agg(set)
        without = {"load.h1.mixed", "load.h3.mixed"}
        assert dict(found) == {name: {7} if name in without else {8} for name in found.index}
        pairs = runs.table("crossover_five_conditions", "pairs")
        lost = pairs[~pairs["used"]]
        assert set(lost["subject"]) == {"S3"}
        assert lost["reason"].str.contains("no sample at h0").all()

    def test_the_drift_at_rest_is_taken_off_and_shown(self, runs: Runs) -> None:
        for condition, planted in plan_data.EXERCISE_RATIOS.items():
            ratio = runs.shifts("crossover_five_conditions", f"load.h3.{condition}").loc["neutrophils", "ratio"]
            assert near(ratio, planted, 1.12), f"{condition}: {ratio}"
        drift = runs.shifts("crossover_five_conditions", "drift").loc["neutrophils"]
        assert near(drift["ratio"], plan_data.DRIFT_AT_REST, 1.12)
        findings = runs.findings("crossover_five_conditions").set_index("check")
        assert "Neutrophils" in " ".join(findings.loc[["control_moved"], "message"])

    def test_the_mean_of_two_late_times_is_back_at_the_start(self, runs: Runs) -> None:
        late = runs.shifts("crossover_five_conditions", "late").loc["neutrophils"]
        assert late["ratio_low"] < 1 < late["ratio_high"]


class TestOlinkCohorts:
    """Without the odd file the same plan runs: two cohorts have results, the third says why it has none."""

    def test_npx_is_not_logged_twice(self, runs: Runs) -> None:
        values, panel = runs.table("olink_cohorts", "values"), runs.table("olink_cohorts", "panel")
        keys = ["sample", "feature"]
        both = values.merge(panel, on=keys, suffixes=("_measured", "_analysed"), validate="one_to_one")
        assert len(both) == 2 * 4 * 2 * 25
        np.testing.assert_array_equal(both["value_measured"], both["value_analysed"])

    def test_each_cohort_has_its_own_pairs(self, runs: Runs) -> None:
        pairs = runs.table("olink_cohorts", "pairs")
        used = pairs[pairs["used"]]
        for year in ("2021", "2022"):
            subjects = set(used.loc[used["contrast"] == f"c{year}", "subject"])
            assert subjects == {f"{year}-{number}" for number in range(1, 5)}
            shifts = runs.shifts("olink_cohorts", f"c{year}")
            assert len(shifts) == 25
            assert shifts["estimate"].iloc[:12].mean() == pytest.approx(plan_data.NPX_SHIFT, abs=0.1)
            assert shifts["estimate"].iloc[12:].mean() == pytest.approx(0, abs=0.1)

    def test_the_cohort_without_a_file_is_empty_with_a_reason(self, runs: Runs) -> None:
        shifts = runs.shifts("olink_cohorts", "c2023")
        assert shifts["estimate"].isna().all()
        assert set(shifts["n_pairs"]) == {0}
        assert (shifts["note"] != "").all()
        findings = runs.findings("olink_cohorts")
        without = findings[findings["check"] == "sample_without_data"]
        assert set(without["subject"]) == {f"2023-{number}" for number in range(1, 5)}
        assert len(without) == 8


class TestFlowAlone:
    """Fractions and absolute counts from two tubes, no cytokines; the tube's name says patient and visit."""

    def test_fractions_and_counts_have_their_own_scales(self, runs: Runs) -> None:
        shifts = runs.shifts("flow_alone", "week_16")
        assert set(shifts["layer"]) == {"cell"}
        assert dict(shifts["scale"]) == {
            "treg": "logit",
            "th17": "logit",
            "cd4_naive": "logit",
            "cd4_t_cells@flow": "logit",
            "cd4_t_cells@trucount": "log2",
            "cd8_t_cells": "log2",
            "b_cells": "log2",
        }
        assert set(shifts["n_pairs"]) == {10}

    def test_percentages_became_fractions(self, runs: Runs) -> None:
        values = runs.table("flow_alone", "values")
        treg = values[values["feature"] == "treg"]
        assert set(treg["unit"]) == {"fraction"}
        assert treg["value"].between(0.01, 0.25).all()

    def test_only_the_population_that_grew_is_decided(self, runs: Runs) -> None:
        treg = runs.shifts("flow_alone", "week_16").loc["treg"]
        assert near(treg["ratio"], plan_data.TREG_ODDS, 1.15)
        decisions = runs.table("flow_alone", "decisions")
        primary = decisions[decisions["endpoint"] == "regulatory"].set_index("feature")["decision"]
        assert dict(primary) == {"treg": "rejected", "th17": "not_rejected"}


class TestPlatesWithLayouts:
    """The plate files know wells only; layouts, lots, limits and bridge samples are files beside them."""

    def test_bridge_samples_align_the_plates_and_are_nobody(self, runs: Runs) -> None:
        offsets = runs.table("plates_with_layouts", "plate_factors").pivot_table(
            index="feature", columns="plate", values="offset"
        )
        for plate, planted in plan_data.PLATE_RATIOS.items():
            found = offsets[plate] - offsets["P1"]
            np.testing.assert_allclose(found, -np.log2(planted), atol=0.2)
        pairs = runs.table("plates_with_layouts", "pairs")
        assert set(pairs["subject"]) == {f"Pt{number:02d}" for number in range(1, 17)}
        assert set(runs.shifts("plates_with_layouts", "week_16")["n_pairs"]) == {15}
        arms = runs.table("plates_with_layouts", "arm_changes").groupby("arm")["n_pairs"].agg(set)
        assert dict(arms) == {"ldn": {8}, "placebo": {7}}

    def test_what_the_plan_excludes_is_gone_and_the_rest_stays(self, runs: Runs) -> None:
        pairs = runs.table("plates_with_layouts", "pairs")
        lost = pairs[~pairs["used"]]
        assert set(lost["subject"]) == {"Pt04"}
        values = runs.table("plates_with_layouts", "values")
        wells = values[(values["plate"] == "P3") & ~values["sample"].str.startswith("BR")].set_index("sample")["wells"]
        assert set(wells["S30"]) == {1}
        assert set(wells.drop("S30")) == {2}
        findings = runs.findings("plates_with_layouts")
        assert set(findings.loc[findings["check"] == "exclusion", "message"].str.extract(r": (\w+)")[0]) == {
            "haemolysed",
            "bubble",
        }

    def test_the_layouts_dilution_raises_the_limit(self, runs: Runs) -> None:
        values = runs.table("plates_with_layouts", "values").set_index(["sample", "feature"])
        assert values.loc[("S31", "il1b"), "status"] == "below"
        assert values.loc[("S31", "il1b"), "upper"] == pytest.approx(0.1 * 4)

    def test_the_difference_between_the_arms_is_found(self, runs: Runs) -> None:
        shifts = runs.shifts("plates_with_layouts", "week_16").set_index("as_written")
        assert set(shifts["method"]) <= {"ancova", "censored_ancova"}
        assert (shifts["method"] == "ancova").any()
        found = shifts["ratio"]
        assert [name for name, ratio in plan_data.LUMINEX_RATIOS.items() if not near(found[name], ratio)] == []
        primary = runs.table("plates_with_layouts", "families").set_index("endpoint").loc["il6"]
        assert primary["decision"] == "rejected"


class TestHealthyControlsOnce:
    """A control group that was measured once is compared there, and is missed nowhere."""

    def test_healthy_people_are_never_lost_pairs(self, runs: Runs) -> None:
        findings = runs.findings("healthy_controls_once")
        lost = findings[findings["check"].isin(["subject_without_pair", "missed_visit"])]
        assert set(lost["subject"]) - {""} == {"MS10"}
        assert not findings["message"].str.contains(r"\bHC\d").any()
        pairs = runs.table("healthy_controls_once", "pairs")
        treatment = pairs[pairs["contrast"] == "treatment"]
        assert not treatment["subject"].str.startswith("HC").any()
        assert set(treatment.loc[~treatment["used"], "subject"]) == {"MS10"}

    def test_the_groups_are_compared_where_both_were_measured(self, runs: Runs) -> None:
        shifts = runs.shifts("healthy_controls_once", "at_start")
        cytokines = shifts[shifts["layer"] == "cytokine"]
        assert set(zip(cytokines["n_reference"], cytokines["n_target"], strict=True)) == {(8, 10)}
        assert set(cytokines["method"]) == {"welch_t"}
        planted = np.log2(plan_data.ELISA_RATIO_DISEASED)
        assert cytokines["estimate"].mean() == pytest.approx(planted, abs=0.25)
        assert "reference arm" in shifts.loc["fatigue", "note"]

    def test_patients_fall_and_feel_better(self, runs: Runs) -> None:
        shifts = runs.shifts("healthy_controls_once", "treatment")
        cytokines = shifts[shifts["layer"] == "cytokine"]
        assert all(near(ratio, plan_data.ELISA_RATIO_TREATED) for ratio in cytokines["ratio"])
        assert set(shifts["n_pairs"]) == {9}
        assert shifts.loc["fatigue", "scale"] == "identity"
        assert shifts.loc["fatigue", "estimate"] == pytest.approx(-8, abs=3.5)
        assert np.isnan(shifts.loc["fatigue", "ratio"])
