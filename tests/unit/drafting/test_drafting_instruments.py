"""Does a first study file name instruments' exports as what they are, their plates, and whose samples they hold?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.drafting.draft import draft_study
from cytoshift.intake.read import Intake, read_study
from cytoshift.study.loading import load_study
from cytoshift.study.problem import Problems
from cytoshift.study.problems import problems
from cytoshift.study.study import IntakePlan, Study, stage_sections
from raw_study import write_raw_study


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drafted(files: Sequence[str | Path]) -> tuple[str, Study]:
    """The draft's text and what it says, after the checks of a plan and of its files."""
    text = draft_study("my-study", files)
    path = Path("draft.yaml")
    path.write_text(text, encoding="utf-8")
    loaded = load_study(path)
    assert problems(loaded.study, loaded.lines, loaded.path, check_files=True) == []
    return text, loaded.study


def read(study: Study) -> Intake:
    return read_study(IntakePlan.model_validate(stage_sections(study, IntakePlan)))


def npx(sheet: bool) -> pd.DataFrame:
    """An Olink export of four people, two visits and three assays; with ids that say nothing where there is a sheet."""
    values = iter(np.random.default_rng(3).normal(5, 1, 24).round(4))
    return pd.DataFrame(
        {
            "SampleID": f"T{2 * subject + visit}" if sheet else f"S{subject}_V{visit}",
            "OlinkID": f"OID0000{assay}",
            "UniProt": f"P0000{assay}",
            "Assay": name,
            "PlateID": "Plate_1",
            "NPX": next(values),
            "LOD": 0.5,
            "QC_Warning": "Pass",
        }
        for subject in range(4)
        for visit in (1, 2)
        for assay, name in enumerate(("IL6", "TNF", "CXCL8"))
    )


def test_plates_with_layouts_and_a_flowjo_table_become_sources_of_their_formats(folder: Path) -> None:
    write_raw_study(folder / "data")
    text, study = drafted(["data"])
    (panel,), (flow,) = study.cytokines, study.cells
    assert (panel.format, panel.unit, panel.plates) == ("xponent", "pg/mL", "data/plates.csv")
    assert panel.files == ["data/plates/plate_1.csv", "data/plates/plate_2.csv"]
    assert (flow.format, flow.files, flow.unit) == ("flowjo", ["data/flow.csv"], "%")
    assert study.samples.file == "data/samples.csv"
    assert study.normalize.plates == "reference_samples"
    assert "Left out" not in text
    intake = read(study)
    assert set(intake.wells["plate"]) == {"P1", "P2"}
    assert set(intake.measurements["sample"]) == {*(f"P0{n}-V{v}" for n in range(1, 7) for v in (1, 2)), "BRIDGE"}


def test_without_a_sheet_the_names_in_the_files_are_taken_apart(folder: Path) -> None:
    write_raw_study(folder / "data", named_in_files=True, references=False)
    text, study = drafted(["data/plates", "data/flow.csv"])
    assert study.samples.file is None
    assert (sorted(study.samples.from_), study.samples.pattern) == (["flow", "luminex"], "{subject}-{visit}")
    assert "6 × 2 different" in text
    assert set(read(study).samples["subject"]) == {f"P0{number}" for number in range(1, 7)}


def test_names_behind_a_layout_are_taken_apart_too(folder: Path) -> None:
    write_raw_study(folder / "data", references=False)
    (folder / "data" / "samples.csv").unlink()
    _, study = drafted(["data"])
    assert study.samples.pattern == "{subject}-{visit}"
    assert len(read(study).samples) == 12


def test_names_that_say_nothing_need_a_sample_sheet(folder: Path) -> None:
    write_raw_study(folder / "data")
    with pytest.raises(Problems, match="names cannot be taken apart into subject and visit; add a sample sheet"):
        draft_study("my-study", ["data/plates"])


def test_an_export_that_is_not_whole_is_refused_with_its_line(folder: Path) -> None:
    write_raw_study(folder / "data")
    plate = folder / "data" / "plates" / "plate_2.csv"
    plate.write_text(plate.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    with pytest.raises(Problems, match=r"plate_2\.csv") as error:
        draft_study("my-study", ["data"])
    assert len(error.value.problems) == 1


def test_an_olink_export_beside_a_sheet_is_read_as_one(folder: Path) -> None:
    npx(sheet=True).to_csv("npx.csv", index=False)
    sheet = pd.DataFrame(
        {"sample": f"T{2 * s + v}", "subject": f"A{s}", "visit": f"V{v}"} for s in range(4) for v in (1, 2)
    )
    sheet.to_csv("who.csv", index=False)
    _, study = drafted(["npx.csv", "who.csv"])
    (source,) = study.cytokines
    assert (source.id, source.format, source.unit, source.columns) == ("olink", "olink", "NPX", None)
    assert len(read(study).measurements) == 24


def test_an_olink_export_alone_is_read_as_one_where_its_ids_can_be_taken_apart(folder: Path) -> None:
    npx(sheet=False).to_csv("npx.csv", index=False)
    _, study = drafted(["npx.csv"])
    assert study.cytokines[0].format == "olink"
    assert (study.samples.from_, study.samples.pattern) == (["olink"], "{subject}_{visit}")


def test_an_export_whose_own_columns_say_who_and_when_is_read_as_a_table(folder: Path) -> None:
    table = npx(sheet=True)
    number = table["SampleID"].str[1:].astype(int) - 1
    table.assign(Subject="A" + (number // 2).astype(str), Visit="V" + (number % 2 + 1).astype(str)).to_csv(
        "npx.csv", index=False
    )
    _, study = drafted(["npx.csv"])
    (source,) = study.cytokines
    assert (source.format, source.columns.subject, source.columns.lower) == ("table", "Subject", "LOD")


def test_shares_that_could_be_fractions_or_percent_are_said_to_be_guessed(folder: Path) -> None:
    rows = [f"S{subject}_V{visit},0.2,0.4" for subject in range(4) for visit in (1, 2)]
    header = ",Lymphocytes/Treg | Freq. of Parent,Lymphocytes/Th17 | Freq. of Parent"
    Path("rare.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    text, study = drafted(["rare.csv"])
    assert study.cells[0].unit == "%"
    line = next(line for line in text.splitlines() if line.strip().startswith("unit:"))
    assert "guessed" in line


def test_analytes_in_no_vocabulary_are_named_with_what_they_resemble(folder: Path) -> None:
    table = npx(sheet=False)
    table["Assay"] = table["Assay"].replace("CXCL8", "IL17F2")
    table.to_csv("npx.csv", index=False)
    text, _ = drafted(["npx.csv"])
    assert "IL17F2" in text
