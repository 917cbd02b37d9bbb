"""Frames that are exactly what tables/ says: checking, reading and writing them, byte-stable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cytoshift.tables import Column, Table

ARROW = {"text": pa.string(), "number": pa.float64(), "integer": pa.int64(), "flag": pa.bool_()}
TEXT = pd.StringDtype(na_value=float("nan"))
PANDAS: dict[str, Any] = {"text": TEXT, "number": "float64", "integer": "Int64", "flag": "boolean"}
EMPTY: dict[str, Any] = {"text": "", "number": float("nan"), "integer": pd.NA, "flag": False}


def conform(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the frame with exactly the table's columns, order and types; missing columns are added empty.

    Raises ValueError naming the table, column and first offending value when a column is unknown (and the
    table is not open), a type does not fit, or a value is not among the legal ones. Text is never null: ''.
    """
    extra = [name for name in frame.columns if name not in table.names()]
    if extra and not table.open_text:
        raise ValueError(f"table {table.name}: unknown columns {', '.join(map(str, extra))}")
    columns = {}
    for column in table.columns:
        columns[column.name] = _typed(frame, column, table.name)
    for name in extra:
        columns[name] = frame[name].fillna("").astype(TEXT)
    return pd.DataFrame(columns, index=frame.index).reset_index(drop=True)


def _typed(frame: pd.DataFrame, column: Column, table: str) -> pd.Series:
    if column.name not in frame.columns:
        return pd.Series([EMPTY[column.kind]] * len(frame), index=frame.index, dtype=PANDAS[column.kind])
    values = frame[column.name]
    try:
        if column.kind == "text":
            values = values.astype("object").where(values.notna(), "").astype(TEXT)
        elif column.kind == "flag":
            values = values.astype("boolean").fillna(False)
        else:
            values = pd.to_numeric(values).astype(PANDAS[column.kind])
    except (TypeError, ValueError) as error:
        raise ValueError(f"table {table}, column {column.name}: {error}") from error
    if column.allowed:
        illegal = values[~values.isin([*column.allowed, ""])]
        if len(illegal):
            raise ValueError(
                f"table {table}, column {column.name}: {illegal.iloc[0]!r} is not one of {', '.join(column.allowed)}"
            )
    return values


def empty(table: Table) -> pd.DataFrame:
    """A frame of the table with no rows."""
    return conform(pd.DataFrame(), table)


def write_table(frame: pd.DataFrame, table: Table, path: Path | str) -> None:
    """Write as Parquet (*.parquet) or tab-separated text (*.tsv), checked against the table, byte-stable."""
    checked, path = conform(frame, table), Path(path)
    if path.suffix == ".parquet":
        fields = [pa.field(c.name, ARROW[c.kind]) for c in table.columns]
        fields += [pa.field(name, pa.string()) for name in checked.columns[len(fields) :]]
        content = pa.Table.from_pandas(checked, schema=pa.schema(fields), preserve_index=False)
        pq.write_table(content.replace_schema_metadata({"table": table.name}), path, compression="zstd")
    else:
        checked.to_csv(path, sep="\t", index=False, lineterminator="\n", encoding="utf-8")


def read_table(path: Path | str, table: Table) -> pd.DataFrame:
    """Read what `write_table` wrote, typed as the table says."""
    path = Path(path)
    if path.suffix == ".parquet":
        return conform(pq.read_table(path).to_pandas(), table)
    # a carriage return inside a text, which Python's csv leaves without quotes, ends no row
    text = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, lineterminator="\n")
    for column in table.columns:
        if column.kind in ("number", "integer"):
            text[column.name] = pd.to_numeric(text[column.name].where(text[column.name] != ""))
        elif column.kind == "flag":
            text[column.name] = text[column.name] == "True"
    return conform(text, table)
