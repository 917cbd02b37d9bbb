"""What does the list of wells say that Tecan Magellan writes (Well positions, Label1, Label2 …)?"""

from __future__ import annotations

import re

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.elisa_cells import Cells, repeated_rows, rows_beside
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.plate_grids import LETTERS, ROWS_OF
from cytoshift.intake.raw_rows import is_blank
from cytoshift.intake.well_keys import well_key
from cytoshift.intake.workbooks import Typed
from cytoshift.study.problem import Problem, Problems

LIST_HEADER = "well positions"
_WELL = re.compile(r"[A-P](?:0?[1-9]|1[0-9]|2[0-4])")
_MEASUREMENT = re.compile(r"measurement ([1-9]):", re.IGNORECASE)
_MEASURED_AT = re.compile(r"measurement wavelength:\s*([2-9][0-9]{2})\s*nm", re.IGNORECASE)
_GENERIC_LABEL = re.compile(r"label\s*[0-9]+", re.IGNORECASE)


def list_top(rows: Typed) -> int | None:
    """Place of the header of such a list; None where a sheet does not begin with one."""
    first = next((place for place, row in enumerate(rows.rows) if not is_blank(row)), None)
    if first is None or rows.rows[first][0].casefold() != LIST_HEADER:
        return None
    return first


def read_list(rows: Typed, top: int, where: str, plate: str, sheet: str) -> tuple[list[Cells], list[Remark]]:
    """The wells of a list, one set per measurement.

    Parameters: `top`, place of the header; the others as for plates that are drawn. Raises Problems for rows of
    another length than the header and for wells that are there twice and differ.
    """
    header = rows.rows[top]
    columns = [place for place, cell in enumerate(header) if place and cell]
    seen: dict[str, int] = {}
    problems, repeated, rest = [], list[int](), list[int]()
    for place in range(top + 1, len(rows.rows)):
        row = rows.rows[place]
        if is_blank(row) or not _WELL.fullmatch(row[0].upper()):
            rest.append(place + 1)
            continue
        if len(row) != len(header):
            message = f"has {len(row)} cells where the header has {len(header)}: a decimal comma, or cut off?"
            problems.append(Problem(where, f"row {place + 1}", message))
            continue
        well = well_key(row[0])
        known = seen.setdefault(well, place)
        if known != place and rows.rows[known][1:] != row[1:]:
            problems.append(Problem(where, f"row {place + 1}", f"well {well} is there already, and differs"))
        elif known != place:
            repeated.append(place + 1)
    if not columns or not seen:
        problems.append(Problem(where, f"row {top + 1}", "lists no wells with a measurement"))
    if problems:
        raise Problems(problems)
    text = [" ".join(filter(None, rows.rows[number - 1])) for number in rest]
    names, remarks = _list_names([header[column] for column in columns], text, where, top)
    parts = [
        Cells(
            plate,
            name,
            {
                well: (rows.rows[place][column], rows.native[place][column], place + 1, _column(header[column], sheet))
                for well, place in seen.items()
            },
        )
        for column, name in zip(columns, names, strict=True)
    ]
    if repeated:
        remarks.append(repeated_rows(repeated))
    return parts, [*remarks, *_absent(set(seen)), *rows_beside(rest, rows)]


def _column(header: str, sheet: str) -> str:
    return f"{sheet}!{header}" if sheet else header


def _list_names(labels: list[str], text: list[str], where: str, top: int) -> tuple[list[str], list[Remark]]:
    """Labels of measurements, or their wavelengths where the labels say nothing and the text below does."""
    if len(set(labels)) < len(labels):
        raise Problems([Problem(where, f"row {top + 1}", f"two measurements have one label: {listed(labels)}")])
    found = _wavelengths(text, len(labels))
    generic = [_GENERIC_LABEL.fullmatch(label) is not None for label in labels]
    if not any(generic):
        return labels, []
    if len(found) != len(labels) or len(set(found)) < len(found):
        message = f"the file does not say at which wavelength each of {listed(labels)} was measured."
        return labels, [Remark("wavelength_unknown", message, "warning", "flagged", {"labels": len(labels)})]
    names = [f"{light} nm" if plain else label for label, light, plain in zip(labels, found, generic, strict=True)]
    pairs = listed(f"{label} = {light} nm" for label, light in zip(labels, found, strict=True))
    message = f"measurements are named by their wavelength: {pairs}."
    return names, [Remark("named_by_wavelength", message, "note", "nothing", {"labels": len(labels)})]


def _wavelengths(text: list[str], measurements: int) -> list[str]:
    """The wavelength under each heading "Measurement 1:", "Measurement 2:" …; [] where not each has its one."""
    found: dict[int, list[str]] = {}
    number = 0
    for line in text:
        heading, light = _MEASUREMENT.match(line), _MEASURED_AT.search(line)
        if heading:
            number = int(heading[1])
            found.setdefault(number, [])
        elif light:
            found.setdefault(number, []).append(light[1])
    if list(found) != list(range(1, measurements + 1)) or any(len(lights) != 1 for lights in found.values()):
        return []
    return [lights[0] for lights in found.values()]


def _absent(wells: set[str]) -> list[Remark]:
    """Wells between A1 and the plate's last that the list does not have."""
    large = any(LETTERS.index(well[0]) >= ROWS_OF[12] or int(well[1:]) > 12 for well in wells)
    columns = 24 if large else 12
    whole = [f"{letter}{number}" for letter in LETTERS[: ROWS_OF[columns]] for number in range(1, columns + 1)]
    absent = [well for well in whole if well not in wells]
    if not absent:
        return []
    message = f"the list lacks {plural(len(absent), 'well')} of a plate of {len(whole)}: {listed(absent)}."
    return [Remark("wells_absent", message, "warning", "flagged", {"wells": len(absent)})]
