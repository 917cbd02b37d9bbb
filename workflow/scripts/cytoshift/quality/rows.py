"""All that was measured in one shape: a row per well, count or score, whatever file it came from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import PANDAS

LOGARITHMIC_UNITS = ("NPX", "NPQ")
KEY = ["source", "sample", "feature", "measure"]
TEXT_COLUMNS = [
    *("layer", "source", "sample", "feature", "as_written", "label", "plate", "well"),
    *("measure", "unit", "parent", "status", "limit_source", "concentration", "source_file"),
]
NUMBER_COLUMNS = ["value", "lower", "upper", "reported_mean", "reported_cv", "resolution", "source_row"]


def unify(measurements: pd.DataFrame, cells: pd.DataFrame, outcomes: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Stack the intake tables into one frame with the columns TEXT_COLUMNS, NUMBER_COLUMNS, `excluded` and `written`.

    `measurements`, `cells`, `outcomes`, `names` are tables as in tables/. A feature is named by its id, or
    `id@source` where several sources hold the same id; `written` keeps the number as the file has it, whatever is
    found out later.
    """
    cytokines = measurements.rename(columns={"analyte": "feature", "analyte_as_written": "as_written"})
    logarithmic = cytokines["unit"].str.upper().isin(LOGARITHMIC_UNITS)
    cytokines = cytokines.assign(
        layer="cytokine", measure=np.where(logarithmic, "log_concentration", "concentration"), resolution=np.nan
    )
    counts = cells.rename(columns={"population": "feature", "population_as_written": "as_written"})
    counts = counts.assign(layer="cell")
    scores = outcomes.rename(columns={"outcome": "feature", "score": "value"})
    scores = scores.assign(
        layer="outcome",
        source=scores["feature"],
        as_written=scores["source_column"],
        measure="score",
        unit="points",
        lower=scores["value"],
        upper=scores["value"],
        status=np.where(scores["value"].notna(), "observed", "missing"),
        excluded=False,
    )
    columns = [*TEXT_COLUMNS, *NUMBER_COLUMNS, "excluded"]
    parts = [_typed(part.reindex(columns=columns)) for part in (cytokines, counts, scores) if len(part)]
    rows = pd.concat(parts, ignore_index=True) if parts else _typed(pd.DataFrame(columns=columns))
    rows["label"] = _labels(rows, names)
    rows["feature"] = _unambiguous(rows)
    rows["written"] = rows["value"]
    return rows


def is_logarithmic(rows: pd.DataFrame) -> np.ndarray:
    """Which rows hold values whose unit is already a logarithm (rows,)."""
    return (rows["measure"] == "log_concentration").to_numpy()


def unbounded_below(rows: pd.DataFrame) -> np.ndarray:
    """The lowest conceivable true value of each row (rows,): −∞ in logarithmic units, otherwise 0."""
    return np.where(is_logarithmic(rows), -np.inf, 0.0)


def set_below(rows: pd.DataFrame, where: np.ndarray, upper: np.ndarray | float, limit_source: str) -> None:
    """Turn rows into non-detects in place: `where` (rows,) flags, `upper` their limit in the rows' own unit."""
    limits = np.broadcast_to(np.asarray(upper, dtype=float), where.shape)
    rows.loc[where, "value"] = np.nan
    rows.loc[where, "lower"] = unbounded_below(rows)[where]
    rows.loc[where, "upper"] = limits[where]
    rows.loc[where, "status"] = "below"
    rows.loc[where, "limit_source"] = limit_source


def set_missing(rows: pd.DataFrame, where: np.ndarray) -> None:
    """Turn rows into missing values in place: `where` (rows,) flags."""
    rows.loc[where, ["value", "lower", "upper"]] = np.nan
    rows.loc[where, "status"] = "missing"


def _typed(part: pd.DataFrame) -> pd.DataFrame:
    part = part.reset_index(drop=True)
    text = {name: part[name].astype("object").fillna("").astype(PANDAS["text"]) for name in TEXT_COLUMNS}
    numbers = {name: part[name].astype("Float64").astype("float64") for name in NUMBER_COLUMNS}
    return pd.DataFrame({**text, **numbers, "excluded": part["excluded"].fillna(False).astype(bool)})


def _labels(rows: pd.DataFrame, names: pd.DataFrame) -> pd.Series:
    known = names[names["label"] != ""].drop_duplicates(["source", "feature"]).set_index(["source", "feature"])["label"]
    wanted = pd.MultiIndex.from_frame(rows[["source", "feature"]])
    found = pd.Series(known.reindex(wanted).to_numpy(), index=rows.index, dtype=PANDAS["text"])
    return found.fillna(rows["feature"])


def _unambiguous(rows: pd.DataFrame) -> pd.Series:
    sources = rows[["feature", "source"]].drop_duplicates().groupby("feature").size()
    shared = rows["feature"].isin(sources.index[sources > 1])
    return rows["feature"].where(~shared, rows["feature"] + "@" + rows["source"])
