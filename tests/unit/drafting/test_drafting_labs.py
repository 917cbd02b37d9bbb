"""A first study file for each of six labs' files loads, has no problems, and the files read under it."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from cytoshift.drafting.draft import draft_study
from cytoshift.intake.read import Intake, read_study
from cytoshift.study.loading import load_study
from cytoshift.study.problem import Problems
from cytoshift.study.problems import problems
from cytoshift.study.study import IntakePlan, Study, stage_sections
from shared_data import requires_shared, shared_study

ROOT = Path(__file__).resolve().parents[3]


def _labs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drafting_labs", Path(__file__).with_name("drafting_labs.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LABS = _labs().LABS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drafted(text: str, folder: Path) -> Study:
    path = folder / "draft.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load_study(path)
    assert problems(loaded.study, loaded.lines, loaded.path, check_files=True) == []
    return loaded.study


def draft_of(lab: str, folder: Path) -> tuple[str, Study]:
    text = draft_study("my-study", LABS[lab](folder))
    return text, drafted(text, folder)


def read(study: Study) -> Intake:
    return read_study(IntakePlan.model_validate(stage_sections(study, IntakePlan)))


@pytest.mark.parametrize("lab", LABS)
def test_a_draft_is_read_without_problems(lab: str, folder: Path) -> None:
    text, study = draft_of(lab, folder)
    intake = read(study)
    assert len(intake.samples) >= 10
    assert len(intake.measurements) + len(intake.cells) >= 2 * len(intake.samples)
    assert "guessed" in text


@pytest.mark.parametrize("lab", LABS)
def test_a_draft_is_the_same_every_time(lab: str, folder: Path) -> None:
    files = LABS[lab](folder)
    assert draft_study("my-study", files) == draft_study("my-study", files)


def test_sample_ids_are_taken_apart_and_standards_left_out(folder: Path) -> None:
    text, study = draft_of("elisa_with_standards", folder)
    (source,) = study.cytokines
    assert study.samples.pattern == "{subject}_{visit}"
    assert source.columns.value == "{analyte} (pg/ml)"
    assert (source.unit, source.decimal, source.where) == ("pg/mL", ",", {"Type": ["Unknown"]})
    assert [visit.id for visit in study.visits] == ["pre", "post"]
    assert study.design == "single_arm"
    assert "STD" not in text


def test_features_of_three_kinds_in_one_sheet_are_kept_apart(folder: Path) -> None:
    _, study = draft_of("everything_in_one_sheet", folder)
    assert {source.columns.value for source in study.cytokines} == {"IL-6", "TNF", "CRP", "IL-17F2"}
    assert {source.columns.value for source in study.cells} == {"WBC", "Neutrophils", "Lymphocytes"}
    assert {source.unit for source in study.cells} == {"10^9/L"}
    assert {outcome.columns.score: outcome.questionnaire for outcome in study.outcomes} == {
        "MFIS": "MFIS",
        "Pain NRS": "NRS",
    }
    assert [(visit.id, visit.time) for visit in study.visits] == [("week_0", 0), ("week_8", 8), ("week_16", 16)]
    assert {covariate.id for covariate in study.samples.covariates} == {"age", "sex"}
    assert study.time_unit == "week"
    assert [arm.id for arm in study.arms if arm.control] == ["placebo"]
    first = study.contrasts[0]
    assert (first.reference, first.target, first.arm, first.against) == ("week_0", "week_16", "ldn_4_5mg", "placebo")


def test_npx_is_known_by_its_column_and_visits_follow_their_numbers(folder: Path) -> None:
    _, study = draft_of("proteins_in_parquet", folder)
    (source,) = study.cytokines
    assert (source.unit, source.columns.value, source.columns.analyte) == ("NPX", "NPX", "Assay")
    assert (source.columns.lower, source.columns.plate, source.columns.sample) == ("LOD", "PlateID", "SampleID")
    assert [visit.id for visit in study.visits] == ["baseline", "6_weeks", "12_weeks"]
    assert [visit.time for visit in study.visits] == [0, 6, 12]


def test_gates_are_fractions_of_their_parent(folder: Path) -> None:
    _, study = draft_of("flow_export", folder)
    (source,) = study.cells
    assert (source.format, source.columns, source.unit) == ("flowjo", None, "%")
    assert (study.samples.from_, study.samples.pattern) == (["flow"], "{subject}_{visit}")
    assert [(visit.id, visit.time) for visit in study.visits] == [("d0", 0), ("d28", 28)]


def test_hostile_names_stay_text(folder: Path) -> None:
    text, study = draft_of("hostile_names", folder)
    assert [arm.written for arm in study.arms] == [["a: {x}"], ['b\' "q" \\ é']]
    assert [visit.written for visit in study.visits] == [["pre: <b>"], ["post #2"]]
    assert "VEGFX: #!" in {source.columns.value for source in study.cytokines}
    assert "did you mean" in text
    assert "vegf_a" in text
    assert "'IL-6 {y}'" in text  # named as left out, in a comment


def test_units_within_one_long_table_become_sources(folder: Path) -> None:
    text, study = draft_of("hospital_workbook", folder)
    assert study.samples.file == "lab.xlsx"
    assert study.samples.date_format == "%d.%m.%Y"
    assert {source.unit for source in study.cells} == {"cells/uL", "%"}
    assert {source.columns.sample for source in (*study.cells, *study.cytokines)} == {"Barcode"}
    healthy, patients = study.arms
    assert (healthy.id, healthy.control, healthy.visits) == ("healthy", True, ["v1"])
    assert patients.visits is None
    assert {contrast.id for contrast in study.contrasts} == {"at_v1", "within_ms"}
    assert study.randomised is False
    assert "PLEASE SAY" in text
    assert "Left out: lab.xlsx [Legend]" in text


@pytest.mark.parametrize("lab", LABS)
def test_no_subject_or_value_is_written_down(lab: str, folder: Path) -> None:
    text, study = draft_of(lab, folder)
    intake = read(study)
    for subject in set(intake.samples["subject"]):
        assert not re.search(rf"(?<![\w.]){re.escape(subject)}(?![\w.])", re.sub("[0-9]+ different", "", text)), subject


def test_the_demo_is_understood_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    study = drafted(draft_study("my-study", ["data/ldn-ms-demo"]), tmp_path)
    (panel,) = study.cytokines
    assert panel.files == ["data/ldn-ms-demo/plates/*.csv"]
    assert (panel.format, panel.columns, panel.unit) == ("xponent", None, "pg/mL")
    assert panel.plates == "data/ldn-ms-demo/plates.csv"
    assert {source.id: (source.format, source.unit) for source in study.cells} == {
        "cbc": ("table", "10^9/L"),
        "flow": ("flowjo", "%"),
    }
    assert {outcome.columns.score for outcome in study.outcomes} == {"MFIS", "Pain NRS", "Spasticity NRS"}
    assert study.samples.columns.type == "type"
    assert study.normalize.plates == "reference_samples"
    assert study.design == "parallel"
    assert [arm.id for arm in study.arms if arm.control] == ["placebo"]
    intake = read(study)
    assert intake.samples["subject"].nunique() - ("" in set(intake.samples["subject"])) == 48
    assert intake.measurements["analyte"].nunique() == 25
    assert set(intake.wells.loc[intake.wells["type"] == "control", "plate"]) == {"P1", "P2", "P3", "P4", "P5"}


@requires_shared
def test_periodontitis_workbook(tmp_path: Path) -> None:
    text = draft_study("my-study", [shared_study("periodontitis") / "periodontitis_raw.xlsx"])
    study = drafted(text, tmp_path)
    panel, rankl = study.cytokines
    assert panel.sheet == "Raw data complete"
    assert panel.columns.value == "{analyte} Calc. Concentration (pg/mL)"
    assert panel.columns.mean == "{analyte} Calc. Conc. Mean (pg/mL)"
    assert panel.columns.cv == "{analyte} Calc. Conc. CV"
    assert (panel.columns.sample, panel.columns.arm) == ("Sample ID", "Case:1/Control:2")
    assert (rankl.sheet, rankl.columns.analyte) == ("RANKL", "=RANKL")
    assert [visit.id for visit in study.visits] == ["a", "b", "c", "d", "e", "f"]
    assert [arm.id for arm in study.arms if arm.control] == ["control"]
    assert "'Sample ID' has 302 different values" in text
    with pytest.raises(Problems, match=re.escape("'A12-22c(b?)' is no sample")) as error:
        read(study)
    assert len(error.value.problems) == 1


@requires_shared
def test_periodontitis_export(tmp_path: Path) -> None:
    files = [shared_study("periodontitis") / "export_txt_6_10_20_results_combi_merged.txt"]
    study = drafted(draft_study("my-study", files), tmp_path)
    (panel,) = study.cytokines
    assert panel.columns.value == "{analyte}_Conc_Mean"
    assert [visit.id for visit in study.visits] == [f"visit_{number}" for number in range(7)]
    assert len(read(study).samples) == 354


@requires_shared
def test_exercise_is_a_crossover_whose_sample_ids_are_no_key(tmp_path: Path) -> None:
    text = draft_study("my-study", [shared_study("exercise") / "data_immune.csv"])
    study = drafted(text, tmp_path)
    (panel,), (cbc,) = study.cytokines, study.cells
    assert study.design == "crossover"
    assert panel.columns.sample is None
    assert "'sample_id' is not used" in text
    assert (cbc.unit, set(cbc.where["analyte"]) & {"NEUTRO_ABS", "TROMBO"}) == ("10^9/L", {"NEUTRO_ABS", "TROMBO"})
    assert [visit.time for visit in study.visits] == [0, 0.5, 1, 1.5, 2, 3, 6, 24]
    assert study.time_unit == "hour"
    assert len(read(study).samples) == 600


@requires_shared
def test_nk_cells_are_events_and_fractions(tmp_path: Path) -> None:
    study = drafted(draft_study("my-study", [shared_study("exercise") / "data_nk.csv"]), tmp_path)
    units = {source.columns.value: source.unit for source in study.cells}
    assert units["Count{population}"] == "events"
    assert units["Perc{population}"] == "fraction"
    assert not any("MeanFlu" in value for value in units)
    assert study.time_unit == "minute"
