"""What does an xPONENT export say of itself above its results, and does it agree with what follows?"""

from __future__ import annotations

from cytoshift.findings import plural
from cytoshift.intake.instruments.luminex_text import iso_date, read_dates
from cytoshift.intake.instruments.readout import Remark

# plain key → key in the file; the operator and the machines' owners stay out
_FACTS = {"batch": "Batch", "protocol": "ProtocolName", "panel": "PanelName"}


def read_head(head: list[list[str]]) -> dict[str, str]:
    """Batch, instrument, software, dates and bead threshold; dates as year-month-day where day and month are clear."""
    rows: dict[str, list[str]] = {}
    for row in head:
        cells = map(str.strip, row)
        if first := next(filter(None, cells), ""):
            rows.setdefault(first, list(cells))
    order = read_dates("\n".join(cell for row in head for cell in row if cell))
    about = {key: _first(rows, name) for key, name in _FACTS.items()}
    program = [cell for cell in rows.get("Program", []) if cell]
    about |= {"program": program[0] if program else "", "instrument": program[-1] if len(program) > 1 else ""}
    about["build"] = _first(rows, "Build")
    started = _first(rows, "BatchStartTime")
    about["run_date"] = iso_date(started or _first(rows, "Date"), order)
    about["run_start"] = started
    about["exported"] = iso_date(_first(rows, "Date"), order)
    samples = rows.get("Samples", [])
    about["samples_announced"] = samples[0] if samples else ""
    about["min_beads"] = samples[2] if len(samples) > 2 and samples[1] == "Min Events" else ""
    beads = rows.get("ProtocolMicrosphere", [])
    about["analytes_announced"] = beads[beads.index("Count") + 1] if "Count" in beads[:-1] else ""
    return {key: value for key, value in about.items() if value}


def compare_head(about: dict[str, str], wells: int, analytes: int) -> list[Remark]:
    """Remarks where the head announces other numbers of samples or analytes than the blocks hold."""
    found = {"samples": (about.get("samples_announced", ""), wells, "well"),
             "analytes": (about.get("analytes_announced", ""), analytes, "analyte")}  # fmt: skip
    return [
        Remark(
            f"{what}_announced",
            f"the file's head says {announced} {what}, {plural(count, one)} follow",
            "note",
            numbers={"announced": int(announced), "found": count},
        )
        for what, (announced, count, one) in found.items()
        if announced.isdecimal() and int(announced) != count
    ]


def _first(rows: dict[str, list[str]], name: str) -> str:
    return next((cell for cell in rows.get(name, []) if cell), "")
