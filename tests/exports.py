"""The real instrument exports: which there are, what tests/README.md says of each, and how a study reads them."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.calibrate.study import Calibrated, calibrate_study
from cytoshift.intake.flowjo import sniff_flowjo
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import recognise
from cytoshift.intake.read import Intake, read_study
from cytoshift.study.study import CalibratePlan, IntakePlan
from shared_data import shared_study

README = Path(__file__).with_name("README.md")
PROSE = ("README", "LICENSE", "SHA256SUMS")
_ROW = re.compile(r"^\| `([^`]+)` \| (read|refused) \| ([a-z]+|–) \|(?: (\d+) × (\d+))? \| (.*) \|$", re.MULTILINE)
_QUOTED = re.compile(r"“([^”]+)”")
_STANDARD = re.compile(r"^\| (\S+) \| [\d.]+ \| (Standard\d+) \| ([\d.]+) \| \*\*([\d.]+)\*\* \|", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """One row of the table in tests/README.md: `format` is "" for none, `says` the quoted words of a refusal."""

    file: str
    read: bool
    format: str
    wells: int
    analytes: int
    says: tuple[str, ...]


def verdicts() -> list[Verdict]:
    """The table of real exports in tests/README.md."""
    return [
        Verdict(file, word == "read", name.strip("–"), int(wells or 0), int(analytes or 0), tuple(_QUOTED.findall(why)))
        for file, word, name, wells, analytes, why in _ROW.findall(README.read_text(encoding="utf-8"))
    ]


def folder() -> Path:
    """Where the exports lie."""
    return shared_study("instrument_exports")


def export(file: str) -> Content:
    """One export by its path in the folder."""
    return Content(file, (folder() / file).read_bytes())


def on_disk() -> tuple[list[str], list[str]]:
    """Paths in the folder: the exports and layouts, and the prose beside them."""
    files = sorted(path.relative_to(folder()).as_posix() for path in folder().rglob("*") if path.is_file())
    prose = [file for file in files if Path(file).name.startswith(PROSE)]
    return [file for file in files if file not in prose], prose


def claims(content: Content) -> list[str]:
    """Every format that takes a file for its own, those of instruments and FlowJo's."""
    return [name for name, _ in recognise(content)] + (["flowjo"] if sniff_flowjo(content) else [])


def damaged_standards() -> list[tuple[str, str, str, str]]:
    """Of plate1.csv: analyte, standard, its concentration in the file and what it must have been, as in its README."""
    return _STANDARD.findall((folder() / "xponent" / "README.md").read_text(encoding="utf-8"))


def block(file: str, name: str, columns: int, first: int = 2) -> pd.DataFrame:
    """Texts of one `DataType:` block of an xPONENT file, wells × columns, cell by cell and without a reader.

    The first cells are Location and Sample; analytes begin at cell 2.
    """
    rows = list(csv.reader((folder() / file).read_text(encoding="utf-8").splitlines()))
    start = next(place for place, row in enumerate(rows) if row[:2] == ["DataType:", name]) + 1
    cells = list(takewhile(lambda row: re.fullmatch(r"[0-9]+\(1,[A-H][0-9]+\)", (row or [""])[0]), rows[start + 1 :]))
    wells = [row[0].partition(",")[2].rstrip(")") for row in cells]
    return pd.DataFrame([row[first : first + columns] for row in cells], wells, rows[start][first : first + columns])


def concentration(signal: Any, curve: pd.DataFrame) -> np.ndarray:
    """Where y = d + (a − d)/(1 + (x/c)^b)^g gives `signal`, the formula of the exports' README turned round."""
    a, b, c, d, g = (curve[name].to_numpy(dtype=float) for name in "abcdg")
    with np.errstate(all="ignore"):
        return c * (((a - d) / (np.asarray(signal, dtype=float) - d)) ** (1 / g) - 1) ** (1 / b)


def read_sources(
    sheet: Path,
    samples: Iterable[str],
    cytokines: Sequence[dict[str, Any]] = (),
    cells: Sequence[dict[str, Any]] = (),
) -> Intake:
    """The tables of a study of these sources whose sample sheet, written here, lists `samples`, one per subject."""
    lines = ["sample,subject,visit", *(f"{name},person {name},draw" for name in samples)]
    sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan = {
        "design": "single_arm", "time_unit": "week", "visits": [{"id": "draw"}], "arms": [], "outcomes": [],
        "samples": {"file": str(sheet)}, "cytokines": cytokines, "cells": cells, "names": [], "exclude": [],
    }  # fmt: skip
    return read_study(IntakePlan.model_validate(plan))


def calibrate(intake: Intake, source: dict[str, Any]) -> Calibrated:
    """What calibrate makes of one source, every choice left to the defaults."""
    limits = {"below": "lod", "extrapolated": "keep"}
    plan = CalibratePlan.model_validate({"cytokines": [source], "calibrate": {}, "limits": limits})
    return calibrate_study(intake.measurements, intake.wells, intake.instrument_curves, plan)


def auto(file: str, id_: str = "plate", **more: Any) -> dict[str, Any]:
    """A source that is one of the exports, told by its content."""
    return {"id": id_, "format": "auto", "files": [str(folder() / file)], **more}
