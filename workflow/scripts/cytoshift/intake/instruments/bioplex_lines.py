"""What do the lines above and below a Bio-Plex Manager table say: plate, run, curve?"""

from __future__ import annotations

import re

from cytoshift.intake.instruments.bioplex_sheets import Grid, Scan

# line → key in `about`; names of people and folders are left out
_ABOUT = {
    "acquisition date": "run_date",
    "reader serial number": "instrument",
    "rp1 pmt (volts)": "pmt_volts",
    "rp1 target": "pmt_target",
}


def said(grid: Grid, found: Scan) -> list[tuple[str, str]]:
    """'key: value' lines of a sheet in their order, keys in lower case; a value may stand in the next cell."""
    data = {row for block in found.blocks for row in (block.header, *block.rows)}
    pairs = []
    for row in range(len(grid.cells)):
        if row in data:
            continue
        line = " ".join(text.strip() for text in grid.cells[row] if text.strip())
        key, colon, value = line.partition(":")
        if colon:
            pairs.append((key.strip().casefold(), value.strip()))
    return pairs


def first(pairs: list[tuple[str, str]], key: str) -> str:
    """The value of the first line with that key; '' without one."""
    return next((value for name, value in pairs if name == key), "")


def name_plates(sheets: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """The plate of each sheet: its Plate ID; where several files were joined without one, the file's name.

    A sheet that says neither belongs to the workbook's only plate.
    """
    plates = {name: first(pairs, "plate id") for name, pairs in sheets.items()}
    files = {name: file_name(first(pairs, "file name")) for name, pairs in sheets.items()}
    if len({file for file in files.values() if file}) > 1:
        plates = {name: plate or files[name] for name, plate in plates.items()}
    known = {plate for plate in plates.values() if plate}
    only = known.pop() if len(known) == 1 else ""
    return {name: plate or only for name, plate in plates.items()}


def file_name(path: str) -> str:
    """The last part of a path as Windows writes it."""
    return re.split(r"[\\/]", path)[-1]


def about(sheets: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """What all sheets that say it say alike: run date, reader, voltage, target, document."""
    told = {}
    for line, key in _ABOUT.items():
        values = {first(pairs, line) for pairs in sheets.values()} - {""}
        if len(values) == 1:
            told[key] = values.pop()
    documents = {file_name(first(pairs, "file name")) for pairs in sheets.values()} - {""}
    if len(documents) == 1:
        told["document"] = documents.pop()
    return told
