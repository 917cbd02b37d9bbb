"""Whole studies as labs send them: what is read, and every mistake at once."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform
from cytoshift.intake.read import read_study
from cytoshift.study.problem import Problems
from cytoshift.study.study import IntakePlan
from cytoshift.tables import CELLS, FINDINGS, MEASUREMENTS, NAMES, OUTCOMES, PLATES, SAMPLES

SHEET = """\
sample,subject,visit,arm,draw,age
A1,A,V1,ldn,2024-01-01,30
A2,A,V2,ldn,2024-01-15,30
B1,B,V1,placebo,2024-02-01,41
B2,B,V2,placebo,2024-02-29,41
"""
PANEL = """\
Sample,Well,IL-6 Conc,TNF-α Conc
A1,A1,1.5,<3.2
A1,B1,2.5,OOR <
A2,C1,*0.7,9
B1,D1,,8.5
B2,E1,3,>1000
"""
VISITS = [{"id": "baseline", "written": ["V1"]}, {"id": "week_8", "written": ["V2"]}]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes files into an empty folder and reads them with a plan of which a test changes what it is about."""
    monkeypatch.chdir(tmp_path)

    def read(files=None, **changes):
        for name, content in {"samples.csv": SHEET, "panel.csv": PANEL, **(files or {})}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content, encoding="utf-8")
        return read_study(plan(**changes))

    return read


def plan(**changes):
    sections = {
        "design": "parallel",
        "time_unit": "week",
        "visits": VISITS,
        "arms": [{"id": "placebo", "control": True}, {"id": "ldn", "dose_mg": 4.5}],
        "samples": {"file": "samples.csv", "columns": {"arm": "arm", "date": "draw"}, "covariates": ["age"]},
        "cytokines": [panel()],
        "cells": [],
        "outcomes": [],
        "names": [],
        "exclude": [],
    }
    return IntakePlan.model_validate(sections | changes)


def panel(**changes):
    columns = {"sample": "Sample", "well": "Well", "value": "{analyte} Conc", **changes.pop("columns", {})}
    return {"id": "luminex", "files": ["panel.csv"], "columns": columns} | changes


def refused(read, *args, **changes):
    with pytest.raises(Problems) as raised:
        read(*args, **changes)
    return str(raised.value).splitlines()


def test_every_value_keeps_its_bounds_and_its_cell(study):
    intake = study()
    rows = intake.measurements.set_index(["sample", "well", "analyte"])
    assert rows.loc[("A1", "A1", "il6"), ["value", "status", "replicate", "source_row"]].tolist() == [
        1.5,
        "observed",
        1,
        2,
    ]
    assert rows.loc[("A1", "B1", "il6"), "replicate"] == 2
    below = rows.loc[("A1", "A1", "tnf")]
    assert (below["status"], below["lower"], below["upper"], below["limit_source"]) == ("below", 0, 3.2, "written")
    assert np.isnan(below["value"])
    assert below["source_column"] == "TNF-α Conc"
    assert below["analyte_as_written"] == "TNF-α"
    assert rows.loc[("A2", "C1", "il6"), "status"] == "extrapolated"
    assert rows.loc[("B1", "D1", "il6"), "status"] == "missing"
    assert rows.loc[("B2", "E1", "tnf"), ["lower", "upper"]].tolist() == [1000, np.inf]
    # OOR < without any limit: the smallest value that is not extrapolated, flagged
    spare = rows.loc[("A1", "B1", "tnf")]
    assert (spare["status"], spare["upper"], spare["limit_source"]) == ("below", 8.5, "lowest_observed")
    assert "limit_from_lowest_observed" in set(intake.findings["check"])
    assert list(intake.files) == ["panel.csv", "samples.csv"]


def test_samples_are_in_the_plan_s_words(study):
    samples = study().samples.set_index("sample")
    assert samples.loc["A2", ["subject", "visit", "arm", "dose_mg", "study_day", "age"]].tolist() == [
        "A", "week_8", "ldn", 4.5, 14, "30",
    ]  # fmt: skip


def test_every_table_is_what_tables_says(study):
    intake = study()
    for table in (SAMPLES, MEASUREMENTS, CELLS, OUTCOMES, PLATES, NAMES, FINDINGS):
        frame = getattr(intake, table.name)
        pd.testing.assert_frame_equal(frame, conform(frame, table))


def test_limits_come_from_the_file_times_dilution(study):
    files = {
        "panel.csv": "Sample,Plate,D,IL-6 Conc\nA1,p1,4,OOR <\nA2,p2,2,OOR <\nB1,p1,1,0.3\nB2,p1,,*7\n",
        "lod.csv": "analyte,plate,lower\nIL6,p1,0.5\nIL-6,,0.8\n",
    }
    intake = study(
        files, cytokines=[panel(limits="lod.csv", columns={"well": None, "plate": "Plate", "dilution": "D"})]
    )
    rows = intake.measurements.set_index("sample")
    assert rows["upper"].tolist() == [2.0, 1.6, 0.5, 7.0]
    assert rows["status"].tolist() == ["below", "below", "below", "extrapolated"]  # 0.3 lies under its limit
    assert rows["limit_source"].tolist() == ["limits_file", "limits_file", "limits_file", ""]


def test_limits_of_a_column_and_npx_under_it_are_kept(study):
    files = {"panel.csv": "Sample,Assay,NPX,LOD\nA1,IL6,-0.5,0.2\nA2,IL6,OOR <,0.2\n"}
    source = panel(shape="long", unit="NPX", columns={"well": None, "analyte": "Assay", "value": "NPX", "lower": "LOD"})
    rows = study(files, cytokines=[source]).measurements
    assert rows["value"].iloc[0] == -0.5
    assert rows.loc[1, ["lower", "upper", "limit_source"]].tolist() == [-np.inf, 0.2, "column"]


def test_a_bound_that_nothing_states_is_missing_and_zero_is_a_non_detect(study):
    files = {"panel.csv": "Sample,IL-6 Conc,IL-8 Conc\nA1,OOR <,0\nA2,OOR <,2\n"}
    intake = study(files, cytokines=[panel(columns={"well": None})])
    rows = intake.measurements.set_index(["sample", "analyte"])
    assert rows.loc[("A1", "il6"), "status"] == "missing"
    assert rows.loc[("A1", "il8"), ["status", "upper"]].tolist() == ["below", 2]
    assert {"no_limit", "not_positive"} <= set(intake.findings["check"])


def test_units_of_cells_are_harmonised(study):
    files = {
        "cbc.csv": "Sample,WBC,Neutrophils #,Neutrophils %,CD4\nA1,6.2,4.0,64,0\nA2,5.1,0.0,100,812\nB1,7,3.1,,30.5\n"
    }
    cells = {
        "id": "cbc",
        "files": "cbc.csv",
        "columns": {"sample": "Sample", "value": "{population}"},
        "units": {"Neutrophils %": "%", "CD4": "cells/uL"},
    }
    intake = study(files, cytokines=[], cells=[cells])
    rows = intake.cells.set_index(["sample", "population"])
    assert rows.loc[("A1", "leukocytes"), ["value", "unit", "measure"]].tolist() == [6200, "cells/uL", "count_per_ul"]
    assert rows.loc[("A2", "neutrophils"), ["status", "lower", "upper"]].tolist() == ["below", 0, 50]
    percent = rows.loc[("A1", "neutrophils_fraction")]
    assert (percent["value"], percent["unit"], percent["parent"]) == (0.64, "fraction", "leukocytes")
    assert rows.loc[("A2", "neutrophils_fraction"), ["status", "lower", "upper"]].tolist() == ["observed", 1, 1]
    assert rows.loc[("B1", "neutrophils_fraction"), "status"] == "missing"


def test_a_fraction_of_zero_stays_a_zero(study):
    files = {"flow.csv": "Sample,Treg,CD8\nA1,0,20\nA2,4.0,20\nB1,4.2,0\n"}
    columns = {"sample": "Sample", "value": "{population}"}
    intake = study(files, cytokines=[], cells=[{"id": "flow", "files": "flow.csv", "unit": "%", "columns": columns}])
    zero = intake.cells.set_index(["sample", "population_as_written"]).loc[[("A1", "Treg"), ("B1", "CD8")]]
    assert zero[["status", "value", "lower", "upper"]].to_numpy().tolist() == [["observed", 0, 0, 0]] * 2


EVENTS = "Sample,Lymphocytes,CD3,Treg,CD4 %,Monocytes\nA1,9000,6000,300,50,500\nA2,8000,5000,0,40,700\n"


def test_events_name_the_nearest_ancestor_that_was_counted(study):
    source = {"id": "flow", "files": "flow.csv", "unit": "events", "units": {"CD4 %": "%"}}
    source["columns"] = {"sample": "Sample", "value": "{population}"}
    cells = study({"flow.csv": EVENTS}, cytokines=[], cells=[source]).cells
    parents = cells.drop_duplicates("population").set_index("population")["parent"].to_dict()
    # CD4 is a percentage: regulatory T cells go to the T cells, which were counted
    assert parents == {
        "lymphocytes": "", "t_cells": "lymphocytes", "treg": "t_cells", "cd4_t_cells": "t_cells", "monocytes": ""
    }  # fmt: skip
    cells = study({}, cytokines=[], cells=[source | {"parents": {"treg": "lymphocytes"}}]).cells
    assert set(cells.loc[cells["population"] == "treg", "parent"]) == {"lymphocytes"}


@pytest.mark.parametrize("gap", ["NA", "n/a", ".", "-", "nan", "None", "missing"])
def test_a_gap_in_a_covariate_or_date_is_blank_as_it_is_among_values(study, gap):
    sheet = SHEET.replace("A1,A,V1,ldn,2024-01-01,30", f"A1,A,V1,ldn,{gap},{gap}")
    intake = study({"samples.csv": sheet})
    row = intake.samples.set_index("sample").loc["A1"]
    assert row["age"] == ""
    assert np.isnan(row["study_day"])
    said = intake.findings[intake.findings["check"] == "gap_in_samples"]["message"].tolist()
    assert said == [f"{name}: {gap!r} in 1 of 4 rows is read as blank." for name in ("date", "age")]


def test_a_word_among_numbers_of_a_covariate_is_a_mistake(study):
    sheet = {"samples.csv": SHEET.replace("01-15,30", "01-15,3O")}
    line = refused(study, sheet)
    assert line == [
        "samples.csv: row 3: '3O' of 'age' is not a number, while 3 of its 4 entries are; correct it, or declare the "
        "covariate with kind: category"
    ]
    samples = {"file": "samples.csv", "columns": {"arm": "arm"}, "covariates": [{"id": "age", "kind": "category"}]}
    assert study(sheet, samples=samples).samples["age"].tolist() == ["30", "3O", "41", "41"]


def test_outcomes_join_and_a_score_without_blood_gets_a_sample(study):
    sheet = SHEET.replace("B2,B,V2,placebo,2024-02-29,41\n", "C2,C,V2,ldn,2024-03-01,22\n")
    files = {
        "samples.csv": sheet,
        "panel.csv": PANEL.replace("B2", "C2"),
        "mfis.csv": "id,v,s\nA,V1,40\nB,V2,38\nC,V2,\n",
    }
    outcome = {"id": "fatigue", "file": "mfis.csv", "columns": {"subject": "id", "visit": "v", "score": "s"}}
    intake = study(files, outcomes=[outcome])
    assert intake.outcomes["sample"].tolist() == ["A1", "B|week_8|placebo", "C2"]
    assert intake.outcomes["score"].tolist()[:2] == [40, 38]
    assert intake.samples.set_index("sample").loc["B|week_8|placebo", ["arm", "visit", "age"]].tolist() == [
        "placebo", "week_8", "41",
    ]  # fmt: skip


def test_plates_layouts_and_lots(study):
    files = {
        "plates.csv": "file,plate,layout,lot,run_date\n"
        "run1.csv,P1,one.csv,L7,2024-05-01\nrun2.csv,P2,one.csv,L8,2024-05-02\n",
        "one.csv": "well,sample,dilution\nA01,A1,1:2\nA02,B1,2\n",
        "run1.csv": "Well,IL-6 Conc\nA1,5\nA2,OOR <\n",
        "run2.csv": "Well,IL-6 Conc\nA1,6\nA2,7\n",
    }
    source = panel(files=["run*.csv"], plates="plates.csv", columns={"sample": None})
    intake = study(files, cytokines=[source])
    assert intake.measurements["sample"].tolist() == ["A1", "B1", "A1", "B1"]
    assert intake.measurements["plate"].tolist() == ["P1", "P1", "P2", "P2"]
    assert intake.measurements["dilution"].tolist() == [2, 2, 2, 2]
    assert intake.plates[["plate", "lot", "run_date"]].to_numpy().tolist() == [
        ["P1", "L7", "2024-05-01"],
        ["P2", "L8", "2024-05-02"],
    ]
    source = source | {"columns": {"sample": "Well", "value": "{analyte} Conc"}}
    lines = refused(study, files | {"plates.csv": "file,plate\nrun1.csv,P1\n"}, cytokines=[source])
    assert any("names no plate for run2.csv" in line for line in lines)


def test_exclusions_flag_rows_and_give_their_reason(study):
    rules = [
        {"sample": "A1", "well": "A01", "reason": "bubble"},
        {"sample": "X9", "source": "luminex", "reason": "mislabelled"},
        {"subject": "B", "analyte": "IL6", "reason": "drug interferes"},
    ]
    files = {"panel.csv": PANEL + "X9,F1,4,4\n"}
    lines = refused(study, files, exclude=rules)
    assert lines == [
        "study file: exclude, entry 3: subject B, analyte IL6: no analyte 'IL6' in the data; did you mean 'il6'?"
    ]
    rules[2]["analyte"] = "il6"
    intake = study(files, exclude=rules)
    excluded = intake.measurements[intake.measurements["excluded"]]
    assert excluded[["sample", "well"]].to_numpy().tolist() == [
        ["A1", "A1"], ["A1", "A1"], ["B1", "D1"], ["B2", "E1"], ["X9", "F1"], ["X9", "F1"],
    ]  # fmt: skip
    findings = intake.findings[intake.findings["check"] == "exclusion"]
    assert findings["numbers"].tolist() == ["values=2", "values=2", "values=2"]
    assert "bubble" in findings["message"].iloc[0]


def test_sample_ids_can_be_parsed(study):
    files = {"panel.csv": "Sample,IL-6 Conc\nA12-22a,1\nA12-22b,2\n"}
    changes = {
        "arms": [],
        "design": "single_arm",
        "visits": [{"id": "v1", "written": ["a"]}, {"id": "v2", "written": ["b"]}],
        "samples": {"from": "luminex", "pattern": "{subject}{visit}"},
        "cytokines": [panel(columns={"well": None})],
    }
    samples = study(files, **changes).samples
    assert samples[["sample", "subject", "visit", "arm"]].to_numpy().tolist() == [
        ["A12-22a", "A12-22", "v1", ""],
        ["A12-22b", "A12-22", "v2", ""],
    ]


def test_a_spreadsheet_s_numeric_ids_meet_the_plan_s_words(study):
    sheet = SHEET.replace("A1,", "1,").replace("A2,", "2,").replace("V1", "1.0").replace("V2", "2")
    visits = [{"id": "baseline", "written": ["1"]}, {"id": "week_8", "written": ["2.0"]}]
    files = {
        "samples.csv": sheet,
        "panel.csv": PANEL.replace("A1,A1", "1.0,A1").replace("A1,B1", "1,B1").replace("A2,", "2,"),
    }
    intake = study(files, visits=visits)
    assert intake.measurements["sample"].tolist()[:2] == ["1", "1"]


def test_unknown_names_are_kept_with_a_suggestion_and_the_plan_applies_it(study):
    files = {"panel.csv": PANEL.replace("TNF-α", "CSFCalc.").replace("IL-6", "Marker X")}
    intake = study(files)
    assert intake.names.set_index("written")["feature"].to_dict() == {"Marker X": "marker_x", "CSFCalc.": "csfcalc"}
    assert (intake.names["how"] == "unknown").all()
    intake = study(files, names=[{"written": "CSFCalc.", "is": "gm_csf"}])
    assert intake.names.set_index("written").loc["CSFCalc.", ["feature", "label", "how"]].tolist() == [
        "gm_csf", "GM-CSF", "plan",
    ]  # fmt: skip


LONG = panel(shape="long", columns={"well": None, "analyte": "Assay", "value": "Conc", "unit": "U"})
FACS = {
    "id": "facs",
    "files": "f.csv",
    "shape": "long",
    "columns": {"sample": "s", "value": "p", "population": "=Treg"},
    "unit": "fraction",
}
AGE = {"id": "age", "kind": "number"}
MISTAKES = {
    "letter in a number": (
        {"panel.csv": PANEL.replace("2.5", "1O.5")},
        {},
        "panel.csv: row 3, column \"IL-6 Conc\": '1O.5' is not a number: the letter O stands where a "
        "digit belongs; write 10.5",
    ),
    "ambiguous comma": (
        {"panel.csv": PANEL.replace("2.5", '"1,234"')},
        {},
        "column \"IL-6 Conc\": '1,234' may mean 1234 or 1.234",
    ),
    "unknown sample": (
        {"panel.csv": PANEL.replace("B2,E1", "b-2,E1")},
        {},
        "row 6: 'b-2' is no sample of the study; did you mean 'B2'?",
    ),
    "unknown visit": (
        {"samples.csv": SHEET.replace("B,V2", "B,V3")},
        {},
        "row 5: 'V3' is no visit of the plan; legal: baseline, V1, week_8, V2",
    ),
    "unknown arm": (
        {"samples.csv": SHEET.replace("B,V2,placebo", "B,V2,placbo")},
        {},
        "row 5: 'placbo' is no arm of the plan; legal: placebo, ldn; did you mean 'placebo'?",
    ),
    "planned visit without samples": (
        {},
        {"visits": [*VISITS, {"id": "week_16"}]},
        "no sample has the visit 'week_16' of the plan",
    ),
    "duplicated sample": (
        {"samples.csv": SHEET + "A1,A,V1,ldn,2024-01-01,30\n"},
        {},
        "sample 'A1' occurs 2 times (rows 2, 6): sample ids must be unique",
    ),
    "id that is no key": (
        {"samples.csv": SHEET.replace("B1,", "A1,")},
        {},
        "it stands for 2 subjects and is not a key",
    ),
    "twice at a visit": (
        {"samples.csv": SHEET + "A3,A,V1,ldn,2024-01-02,30\n"},
        {},
        "subject 'A' has 2 samples at baseline under ldn: A1 (row 2), A3 (row 6)",
    ),
    "missing file": (
        {},
        {"cytokines": [panel(files="pannel.csv")]},
        "pannel.csv: not found; the folder holds panel.csv, samples.csv; did you mean 'panel.csv'?",
    ),
    "missing column": (
        {},
        {"samples": {"file": "samples.csv", "columns": {"arm": "group"}}},
        "column 'group' is missing",
    ),
    "where without rows": ({}, {"cytokines": [panel(where={"Well": "Z9"})]}, "no row has 'Z9' in column 'Well'"),
    "another unit in one header": (
        {"panel.csv": PANEL.replace("IL-6 Conc", "IL-6 (25) [ng/mL]").replace("TNF-α Conc", "TNF-α (31) [pg/mL]")},
        {"cytokines": [panel(columns={"value": "{analyte} [pg/mL]"})]},
        "panel.csv: column \"IL-6 (25) [ng/mL]\": is not read: luminex.columns.value is '{analyte} [pg/mL]', and this "
        "column says 'ng/mL' where that says 'pg/mL'",
    ),
    "one header, two contents": (
        {"panel.csv": PANEL.replace("TNF-α", "IL-6")},
        {},
        'panel.csv: column "IL-6 Conc": the header stands twice (columns C, D) and 4 rows (first: row 2) differ',
    ),
    "two spellings": ({"panel.csv": PANEL.replace("TNF-α", "IL6")}, {}, "columns of 'IL-6' and 'IL6' both mean il6"),
    "mixed units": (
        {"panel.csv": "Sample,Assay,Conc,U\nA1,IL6,1,pg/ml\nA2,IL6,1,ng/mL\n"},
        {"cytokines": [LONG]},
        "row 3, column \"U\": unit 'ng/mL' where the study file says 'pg/mL'",
    ),
    "no date": (
        {"samples.csv": SHEET.replace("2024-01-15", "15.1.24")},
        {},
        "'15.1.24' is no date in the form YYYY-MM-DD",
    ),
    "unused name": (
        {},
        {"names": [{"written": "IL-66", "is": "il6"}]},
        "no file has the name 'IL-66'; did you mean 'IL-6'?",
    ),
    "unused exclusion": (
        {},
        {"exclude": [{"sample": "S12", "reason": "haemolysed"}]},
        "sample S12: no sample 'S12' in the data",
    ),
    "percent as fraction": (
        {"f.csv": "s,p\nA1,45\n"},
        {"cells": [FACS]},
        "'45' is more than all of the parent; is the unit of 'Treg' really fraction?",
    ),
    "covariate that is no number": (
        {"samples.csv": SHEET.replace(",41\n", ",old\n")},
        {"samples": {"file": "samples.csv", "columns": {"arm": "arm"}, "covariates": [AGE]}},
        "row 4: 'old' is not a number",
    ),
}


@pytest.mark.parametrize(("files", "changes", "line"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line_that_names_place_and_remedy(study, files, changes, line):
    lines = refused(study, files, **changes)
    assert any(line in found for found in lines), lines
    assert len(lines) <= 2


def test_all_mistakes_come_at_once_and_many_alike_are_counted(study):
    letters = "".join(f"A1,A{number},x{number},1\n" for number in range(1, 31))
    files = {
        "samples.csv": SHEET + "D1,D,V9,ldn,,\n",
        "panel.csv": "Sample,Well,IL-6 Conc,TNF-α Conc\nA1,H1,1,1\n" + letters,
    }
    lines = refused(study, files, exclude=[{"sample": "Q", "reason": "?"}], names=[{"written": "zz", "is": "il6"}])
    assert sum("is not a number" in line for line in lines) == 20
    assert sum("and 10 more like these about values" in line for line in lines) == 1
    assert len(lines) == 24


def test_a_bare_pattern_leaves_text_columns_out(study):
    files = {"panel.csv": "Sample,age,IL-6,Comment\nA1,30,1.5,fine\nA2,30,2.5,\n"}
    intake = study(files, cytokines=[panel(columns={"value": "{analyte}", "well": None})])
    assert intake.measurements["analyte_as_written"].unique().tolist() == ["IL-6"]
    assert "not_a_feature" in set(intake.findings["check"])


def test_samples_without_data_are_findings(study):
    intake = study({"panel.csv": PANEL.replace("B2,E1,3,>1000\n", "")})
    found = intake.findings[intake.findings["check"] == "sample_without_data"]
    assert found["sample"].tolist() == ["B2"]


def test_bridge_samples_need_no_visit(study):
    sheet = SHEET.replace(",age\n", ",age,kind\n").replace("30\n", "30,\n").replace("41\n", "41,sample\n")
    files = {"samples.csv": sheet + "POOL,,,,,,bridge\n", "panel.csv": PANEL + "POOL,H12,2,2\n"}
    columns = {"arm": "arm", "date": "draw", "type": "kind"}
    intake = study(files, samples={"file": "samples.csv", "columns": columns})
    assert intake.samples.set_index("sample").loc["POOL", ["type", "visit", "arm"]].tolist() == ["bridge", "", ""]
    assert (intake.measurements["sample"] == "POOL").sum() == 2


def test_a_file_that_is_not_there_is_one_line_and_no_cascade(study):
    rules = {"exclude": [{"sample": "A1", "reason": "haemolysed"}], "names": [{"written": "IL-6", "is": "il6"}]}
    lines = refused(study, samples={"file": "sample.csv"}, **rules)
    assert len(lines) == 1
    lines = refused(study, cytokines=[panel(files="none.csv")], **rules)
    assert len(lines) == 1


UNITS = "Sample,Well,IL-6 [ng/mL],TNF-α [pg/mL],Hb [g/dL],TNF-α [pmol/L],age,Remark\nA1,A1,0.0015,3,14,1,30,x\n"


def test_a_column_in_another_unit_may_have_a_source_of_its_own(study):
    sources = [
        panel(columns={"value": "{analyte} [pg/mL]"}),
        panel(id="nano", unit="ng/mL", columns={"value": "{analyte} [ng/mL]"}),
    ]
    intake = study({"panel.csv": UNITS}, cytokines=sources)
    assert intake.measurements["analyte"].tolist() == ["tnf", "il6"]
    found = intake.findings[intake.findings["check"] == "columns_not_read"]
    assert found["message"].tolist() == [
        "panel.csv: columns that no part of the study file names are not read: Hb [g/dL], TNF-α [pmol/L], Remark."
    ]
    assert found["severity"].tolist() == ["note"]


def test_a_table_whose_columns_are_all_read_has_no_such_note(study):
    assert "columns_not_read" not in set(study().findings["check"])


def test_a_column_that_stands_twice_and_agrees_is_read_once(study):
    intake = study({"panel.csv": "Sample,Well,IL-6 Conc,IL-6 Conc\nA1,A1,1.5,1.5\nA2,B1,,2.5\n"})
    assert intake.measurements["value"].tolist() == [1.5, 2.5]
    found = intake.findings[intake.findings["check"] == "repeated_header"].iloc[0]
    assert (found["severity"], "twice (columns C, D)" in found["message"]) == ("note", True)
    halves = study({"panel.csv": "Sample,Well,IL-6 Conc,IL-6 Conc\nA1,A1,1.5,\nA2,B1,,2.5\n"}).measurements
    assert halves["value"].dropna().tolist() == [1.5, 2.5]


def test_an_npx_that_lost_its_decimal_sign_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "npx.csv").write_text("subject,visit,Assay,NPX\nS1,v1,IL6,2.95\nS1,v2,IL6,29536\n", encoding="utf-8")
    sections = {
        "design": "single_arm", "time_unit": "week", "visits": [{"id": "v1"}, {"id": "v2"}], "arms": [],
        "samples": {"from": "olink"}, "cells": [], "outcomes": [], "names": [], "exclude": [],
        "cytokines": [{"id": "olink", "files": "npx.csv", "shape": "long", "unit": "NPX",
                       "columns": {"subject": "subject", "visit": "visit", "analyte": "Assay", "value": "NPX"}}],
    }  # fmt: skip
    with pytest.raises(Problems) as raised:
        read_study(IntakePlan.model_validate(sections))
    assert str(raised.value) == (
        'npx.csv: row 3, column "NPX": 29536 is no NPX, which is a logarithm: a decimal sign lost, or another unit?'
    )
