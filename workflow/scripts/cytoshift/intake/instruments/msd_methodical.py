"""Which signals did an MSD plate reader (Methodical Mind) write, well by well?

The text holds one block per plate of a stack: a header, the signals between ====Data==== and ====Processing====, and
the reader's own statistics, whose mean proves that the signals are whole. Samples and analytes are not in it: the
layout of the plate names samples, the spot's number stands for the analyte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from cytoshift.findings import listed
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Readout, Remark, no_curves, refuse, well_frame
from cytoshift.intake.instruments.table_rows import require_whole, text_lines
from cytoshift.intake.values import PLAIN_NUMBER, stop_that_may_group

_SECTION = re.compile(r"=+\s*([A-Za-z][A-Za-z/ ]*?)\s*=+")
_FACT = re.compile(r"([A-Za-z][A-Za-z0-9 #.]*?)\s*:\s*(.*)")
_FIRST = "Stack ID"
_AFTER_DATA = "Processing"
_CLOSING = "Statistics"


@dataclass
class _Plate:
    facts: dict[str, str]
    sections: dict[str, list[tuple[int, list[str]]]]
    start: int


def is_methodical(content: Content) -> bool:
    """Has a text a Data section and the facts of a plate reader above it?"""
    if content.kind != "text":
        return False
    head = content.text[:20_000]
    return re.search(r"=====\s*Data\s*=====", head) is not None and "Spots Per Well" in head


def read_methodical(content: Content) -> Readout:
    """Signals of every well and spot. Raises Problems for a plate that is not whole or whose mean does not fit."""
    require_whole(content)
    plates = _plates(content)
    columns: dict[str, list[object]] = {key: [] for key in ("plate", "well", "analyte", "signal", "source_row")}
    remarks: list[Remark] = []
    for name, plate in zip(_names(plates), plates, strict=True):
        wells, missing = _signals(content.path, plate)
        columns["plate"] += [name] * len(wells)
        for key, cells in zip(("well", "analyte", "signal", "source_row"), zip(*wells, strict=True), strict=True):
            columns[key] += cells
        remarks += _check_mean(content.path, name, plate, [signal for _, _, signal, _ in wells])
        if missing:
            message = f"plate {name}: wells {listed(missing)} have no signal"
            remarks.append(Remark("wells_not_read", message, plate=name))
    rows = len(columns["well"])
    extent = (
        f"read {rows} signals on {len(plates)} plates ({listed(_names(plates))}); a stack's last plate is not marked"
    )
    remarks.append(Remark("extent", extent, "note", "nothing", {"rows": float(rows)}))
    signals = np.array(columns["signal"], dtype=float)
    reason = np.where(np.isnan(signals), "well not read", "signal only: no concentration in the file")
    source = [f"column {str(well)[1:]}" for well in columns["well"]]
    filled = {key: np.array(cells, dtype=object) for key, cells in columns.items()}
    filled |= {"signal": signals, "source_row": np.array(columns["source_row"], dtype=int)}
    frame = well_frame({**filled, "reason": reason, "source_column": np.array(source, dtype=object)}, rows)
    version = plates[0].facts.get("Version", "")
    about = {"detection": plates[0].facts.get("Det Param", ""), "read_time": plates[0].facts.get("Read Time", "")}
    return Readout("msd", f"MSD Methodical Mind {version}".strip(), frame, no_curves(), remarks, about)


def _plates(content: Content) -> list[_Plate]:
    plates: list[_Plate] = []
    section = ""
    for row, line in enumerate(text_lines(content.text), start=1):
        cells = [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
        joined = " ".join(filter(None, cells))
        if not joined:
            continue
        if found := _SECTION.fullmatch(joined):
            section = found[1]
            if not plates or section in plates[-1].sections:
                message = f"section {section!r} belongs to no plate: its {_FIRST!r} line is absent"
                raise refuse(content.path, f"line {row}", message)
            plates[-1].sections[section] = []
        elif fact := _FACT.fullmatch(joined):
            if fact[1] == _FIRST:
                plates.append(_Plate({}, {}, row))
                section = ""
            if section and plates:
                plates[-1].sections[section].append((row, cells))
            elif plates and plates[-1].facts.setdefault(fact[1], fact[2]) != fact[2]:
                message = f"says {fact[1]!r} again for the same plate, as {fact[2]!r}; export the file again"
                raise refuse(content.path, f"line {row}", message)
        elif section and plates:
            plates[-1].sections[section].append((row, cells))
        else:
            raise refuse(content.path, f"line {row}", f"{joined[:40]!r} belongs to no section; export the file again")
    for plate in plates:
        for needed in ("Data", _AFTER_DATA, _CLOSING):
            if needed not in plate.sections:
                message = f"plate {_name(plate)} has no ===={needed}==== section: the file is cut off; export it again"
                raise refuse(content.path, f"line {plate.start}", message)
    ends = {_last_entry(plate) for plate in plates}
    if len(ends) > 1:
        message = "its plates do not have the same sections to the end: the file is cut off; export it again"
        raise refuse(content.path, f"line {plates[-1].start}", message)
    return plates


def _last_entry(plate: _Plate) -> tuple[str, ...]:
    """Sections after the data, each with its number of lines: the same for every plate of a stack."""
    return tuple(f"{name} {len(lines)}" for name, lines in plate.sections.items() if name != "Data")


def _name(plate: _Plate) -> str:
    barcode = plate.facts.get("Barcode1", "").strip("<*>")
    return barcode or plate.facts.get("Plate #", "") or "without a barcode"


def _names(plates: list[_Plate]) -> list[str]:
    names = [_name(plate) for plate in plates]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({plate.facts.get('Plate #', '')})" for name, plate in zip(names, plates, strict=True)]


def _signals(path: str, plate: _Plate) -> tuple[list[tuple[str, str, float, int]], list[str]]:
    """Well, spot, signal and line of every signal of a plate, and the wells without one."""
    wide, high = _count(path, plate, "Wells Per Row"), _count(path, plate, "Wells Per Col")
    spots = _count(path, plate, "Spots Per Well")
    lines = plate.sections["Data"]
    header = [cell for cell in lines[0][1] if cell] if lines else []
    if header != [str(number) for number in range(1, wide + 1)]:
        raise refuse(
            path, f"line {lines[0][0] if lines else plate.start}", f"is not the numbers 1 to {wide} of columns"
        )
    body = lines[1:]
    if len(body) != high * spots:
        message = (
            f"plate {_name(plate)} has {len(body)} lines of signals where {high} rows × {spots} spots are announced"
        )
        raise refuse(path, f"line {plate.start}", message)
    wells: list[tuple[str, str, float, int]] = []
    missing: list[str] = []
    for place, (row, cells) in enumerate(body):
        letter, spot = chr(ord("A") + place // spots), place % spots + 1
        if cells[0] not in (letter, "") or (spot == 1 and not cells[0]):
            raise refuse(path, f"line {row}", f"starts with {cells[0]!r} where row {letter} is due")
        while len(cells) > wide + 1 and not cells[-1]:
            cells = cells[:-1]
        if len(cells) != wide + 1:
            raise refuse(path, f"line {row}", f"has {len(cells) - 1} signals where {wide} columns are announced")
        for column, text in enumerate(cells[1:], start=1):
            well = f"{letter}{column}"
            if text and not PLAIN_NUMBER.fullmatch(text):
                raise refuse(path, f"line {row}, column {column}", f"{text!r} is not a number")
            if not text:
                missing.append(well)
            wells.append((well, f"Spot {spot}", float(text) if text else np.nan, row))
    unclear = stop_that_may_group(cell for _, cells in body for cell in cells[1:])
    if unclear:
        message = f"{unclear!r} may mean {unclear} or {unclear.replace('.', '')}; write signals without separators"
        raise refuse(path, f"line {plate.start}", message)
    return wells, missing


def _count(path: str, plate: _Plate, fact: str) -> int:
    text = plate.facts.get(fact, "")
    if not (text.isdecimal() and 0 < int(text) <= 48):
        raise refuse(path, f"line {plate.start}", f"{fact} of plate {_name(plate)} is {text!r}; legal: 1 to 48")
    return int(text)


def _check_mean(path: str, name: str, plate: _Plate, signals: list[float]) -> list[Remark]:
    """The reader's own mean of the plate, whole numbers, against the signals: another one means changed signals."""
    average = [cells for _, cells in plate.sections[_CLOSING] if cells[0].startswith("Average")]
    printed = [cell for cell in average[0][1:] if cell] if average else []
    if not printed or not printed[-1].isdecimal():
        message = f"plate {name}: the reader's mean is absent, so the signals could not be checked against it"
        return [Remark("mean_absent", message, plate=name)]
    mean = float(np.nanmean(signals))
    if abs(mean - float(printed[-1])) > 1:
        message = (
            f"plate {name}: the mean of its signals is {mean:.1f} where the reader says {printed[-1]}: a signal changed"
        )
        raise refuse(path, f"line {plate.start}", message)
    message = f"plate {name}: the mean of its signals, {mean:.1f}, is the reader's own"
    return [Remark("mean_checked", message, "note", "nothing", {"mean": round(mean, 4)}, plate=name)]
