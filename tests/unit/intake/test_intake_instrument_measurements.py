"""Whose well is it: subjects whose samples are called like standards and controls stay subjects' samples."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import xponent_files as files
from cytoshift.intake.read import read_study
from cytoshift.study.problem import Problems
from cytoshift.study.study import IntakePlan
from vendor_files import as_text, msd_rows

SOURCE = {"id": "lum", "format": "xponent", "files": ["plate.csv"], "unit": "pg/mL"}
VISITS = [{"id": "baseline", "written": ["pre", "V1"]}]
WELLS = [f"{'ABCDEFGH'[place % 8]}{place // 8 + 1}" for place in range(12)]


def sheet(names, kinds=()):
    given = dict(kinds)
    rows = [f"{name},{name},baseline,{given.get(name, 'sample')}" for name in names]
    return "\n".join(["sample,subject,visit,type", *rows]) + "\n"


def plan(source, **changes):
    sections = {
        "design": "single_arm", "time_unit": "week", "visits": VISITS, "arms": [],
        "samples": {"file": "samples.csv", "columns": {"type": "type"}},
        "cytokines": [source], "cells": [], "outcomes": [], "names": [], "exclude": [],
    }  # fmt: skip
    return IntakePlan.model_validate(sections | changes)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes files into an empty folder and reads them as a study of one source."""
    monkeypatch.chdir(tmp_path)

    def read(texts, source=SOURCE, **changes):
        for name, text in texts.items():
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_study(plan(source, **changes))

    return read


def export(name="P04 pre", samples=4):
    """A plate on which the last sample is called otherwise."""
    return files.write(files.compose(samples=samples, dilution="4").lines()).replace(f"P{samples:02d} pre", name)


@pytest.mark.parametrize("name", ["Control7", "Standard9", "Background", "Blank", "B"])
def test_a_subjects_sample_is_one_whatever_it_is_called(study, name):
    names = [*(f"P{number:02d} pre" for number in (1, 2, 3)), name]
    intake = study({"samples.csv": sheet(names), "plate.csv": export(name)})
    assert set(intake.measurements["sample"]) == set(names)
    of_name = intake.wells[intake.wells["written"] == name]
    assert set(of_name["type"]) == {"sample"}
    assert set(of_name["level"]) == {""}
    assert set(of_name["sample"]) == {name}
    expected = study({"samples.csv": sheet([*names[:3], "P04 pre"]), "plate.csv": export()}).measurements
    both = [frame.sort_values(["well", "analyte"])["value"].to_numpy() for frame in (intake.measurements, expected)]
    np.testing.assert_array_equal(*both)
    told = intake.findings[intake.findings["check"] == "samples_like_controls"]
    assert name in told["message"].iloc[0]


def test_a_standard_of_the_files_own_list_cannot_be_a_subjects_sample(study):
    with pytest.raises(Problems, match=r"plate.csv: samples: 'Standard3' is a sample of the study and a standard in"):
        study({"samples.csv": sheet(["P01 pre", "P02 pre", "P03 pre", "P04 pre", "Standard3"]), "plate.csv": export()})


def test_a_control_of_the_sample_sheet_stays_a_control(study):
    names = ["P01 pre", "P02 pre", "P03 pre", "P04 pre", "Control1"]
    intake = study({"samples.csv": sheet(names, {"Control1": "control"}), "plate.csv": export()})
    of_control = intake.wells[intake.wells["sample"] == "Control1"]
    assert set(of_control["type"]) == {"control"}


def test_what_a_layout_says_of_a_subjects_sample_must_agree(study):
    names = ["P01 pre", "P02 pre", "P03 pre", "P04 pre"]
    said = ["B", *(f"Standard{level}" for level in range(1, 6)), "Control1", *names, "B"]
    kinds = ["blank", *["standard"] * 5, "control", *["sample"] * 3, "control", "blank"]
    layout = ["well,sample,type", *map(",".join, zip(WELLS, said, kinds, strict=True))]
    texts = {"samples.csv": sheet(names), "plate.csv": export(), "layout.csv": "\n".join(layout) + "\n"}
    texts["plates.csv"] = "file,plate,layout\nplate.csv,PL1,layout.csv\n"
    with pytest.raises(Problems, match="'P04 pre' is a sample of the study and a control in the file or layout"):
        study(texts, SOURCE | {"plates": "plates.csv"})


def test_names_like_controls_are_told_where_the_file_names_the_samples(study):
    rows = [[{"C1": "Control 1 V1"}.get(cell, cell) for cell in row] for row in msd_rows()]
    names = sorted({row[0] for row in rows})
    assert "Control 1 V1" in names
    source = {"id": "msd", "format": "msd", "files": ["m.csv"], "unit": "pg/mL"}
    patterned = {"visits": [{"id": "v1"}, {"id": "v2"}], "samples": {"from": "msd", "pattern": "{subject} {visit}"}}
    intake = study({"m.csv": as_text(rows)}, source, **patterned)
    told = intake.findings[intake.findings["check"] == "names_like_controls"]
    assert told["severity"].tolist() == ["warning"]
    assert "'Control 1 V1'" in told["message"].iloc[0]
    listed = "sample,subject,visit,type\n" + "".join(
        f"{name},{name[:-3]},{name[-2:]},sample\n" for name in names if name.endswith(("V1", "V2"))
    )
    intake = study({"samples.csv": listed}, source, visits=patterned["visits"])
    assert "Control 1 V1" in set(intake.measurements["sample"])
    assert set(intake.wells.loc[intake.wells["written"] == "Control 1 V1", "type"]) == {"sample"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["Control", "Standard", "Background", "Blank", "C", "QC", "S", "Std"]), st.integers(6, 99))
def test_no_name_makes_a_subject_a_control(study, word, number):
    name = f"{word}{number}"
    intake = study({"samples.csv": sheet(["P01 pre", "P02 pre", "P03 pre", name]), "plate.csv": export(name)})
    assert set(intake.wells.loc[intake.wells["sample"] == name, "type"]) == {"sample"}
    assert (intake.measurements["sample"] == name).sum() == len(files.ANALYTES)
