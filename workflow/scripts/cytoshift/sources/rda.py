"""What does a data frame saved by R say, as CSV?"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pandas as pd
import rdata
from rdata.conversion import DEFAULT_CLASS_MAP, dataframe_constructor


def _as_floats(values: Any) -> np.ndarray:
    """R keeps dates and times as numbers of either type; whole numbers come masked where they are missing."""
    return np.ma.filled(np.ma.asarray(values).astype(float), np.nan)


def _date(values: Any, attributes: Any) -> pd.DatetimeIndex:
    return pd.to_datetime(_as_floats(values), unit="D")


def _time(values: Any, attributes: Any) -> pd.DatetimeIndex:
    return pd.to_datetime(_as_floats(values), unit="s")


# A tibble, grouped or not, is a data frame with another way of printing.
_CLASSES: dict[str | bytes, Any] = {
    **DEFAULT_CLASS_MAP,
    **dict.fromkeys(("tbl_df", "tbl", "spec_tbl_df", "grouped_df"), dataframe_constructor),
    "Date": _date,
    "POSIXct": _time,
}


def rda_table_to_csv(content: bytes, table: str) -> bytes:
    """Write one data frame of an .rda file as CSV.

    Parameters: `content`, the bytes of a file written by R's `save()`, compressed or not; `table`, the data frame's
    name in it. Returns UTF-8 CSV with a header, commas and LF: numbers as the shortest text that reads back as the
    same number (R's doubles with a decimal point, its integers without), factors as their labels, dates and times at
    midnight as 2014-10-06 (times are UTC), missing values empty; row names are left out.
    Raises ValueError where the file cannot be read or does not hold that data frame.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about classes that only change how R prints a column
            objects = rdata.read_rda(io.BytesIO(content), constructor_dict=_CLASSES, default_encoding="utf-8")
    except Exception as error:  # the reader raises whatever a damaged file leads it into
        raise ValueError(f"is not a readable .rda file ({type(error).__name__})") from error
    frame = objects.get(table)
    if not isinstance(frame, pd.DataFrame):
        held = ", ".join(sorted(name for name, item in objects.items() if isinstance(item, pd.DataFrame)))
        raise ValueError(f"holds no data frame {table!r}; it holds {held or 'none'}")
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
