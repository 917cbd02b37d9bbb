"""What optical density did a plate reader measure in each well of an ELISA plate?

Read are plates as drawn (row letters, column numbers; several under each other, per wavelength or plate) and the list
that Tecan Magellan writes. What lies in the wells is for a layout to say; a reference wavelength is never subtracted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.decimals import decimal_sign
from cytoshift.intake.instruments.elisa_cells import Cells
from cytoshift.intake.instruments.elisa_grids import read_grids
from cytoshift.intake.instruments.elisa_list import LIST_HEADER, list_top, read_list
from cytoshift.intake.instruments.readout import Options, Reader, Readout, Remark, no_curves, well_frame
from cytoshift.intake.plate_grids import PlateGrid, count_grids, find_grids
from cytoshift.intake.raw_rows import read_rows
from cytoshift.intake.texts import SEPARATORS, Unreadable
from cytoshift.intake.values import PLAIN_NUMBER, parse_cells
from cytoshift.study.problem import Problem, Problems

# an absorbance reader ends at 4 or 6; counts and fluorescence lie far above
_LARGEST_DENSITY = 12.0
_SNIFFED = 200_000
_SATURATED = frozenset(
    ("over", "ovrflw", "ovrflow", "overflow", "over range", "sat", "#sat", "saturated", "*****", "max")
)


def _sniff(content: Content) -> str:
    if content.kind not in ("text", "workbook"):
        return ""
    try:
        if (
            content.kind == "text"
            and not any(map(count_grids, _cheap_rows(content)))
            and not _says_magellan(content.head)
        ):
            return ""
        for rows in read_rows(content, None, _score).values():
            if list_top(rows) is not None:
                return "it lists wells as Tecan Magellan does (Well positions, Label1 …)"
            grids = find_grids(rows, content.path)
            if grids and all(map(_holds_densities, grids)):
                return f"it draws {plural(len(grids), 'plate')} of optical densities (row letters, column numbers)"
    except (Unreadable, Problems):
        return ""
    return ""


def _cheap_rows(content: Content) -> Iterable[list[list[str]]]:
    for separator in SEPARATORS:
        yield [line.replace('"', "").split(separator) for line in content.text[:_SNIFFED].splitlines()]


def _says_magellan(head: str) -> bool:
    return re.match(r'\s*"?well positions"?\s*[\t;,]', head, re.IGNORECASE) is not None


def _score(rows: list[list[str]]) -> int:
    first = next((row for row in rows if any(map(str.strip, row))), [""])
    listed_wells = len(first) if first[0].strip().casefold() == LIST_HEADER else 0
    return 100 * count_grids(rows) + listed_wells


def _holds_densities(grid: PlateGrid) -> bool:
    texts = [text for text, *_ in grid.wells.values() if text]
    numbers = [text.replace(",", ".") for text in texts if PLAIN_NUMBER.fullmatch(text.replace(",", "."))]
    saturated = sum(_is_saturated(text) for text in texts)
    if len(numbers) + saturated < len(texts) * 0.9 or len(numbers) < 2:
        return False
    values = np.array(numbers, dtype=float)
    return bool((values <= _LARGEST_DENSITY).all() and (values % 1 != 0).any())


def _is_saturated(text: str) -> bool:
    return text.casefold() in _SATURATED


def _read(content: Content, options: Options) -> Readout:
    sheets = read_rows(content, options.sheet, _score)
    parts: list[Cells] = []
    remarks: list[Remark] = []
    problems: list[Problem] = []
    holding = [name for name, rows in sheets.items() if list_top(rows) is not None or count_grids(rows.rows)]
    for name in holding:
        where = f"{content.path} [{name}]" if name else content.path
        plate = name if len(holding) > 1 else ""
        try:
            rows = sheets[name]
            top = list_top(rows)
            found, more = (
                read_grids(rows, where, plate, name) if top is None else read_list(rows, top, where, plate, name)
            )
        except Problems as wrong:
            problems += wrong.problems
            continue
        parts += found
        remarks += more
    if not holding:
        legal = "a plate of 8 × 12 or 16 × 24 cells with row letters and column numbers, or a Tecan Magellan list"
        problems.append(Problem(content.path, "", f"holds no plate of optical densities; legal: {legal}"))
    if problems:
        raise Problems(problems)
    wells, more = _wells(parts, options, content.path)
    return Readout("elisa", "plate reader", wells, no_curves(), [*remarks, *more])


def _wells(parts: list[Cells], options: Options, path: str) -> tuple[pd.DataFrame, list[Remark]]:
    flat = [(part.plate, well, part.analyte, *cell) for part in parts for well, cell in part.wells.items()]
    plate, well, analyte, text, native, row, column = (np.array(one, dtype=object) for one in zip(*flat, strict=True))
    native = native.astype(bool)
    saturated = np.array([_is_saturated(one) for one in text])
    plain = np.where(saturated, "", text)
    places = dict(zip(plain[~native][::-1], zip(row[~native][::-1], column[~native][::-1], strict=True), strict=True))
    decimal = decimal_sign(
        path, plain[~native].tolist(), options.decimal, lambda cell: "row {}, {}".format(*places[cell])
    )
    parsed = parse_cells(plain, decimal, native, -np.inf)
    wrong = dict(parsed.mistakes)
    for place in np.flatnonzero(np.isin(parsed.status, ["extrapolated"])):
        wrong[int(place)] = "is no optical density"
    if wrong:
        raise Problems(
            [Problem(path, f"row {row[at]}, {column[at]}", f"{text[at]!r} {advice}") for at, advice in wrong.items()]
        )
    above, below = saturated | (parsed.status == "above"), parsed.status == "below"
    beyond = above | below
    reason = np.where(plain == "", "no reading", "")
    reason = np.where((parsed.status == "missing") & (plain != ""), "no reading (" + text + ")", reason)
    reason = np.where(beyond, "beyond the reader's range (" + text + ")", reason)
    frame = well_frame(
        {
            "plate": plate, "well": well, "analyte": analyte, "signal": parsed.value,
            "status": np.select([above, below], ["above", "below"], "missing"), "open_limit": beyond,
            "lower": np.where(below, 0.0, np.nan), "upper": np.where(above, np.inf, np.nan),
            "reason": reason, "source_row": row.astype(int), "source_column": column,
        },
        len(flat),
    )  # fmt: skip
    return frame, _what_was_read(parts, parsed.value, beyond)


def _what_was_read(parts: list[Cells], signal: np.ndarray, beyond: np.ndarray) -> list[Remark]:
    plates = list(dict.fromkeys(part.plate for part in parts))
    analytes = list(dict.fromkeys(part.analyte for part in parts))
    message = (
        f"optical densities of {plural(len(signal), 'reading')}"
        + (f" ({listed(plates)})" if any(plates) else "")
        + f" at {listed(analytes)}"
        + ("; no wavelength is subtracted from another." if len(analytes) > 1 else ".")
    )
    numbers: dict[str, float | str] = {"wells": len(signal), "numbers": int(np.isfinite(signal).sum())}
    remarks = [Remark("densities_read", message, "note", "nothing", numbers)]
    if beyond.any():
        message = f"beyond the reader's range, a bound that no number states: {plural(int(beyond.sum()), 'reading')}."
        remarks.append(Remark("saturated", message, "warning", "flagged", {"wells": int(beyond.sum())}))
    return remarks


READER = Reader("elisa", "optical densities of an ELISA plate", _sniff, _read)
