"""A tidy table of one's own, row by row a value of a feature in a sample, as the tables that the stage works on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.intake.values import parse_cells
from cytoshift.quality.scale import SCALE_OF_MEASURE, to_scale
from cytoshift.study.problem import Problem, Problems, did_you_mean
from cytoshift.tables import PANEL, SAMPLES

NEEDED = ("subject", "feature", "value")
OF_SAMPLE = ("subject", "visit", "arm", "sequence", "period", "dose_mg", "specimen", "cohort")
OF_VALUE = ("feature", "value", "lower", "upper", "measure", "layer", "plate")
LAYER_OF_MEASURE = {"concentration": "cytokine", "log_concentration": "cytokine", "score": "outcome"}
ID = re.compile("[a-z0-9][a-z0-9_]{0,59}")
# More lines than this tell nobody anything new.
LINES = 12


@dataclass(frozen=True)
class TidyTables:
    """PANEL and SAMPLES of a tidy table, and the columns that are neither: covariates.

    Plans go by ids of small letters, digits and _: `ids` gives that of each visit, arm and covariate as written.
    """

    panel: pd.DataFrame
    samples: pd.DataFrame
    covariates: list[str]
    ids: dict[str, str]


def tidy_tables(data: pd.DataFrame, measure: str) -> TidyTables:
    """PANEL and SAMPLES of a table with a row per subject × visit [× arm] × feature.

    `value` holds numbers, or texts in which "<3.2" is a non-detect and a blank a gap; instead, a row without a value
    and with `upper` is below that limit, one with `lower` above it. `measure` is what values are (a key of
    SCALE_OF_MEASURE) unless a column `measure` says so row by row. Columns with other names are covariates.
    Raises Problems, one line per mistake: missing columns, cells that are no numbers, values that have no logarithm,
    a feature of two measures, and rows that say the same thing twice.
    """
    _refuse(_missing(data.columns, NEEDED))
    rows = data.reset_index(drop=True)
    for name in ("visit", "arm"):
        if name not in rows:
            rows[name] = ""
    measures = rows["measure"] if "measure" in rows else pd.Series(measure, index=rows.index)
    unknown = sorted(set(measures) - set(SCALE_OF_MEASURE))
    legal = ", ".join(SCALE_OF_MEASURE)
    _refuse(_problem("measure", f"{word!r} is not a measure; legal: {legal}{did_you_mean(word, SCALE_OF_MEASURE)}")
            for word in unknown)  # fmt: skip
    _refuse(_several(rows["feature"], measures, "measure"))
    if "layer" in rows:
        _refuse(_several(rows["feature"], rows["layer"], "layer"))
    value, lower, upper, status = _limits(rows, measures)
    keys = [name for name in OF_SAMPLE if name in rows]
    covariates = [str(name) for name in rows.columns if name not in {*OF_SAMPLE, *OF_VALUE}]
    texts = rows[[*keys, *covariates]].astype("object").where(rows[[*keys, *covariates]].notna(), "").astype(str)
    ids = make_ids([*texts["visit"].unique(), *texts["arm"].unique(), *covariates])
    texts = texts.rename(columns=ids).assign(visit=texts["visit"].map(ids), arm=texts["arm"].map(ids))
    _refuse(
        _row(place, "subject", "is blank: every value belongs to a subject")
        for place in np.flatnonzero(texts["subject"] == "").tolist()
    )
    parts = (texts[name] for name in keys if name != "dose_mg")
    own = pd.Series(["|".join(row) for row in zip(*parts, strict=True)], index=texts.index, dtype=object)
    _refuse(_twice(own, rows["feature"]))
    panel = pd.DataFrame(
        {
            "sample": own, "source": "data", "layer": _layers(rows, measures), "feature": rows["feature"].astype(str),
            "as_written": rows["feature"].astype(str), "label": rows["feature"].astype(str),
            "plate": rows["plate"].fillna("").astype(str) if "plate" in rows else "",
            "scale": measures.map(SCALE_OF_MEASURE), "value": value, "lower": lower, "upper": upper, "status": status,
            "detected": status != "below", "unit": "",
        }
    )  # fmt: skip
    described = texts.assign(sample=own, type="sample")
    if "dose_mg" in rows:
        described["dose_mg"] = _numbers(rows["dose_mg"], "dose_mg")
    samples = described.drop_duplicates("sample").reset_index(drop=True)
    panel, samples = conform(panel[status != "missing"], PANEL), conform(samples, SAMPLES)
    return TidyTables(panel, samples, [ids[name] for name in covariates], ids)


def make_ids(names: Iterable[str]) -> dict[str, str]:
    """An id of small letters, digits and _ for each name, itself where it is one; no two names share one."""
    ids: dict[str, str] = {"": ""}
    for name in dict.fromkeys(names):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"
        plain = name if ID.fullmatch(name) else plain[:50]
        number, taken = 2, set(ids.values()) if name not in ids else set()
        candidate = plain
        while candidate in taken:
            candidate, number = f"{plain}_{number}", number + 1
        ids.setdefault(name, candidate)
    return ids


def _limits(rows: pd.DataFrame, measures: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Value, lower, upper on the analysis scale, and status."""
    written = rows["value"]
    if pd.api.types.is_numeric_dtype(written):
        number = written.to_numpy(dtype=float)
        status = np.where(np.isnan(number), "missing", "observed").astype(object)
        limit = number
    else:
        texts = written.astype("object").where(written.notna(), "").astype(str)
        parsed = parse_cells(texts, floor=-np.inf)
        _refuse(_row(place, "value", advice) for place, advice in parsed.mistakes.items())
        status = parsed.status.astype(object)
        limit = np.where(status == "below", parsed.upper, np.where(status == "above", parsed.lower, parsed.value))
        status[np.isnan(limit)] = "missing"
    for name, word in (("upper", "below"), ("lower", "above")):
        if name in rows:
            bound = _numbers(rows[name], name).to_numpy(dtype=float)
            there = (status == "missing") & np.isfinite(bound)
            status = np.where(there, word, status)
            limit = np.where(there, bound, limit)
    scaled = to_scale(limit, measures)
    lost = (status != "missing") & ~np.isfinite(scaled)
    _refuse(
        _row(place, "value", f"{limit[place]:g} cannot stand on the {SCALE_OF_MEASURE[measures.iloc[place]]} scale; "
             "a non-detect is left blank with its limit in `upper`, or written as \"<limit\"")
        for place in np.flatnonzero(lost).tolist()
    )  # fmt: skip
    below, above, gone = status == "below", status == "above", status == "missing"
    lower = np.where(below, -np.inf, np.where(gone, np.nan, scaled))
    upper = np.where(above, np.inf, np.where(gone, np.nan, scaled))
    return np.where(below | above | gone, np.nan, scaled), lower, upper, status


def _layers(rows: pd.DataFrame, measures: pd.Series) -> pd.Series:
    return rows["layer"].astype(str) if "layer" in rows else measures.map(LAYER_OF_MEASURE).fillna("cell")


def _numbers(written: pd.Series, column: str) -> pd.Series:
    """A column of numbers and blanks. Raises Problems for cells that are neither."""
    texts = written.where(written.notna(), "").astype(str).str.strip()
    numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce").astype(float)
    wrong = np.flatnonzero(((texts != "") & numbers.isna()).to_numpy())
    _refuse(_row(place, column, f"{texts.iloc[place]!r} is not a number") for place in wrong.tolist())
    return numbers


def _several(feature: pd.Series, words: pd.Series, column: str) -> list[Problem]:
    """Features that are said to be two things, whose values cannot stand in one column."""
    found = pd.DataFrame({"feature": feature, "word": words}).drop_duplicates()
    again = found["feature"][found["feature"].duplicated()].unique()
    return [
        _problem(column, f"{name!r} has several: {', '.join(found.loc[found['feature'] == name, 'word'].astype(str))}; "
                 "a feature has one, call them by two names")
        for name in again
    ]  # fmt: skip


def _missing(found: Iterable[object], needed: Iterable[str]) -> list[Problem]:
    names = [str(name) for name in found]
    return [
        _problem("columns", f"{name!r} is missing; the table has {', '.join(names)}{did_you_mean(name, names)}")
        for name in needed
        if name not in names
    ]


def _twice(sample: pd.Series, feature: pd.Series) -> list[Problem]:
    again = np.flatnonzero(pd.DataFrame({"sample": sample, "feature": feature}).duplicated())
    return [
        _row(place, "feature", f"{feature.iloc[place]!r} was given before for the same subject, visit and arm "
             f"({sample.iloc[place]}); keep one row, or average replicates first")
        for place in again.tolist()
    ]  # fmt: skip


def _row(place: int, column: str, message: str) -> Problem:
    return _problem(f"row {place + 1}, {column}", message)


def _problem(key: str, message: str) -> Problem:
    return Problem("data", key, message)


def _refuse(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if len(found) > LINES:
        found = [*found[:LINES], Problem("data", "", f"… and {len(found) - LINES} more like these")]
    if found:
        raise Problems(found)
