"""Which population and which statistic does a header of FlowJo's table editor name ("Lymphocytes/T cells | Count")?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cytoshift.findings import listed
from cytoshift.intake.flowjo_readout import Path
from cytoshift.intake.instruments.readout import Remark
from cytoshift.study.problem import Problem
from cytoshift.vocabulary.names import find_population

_HEADER = re.compile(r"(?P<path>.*?)\s*\|\s*(?P<statistic>[^|]+)")
_STATISTICS = (
    ("events", re.compile(r"count|#\s*cells", re.IGNORECASE)),
    ("fraction", re.compile(r"freq(?:\.|uency)? of parent(?:\s*\(%\))?", re.IGNORECASE)),
    ("count_per_ul", re.compile(r"(?:count|cells|events)\s*/\s*[uµμ]l", re.IGNORECASE)),
)
_KNOWN = re.compile(
    r"count|#\s*cells|freq(?:\.|uency)? of .*|(?:geometric )?mean\b.*|median\b.*|mode\b.*|(?:robust )?(?:cv|sd)\b.*|"
    r"(?:count|cells|events)\s*/\s*[uµμ]l",
    re.IGNORECASE,
)
_LIKE_A_GATE = re.compile(r"/|CD[0-9]|[+-]$|:")


@dataclass(frozen=True)
class PopulationColumn:
    """A column that is read: its place, header, path of gates and measure."""

    place: int
    header: str
    path: Path
    measure: str


def count_headers(row: list[str]) -> int:
    """How many cells of a row are headers of FlowJo?"""
    return sum(_is_statistic(cell) for cell in row)


def _is_statistic(cell: str) -> bool:
    match = _HEADER.fullmatch(cell.strip())
    return match is not None and _KNOWN.fullmatch(match["statistic"].strip()) is not None


def population_columns(
    header: list[str], where: str, top: int
) -> tuple[list[PopulationColumn], list[Remark], list[Problem]]:
    """The columns of a header that are read, remarks on the others, and mistakes."""
    columns: list[PopulationColumn] = []
    problems: list[Problem] = []
    statistics: dict[str, int] = {}
    others: list[str] = []
    for place, written in enumerate(header[1:], start=1):
        match = _HEADER.fullmatch(written)
        if match is None:
            others += [written] if written else []
            if written and _is_half(header, place):
                message = (
                    f"{written!r} has no statistic and stands before {header[place + 1]!r}: an unquoted separator in a "
                    "gate's name? Quote it, or move the column to the end"
                )
                problems.append(Problem(where, f"row {top + 1}", message))
            continue
        statistic = match["statistic"].strip()
        measure = next((name for name, words in _STATISTICS if words.fullmatch(statistic)), "")
        path = tuple(gate.strip() for gate in match["path"].split("/") if gate.strip())
        if not measure:
            short = re.sub(r"\s*\(.*", "", statistic)
            statistics[short] = statistics.get(short, 0) + 1
        elif any((column.path, column.measure) == (path, measure) for column in columns):
            message = f"{written!r} is there twice; keep one of the columns"
            problems.append(Problem(where, f"row {top + 1}", message))
        elif path or measure != "fraction":
            columns.append(PopulationColumn(place, written, path, measure))
    remarks = []
    if statistics:
        names = [f"{name} ({count})" for name, count in statistics.items()]
        message = f"statistics other than Count and Freq. of Parent are not read: {listed(names)}."
        numbers: dict[str, float | str] = {"columns": sum(statistics.values())}
        remarks.append(Remark("statistics_left_out", message, "note", "excluded", numbers))
    if others:
        message = f"columns that are no population are not read: {listed(others)}."
        remarks.append(Remark("other_columns", message, "note", "excluded", {"columns": len(others)}))
    return columns, remarks, problems


def _is_half(header: list[str], place: int) -> bool:
    """May a header without a statistic be the first half of the next one ("CD8, CD4 subset | Count")?"""
    written = header[place]
    if place + 1 >= len(header) or not _is_statistic(header[place + 1]):
        return False
    is_gate = find_population(written).id is not None or _LIKE_A_GATE.search(written) is not None
    return is_gate or any(map(_is_statistic, header[:place]))
