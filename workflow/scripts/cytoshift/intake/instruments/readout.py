"""What every reader of an instrument's file returns: wells as written, the instrument's curves, and remarks.

A reader is a module with a `READER`: `sniff` says from the content alone why a file is of its format (or ''),
`read` returns the readout or raises Problems. Readers know nothing of studies: linking samples, analytes and limits to
the plan is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from cytoshift.frames import TEXT
from cytoshift.intake.instruments.content import Content
from cytoshift.study.problem import Problem, Problems

Decimal = Literal[".", ","]

# column → what it holds where a reader does not fill it; one row per well × analyte
WELL_COLUMNS: dict[str, object] = {
    "plate": "",  # the plate's name in the file; '' where the file holds one plate and does not name it
    "well": "",  # "A1"; several joined by a comma where the software pooled them ("A3,A4")
    "written": "",  # the sample's name in the file
    "type": "sample",  # sample | standard | blank | control
    "type_stated": False,  # the file or a layout says the type; otherwise it was read from the name alone
    "level": "",  # which standard or control: "Standard1", "S3", "C2"
    "analyte": "",  # as written
    "signal": np.nan,  # raw: MFI, electrochemiluminescence, optical density
    "net_signal": np.nan,  # the software's own background-subtracted signal
    "beads": np.nan,
    "dilution": np.nan,  # fold; NaN where the file does not say
    "expected": np.nan,  # of standards and controls, in `unit`
    "unit": "",  # as written in the file; '' where it does not say
    "value": np.nan,  # the software's own concentration (or NPX …), with its interval and status
    "lower": np.nan,
    "upper": np.nan,
    "status": "missing",  # observed | below | above | extrapolated | missing
    "open_limit": False,  # below or above a limit that the cell does not state ("OOR <")
    "column_lower": np.nan,  # a limit the file states for this value elsewhere (LOD column), before dilution
    "column_upper": np.nan,
    "reason": "",  # why there is no number, or what the software remarks of this cell
    "outlier": False,  # marked as not to be used by the operator or the software
    "reported_mean": np.nan,  # the software's mean of the replicate wells' concentrations
    "reported_cv": np.nan,  # its CV, %
    "reported_recovery": np.nan,  # its recovery of a standard or control, %
    "source_row": 0,  # row in the file (first line or sheet row 1) of the value, or of the signal without one
    "source_column": "",  # its column as a person finds it: the header, in a workbook "sheet!header"
}
# y = d + (a − d)/(1 + (x/c)^b)^g, y the signal named by `on`
CURVE_COLUMNS: dict[str, object] = {
    "plate": "", "analyte": "", "on": "net", "a": np.nan, "b": np.nan, "c": np.nan, "d": np.nan, "g": 1.0,
    "r_squared": np.nan, "written": "",
}  # fmt: skip


@dataclass(frozen=True)
class Remark:
    """Something worth knowing about a file that does not stop it; becomes a finding."""

    check: str
    message: str
    severity: Literal["warning", "note"] = "warning"
    action: Literal["flagged", "excluded", "nothing"] = "flagged"
    numbers: dict[str, float | str] = field(default_factory=dict)
    analyte: str = ""  # as written
    plate: str = ""


@dataclass(frozen=True)
class Readout:
    """One instrument file: `wells` has WELL_COLUMNS, `curves` CURVE_COLUMNS; `software` is what wrote it.

    `about` holds what the file says of itself (batch, run date, operator's protocol) by plain keys; never a person.
    """

    format: str
    software: str
    wells: pd.DataFrame
    curves: pd.DataFrame
    remarks: list[Remark] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What the study file says about how a file is to be read."""

    decimal: Decimal | None = None
    sheet: str | None = None
    unit: str = ""


@dataclass(frozen=True)
class Reader:
    """A format: its name in the study file; why a file is one ('' if it is not); and how it is read."""

    name: str
    title: str
    sniff: Callable[[Content], str]
    read: Callable[[Content, Options], Readout]


def well_frame(columns: dict[str, object], rows: int) -> pd.DataFrame:
    """A frame of WELL_COLUMNS from those a reader fills (arrays of `rows` entries, or one value for all).

    Raises ValueError for a column that WELL_COLUMNS does not have: a reader's own mistake.
    """
    return _frame(columns, rows, WELL_COLUMNS)


def curve_frame(columns: dict[str, object], rows: int) -> pd.DataFrame:
    """A frame of CURVE_COLUMNS, likewise."""
    return _frame(columns, rows, CURVE_COLUMNS)


def no_curves() -> pd.DataFrame:
    """The curves of a file that states none."""
    return _no_curves().copy()


@cache
def _no_curves() -> pd.DataFrame:
    return curve_frame({}, 0)


def _frame(columns: dict[str, object], rows: int, wanted: dict[str, object]) -> pd.DataFrame:
    if unknown := set(columns) - set(wanted):
        raise ValueError(f"no such columns: {', '.join(sorted(unknown))}")
    filled: dict[str, object] = {}
    for name, empty in wanted.items():
        given = columns.get(name, empty)
        if isinstance(empty, str):
            filled[name] = _texts(given, rows)
        else:
            array = np.asarray(given, dtype=type(empty))
            filled[name] = np.full(rows, array) if array.ndim == 0 else array
    return pd.DataFrame(filled, index=pd.RangeIndex(rows))


def _texts(given: object, rows: int) -> object:
    """A text column as pandas would hold it, made without its search for what the entries are."""
    if rows == 0:
        return np.empty(0, dtype=object)
    if isinstance(given, str):
        texts = pa.repeat(pa.scalar(given, pa.large_string()), rows)
    else:
        texts = pa.array(np.asarray(given, dtype=object), pa.large_string(), from_pandas=True)
    return pd.arrays.ArrowStringArray(texts, dtype=TEXT)  # type: ignore[call-arg]  # the stubs do not know `dtype`


def refuse(path: str, key: str, message: str) -> Problems:
    """One clear line why a file cannot be read; to be raised."""
    return Problems([Problem(path, key, message)])
