"""Which cells does a file hold, row by row, where no header in its first line says how wide it is?"""

from __future__ import annotations

from collections.abc import Callable

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.texts import SEPARATORS, Unreadable
from cytoshift.intake.workbooks import Typed, as_text
from cytoshift.study.problem import did_you_mean

Score = Callable[[list[list[str]]], int]


def read_rows(content: Content, sheet: str | None, score: Score) -> dict[str, Typed]:
    """Rows of every sheet of a workbook (or of the one named), or of a text under the name ''.

    Parameters: `score`, how well rows of texts look like what is wanted; of tab, semicolon and comma the separator
    with the highest score is taken, between equals in that order.
    Raises Unreadable for what is no table, for a sheet that is not there, and for a text whose last line has no end.
    """
    if content.kind == "workbook":
        return _sheets(content, sheet)
    if content.kind != "text":
        raise Unreadable(f"is {content.kind}, not a table; legal: CSV, TSV, TXT, XLSX, XLS, ODS")
    if sheet is not None:
        raise Unreadable(f"has no sheets, so `sheet: {sheet}` cannot be meant")
    if not content.text.strip():
        raise Unreadable("is empty")
    if not content.ends_with_line_end:
        raise Unreadable("ends in the middle of a line: was it cut off? Export it again")
    best: list[list[str]] = []
    best_score, broken = -1, None
    for separator in SEPARATORS:
        try:
            rows = content.rows(separator)
        except Unreadable as error:
            broken = broken or error
            continue
        found = score(rows)
        if found > best_score:
            best, best_score = rows, found
    if best_score < 0 and broken is not None:
        raise broken
    texts = [[cell.strip() for cell in row] for row in best]
    return {"": Typed(texts, [[False] * len(row) for row in texts])}


def _sheets(content: Content, sheet: str | None) -> dict[str, Typed]:
    sheets = content.sheets
    if sheet is not None and sheet not in sheets:
        raise Unreadable(f"has no sheet {sheet!r}; legal: {', '.join(sheets)}{did_you_mean(sheet, sheets)}")
    return {
        name: Typed(
            [[as_text(cell).strip() for cell in row] for row in cells],
            [[not isinstance(cell, str) for cell in row] for row in cells],
        )
        for name, cells in sheets.items()
        if sheet in (None, name)
    }


def is_blank(row: list[str]) -> bool:
    """Is there nothing in a row?"""
    return not any(row)
