"""The two real studies: what their notes say a correct reader must find."""

import numpy as np
import pytest

from cytoshift.intake.read import read_study
from cytoshift.study.problem import Problems
from cytoshift.study.study import IntakePlan
from shared_data import requires_shared, shared_study

pytestmark = requires_shared

CYTOKINES = ["mif", "gcsf", "ifny", "il10", "il6", "ip10", "mcp1", "tnf"]
COUNTS = ["LEUCO", "NEUTRO_ABS", "LYMFO_ABS_CORR", "MONO_ABS", "EOS_ABS", "BASO_ABS", "TROMBO"]
TIMES = ["0", "0.5", "1", "1.5", "2", "3", "6", "24"]


def _periodontitis(**changes):
    book = str(shared_study("periodontitis") / "periodontitis_raw.xlsx")
    wells = {
        "sample": "Sample ID",
        "plate": "plate",
        "value": "{analyte} Calc. Concentration (pg/mL)",
        "mean": "{analyte} Calc. Conc. Mean (pg/mL)",
        "cv": "{analyte} Calc. Conc. CV",
    }
    rankl = {"sample": "Sample ID", "analyte": "=RANKL", "value": "Calc. Conc. Mean (pg/mL)"}
    sections = {
        "design": "parallel",
        "time_unit": "week",
        "visits": [{"id": f"v{number}", "written": [letter]} for number, letter in enumerate("abcdef", start=1)],
        "arms": ["case", {"id": "control", "control": True}],
        "samples": {
            "file": book,
            "sheet": "remove duplicate",
            "columns": {
                "sample": "Sample ID",
                "subject": "Subject ID",
                "visit": "Visit",
                "arm": "Case:1/Control:2",
                "date": "Date_blood_draw",
            },
            "covariates": [{"id": "age", "column": "Age", "kind": "number"}],
        },
        "cytokines": [
            {"id": "msd", "files": book, "sheet": "Raw data complete", "columns": wells},
            {"id": "rankl", "files": book, "sheet": "RANKL", "shape": "long", "columns": rankl},
        ],
        "cells": [],
        "outcomes": [],
        "names": [],
        "exclude": [
            {"sample": sample, "source": "rankl", "reason": "the label does not say which visit"}
            for sample in ("A12-22c", "A12-22c(b?)")
        ],
    }
    return read_study(_plan(sections | changes))


def _plan(sections):
    arms = [arm if isinstance(arm, dict) else {"id": arm} for arm in sections["arms"]]
    return IntakePlan.model_validate(sections | {"arms": arms})


@pytest.fixture(scope="module")
def periodontitis():
    return _periodontitis()


def test_periodontitis_has_its_samples(periodontitis):
    samples = periodontitis.samples
    assert len(samples) == 302
    per_visit = samples.groupby(["arm", "visit"]).size().unstack()
    assert per_visit.loc["case"].tolist() == [26, 26, 26, 25, 25, 25]
    assert per_visit.loc["control"].tolist() == [26, 26, 26, 25, 23, 23]


def test_periodontitis_missing_wells_are_missing_never_below(periodontitis):
    msd = periodontitis.measurements[periodontitis.measurements["source"] == "msd"]
    assert len(msd) == 604 * 15
    assert set(msd["status"]) == {"observed", "missing"}
    missing = msd[msd["status"] == "missing"].groupby("analyte").size().to_dict()
    assert missing == {
        "il1a": 438, "gm_csf": 64, "mip1a": 47, "il17a": 18, "vegf_a": 2,
        "crp": 2, "il4": 2, "opg": 2, "il6": 1, "ifng": 1,
    }  # fmt: skip


def test_periodontitis_duplicates_reproduce_the_instrument_s_mean_and_cv(periodontitis):
    msd = periodontitis.measurements[periodontitis.measurements["source"] == "msd"]
    pairs = msd.groupby(["sample", "analyte"])
    wells = pairs["value"].count()
    assert wells.value_counts().to_dict() == {2: 4177, 1: 129, 0: 224}
    complete = wells.index[wells == 2]
    mean, sd = pairs["value"].mean()[complete], pairs["value"].std(ddof=1)[complete]
    np.testing.assert_allclose(mean, pairs["reported_mean"].first()[complete], rtol=1e-6)
    np.testing.assert_allclose(100 * sd / mean, pairs["reported_cv"].first()[complete], rtol=1e-4, atol=1e-9)
    incomplete = wells.index[wells < 2]
    assert pairs["reported_mean"].first()[incomplete].isna().all()


def test_periodontitis_rankl_keeps_its_non_detects(periodontitis):
    rankl = periodontitis.measurements[periodontitis.measurements["source"] == "rankl"]
    assert rankl["status"].value_counts().to_dict() == {"observed": 239, "below": 62}
    assert set(rankl.loc[rankl["status"] == "below", "limit_source"]) == {"lowest_observed"}
    assert set(rankl.loc[rankl["status"] == "below", "upper"]) == {rankl["value"].min()}
    assert rankl.loc[rankl["excluded"], "sample"].tolist() == ["A12-22c", "A12-22c(b?)"]
    header = periodontitis.findings.set_index("check").loc["repeated_header", "numbers"]
    assert header == "rows=302; different=156"


def test_periodontitis_without_the_exclusion_is_refused_by_label():
    with pytest.raises(Problems, match=r"'A12-22c\(b\?\)' is no sample of the study; did you mean 'A12-22c'\?"):
        _periodontitis(exclude=[])


def _authors_export(**samples):
    path = str(shared_study("periodontitis") / "export_txt_6_10_20_results_combi_merged.txt")
    sections = {
        "design": "parallel",
        "time_unit": "week",
        "visits": [{"id": f"v{number}", "written": [str(number)]} for number in range(7)],
        "arms": [{"id": "case", "written": ["1"]}, {"id": "control", "written": ["2"]}],
        "samples": {"from": "export", "covariates": [{"id": "sex", "column": "Gender"}], **samples},
        "cytokines": [
            {
                "id": "export",
                "files": path,
                "columns": {
                    "sample": "SampleID",
                    "subject": "SubjectID",
                    "visit": "Visit",
                    "arm": "case_control",
                    "value": "{analyte}_Conc_Mean",
                },
            }
        ],
        "cells": [],
        "outcomes": [],
        "names": [],
        "exclude": [],
    }
    return read_study(_plan(sections))


def test_the_authors_export_reads_as_text_with_zeros_as_non_detects():
    intake = _authors_export()
    assert intake.samples.groupby("visit").size().tolist() == [52, 52, 52, 52, 50, 48, 48]
    assert intake.measurements["analyte"].nunique() == 16
    below = intake.measurements[intake.measurements["status"] == "below"]
    zeros = below.groupby("analyte").size().to_dict()
    assert zeros == {"rankl": 72, "il1a": 1}


def test_the_authors_export_has_no_draw_dates_where_it_says_na():
    intake = _authors_export(columns={"date": "Date_blood_draw"}, date_format="%d/%m/%Y")
    dated = intake.samples["study_day"].notna().groupby(intake.samples["visit"]).sum()
    assert dated["v0"] == 0
    assert dated["v1"] == 52
    gaps = intake.findings[intake.findings["check"] == "gap_in_samples"]["message"].tolist()
    assert gaps == ["date: 'NA' in 52 of 354 rows is read as blank."]


def _exercise(**count_columns):
    path = str(shared_study("exercise") / "data_immune.csv")
    columns = {"subject": "subject", "visit": "time", "arm": "protocol", "value": "concentration"}
    protocols = {"rest": "P1", "max_70": "P2", "max_70_dry": "P3", "max_50": "P4", "intervals": "P5"}
    serum = {"id": "serum", "files": path, "shape": "long", "where": {"analyte": CYTOKINES}}
    counts = {"id": "counts", "files": path, "shape": "long", "where": {"analyte": COUNTS}}
    sections = {
        "design": "crossover",
        "time_unit": "hour",
        "visits": [{"id": f"h{time.replace('.', '_')}", "time": float(time), "written": [time]} for time in TIMES],
        "arms": [{"id": arm, "written": [written]} for arm, written in protocols.items()],
        "samples": {"from": ["serum", "counts"]},
        "cytokines": [serum | {"columns": columns | {"analyte": "analyte"}}],
        "cells": [counts | {"columns": columns | {"population": "analyte"} | count_columns}],
        "outcomes": [],
        "names": [],
        "exclude": [],
    }
    return read_study(_plan(sections))


@pytest.fixture(scope="module")
def exercise():
    return _exercise()


def test_exercise_samples_are_subject_time_and_protocol(exercise):
    assert len(exercise.samples) == 600
    assert exercise.samples["subject"].nunique() == 15
    assert "2|h0_5|max_70" in set(exercise.samples["sample"])


def test_exercise_gaps_are_missing_never_below(exercise):
    missing = exercise.measurements[exercise.measurements["status"] == "missing"]
    assert missing.groupby("analyte").size().to_dict() == {
        "il10": 363, "il6": 356, "ifng": 98, "g_csf": 70, "mif": 43, "ip10": 31, "mcp1": 31, "tnf": 31,
    }  # fmt: skip
    assert set(exercise.measurements["status"]) == {"observed", "missing"}


def test_exercise_counts_are_cells_per_microlitre_and_zeros_non_detects(exercise):
    cells = exercise.cells
    assert cells.duplicated(["sample", "population"]).sum() == 28  # left for the quality stage, never averaged here
    below = cells[cells["status"] == "below"].groupby("population").size().to_dict()
    assert below == {"basophils": 451, "eosinophils": 21}
    assert set(cells.loc[cells["status"] == "below", "upper"]) == {50.0}
    neutrophils = cells[cells["population"] == "neutrophils"].merge(exercise.samples, on="sample")
    at_3 = neutrophils[(neutrophils["arm"] == "max_70") & (neutrophils["visit"] == "h3")]
    assert round(at_3["value"].mean()) == 9853


def test_exercise_sample_ids_are_refused_as_no_key():
    with pytest.raises(Problems, match=r"column of sample ids is not a key: .* leave `sample` out"):
        _exercise(sample="sample_id")
