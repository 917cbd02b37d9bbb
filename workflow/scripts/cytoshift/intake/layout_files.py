"""Is a layout a list or a drawing, and what does it say well by well, as text?"""

from __future__ import annotations

import re

import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.layout_cells import RawLayout
from cytoshift.intake.plate_grids import PlateGrid, bare_grid, count_grids, find_grids
from cytoshift.intake.raw_rows import is_blank, read_rows
from cytoshift.intake.texts import Unreadable
from cytoshift.intake.well_keys import well_key
from cytoshift.intake.workbooks import Typed
from cytoshift.study.problem import Problem, Problems, did_you_mean

_KEYS = ("sample", "type", "level", "dilution", "expected")
_HEADERS = {
    "well": ("well", "wells", "well position", "position", "location"),
    "sample": ("sample", "sample id", "sample name", "name", "id", "content"),
    "type": ("type", "sample type", "well type"),
    "level": ("level", "standard"),
    "dilution": ("dilution", "dilution factor", "dil", "dil."),
    "expected": ("concentration", "expected", "expected concentration", "conc", "conc."),
    "replicate": ("replicate", "rep"),
}
_HEADER_OF = {word: key for key, words in _HEADERS.items() for word in words}
_TITLES = (
    ("expected", re.compile(r"\bconc|\bexpected", re.IGNORECASE)),
    ("dilution", re.compile(r"\bdil", re.IGNORECASE)),
    ("type", re.compile(r"\btypes?\b", re.IGNORECASE)),
    ("sample", re.compile(r"\bsamples?\b|\bids?\b|\bnames?\b|\blayout\b|\bcontents?\b", re.IGNORECASE)),
)
_WELL = re.compile(r"[A-Pa-p](?:0?[1-9]|1[0-9]|2[0-4])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: .*)?")
_UNIT = re.compile(r"[(\[]\s*([^()\[\]]*[/U][^()\[\]]*?)\s*[)\]]")


def raw_layout(content: Content, sheet: str | None) -> RawLayout:
    """The texts of a layout. Raises Problems for a file that holds none, or several."""
    try:
        sheets = read_rows(content, sheet, _score)
    except Unreadable as error:
        raise Problems([Problem(content.path, "", str(error))]) from error
    filled = {name: rows for name, rows in sheets.items() if not all(map(is_blank, rows.rows))}
    for name, rows in list(filled.items())[:1] if sheet is None else filled.items():
        if _list_header(rows) is not None:
            return _from_list(rows, _where(content.path, name))
    drawn = {name: grids for name, rows in filled.items() if (grids := _drawn(rows, _where(content.path, name)))}
    if len(drawn) == 1:
        name, grids = next(iter(drawn.items()))
        return _from_grids(grids, filled[name], content.path)
    what = f"has layouts in the sheets {listed(drawn)}" if drawn else "holds no layout"
    legal = (
        "a list with the columns well and sample, or one plate of 8 × 12 or 16 × 24 cells, with row letters and column "
        "numbers where there is more in the sheet"
    )
    raise Problems([Problem(content.path, "layout", f"{what}; legal: {legal}")])


def _where(path: str, sheet: str) -> str:
    return f"{path} [{sheet}]" if sheet else path


def _score(rows: list[list[str]]) -> int:
    first = next((row for row in rows if any(map(str.strip, row))), [])
    header = sum(_plain(cell) in _HEADER_OF for cell in first)
    width = max((sum(1 for cell in row if cell.strip()) for row in rows), default=0)
    return 1000 * count_grids(rows) + (100 * header if "well" in map(_header_key, first) else 0) + width


def _plain(cell: str) -> str:
    return " ".join(re.sub(r"[(\[].*", "", cell).replace("_", " ").split()).casefold()


def _header_key(cell: str) -> str:
    return _HEADER_OF.get(_plain(cell), "")


def _list_header(rows: Typed) -> int | None:
    """Row of the header of a list of wells: the first that is not blank, if it names the wells."""
    first = next(place for place, row in enumerate(rows.rows) if not is_blank(row))
    return first if "well" in map(_header_key, rows.rows[first]) else None


def _from_list(rows: Typed, where: str) -> RawLayout:
    top = _list_header(rows) or 0
    header = rows.rows[top]
    columns: dict[str, int] = {}
    problems = []
    for place, cell in enumerate(header):
        key = _header_key(cell)
        if key and columns.setdefault(key, place) != place:
            problems.append(
                Problem(where, f"row {top + 1}", f"two columns say {key}: {header[columns[key]]!r}, {cell!r}")
            )
    if "sample" not in columns:
        near = did_you_mean("sample", header)
        shown = ", ".join(repr(cell) for cell in header if cell)
        problems.append(Problem(where, "layout", f"column 'sample' is missing; the header has {shown}{near}"))
    if problems:
        raise Problems(problems)
    cells, remarks = _list_rows(rows, top, columns, where)
    unread = [cell for cell in header if cell and not _header_key(cell)]
    if unread:
        message = f"columns of the layout that are not read: {listed(unread)}."
        remarks.append(Remark("layout_column", message, "note", "nothing", {"columns": len(unread)}))
    unit = _UNIT.search(header[columns["expected"]]) if "expected" in columns else None
    return RawLayout(where, cells, frozenset(columns), False, unit[1] if unit else "", remarks)


def _list_rows(rows: Typed, top: int, columns: dict[str, int], where: str) -> tuple[pd.DataFrame, list[Remark]]:
    width = len(rows.rows[top])
    seen: dict[str, tuple[int, list[str]]] = {}
    records, problems, repeated = [], list[Problem](), list[int]()
    for place in range(top + 1, len(rows.rows)):
        row = rows.rows[place]
        if is_blank(row):
            continue
        if len(row) != width:
            message = f"has {len(row)} cells where the header has {width}: an unquoted separator, or cut off?"
            problems.append(Problem(where, f"row {place + 1}", message))
            continue
        written = row[columns["well"]]
        well = _key(written)
        said = [row[column] for key, column in columns.items() if key not in ("well", "replicate")]
        known = seen.setdefault(well, (place, said))
        if not well:
            message = f"{written!r} is no well; legal: A1 to H12, or to P24"
            problems.append(Problem(where, f"row {place + 1}", message))
        elif known[0] != place and known[1] != said:
            message = f"well {well} is there already (row {known[0] + 1}), with another content"
            problems.append(Problem(where, f"row {place + 1}", message))
        elif known[0] != place:
            repeated.append(place + 1)
        else:
            records.append(_record(well, rows, place, columns))
    if problems or not records:
        raise Problems(problems or [Problem(where, "layout", "lists no wells")])
    return pd.DataFrame(records), _repeated(repeated)


def _key(written: str) -> str:
    return well_key(written) if _WELL.fullmatch(written) else ""


def _record(well: str, rows: Typed, place: int, columns: dict[str, int]) -> dict[str, object]:
    cells = {
        key: (rows.rows[place][column], rows.native[place][column], f'row {place + 1}, column "{key}"')
        for key, column in columns.items()
    }
    return _spread(well, cells)


def _spread(well: str, cells: dict[str, tuple[str, bool, str]]) -> dict[str, object]:
    record: dict[str, object] = {"well": well}
    for key in _KEYS:
        text, native, where = cells.get(key, ("", False, ""))
        record |= {key: text, f"where_{key}": where, f"native_{key}": native}
        if key == "sample":
            record["date"] = native and bool(_DATE.fullmatch(text))
    return record


def _repeated(rows: list[int]) -> list[Remark]:
    if not rows:
        return []
    message = f"{plural(len(rows), 'row')} of the layout are there twice, word for word (rows {listed(rows)})."
    return [Remark("repeated_line", message, "note", "nothing", {"rows": len(rows)})]


def _drawn(rows: Typed, where: str) -> list[PlateGrid]:
    found = find_grids(rows, where)
    bare = None if found else bare_grid(rows)
    return [bare] if bare is not None else found


def _from_grids(grids: list[PlateGrid], rows: Typed, path: str) -> RawLayout:
    if len(grids) == 1 and _title(grids[0])[0] not in ("type", "dilution", "expected"):
        named = {"sample": grids[0]}
    else:
        named = _by_title(grids, path)
    if len({grid.columns for grid in named.values()}) > 1:
        raise Problems([Problem(path, "layout", "draws plates of 96 and of 384 wells; a layout is of one plate")])
    columns = {key: f"{key} " if len(grids) > 1 else "" for key in named}
    records = [
        _spread(
            well,
            {
                key: (*grid.wells[well][:2], f"{columns[key]}well {well} (row {grid.wells[well][2]})")
                for key, grid in named.items()
            },
        )
        for well in named["sample"].wells
    ]
    remarks = [remark for grid in grids for remark in _repeated(grid.repeated)]
    taken = {row for grid in grids for row in grid.rows}
    beside = [place + 1 for place, row in enumerate(rows.rows) if not is_blank(row) and place + 1 not in taken]
    titles = len(grids) if len(grids) > 1 else 0
    if len(beside) > titles:
        message = f"rows of the layout beside its plate are not read: {listed(beside)}."
        remarks.append(Remark("text_beside", message, "note", "nothing", {"rows": len(beside)}))
    unit = _UNIT.search(_title(named["expected"])[1]) if "expected" in named else None
    return RawLayout(path, pd.DataFrame(records), frozenset(named), True, unit[1] if unit else "", remarks)


def _title(grid: PlateGrid) -> tuple[str, str]:
    """What a drawing is of, from its corner or the lines above it, the nearest first."""
    for text in (grid.corner, *grid.above):
        for key, expression in _TITLES:
            if expression.search(text):
                return key, text
    return "", grid.above[0] if grid.above else grid.corner


def _by_title(grids: list[PlateGrid], path: str) -> dict[str, PlateGrid]:
    named: dict[str, PlateGrid] = {}
    problems = []
    for grid in grids:
        key, text = _title(grid)
        where = f"row {grid.first_row}"
        if not key:
            said = f"the title {text!r} of" if text else "no title stands over"
            message = f"{said} this plate; legal: sample, type, dilution, concentration"
            problems.append(Problem(path, where, message))
        elif named.setdefault(key, grid) is not grid:
            message = f"{key} is drawn twice (row {named[key].first_row} too); a layout is of one plate"
            problems.append(Problem(path, where, message))
    if "sample" not in named and not problems:
        problems.append(
            Problem(path, "layout", "draws no plate of samples; legal titles: sample, type, dilution, concentration")
        )
    if problems:
        raise Problems(problems)
    return named
