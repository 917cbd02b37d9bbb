"""Is an xPONENT export whole, and which blocks does it hold?

A block begins with a line "DataType:" and its name, then a header, then rows keyed by Location, Sample, Reagent or a
label. Blocks come in any order; a file ends with "-- CRC --" and a checksum line, without which it is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.luminex_text import Lines, cut_lines, first_cell
from cytoshift.intake.instruments.readout import refuse
from cytoshift.study.problem import Problem, Problems

Key = str | tuple[str, str]  # a name or label, or the (plate, well) of a Location
PROGRAM = re.compile(r'(?:^|[\r\n])[,;\t "]*Program"?[ ]*([,;\t])[,;\t" ]*xPONENT', re.IGNORECASE)
DATA_TYPE = re.compile(r'(?:^|[\r\n])[,;\t "]*DataType:"?[ ]*([,;\t])')
KEYS = {"location": "location", "sample": "sample", "reagent": "reagent", "analyte:": "label"}
KEYED_BY_SAMPLE = frozenset(("Avg Result", "%CV Replicates"))  # summaries of replicate wells
WARNINGS = "Warnings/Errors"
_WELL = re.compile(r"[A-P][0-9]{1,2}")
_LOCATION = re.compile(r"([0-9]+)\s*\(\s*([0-9]+)\s*[,;\t]\s*([A-P])0?([0-9]{1,2})\s*\)")
_SPLIT_LOCATION = (re.compile(r"\s*[0-9]+\s*\(\s*[0-9]+\s*"), re.compile(r"\s*[A-P][0-9]{1,2}\s*\)\s*"))
_CHECKSUM = re.compile(r"CRC32:\s*[0-9A-Fa-f]{8}")
_OTHER_CHECKSUM = re.compile(r"CRC(?!3)[0-9A-Za-z]*:\s*[0-9A-Za-z]+")


@dataclass(frozen=True)
class Block:
    """One block: `keys` name its rows ((plate, well), sample, reagent or label), `columns` its values.

    `cells` has shape rows × columns, `lines` the line of each row; `samples` the Sample beside a Location, else ''.
    """

    name: str
    kind: str
    columns: list[str]
    keys: list[Key]
    samples: list[str]
    cells: np.ndarray
    lines: list[int]


@dataclass
class Export:
    """The lines above the first block, the blocks asked for by name, and what was met on the way."""

    path: str
    head: list[list[str]]
    blocks: dict[str, Block]
    names: list[str]  # of all blocks, used or not
    duplicates: dict[str, list[int]] = field(default_factory=dict)  # block → lines that repeat another
    unclear: dict[str, list[str]] = field(default_factory=dict)  # block → samples with several rows that differ
    warnings: list[tuple[str, str, str]] = field(default_factory=list)  # well, status, message


@dataclass
class _Pile:
    """The rows of one block, by their place in the file, below the header that stands first."""

    header: int
    rows: list[int]


def read_export(content: Content, wanted: frozenset[str]) -> Export:
    """Cut a file into blocks and read those that are wanted.

    Raises Problems where the end is missing, a row does not fit its header, or rows of one key contradict each other;
    Unreadable where it is no separated text.
    """
    found = PROGRAM.search(content.text) or DATA_TYPE.search(content.text)
    if found is None:
        raise refuse(
            content.path, "", 'has no line "DataType:" and no line "Program,xPONENT": is it an xPONENT export?'
        )
    lines = cut_lines(content, found[1])
    starts, end = _starts(lines)
    _check_end(lines, end, content.ends_with_line_end)
    if not starts:
        raise refuse(content.path, "", 'holds no results: it has no line "DataType:"')
    written = {name.casefold(): name for name in wanted}
    starts = [(start, written.get(name.casefold(), name)) for start, name in starts]
    export = Export(content.path, lines.rows[: starts[0][0]], {}, list(dict.fromkeys(name for _, name in starts)))
    trimmed = not any(row and row[-1] == "" for row in lines.rows)
    piles: dict[str, list[_Pile]] = {}
    for (start, name), stop in zip(starts, [start for start, _ in starts[1:]] + [end], strict=True):
        filled = [place for place in range(start + 1, stop) if any(lines.rows[place])]
        if name == WARNINGS:
            export.warnings += _warnings(lines.rows[place] for place in filled)
        elif name in wanted and filled:
            piles.setdefault(name, []).append(_Pile(filled[0], filled[1:]))
    problems: list[Problem] = []
    for name, parts in piles.items():
        try:
            export.blocks[name] = _read_block(name, parts, lines, trimmed, export)
        except Problems as found_problems:
            problems += found_problems.problems
    if problems:
        raise Problems(problems)
    return export


def _starts(lines: Lines) -> tuple[list[tuple[int, str]], int]:
    """Row and name of every block, and the row of the end mark (the number of rows without one)."""
    starts: list[tuple[int, str]] = []
    for place, row in enumerate(lines.rows):
        first = row[0] if row and row[0] else first_cell(row)
        if first.startswith("-- CRC"):
            return starts, place
        if "DataType:" in first and first.strip() == "DataType:":
            name = first_cell(row[row.index(first) + 1 :])
            if not name:
                raise Problems([lines.problem(place, "DataType:", "does not name its block")])
            starts.append((place, name))
    return starts, len(lines.rows)


def _check_end(lines: Lines, end: int, finished: bool) -> None:
    remedy = "the file is cut off; export the batch again"
    rest = [(place, row) for place, row in enumerate(lines.rows) if place >= end and any(map(str.strip, row))]
    rest = [(place, row) for place, row in rest if first_cell(row) != "-- CRC --"]
    if not rest:
        raise refuse(lines.path, "", f'does not end with "-- CRC --" and "CRC32: …": {remedy}')
    for place, row in rest:
        checksum = first_cell(row)
        whole = finished or place < len(lines.rows) - 1 or len(row) > 1
        if _CHECKSUM.fullmatch(checksum) or (_OTHER_CHECKSUM.fullmatch(checksum) and whole):
            continue
        if checksum.startswith("CRC") or "-- CRC --".startswith(checksum):
            raise Problems([lines.problem(place, "CRC32", f"is {checksum!r}, not 8 hexadecimal digits: {remedy}")])
        message = f'stands after the end mark "-- CRC --": {checksum!r}; are two files in one? Give each its own'
        raise Problems([lines.problem(place, "", message)])


def _warnings(rows: Iterable[list[str]]) -> Iterator[tuple[str, str, str]]:
    """Well, status and message of each warning; the well is plate,well, which a spreadsheet may have split."""
    for row in rows:
        filled = [cell.strip() for cell in row if cell.strip()]
        if len(filled) > 1 and filled[0].isdecimal() and _WELL.fullmatch(filled[1]):
            filled[:2] = [f"{filled[0]},{filled[1]}"]
        if filled[0].casefold() != "location":
            status, message = (*filled[1:3], "", "")[:2]
            yield filled[0], status, message


def _read_block(name: str, piles: list[_Pile], lines: Lines, trimmed: bool, export: Export) -> Block:
    header = [cell.strip() for cell in lines.rows[piles[0].header]]
    kind, key_columns, value_columns = _columns(name, header, piles[0].header, lines)
    places: list[int] = []
    for pile in piles:
        again = [cell.strip() for cell in lines.rows[pile.header]]
        if again != header:
            raise Problems([lines.problem(pile.header, name, "is a second block of this name with another header")])
        places += _data_rows(name, header, key_columns, pile, lines)
    rows = [_fitted(lines.rows[place], header, key_columns[0], trimmed) for place in places]
    _check_fit(name, rows, places, header, lines)
    labels = [row[key_columns[0]].strip() for row in rows]
    keys: list[Key] = list(labels) if kind != "location" else _locations(name, labels, places, lines)
    samples = [row[key_columns[1]].strip() for row in rows] if len(key_columns) > 1 else [""] * len(rows)
    cells = _cells(rows, value_columns)
    kept = _without_repeats(name, keys, samples, cells, places, lines, export)
    return Block(
        name,
        kind,
        [header[column] for column in value_columns],
        [keys[row] for row in kept],
        [samples[row] for row in kept],
        cells if len(kept) == len(rows) else cells[kept],
        [lines.numbers[places[row]] for row in kept],
    )


def _columns(name: str, header: list[str], place: int, lines: Lines) -> tuple[str, list[int], list[int]]:
    named = [column for column, cell in enumerate(header) if cell]
    kind = KEYS.get(header[named[0]].casefold())
    if kind is None:
        legal = "Location, Sample, Reagent or Analyte:"
        raise Problems([lines.problem(place, name, f"begins with {header[named[0]]!r}, not with a header: {legal}")])
    key_columns = named[:1]
    if kind == "location" and len(named) > 1 and header[named[1]].casefold() == "sample":
        key_columns = named[:2]
    values = [column for column in named[len(key_columns) :] if header[column].casefold() != "total events"]
    names = [header[column] for column in values]
    if len(set(names)) < len(names):
        twice = sorted({column for column in names if names.count(column) > 1})
        message = f"has two columns {', '.join(twice)}; name the analytes apart in the protocol and export again"
        raise Problems([lines.problem(place, name, message)])
    return kind, key_columns, values


def _data_rows(name: str, header: list[str], key_columns: list[int], pile: _Pile, lines: Lines) -> list[int]:
    """Rows below the header; a header repeated at once is none of them, a header further down is another block's."""
    data: list[int] = []
    keys = [header[column] for column in key_columns]
    for place in pile.rows:
        row = lines.rows[place]
        first = row[key_columns[0]].strip() if len(row) > key_columns[0] else first_cell(row)
        if first.casefold() not in KEYS:
            data.append(place)
        elif data or [row[column].strip() for column in key_columns if column < len(row)] != keys:
            message = f'has a second header ({first}) among its rows: is a line "DataType:" lost above it?'
            raise Problems([lines.problem(place, name, message)])
    return data


def _fitted(row: list[str], header: list[str], key: int, trimmed: bool) -> list[str]:
    """A row of the header's length where that is certain: an unquoted Location joined, trimmed blank cells restored."""
    excess = len(row) - len(header)
    if not excess:
        return row
    if excess == 1 and all(
        part.fullmatch(cell) for part, cell in zip(_SPLIT_LOCATION, row[key : key + 2], strict=True)
    ):
        return [*row[:key], f"{row[key]},{row[key + 1]}", *row[key + 2 :]]
    if excess < 0 and (trimmed or sum(map(bool, row)) <= 1):
        return row + [""] * -excess
    return row


def _check_fit(name: str, rows: list[list[str]], places: list[int], header: list[str], lines: Lines) -> None:
    width = len(header)
    unnamed = [column for column, cell in enumerate(header) if not cell]
    last = next(column for column in range(width, 0, -1) if header[column - 1])
    inner = [column for column in unnamed if column < last]
    if not inner and {*map(len, rows)} <= {width} and not any(any(row[last:]) for row in rows):
        return
    problems = []
    for row, place in zip(rows, places, strict=True):
        if len(row) != width:
            message = (
                f"has {len(row)} cells where the header has {width}: is a comma both decimal sign and separator, or a "
                "quotation mark lost?"
            )
            problems.append(lines.problem(place, name, message))
        elif (last < width and any(row[last:])) or any(row[column].strip() for column in inner):
            problems.append(lines.problem(place, name, "has a value in a column without a name"))
    if problems:
        raise Problems(problems)


def _locations(name: str, labels: list[str], places: list[int], lines: Lines) -> list[Key]:
    matches = [_LOCATION.fullmatch(label) for label in labels]
    problems = [
        lines.problem(place, name, f"{label!r} is no location; legal: 2(1,B1), which is number(plate,well)")
        for label, match, place in zip(labels, matches, places, strict=True)
        if match is None
    ]
    if problems:
        raise Problems(problems)
    return [(match[2], match[3] + match[4]) for match in matches if match]


def _cells(rows: list[list[str]], columns: list[int]) -> np.ndarray:
    """Cells of the value columns, spaces around them removed."""
    if not rows or not columns:
        return np.empty((len(rows), len(columns)), dtype=object)
    first, last = columns[0], columns[-1] + 1
    joined = last - first == len(columns)
    cells = [cell for row in rows for cell in (row[first:last] if joined else [row[column] for column in columns])]
    text = "\n".join(["", *cells, ""])
    if "\n " in text or " \n" in text:
        cells = [cell.strip() for cell in cells]
    return np.array(cells, dtype=object).reshape(len(rows), len(columns))


def _without_repeats(
    name: str,
    keys: list[Key],
    samples: list[str],
    cells: np.ndarray,
    places: list[int],
    lines: Lines,
    export: Export,
) -> list[int]:
    """Rows to keep: of rows that say the same of the same key the first.

    Rows that differ contradict each other where the key is a well, a reagent or a label (Problems are raised); where
    it is a sample's name they may be two dilutions, and which wells are meant cannot be told: none is kept.
    """
    if len(set(keys)) == len(keys):
        return list(range(len(keys)))
    first: dict[object, int] = {}
    unclear: set[object] = set()
    contradictions: list[Problem] = []
    for row, key in enumerate(keys):
        before = first.setdefault(key, row)
        if before == row:
            continue
        if samples[before] == samples[row] and (cells[before] == cells[row]).all():
            export.duplicates.setdefault(name, []).append(lines.numbers[places[row]])
        elif name in KEYED_BY_SAMPLE and isinstance(key, str):
            unclear.add(key)
        else:
            shown = key if isinstance(key, str) else f"well {key[1]} of plate {key[0]}"
            message = f"has another row for {shown}, with other values, on line {lines.numbers[places[before]]}"
            contradictions.append(lines.problem(places[row], name, message))
    if contradictions:
        raise Problems(contradictions)
    if unclear:
        export.unclear[name] = sorted(map(str, unclear))
    return sorted(row for key, row in first.items() if key not in unclear)
