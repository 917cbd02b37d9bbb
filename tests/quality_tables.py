"""Small intake tables for the tests of the quality stage, and the real studies in the same shape."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.frames import conform, empty
from cytoshift.quality.rows import unify
from cytoshift.study.study import QualityPlan
from cytoshift.tables import CELLS, MEASUREMENTS, NAMES, OUTCOMES, SAMPLES
from shared_data import shared_study

NO_CELLS, NO_OUTCOMES, NO_NAMES = empty(CELLS), empty(OUTCOMES), empty(NAMES)


def make_plan(visits: list[Any], arms: list[Any] | None = None, **settings: Any) -> QualityPlan:
    """A quality plan with every default; visits and arms as ids or objects."""
    named = [[{"id": item} if isinstance(item, str) else item for item in items] for items in (visits, arms or [])]
    defaults: dict[str, Any] = {
        "design": "single_arm",
        "randomised": None,
        "exclude": [],
        "duplicates": "error",
        "limits": {"detect_floors": True},
        "quality": {},
    }
    return QualityPlan.model_validate({**defaults, "visits": named[0], "arms": named[1], **settings})


def make_samples(rows: list[tuple], columns: tuple[str, ...] = ("sample", "subject", "visit", "arm")) -> pd.DataFrame:
    """A sample table of type sample."""
    frame = pd.DataFrame(rows, columns=list(columns))
    return conform(frame.assign(type=frame.get("type", "sample")), SAMPLES)


def with_bounds(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as observed values, gaps as missing, "<x" and ">x" as non-detects."""
    text = frame["value"].astype(str)
    number = pd.to_numeric(text.str.lstrip("<>"), errors="coerce")
    below, above = text.str.startswith("<"), text.str.startswith(">")
    return frame.assign(
        value=number.where(~below & ~above),
        lower=number.where(~below, 0.0),
        upper=number.where(~above, np.inf),
        status=np.select([below, above, number.isna()], ["below", "above", "missing"], "observed"),
        limit_source=np.where(below | above, "written", ""),
        excluded=False,
    )


def make_measurements(rows: list[tuple], columns: tuple[str, ...] = ("sample", "analyte", "value"), **constant: Any):
    """A measurements table; values may be numbers, None, "<3.2" or ">1000"."""
    frame = with_bounds(pd.DataFrame(rows, columns=list(columns)))
    defaults = {
        "source": "msd",
        "unit": "pg/mL",
        "source_file": "plate.csv",
        "source_row": np.arange(2, len(frame) + 2),
    }
    for name, value in {**defaults, "analyte_as_written": frame["analyte"], **constant}.items():
        if name not in frame.columns:
            frame[name] = value
    return conform(frame, MEASUREMENTS)


def make_cells(rows: list[tuple], columns: tuple[str, ...] = ("sample", "population", "value"), **constant: Any):
    """A cells table of counts per µL."""
    frame = with_bounds(pd.DataFrame(rows, columns=list(columns)))
    defaults = {"source": "cbc", "measure": "count_per_ul", "unit": "cells/uL", "source_file": "cbc.csv"}
    for name, value in {**defaults, "population_as_written": frame["population"], **constant}.items():
        if name not in frame.columns:
            frame[name] = value
    return conform(frame.drop(columns="limit_source"), CELLS)


def make_rows(measurements: pd.DataFrame | None = None, cells: pd.DataFrame | None = None) -> pd.DataFrame:
    """The unified rows of some tables."""
    return unify(
        empty(MEASUREMENTS) if measurements is None else measurements,
        NO_CELLS if cells is None else cells,
        NO_OUTCOMES,
        NO_NAMES,
    )


def checks(findings: Any) -> list[str]:
    """The names of the checks that noticed something."""
    rows = findings.to_dict("records") if isinstance(findings, pd.DataFrame) else findings
    return [row["check"] for row in rows]


def numbers_of(finding: dict) -> dict[str, str]:
    """The numbers of a finding as text."""
    return dict(pair.split("=", 1) for pair in finding["numbers"].split("; "))


@cache
def periodontitis_wells() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sample table and measurements of the raw duplicates; plates within the arms."""
    path = shared_study("periodontitis") / "periodontitis_raw.xlsx"
    raw = pd.read_excel(path, sheet_name=0, engine="calamine", dtype=str, keep_default_na=False)
    samples = raw.drop_duplicates("Sample ID")
    samples = make_samples(
        list(
            zip(samples["Sample ID"], samples["Subject ID"], samples["Visit"], samples["Case:1/Control:2"], strict=True)
        )
    )
    parts = []
    for position in range(10, 55, 3):
        well, mean, cv = raw.columns[position : position + 3]
        analyte = well.split("Calc")[0].strip().lower().replace("-", "").replace(" ", "")
        part = pd.DataFrame(
            {"sample": raw["Sample ID"], "plate": raw["plate"], "well": raw["Duplicate"], "value": raw[well]}
        )
        reported = [pd.to_numeric(raw[name].replace("NaN", ""), errors="coerce") for name in (mean, cv)]
        parts.append(part.assign(analyte=analyte, reported_mean=reported[0], reported_cv=reported[1]))
    frame = with_bounds(pd.concat(parts, ignore_index=True))
    return samples, conform(frame.assign(source="msd", unit="pg/mL", analyte_as_written=frame["analyte"]), MEASUREMENTS)


@cache
def periodontitis_export() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sample table (with study days) and measurements of the authors' analysed table, visit 0 included."""
    path = shared_study("periodontitis") / "export_txt_6_10_20_results_combi_merged.txt"
    raw = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    dates = pd.to_datetime(raw["Date_blood_draw"], format="%d/%m/%Y", errors="coerce")
    day = (dates - dates.groupby(raw["SubjectID"]).transform("min")).dt.days
    arm = raw["case_control"].map({"1": "case", "2": "control"})
    rows = list(zip(raw["SampleID"], raw["SubjectID"], "v" + raw["Visit"], arm, day, strict=True))
    samples = make_samples(rows, ("sample", "subject", "visit", "arm", "study_day"))
    long = raw.melt(["SampleID", "plate"], [c for c in raw.columns if c.endswith("Conc_Mean")], "analyte", "value")
    long["analyte"] = long["analyte"].str.removesuffix("_Conc_Mean").str.lower().str.replace("_", "")
    frame = with_bounds(long.rename(columns={"SampleID": "sample"}))
    return samples, conform(frame.assign(source="msd", unit="pg/mL", analyte_as_written=frame["analyte"]), MEASUREMENTS)


POPULATIONS = {
    "LEUCO": "leukocytes",
    "NEUTRO_ABS": "neutrophils",
    "LYMFO_ABS_CORR": "lymphocytes",
    "MONO_ABS": "monocytes",
    "EOS_ABS": "eosinophils",
    "BASO_ABS": "basophils",
    "TROMBO": "platelets",
}


@cache
def exercise() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sample table (study days of the sampling date), measurements and cells."""
    folder = shared_study("exercise")
    raw = pd.read_csv(folder / "data_immune.csv", dtype=str, keep_default_na=False)
    raw["time"] = raw["time"].astype(float).map("{:g}".format)
    raw["sample"] = raw["subject"] + "|h" + raw["time"].str.replace(".", "_") + "|" + raw["protocol"]
    dates = pd.read_csv(folder / "data_nk.csv").drop_duplicates(["Subject", "Protocol"])
    dates["subject"] = dates["Subject"].astype("Int64").astype(str)
    dates["date"] = pd.to_datetime(dates["DateSampling"], errors="coerce")
    dates["study_day"] = (dates["date"] - dates.groupby("subject")["date"].transform("min")).dt.days
    keyed = raw.drop_duplicates("sample").merge(
        dates[["subject", "Protocol", "study_day"]],
        left_on=["subject", "protocol"],
        right_on=["subject", "Protocol"],
        how="left",
    )
    rows = list(
        zip(
            keyed["sample"],
            keyed["subject"],
            "h" + keyed["time"].str.replace(".", "_"),
            keyed["protocol"].str.lower(),
            keyed["study_day"],
            strict=True,
        )
    )
    samples = make_samples(rows, ("sample", "subject", "visit", "arm", "study_day"))
    long = raw.rename(columns={"analyte": "written", "concentration": "value"}).assign(
        source_row=np.arange(2, len(raw) + 2)
    )
    is_cell = long["written"].isin(POPULATIONS)
    cytokines = with_bounds(long[~is_cell].assign(source="serum", unit="pg/mL", source_file="data_immune.csv"))
    cytokines = cytokines.assign(analyte=cytokines["written"], analyte_as_written=cytokines["written"])
    cells = long[is_cell].assign(source="blood", unit="cells/uL", source_file="data_immune.csv", measure="count_per_ul")
    cells["population"] = cells["written"].map(POPULATIONS)
    cells["parent"] = np.where(cells["population"].isin(["leukocytes", "platelets"]), "", "leukocytes")
    cells["value"] = pd.to_numeric(cells["value"]) * 1000
    cells = with_bounds(cells).assign(population_as_written=cells["written"])
    cells["resolution"] = np.where(cells["population"] == "platelets", 1000.0, 100.0)
    kept = [name for name in MEASUREMENTS.names() if name in cytokines.columns]
    of_cells = [name for name in CELLS.names() if name in cells.columns]
    return samples, conform(cytokines[kept], MEASUREMENTS), conform(cells[of_cells], CELLS)
