"""Files as six invented labs would hand them in, each with its own habits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

GENERATOR_SEED = 7


def elisa_with_standards(folder: Path) -> list[str]:
    """A plate reader's CSV: semicolons, decimal commas, standards among the samples, sample ids only."""
    rng = np.random.default_rng(GENERATOR_SEED)
    lines = ["Sample Name;Type;IL-6 (pg/ml);TNF-alpha (pg/ml);IL-10 (pg/ml)"]
    for subject in range(1, 9):
        for visit in ("Pre", "Post"):
            values = [f"{value:.2f}".replace(".", ",") for value in rng.lognormal(1, 1, 3)]
            lines.append(";".join([f"LDN{subject:02d}_{visit}", "Unknown", *values]))
    lines += [f"STD{number};Standard;100,5;50,1;25,3" for number in range(1, 4)]
    (folder / "elisa.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["elisa.csv"]


def everything_in_one_sheet(folder: Path) -> list[str]:
    """A clinician's workbook: cytokines, blood counts and questionnaires side by side, weeks as numbers."""
    rng = np.random.default_rng(GENERATOR_SEED)
    rows = [
        {
            "Patient ID": f"{group[0]}{subject}",
            "Group": group,
            "Week": week,
            "Age": 40 + subject,
            "Sex": "F",
            **{name: round(rng.lognormal(1, 0.5), 2) for name in ("IL-6", "TNF", "CRP", "IL-17F2")},
            "WBC": round(rng.normal(6, 0.5), 2),
            "Neutrophils": round(rng.normal(4, 0.3), 2),
            "Lymphocytes": round(rng.normal(2, 0.2), 2),
            "MFIS": int(rng.integers(10, 60)),
            "Pain NRS": int(rng.integers(0, 10)),
            "Comments": "haemolysed" if subject == 2 else "",
        }
        for group in ("LDN 4.5mg", "Placebo")
        for subject in range(6)
        for week in (0, 8, 16)
    ]
    pd.DataFrame(rows).to_excel(folder / "all.xlsx", index=False, engine="xlsxwriter")
    return ["all.xlsx"]


def proteins_in_parquet(folder: Path) -> list[str]:
    """A core facility's long table: NPX with a LOD column, most proteins in no vocabulary."""
    rng = np.random.default_rng(GENERATOR_SEED)
    assays = ["IL6", "TNF", "CXCL8", "XYZ1", "ABC9", "FOO2", "BAR3"]
    rows = [
        {
            "SampleID": f"S{subject}-{visit}",
            "Subject": f"S{subject}",
            "Timepoint": visit,
            "OlinkID": f"OID{number}",
            "UniProt": f"P{number}",
            "Assay": assay,
            "NPX": round(rng.normal(5, 1), 4),
            "LOD": 0.5,
            "PlateID": "Plate_1",
            "MissingFreq": 0.1,
        }
        for subject in range(5)
        for visit in ("12 weeks", "6 weeks", "Baseline")
        for number, assay in enumerate(assays)
    ]
    pd.DataFrame(rows).to_parquet(folder / "npx.parquet")
    return ["npx.parquet"]


def flow_export(folder: Path) -> list[str]:
    """A cytometry export: gates as headers, tube names that hold subject and day."""
    rng = np.random.default_rng(GENERATOR_SEED)
    rows = [
        {
            "Tube": f"HC-{subject:02d}_{visit}",
            "Lymphocytes/CD3+ | Freq. of Parent": round(rng.uniform(50, 70), 1),
            "CD4+ T cells | Freq. of Parent": round(rng.uniform(40, 60), 1),
            "Treg | Freq. of Parent": round(rng.uniform(2, 6), 2),
        }
        for subject in range(6)
        for visit in ("D28", "D0")
    ]
    pd.DataFrame(rows).to_csv(folder / "flow.csv", index=False)
    return ["flow.csv"]


def hostile_names(folder: Path) -> list[str]:
    """Headers, visits, arms and a file name that would break YAML if they were not quoted."""
    rows = [
        {
            "subject": f"=cmd{subject}",
            "visit": visit,
            "arm": ["a: {x}", 'b\' "q" \\ é'][subject % 2],
            "IL-6 {y}": 1,
            "IL-6": 2.0 + subject,
            "TNF": 3.1,
            "IL-8": 4.5,
            "VEGFX: #!": 1.0 + subject,
            "&anchor *": "x",
        }
        for subject in range(6)
        for visit in ("pre: <b>", "post #2")
    ]
    pd.DataFrame(rows).to_csv(folder / "hostile '#: name.csv", index=False)
    return ["hostile '#: name.csv"]


def hospital_workbook(folder: Path) -> list[str]:
    """A sample sheet and long laboratory results with three units, healthy people measured once, a legend."""
    rng = np.random.default_rng(GENERATOR_SEED)
    samples = [
        {"Sample ID": f"{1000 + 2 * s + v}", "Patient": f"{s:03d}", "Visit": f"V{v}", "Diagnosis": "MS",
         "Draw date": f"{3 + s}.{v + 1}.2024"}
        for s in range(8) for v in (1, 2)
    ]  # fmt: skip
    samples += [
        {"Sample ID": f"{2000 + s}", "Patient": f"{s:03d}", "Visit": "V1", "Diagnosis": "Healthy",
         "Draw date": "25.02.2024"}
        for s in range(20, 26)
    ]  # fmt: skip
    tests = [("Neutrophils", "cells/µL", 4000.0), ("Lymphocytes", "cells/µL", 2000.0), ("Neutrophils", "%", 60.0)]
    tests += [("IL-6", "pg/mL", 3.0), ("sIL-2R", "pg/mL", 300.0), ("NfL", "pg/mL", 10.0)]
    results = [
        {"Barcode": one["Sample ID"], "Test": test, "Result": round(middle * rng.uniform(0.8, 1.2), 1), "Units": unit}
        for one in samples
        for test, unit, middle in tests
    ]
    with pd.ExcelWriter(folder / "lab.xlsx", engine="xlsxwriter") as workbook:
        pd.DataFrame(samples).to_excel(workbook, sheet_name="Samples", index=False)
        pd.DataFrame(results).to_excel(workbook, sheet_name="Results", index=False)
        pd.DataFrame({"Legend": ["x"]}).to_excel(workbook, sheet_name="Legend", index=False)
    return ["lab.xlsx"]


LABS: dict[str, Callable[[Path], list[str]]] = {
    lab.__name__: lab
    for lab in (
        elisa_with_standards,
        everything_in_one_sheet,
        proteins_in_parquet,
        flow_export,
        hostile_names,
        hospital_workbook,
    )
}
