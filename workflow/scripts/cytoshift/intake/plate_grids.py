"""Where in a sheet are plates drawn as plates: row letters down, column numbers across, one cell per well?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cytoshift.findings import listed
from cytoshift.intake.raw_rows import is_blank
from cytoshift.intake.workbooks import Typed
from cytoshift.study.problem import Problem, Problems

LETTERS = "ABCDEFGHIJKLMNOP"
ROWS_OF = {12: 8, 24: 16}  # columns of a plate → its rows
_SIDE_LABEL = re.compile(r"[2-9][0-9]{2}(?:\s*nm)?|OD.*|Abs.*", re.IGNORECASE)


@dataclass(frozen=True)
class PlateGrid:
    """One plate as drawn: per well (key "A1") its text, whether it was a number, and its row and column from 1.

    `above` are the lines over it, nearest first, up to the grid before it; `corner` stands left of the column numbers,
    `side` right of every row. `rows` are all rows it takes; `repeated` those that said the same again.
    """

    columns: int
    first_row: int
    wells: dict[str, tuple[str, bool, int, int]]
    above: list[str]
    corner: str = ""
    side: str = ""
    rows: frozenset[int] = frozenset()
    repeated: list[int] = field(default_factory=list)


def count_grids(rows: list[list[str]]) -> int:
    """In how many rows do the numbers of a plate's columns stand? Tells the separator of a text."""
    return sum(bool(_column_numbers(row)) for row in rows)


def find_grids(sheet: Typed, where: str) -> list[PlateGrid]:
    """All plates with row letters and column numbers, in the order of the sheet.

    Parameters: `sheet`, its cells; `where`, how messages name it. Raises Problems, one line per grid that is not whole:
    a row that is missing, twice with different cells, or of another length than the column numbers.
    """
    found: list[PlateGrid] = []
    problems: list[Problem] = []
    place, free_from = 0, 0
    while place < len(sheet.rows):
        numbers = _column_numbers([cell.strip() for cell in sheet.rows[place]])
        following = next((row for row in sheet.rows[place + 1 :] if not is_blank(row)), [])
        if not numbers or _letter(following, numbers) is None:
            place += 1
            continue
        grid, end, mistakes = _read_grid(sheet, place, numbers, free_from)
        problems += [Problem(where, key, message) for key, message in mistakes]
        if grid is not None:
            found.append(grid)
        place = free_from = end
    if found:
        problems += _orphans(sheet, {row for grid in found for row in grid.rows}, where)
    if problems:
        raise Problems(problems)
    return found


def _orphans(sheet: Typed, taken: set[int], where: str) -> list[Problem]:
    """Rows that look like part of a plate and are in none: half a plate must not pass for text."""
    problems = []
    for place, row in enumerate(sheet.rows):
        if place + 1 in taken or is_blank(row):
            continue
        following = next((other for other in sheet.rows[place + 1 :] if not is_blank(other)), [])
        cells = [cell for cell in row if cell]
        if _column_numbers(row) and following != row:
            message = "column numbers of a plate without its rows A to H or A to P: is the file whole?"
            problems.append(Problem(where, f"row {place + 1}", message))
        elif re.fullmatch("[A-Pa-p]", cells[0]) and len(cells) > ROWS_OF[12]:
            message = f"row {cells[0]} of a plate without its column numbers: is the file whole?"
            problems.append(Problem(where, f"row {place + 1}", message))
    return problems


def bare_grid(sheet: Typed) -> PlateGrid | None:
    """The plate in a sheet that holds nothing else: 8 × 12 or 16 × 24 cells without letters, numbers or both."""
    filled = [place for place, row in enumerate(sheet.rows) if not is_blank(row)]
    if not filled:
        return None
    places = range(filled[0], filled[-1] + 1)
    used = [column for place in places for column, cell in enumerate(sheet.rows[place]) if cell]
    left, width = min(used), max(used) + 1 - min(used)
    numbers = _column_numbers(sheet.rows[filled[0]])
    if numbers and len(places) - 1 == ROWS_OF[len(numbers)] and width == len(numbers):
        return _cut(sheet, list(places)[1:], numbers[0], len(numbers))
    letters = [sheet.rows[place][left].upper() if left < len(sheet.rows[place]) else "" for place in places]
    lettered = width - 1 in ROWS_OF and letters == list(LETTERS[: ROWS_OF[width - 1]])
    columns = width - 1 if lettered else width
    if ROWS_OF.get(columns) != len(places):
        return None
    return _cut(sheet, list(places), left + lettered, columns)


def _cut(sheet: Typed, places: list[int], left: int, columns: int) -> PlateGrid:
    wells = {}
    for letter, place in zip(LETTERS, places, strict=False):
        for number in range(columns):
            wells[f"{letter}{number + 1}"] = _cell(sheet, place, left + number)
    return PlateGrid(columns, places[0] + 1, wells, [], rows=frozenset(place + 1 for place in places))


def _column_numbers(row: list[str]) -> list[int]:
    """Where 1 to 12 or 1 to 24 stand in a row, in order, with nothing but blanks between; [] where they do not."""
    start = next((place for place, cell in enumerate(row) if cell in ("1", "01", "1.0")), None)
    places: list[int] = []
    for place in range(start, len(row)) if start is not None else ():
        cell = row[place]
        if not cell:
            continue
        if not re.fullmatch(r"0?[0-9]{1,2}(?:\.0)?", cell) or int(float(cell)) != len(places) + 1:
            break
        places.append(place)
    return places if len(places) in ROWS_OF else []


def _letter(row: list[str], numbers: list[int]) -> tuple[str, int] | None:
    """The row letter left of the first column, and where it stands."""
    left = [(cell.upper(), place) for place, cell in enumerate(row[: numbers[0]]) if cell]
    return left[0] if len(left) == 1 and re.fullmatch("[A-P]", left[0][0]) else None


def _read_grid(
    sheet: Typed, top: int, numbers: list[int], free_from: int
) -> tuple[PlateGrid | None, int, list[tuple[str, str]]]:
    wanted = LETTERS[: ROWS_OF[len(numbers)]]
    header = sheet.rows[top]
    by_letter: dict[str, int] = {}
    mistakes: list[tuple[str, str]] = []
    repeated: list[int] = []
    place = top + 1
    while place < len(sheet.rows):
        row = sheet.rows[place]
        letter = _letter(row, numbers)
        if letter is None and not is_blank(row):
            break
        if letter is not None:
            known = by_letter.setdefault(letter[0], place)
            if known != place and sheet.rows[known] != row:
                mistakes.append((f"row {place + 1}", f"row {letter[0]} of the plate is there already, and differs"))
            elif known != place:
                repeated.append(place + 1)
            if len(row) != len(header):
                message = (
                    f"has {len(row)} cells where the column numbers have {len(header)}: a decimal comma, or cut off?"
                )
                mistakes.append((f"row {place + 1}", message))
        place += 1
    missing = [letter for letter in wanted if letter not in by_letter]
    strange = [letter for letter in by_letter if letter not in wanted]
    if missing or strange:
        said = f"lacks its rows {', '.join(missing)}" if missing else f"has rows {', '.join(strange)}"
        message = f"the plate of {len(wanted)} × {len(numbers)} wells {said}: is the file whole?"
        mistakes.append((f"row {top + 1}", message))
    side, beside = _side(sheet, numbers, by_letter)
    mistakes += beside
    if mistakes:
        return None, place, mistakes
    wells = {
        f"{letter}{number + 1}": _cell(sheet, by_letter[letter], column)
        for letter in wanted
        for number, column in enumerate(numbers)
    }
    above = [" ".join(filter(None, row)) for row in reversed(sheet.rows[free_from:top])]
    corner = " ".join(filter(None, header[: numbers[0]]))
    last = max(by_letter.values())
    taken = frozenset([top + 1, *(number + 1 for number in by_letter.values()), *repeated])
    end = max([last, *(number - 1 for number in repeated)]) + 1
    grid = PlateGrid(len(numbers), top + 1, wells, [line for line in above if line], corner, side, taken, repeated)
    return grid, end, []


def _side(sheet: Typed, numbers: list[int], by_letter: dict[str, int]) -> tuple[str, list[tuple[str, str]]]:
    """A label that every row repeats right of its wells; anything else beside the wells is a mistake."""
    beside = {
        place: [cell for column, cell in enumerate(sheet.rows[place]) if column > numbers[0] and column not in numbers]
        for place in by_letter.values()
    }
    labels = {" ".join(filter(None, cells)) for cells in beside.values()}
    if len(labels) == 1 and (labels == {""} or _SIDE_LABEL.fullmatch(min(labels))):
        return min(labels), []
    wrong = [place + 1 for place, cells in beside.items() if any(cells)]
    message = (
        f"rows {listed(wrong)} hold cells beside the plate's {len(numbers)} columns: a decimal comma that separates, "
        "or a column without a number?"
    )
    return "", [(f"row {wrong[0]}", message)]


def _cell(sheet: Typed, place: int, column: int) -> tuple[str, bool, int, int]:
    row = sheet.rows[place]
    inside = column < len(row)
    return (row[column] if inside else "", inside and sheet.native[place][column], place + 1, column + 1)
