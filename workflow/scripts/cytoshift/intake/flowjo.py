"""What do the FlowJo files of a source hold: tables of the table editor, or workspaces?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cytoshift.findings import plural
from cytoshift.intake.flowjo_readout import Path, PopulationReadout
from cytoshift.intake.flowjo_table import Percent, is_table, read_table
from cytoshift.intake.flowjo_workspace import is_workspace, read_workspace
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.texts import Unreadable
from cytoshift.intake.values import Decimal
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.sources import CellSource

_ROUNDING = 0.006  # FlowJo prints percentages with three digits


def sniff_flowjo(content: Content) -> str:
    """Why a file is one of FlowJo's; '' where it is not."""
    if is_workspace(content):
        return "it is XML with the element Workspace of FlowJo"
    if is_table(content):
        return 'its header names populations as FlowJo does ("gates | statistic")'
    return ""


def read_flowjo(
    content: Content, sheet: str | None = None, decimal: Decimal | None = None, unit: Percent = ""
) -> PopulationReadout:
    """The populations of one file, told apart by its content.

    Parameters: `sheet`, `decimal` and `unit` concern tables, see `read_table`. Where a table holds the events of a
    population and of its parent, its Freq. of Parent says nothing new: it is compared with them and left out.
    Raises Problems, one clear line each, for a file that is not FlowJo's, not whole, or not to be understood.
    """
    try:
        if content.kind == "fcs":
            raise Unreadable(
                "holds single events, not populations: export a table from FlowJo's table editor, or name the workspace"
            )
        readout = read_workspace(content) if content.kind == "xml" else read_table(content, sheet, decimal, unit)
    except Unreadable as error:
        raise Problems([Problem(content.path, "", str(error))]) from error
    return _without_known_shares(readout)


def read_population_files(source: CellSource, notebook: Notebook) -> list[tuple[str, PopulationReadout]]:
    """Every file of a source with its path, read once; `auto` accepts what `sniff_flowjo` recognises.

    A file that cannot be read is noted as a problem and left out; remarks become findings.
    """
    return notebook.once(("population files", source.id), lambda: _read_files(source, notebook))


def _read_files(source: CellSource, notebook: Notebook) -> list[tuple[str, PopulationReadout]]:
    unit: Percent = "%" if source.unit == "%" else "fraction" if source.unit == "fraction" else ""
    read = []
    for content in notebook.contents(source.files):
        try:
            why = sniff_flowjo(content)
            if source.format == "auto" and not why and content.kind != "fcs":
                message = (
                    "is no file of FlowJo (a workspace, or a table headed `gates | statistic`); a plain table with a "
                    "header is `format: table` with `columns`"
                )
                raise Problems([Problem(content.path, "", message)])
            readout = read_flowjo(content, source.sheet, source.decimal, unit)
        except Problems as problems:
            notebook.add(problems)
            continue
        if source.format == "auto":
            notebook.finding("format_recognised", f"{content.path}: read as flowjo: {why}.")
        for remark in readout.remarks:
            message = f"{content.path}: {remark.message}"
            about = {"severity": remark.severity, "action": remark.action}
            notebook.finding(remark.check, message, numbers=remark.numbers, **about)
        read.append((content.path, readout))
    return read


def _without_known_shares(readout: PopulationReadout) -> PopulationReadout:
    frame = readout.frame
    key = ["written", "path"]
    count = frame[frame["measure"] == "events"].set_index(key)["value"]
    shares = frame[frame["measure"] == "fraction"]
    if shares.empty or count.empty:
        return readout
    own = count.reindex(pd.MultiIndex.from_frame(shares[key])).to_numpy(dtype=float)
    whole = count.reindex(pd.MultiIndex.from_arrays([shares["written"], shares["parent_path"]])).to_numpy(dtype=float)
    said = shares["value"].to_numpy(dtype=float)
    needed = np.isfinite(said) & ~(np.isfinite(own) & np.isfinite(whole))
    counted = set(frame.loc[frame["measure"] == "events", "path"])
    keeps = set(shares.loc[needed, "path"])
    known = np.array(
        [path in counted and parent in counted and path not in keeps for path, parent in _paths(shares)], dtype=bool
    )
    if not known.any():
        return readout
    with np.errstate(divide="ignore", invalid="ignore"):
        found = own / whole
        off = known & (whole > 0) & (np.abs(said - found) > np.maximum(_ROUNDING * found, 0.5e-4))
    remarks = list(readout.remarks)
    message = (
        f"{plural(int(known.sum()), 'value')} of Freq. of Parent are left out: the events of the population and of "
        "its parent are in the file, and say the same exactly."
    )
    remarks.append(Remark("known_share", message, "note", "excluded", {"values": int(known.sum())}))
    if off.any():
        first = shares.iloc[int(np.flatnonzero(off)[0])]
        message = (
            f"{plural(int(off.sum()), 'value')} of Freq. of Parent differ from the events "
            f"(first in row {first['source_row']}, column {first['source_column']!r}); the events are used."
        )
        numbers: dict[str, float | str] = {"values": int(off.sum()), "of": int(known.sum())}
        remarks.append(Remark("share_differs", message, "warning", "flagged", numbers))
    return replace(readout, frame=frame.drop(index=shares.index[known]).reset_index(drop=True), remarks=remarks)


def _paths(shares: pd.DataFrame) -> Iterator[tuple[Path, Path]]:
    return zip(shares["path"], shares["parent_path"], strict=True)
