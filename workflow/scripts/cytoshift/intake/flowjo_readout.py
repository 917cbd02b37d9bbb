"""What FlowJo's files say of populations: one row per sample × gate × measure, whatever kind of file it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.readout import Remark

Path = tuple[str, ...]
ALL_EVENTS: Path = ()
# column → type; `path` and `parent_path` are tuples of gates from the outermost, () for all events of the sample
COLUMNS = {
    "written": "object",  # the sample's name in the file, without ".fcs"
    "path": "object",
    "parent_path": "object",
    "measure": "object",  # events | fraction | count_per_ul
    "value": "float64",  # a fraction is between 0 and 1; NaN where the file has no number
    "source_row": "int64",
    "source_column": "object",
}


@dataclass(frozen=True, eq=False)
class PopulationReadout:
    """One file: `frame` has COLUMNS; `software` is what wrote it."""

    software: str
    frame: pd.DataFrame
    remarks: list[Remark] = field(default_factory=list)


def population_frame(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """A frame of COLUMNS from tuples in their order."""
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS), dtype=object)
    return frame.astype(COLUMNS)


def sample_name(written: str) -> str:
    """The name without the ending of an FCS file."""
    plain = written.strip()
    return plain[:-4].rstrip() if plain.casefold().endswith(".fcs") else plain


def gates(path: Path) -> str:
    """A path as FlowJo writes it: "Lymphocytes/T cells"."""
    return "/".join(path) if path else "all events"


def oversized(frame: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Gates with more events than the gate they lie in: source row, source column and what is wrong."""
    events = frame[frame["measure"] == "events"]
    rows = list(events[["written", "path", "parent_path", "value", "source_row", "source_column"]].itertuples(False))
    known: dict[tuple[str, Path], float] = {(written, path): value for written, path, _, value, _, _ in rows}
    found = []
    for written, path, parent, value, row, column in rows:
        whole = known.get((written, parent), np.inf)
        if path and value > whole:
            message = (
                f"{gates(path)!r} of {written} holds {value:.0f} events, more than the {whole:.0f} of the gate it lies "
                f"in ({gates(parent)!r})"
            )
            found.append((int(row), str(column), message))
    return found
