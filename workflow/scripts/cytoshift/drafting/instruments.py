"""Which of the user's files did an instrument or its software write, and how does a study file name them?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cytoshift.drafting.quoting import listed, quoted
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument, recognise
from cytoshift.intake.instruments.readout import Options, Readout
from cytoshift.intake.limits import is_log_unit

SUFFIXES = (".xml", ".wsp")  # beside those of tables
_NAMES = {"xponent": "luminex", "intelliflex": "luminex", "bioplex": "bioplex"}


@dataclass(frozen=True)
class InstrumentFile:
    """A file in an instrument's own format, read once to say what is in it."""

    path: str
    format: str
    why: str
    readout: Readout


def find_instrument(path: str) -> InstrumentFile | None:
    """The file as one of an instrument's, None where it is none; raises Problems where it is one and is not whole."""
    content = Content(path, Path(path).read_bytes())
    found = recognise(content)
    if len(found) != 1:
        return None
    name, why = found[0]
    return InstrumentFile(path, name, why, read_instrument(content, name, Options()))


def instrument_lines(files: Sequence[InstrumentFile], taken: Iterable[str]) -> list[str]:
    """Entries of `cytokines`, one for each format; `taken` are ids of sources that exist already."""
    used = set(taken)
    lines: list[str] = []
    for name in dict.fromkeys(file.format for file in files):
        mine = [file for file in files if file.format == name]
        id_ = _NAMES.get(name, name)
        id_ = id_ if id_ not in used else f"{id_}_{name}" if f"{id_}_{name}" not in used else f"{id_}_{len(used)}"
        used.add(id_)
        lines += _entry(id_, name, mine)
    return lines


def _entry(id_: str, name: str, files: Sequence[InstrumentFile]) -> list[str]:
    wells = pd.concat([file.readout.wells for file in files], ignore_index=True)
    analytes = list(pd.unique(wells["analyte"]))
    units = [unit for unit in pd.unique(wells["unit"]) if unit]
    standards = wells[(wells["type"] == "standard") & (wells["expected"] > 0) & wells["signal"].notna()]
    has_values = bool((wells["status"] != "missing").any())
    lines = [
        f"  - id: {id_}",
        f"    # guessed: {files[0].why}; {len(analytes)} analytes: {listed(analytes, 6)}",
        f"    format: {name}",
        f"    files: {quoted([file.path for file in files])}",
    ]
    if standards.empty and not has_values:
        return [
            *lines,
            "    concentration: signal   # the files hold neither concentrations nor standards",
            "    unit: MFI",
        ]
    if units:
        lines.append(f"    unit: {quoted(units[0])}   # as the files say")
    else:
        lines.append("    unit: pg/mL   # guessed: the files do not say; please check")
    if not standards.empty and not is_log_unit(units[0] if units else ""):
        lines.append("    # concentration: instrument   # instead of curves fitted here; both are compared in any case")
    return lines
