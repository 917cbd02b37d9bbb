"""What did an INTELLIFLEX instrument read, as its own software (2.x) writes it: one row per well?

Every bead region has its columns ("R25: RP1 MEDIAN"), for each reporter (RP1, RP2); the rows end with a signature.
INTELLIFLEX files in xPONENT's layout of blocks are the reader xponent's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.decimals import decimal_sign
from cytoshift.intake.instruments.luminex_text import (
    Lines,
    cut_lines,
    first_cell,
    is_bound,
    iso_date,
    read_dates,
    read_numbers,
)
from cytoshift.intake.instruments.readout import Options, Reader, Readout, Remark, no_curves, refuse, well_frame
from cytoshift.intake.values import is_gap
from cytoshift.study.problem import Problem, Problems

_HEADER = re.compile(r'(?:^|[\r\n])[^\r\n]*\bWELL LOCATION"?[ ]*([,;\t])')
_REGION = re.compile(r"R([0-9]+): (RP[0-9]) (.+)")
_WELL = re.compile(r"([A-P])0?([0-9]{1,2})")
_TYPES = {"U": "sample", "S": "standard", "C": "control", "B": "blank"}
_SIGNATURE = "--DOCUMENT SIGNATURE--"
_SIGNED = re.compile(r"[0-9A-Fa-f]{32,}")
_FACTS = {"instrument": "MODEL NAME", "batch": "PLATE NAME", "protocol": "PROTOCOL NAME", "panel": "PANEL NAME"}
_READ = ("MEDIAN", "NET MEDIAN", "COUNT")


@dataclass(frozen=True)
class _Wells:
    """Header, rows (of its length) and their lines; `duplicates` counts rows dropped because another says the same."""

    path: str
    header: list[str]
    rows: np.ndarray
    numbers: np.ndarray
    duplicates: int

    def column(self, name: str) -> np.ndarray:
        """Cells of one column, '' where the file does not have it."""
        return self.rows[:, self.header.index(name)] if name in self.header else np.full(len(self.rows), "", object)


def sniff(content: Content) -> str:
    """Why a file is an INTELLIFLEX export of one row per well, '' if it is not."""
    if (
        content.kind != "text"
        or not _HEADER.search(content.head)
        or not re.search(r"\bR[0-9]+: RP[0-9] ", content.head)
    ):
        return ""
    return 'its header has "WELL LOCATION" and columns of bead regions ("R25: RP1 MEDIAN")'


def read(content: Content, options: Options) -> Readout:
    """Wells and remarks of one export; this layout states signals, no concentrations and no curves.

    Raises Problems where the signature is missing, rows contradict each other, a row does not fit the header, or a
    cell is no number; Unreadable where it is no separated text.
    """
    wells = _read_wells(content)
    regions, analytes = _regions(wells)
    texts = (cell for what in _READ for cell in _cells(wells, regions, what).ravel().tolist())
    decimal = decimal_sign(wells.path, texts, options.decimal)
    signal, net, beads = (_numbers(wells, regions, what, decimal) for what in _READ)
    dilution = _checked(wells, "DILUTION", wells.column("DILUTION")[:, None], decimal, ["DILUTION"])[:, 0]
    unread = beads == 0  # the software prints 0 for the median of no beads
    signal[unread], net[unread] = np.nan, np.nan
    codes = wells.column("WELL TYPE")
    types = _types(wells, codes)
    named = np.isin(types, ["standard", "control"])
    count = len(analytes)
    columns: dict[str, object] = {
        "plate": np.repeat(wells.column("PLATE NAME"), count),
        "well": np.repeat(_locations(wells), count),
        "written": np.repeat(wells.column("SAMPLE ID"), count),
        "type": np.repeat(types, count),
        "level": np.repeat(np.where(named, codes, ""), count),
        "analyte": np.tile(np.array(analytes, dtype=object), len(wells.rows)),
        "signal": signal.ravel(),
        "net_signal": net.ravel(),
        "beads": beads.ravel(),
        "dilution": np.repeat(dilution, count),
        "reason": _reasons(wells.column("WELL STATUS"), unread | np.isnan(beads)).ravel(),
        "source_row": np.repeat(wells.numbers, count),
        "source_column": np.tile([f"R{region}: {reporter} MEDIAN" for region, reporter in regions], len(wells.rows)),
    }
    software = wells.column("SOFTWARE VERSION")[0].partition("/")[0]
    remarks = _remarks(wells, regions, analytes, signal, unread)
    return Readout("intelliflex", software, well_frame(columns, signal.size), no_curves(), remarks, _about(wells))


def _reasons(status: np.ndarray, unread: np.ndarray) -> np.ndarray:
    why = np.where(unread, "no bead was read", "no concentrations in the file").astype(object)
    said = np.array([f"well status {text}; " if text not in ("", "Ok") else "" for text in status], dtype=object)
    return said[:, None] + why


def _read_wells(content: Content) -> _Wells:
    found = _HEADER.search(content.text)
    if found is None:
        raise refuse(content.path, "", 'has no header with "WELL LOCATION": is it an INTELLIFLEX export of wells?')
    lines = cut_lines(content, found[1])
    start = next(place for place, row in enumerate(lines.rows) if "WELL LOCATION" in map(str.strip, row))
    end = next((place for place, row in enumerate(lines.rows) if first_cell(row) == _SIGNATURE), -1)
    if end < 0 or not content.ends_with_line_end or not _signed(lines, end):
        remedy = "the file is cut off; export the plate again"
        raise refuse(content.path, "", f'does not end with "{_SIGNATURE}", a data signature and a line end: {remedy}')
    header = [cell.strip() for cell in lines.rows[start]]
    filled = [place for place in range(end) if place > start and any(lines.rows[place])]
    data = [place for place in filled if [cell.strip() for cell in lines.rows[place]] != header]
    stray = [place for place in range(start) if any(map(str.strip, lines.rows[place]))]
    problems = [lines.problem(place, "", "stands above the header: is the header out of its place?") for place in stray]
    for place in data:
        if len(lines.rows[place]) != len(header):
            message = (
                f"has {len(lines.rows[place])} cells where the header has {len(header)}: is a comma both decimal sign "
                "and separator, or a quotation mark lost?"
            )
            problems.append(lines.problem(place, "", message))
        elif any(cell.strip() for cell, name in zip(lines.rows[place], header, strict=True) if not name):
            problems.append(lines.problem(place, "", "has a value in a column without a name"))
    if not data and not problems:
        problems.append(Problem(content.path, "", "holds no wells below its header"))
    if problems:
        raise Problems(problems)
    rows = np.array([[cell.strip() for cell in lines.rows[place]] for place in data], dtype=object)
    return _without_repeats(lines, header, rows, np.array([lines.numbers[place] for place in data]), len(filled))


def _signed(lines: Lines, end: int) -> bool:
    """Is the signature block whole: a heading, then lines of hexadecimal digits of one length, and nothing else?"""
    rest = [first_cell(row) for row in lines.rows[end + 1 :]]
    heading = next((place for place, text in enumerate(rest) if text.startswith("Data Signature:")), None)
    if heading is None:
        return False
    digits = [text for text in rest[heading + 1 :] if text and not text.startswith("Data Signature:")]
    return bool(digits) and all(map(_SIGNED.fullmatch, digits)) and len({len(text) for text in digits}) == 1


def _without_repeats(lines: Lines, header: list[str], rows: np.ndarray, numbers: np.ndarray, met: int) -> _Wells:
    """Each well once. Raises Problems where two rows of a well differ."""
    whole = _Wells(lines.path, header, rows, numbers, 0)
    first: dict[tuple[str, str], int] = {}
    problems = []
    for row, key in enumerate(zip(whole.column("PLATE NAME").tolist(), _locations(whole).tolist(), strict=True)):
        before = first.setdefault(key, row)
        if before != row and (rows[before] != rows[row]).any():
            message = f"has another row for well {key[1]}, with other values, on line {numbers[before]}"
            problems.append(Problem(f"{lines.path}:{numbers[row]}", "WELL LOCATION", message))
    if problems:
        raise Problems(problems)
    kept = sorted(first.values())
    return _Wells(lines.path, header, rows[kept], numbers[kept], met - len(kept))


def _locations(wells: _Wells) -> np.ndarray:
    column = wells.column("WELL LOCATION")
    matches = [_WELL.fullmatch(cell) for cell in column]
    wrong = [row for row, match in enumerate(matches) if match is None]
    if wrong:
        _raise(wells, "WELL LOCATION", [(row, column[row], "is no well; legal: A1 to P24") for row in wrong])
    return np.array([match[1] + match[2] for match in matches if match], dtype=object)


def _types(wells: _Wells, codes: np.ndarray) -> np.ndarray:
    wrong = [(row, code, "is no type of well; legal: U1, S1, C1, B1 …") for row, code in enumerate(codes)
             if code[:1].upper() not in _TYPES]  # fmt: skip
    if wrong:
        _raise(wells, "WELL TYPE", wrong)
    return np.array([_TYPES[code[:1].upper()] for code in codes], dtype=object)


def _regions(wells: _Wells) -> tuple[list[tuple[str, str]], list[str]]:
    """Bead regions (number, reporter) in the file's order, and the analyte of each."""
    matches = [match for match in map(_REGION.fullmatch, wells.header) if match]
    regions = list(dict.fromkeys((match[1], match[2]) for match in matches))
    several = len({reporter for _, reporter in regions}) > 1
    analytes = []
    for region, reporter in regions:
        column = wells.column(f"R{region}: {reporter} REGION")
        wrong = [(row, cell, f"is not {region}: cells of this row are out of place") for row, cell in enumerate(column)
                 if cell != region and not is_gap(cell)]  # fmt: skip
        if wrong:
            _raise(wells, f"R{region}: {reporter} REGION", wrong)
        named = dict.fromkeys(cell for cell in wells.column(f"R{region}: {reporter} ANALYTE NAME") if not is_gap(cell))
        if len(named) > 1:
            message = f"region has several analytes: {listed(named)}; export each panel by itself"
            raise Problems([Problem(wells.path, f"R{region}: {reporter} ANALYTE NAME", message)])
        name = next(iter(named), f"R{region}")
        analytes.append(f"{name} {reporter}" if several else name)
    if not regions or len(set(analytes)) < len(analytes):
        twice = sorted({name for name in analytes if analytes.count(name) > 1})
        message = f"several bead regions are called {listed(twice)}" if twice else "has no columns of bead regions"
        raise Problems([Problem(wells.path, "ANALYTE NAME", message)])
    return regions, analytes


def _cells(wells: _Wells, regions: list[tuple[str, str]], what: str) -> np.ndarray:
    return np.column_stack([wells.column(f"R{region}: {reporter} {what}") for region, reporter in regions])


def _numbers(wells: _Wells, regions: list[tuple[str, str]], what: str, decimal: str) -> np.ndarray:
    names = [f"R{region}: {reporter} {what}" for region, reporter in regions]
    return _checked(wells, what, _cells(wells, regions, what), decimal, names)


def _checked(wells: _Wells, what: str, cells: np.ndarray, decimal: str, names: list[str]) -> np.ndarray:
    parsed = read_numbers(cells, "," if decimal == "," else ".")
    mistakes = dict(parsed.mistakes)
    mistakes |= dict.fromkeys(np.flatnonzero(is_bound(parsed)).tolist(), "is a bound where a number belongs")
    wrong = parsed.value <= 0 if what == "DILUTION" else (parsed.value < 0) & (what == "COUNT")
    mistakes |= dict.fromkeys(np.flatnonzero(wrong).tolist(), f"is no {what.lower()}")
    problems = []
    for place, advice in sorted(mistakes.items()):
        row, column = divmod(place, len(names))
        problems.append(
            Problem(f"{wells.path}:{wells.numbers[row]}", names[column], f"{cells[row, column]!r} {advice}")
        )
    if problems:
        raise Problems(problems)
    return parsed.value.reshape(cells.shape)


def _raise(wells: _Wells, key: str, wrong: list[tuple[int, str, str]]) -> NoReturn:
    raise Problems(Problem(f"{wells.path}:{wells.numbers[row]}", key, f"{cell!r} {says}") for row, cell, says in wrong)


def _about(wells: _Wells) -> dict[str, str]:
    about = {key: ", ".join(dict.fromkeys(filter(None, wells.column(name)))) for key, name in _FACTS.items()}
    starts = [text for text in wells.column("PLATE START") if text]
    if starts:
        about["run_date"] = iso_date(starts[0], read_dates("\n".join(starts)))
        about["run_start"] = starts[0]
    return {key: value for key, value in about.items() if value}


def _remarks(
    wells: _Wells, regions: list[tuple[str, str]], analytes: list[str], signal: np.ndarray, unread: np.ndarray
) -> list[Remark]:
    remarks = []
    if wells.duplicates:
        message = f"{plural(wells.duplicates, 'line')} that repeat another were dropped"
        remarks.append(Remark("duplicated_lines", message, numbers={"lines": wells.duplicates}))
    names, status = _locations(wells), wells.column("WELL STATUS")
    for said in dict.fromkeys(status):
        if said and said != "Ok":
            those = names[status == said]
            message = f"well status {said}: {plural(len(those), 'well')} ({listed(those)})"
            remarks.append(Remark("well_status", message, numbers={"wells": len(those)}))
    expected = [f"R{region}: {reporter} {what}" for region, reporter in regions for what in _READ]
    absent = [name for name in (*expected, "DILUTION", "WELL STATUS", "PLATE NAME") if name not in wells.header]
    if absent:
        message = f"the file has no columns {listed(absent)}: what they would say is missing"
        remarks.append(Remark("columns_absent", message, numbers={"columns": len(absent)}))
    none = unread.any(axis=1)
    if none.any():
        cells = [f"{analytes[column]} in {names[row]}" for row, column in np.argwhere(unread)]
        message = f"no bead was read for {listed(cells)}: the 0 printed there is no signal"
        remarks.append(Remark("no_beads", message, numbers={"cells": len(cells)}))
    empty = np.isnan(signal).all(axis=1)
    if empty.any():
        message = f"no signal in {plural(int(empty.sum()), 'well')}: {listed(names[empty])}"
        remarks.append(Remark("no_signal", message, numbers={"wells": int(empty.sum())}))
    return remarks


READER = Reader("intelliflex", "Luminex INTELLIFLEX 2, one row per well", sniff, read)
