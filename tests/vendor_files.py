"""Small valid files as MSD, Olink, NULISAseq and LEGENDplex software write them, composed cell by cell."""

import csv
import io

import numpy as np
import pandas as pd
import xlsxwriter

from cytoshift.intake.instruments.content import Content

MSD_HEADER = [
    "Sample", "Assay", "Well", "Spot", "Detection Range", "Dilution", "Concentration", "Signal", "Adjusted Signal",
    "Mean", "CV", "Calc. Concentration", "Calc. Conc. Mean",
]  # fmt: skip
# sample, well, detection range, dilution, expected, signal, concentration; per plate and for each of two assays
MSD_ROWS = (
    ("S001", "A01", "In Detection Range", "", "1000", "52040.5", "1010.25"),
    ("S002", "B01", "In Detection Range", "", "250", "13555", "246.125"),
    ("S008", "C01", "Below Fit Curve Range", "", "0", "85", "NaN"),
    ("C1", "D01", "In Detection Range", "1", "", "2105", "35.5"),
    ("Anna V1", "E01", "In Detection Range", "2", "", "755.5", "12.75"),
    ("Anna V2", "F01", "Below Detection Range", "2", "", "96", "0.0625"),
    ("Bo V1", "G01", "Below Fit Curve Range", "2", "", "71", "NaN"),
    ("Bo V2", "H01", "Above Fit Curve Range", "2", "", "99021", "NaN"),
)
OLINK_HEADER = [
    "SampleID", "Index", "OlinkID", "UniProt", "Assay", "MissingFreq", "Panel", "Panel_Version", "PlateID",
    "QC_Warning", "LOD", "NPX",
]  # fmt: skip
NULISA_HEADER = [
    "Panel", "PanelLotNumber", "PlateID", "SampleName", "SampleType", "Target", "AlamarTargetID", "UniProtID",
    "ProteinName", "SampleQC", "LOD", "NPQ",
]  # fmt: skip


def content(raw: str | bytes, path: str = "export.csv") -> Content:
    """A file of that content."""
    return Content(path, raw.encode() if isinstance(raw, str) else raw)


def as_text(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    """Rows as separated text, quoted where a cell needs it."""
    target = io.StringIO()
    csv.writer(target, delimiter=separator, lineterminator=end).writerows(rows)
    return target.getvalue()


def as_workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """An XLSX file; numbers stay numbers."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if cell != "":
                        sheet.write(place, column, cell)
    return target.getvalue()


def as_parquet(rows: list[list[str]], numbers: tuple[str, ...], kind: str = "float64") -> bytes:
    """The same table in Parquet, with these columns as numbers."""
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name]).astype(kind)
    target = io.BytesIO()
    frame.to_parquet(target, index=False)
    return target.getvalue()


def msd_plate(name: str, times: float = 1.0) -> list[list[str]]:
    """One plate of Discovery Workbench: its name, the header and sixteen rows; signals are multiplied by `times`."""
    rows = [[f"Plate_{name}", *[""] * (len(MSD_HEADER) - 1)], list(MSD_HEADER)]
    for spot, assay in enumerate(("IL-6", "TNF-α (v2.1)"), start=1):
        for sample, well, words, dilution, expected, signal, value in MSD_ROWS:
            counted = f"{float(signal) * times * spot:g}"
            rows.append(
                [sample, assay, well, str(spot), words, dilution, expected, counted, counted, counted, "", value, value]
            )
    return rows


def msd_rows(plates: tuple[str, ...] = ("1A",)) -> list[list[str]]:
    """Plates of Discovery Workbench below one another."""
    return [row for place, name in enumerate(plates) for row in msd_plate(name, 1 + 0.5 * place)]


def methodical(plates: int = 2, spots: int = 1) -> str:
    """A stack of plates of 2 × 3 wells as Methodical Mind writes it."""
    lines = ["FileName :\tZ:\\export\\stack.txt"]
    for plate in range(1, plates + 1):
        lines += ["Stack ID :\t0.1", f"Plate #  :\t{plate}", f"Barcode1 :\t<*P{plate}N*>", "Type     :\t96"]
        lines += ["Wells Per Row :\t3", "Wells Per Col :\t2", f"Spots Per Well:\t{spots}", "Det Param:\tStandard"]
        lines += ["Version  :\tMMPR 1.0", "", "=" * 10 + "Data" + "=" * 30, "  \t1      \t2      \t3      \t"]
        signals = [[1000 * plate + 100 * row + 10 * spot + well for well in range(3)]
                   for row in range(2) for spot in range(spots)]  # fmt: skip
        for place, own in enumerate(signals):
            label = "AB"[place // spots] if place % spots == 0 else " "
            lines.append(f"{label} \t" + "\t".join(f"{signal:>8}  " for signal in own) + "\t")
        mean = round(float(np.mean(signals)))
        lines += ["", "=" * 10 + "Processing" + "=" * 30, "Radius   :\t     18.00\t     18.00\t"]
        lines += [
            "",
            "=" * 10 + "Statistics" + "=" * 30,
            "Sector   :\t 1\t 2\t",
            f"Average  :\t {mean - 5}\t {mean}\t",
            "",
        ]
    return "\r\n".join(lines) + "\r\n"


def olink_rows(decimal: str = ".") -> list[list[str]]:
    """A long NPX table: two plates, four samples and a negative control on each, three assays."""
    rows = [list(OLINK_HEADER)]
    values = iter(np.round(np.linspace(-1.375, 9.25, 30), 4))
    for plate in ("P1", "P2"):
        for index, sample in enumerate(("A1", "A2", "B1", "B2", "Neg Ctrl"), start=1):
            for assay, number in (("IL6", 1), ("TNF", 2), ("CXCL8", 3)):
                qc = "Warning" if sample == "B2" and plate == "P1" else "Pass"
                npx = str(next(values)).replace(".", decimal)
                lod = str(0.5 * number).replace(".", decimal)
                cells = [
                    f"{sample} {plate}" if index < 5 else sample,
                    str(index),
                    f"OID2000{number}",
                    f"P0123{number}",
                    assay,
                    f"0{decimal}01",
                ]
                rows.append([*cells, "Inflammation", "v.1201", plate, qc, lod, npx])
    return rows


def olink_wide(kind: str = "NPX data") -> list[list[object]]:
    """The wide table of NPX Manager: two panels of two assays, four samples on two plates, limits below."""
    panels = ["Olink INFLAMMATION(v.3022)", "Olink ONCOLOGY II(v.7004)"]
    of_assay = [panel for panel in panels for _ in range(2)]
    quantified = kind.startswith("Quantified")
    rows: list[list[object]] = [["Project: ours", *[""] * 7, "NPX Manager 2.0.0.277"], [kind, *[""] * 8]]
    rows.append(["Panel", *of_assay, panels[0], panels[1], panels[0], panels[1]])
    rows.append(["Assay", "IL6", "TNF", "IL6", "FGF2", "Plate ID", "Plate ID", "QC Warning", "QC Warning"])
    rows.append(["Uniprot ID", "P05231", "P01375", "P05231", "P09038", "", "", "", ""])
    rows.append(["OlinkID", "OID00390", "OID00482", "OID00666", "OID00777", "", "", "", ""])
    if quantified:
        rows.append(["Unit", "pg/mL", "pg/mL", "pg/mL", "pg/mL", "", "", "", ""])
    rows.append([""] * 9)
    for place, sample in enumerate(("A1", "A2", "B1", "IPC")):
        plate = "Plate 1" if place < 2 else "Plate 2"
        values = [round(1.25 + 3 * place + 0.5 * number, 4) for number in range(4)]
        warning = "Warning" if sample == "A2" else "Pass"
        rows.append([sample, *values, plate, plate, warning, "Pass"])
    rows.append([""] * 9)
    if quantified:
        for place, plate in enumerate(("Plate 1", "Plate 2")):
            rows.append(["Plate LOD", *[1.5 + place] * 4, plate, plate, "", ""])
        rows.append(["ULOQ", *[9.0] * 4, "", "", "", ""])
    else:
        rows.append(["LOD", 1.5, 1.5, 2.5, 1.5, "", "", "", ""])
    rows.append(["Missing Data freq.", 0.0, 0.25, 0.25, 0.0, "", "", "", ""])
    return rows


def nulisa_rows() -> list[list[str]]:
    """A long NPQ table: two plates with their own LOD, samples, a sample control and a negative control."""
    rows = [list(NULISA_HEADER)]
    values = iter(np.round(np.linspace(0.375, 18.25, 24), 4))
    for plate, lod in (("Plate_01", "3.5"), ("Plate_02", "4.25")):
        for sample, kind in (("A1", "Sample"), ("A2", "Sample"), ("SC_1", "SC"), ("NC_1", "NC")):
            for number, target in enumerate(("IL6", "TNF", "CXCL8"), start=1):
                qc = "WARN" if sample == "A2" else "PASS"
                own = [f"{sample}_{plate}", kind, target, f"t{number}", f"P0123{number}", target.lower(), qc, lod]
                rows.append(["200-plex Inflammation v1", "1234", plate, *own, str(next(values))])
    return rows


def legendplex_rows() -> list[list[str]]:
    """A LEGENDplex table: a row of units, standards C0 to C7, samples with bounds and a gap, the limits."""
    rows = [
        ["Well", "Sample Name", "Dilution", "IL-6 (A10)", "TNF-α (B2)", "IL-1β (A4)"],
        ["", "", "", "pg/mL", "pg/mL", "pg/mL"],
    ]
    for level in range(8):
        cells = ["<2.44" if level == 0 else f"{2.5 * 4**level:g}", f"{1.25 * 4**level:g}", f"{0.75 * 4**level:g}"]
        rows.append([f"A{level + 1}", f"C{level}", "", *cells])
    rows += [
        ["B1", "Anna V1", "2", "12.5", "<1.17", "3.625"],
        ["B2", "Anna V2", "2", ">10000", "88.25", "ND"],
        ["B3", "Bo V1", "2", "<2.44", "<1.17", "0.75"],
        ["B4", "Bo V2", "2", "1250.5", "7.0625", "15.5"],
        ["", "LOD", "", "2.44", "1.17", "0.5"],
    ]
    return rows
