"""What is alike in the ways of writing an ELISA plate: wells of one plate at one wavelength, and rows beside them."""

from __future__ import annotations

from dataclasses import dataclass

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.raw_rows import is_blank
from cytoshift.intake.workbooks import Typed


@dataclass(frozen=True)
class Cells:
    """Wells of one plate at one wavelength: well → text, was it a number, row, column as a person finds it."""

    plate: str
    analyte: str
    wells: dict[str, tuple[str, bool, int, str]]


def repeated_rows(rows: list[int]) -> Remark:
    """Remark that rows say again what others said."""
    message = f"{plural(len(rows), 'row')} are there twice, word for word (rows {listed(rows)})."
    return Remark("repeated_line", message, "note", "nothing", {"rows": len(rows)})


def rows_beside(numbers: list[int], rows: Typed) -> list[Remark]:
    """Remark which of some rows hold text that is no result."""
    beside = [number for number in numbers if not is_blank(rows.rows[number - 1])]
    if not beside:
        return []
    message = f"rows of text beside the wells are not read as results: {listed(beside, 12)}."
    return [Remark("text_beside", message, "note", "nothing", {"rows": len(beside)})]
