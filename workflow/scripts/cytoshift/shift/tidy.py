"""A tidy table of one's own, row by row a value of a feature in a sample, as the tables that the stage works on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from numbers import Real

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.intake.values import Decimal, is_gap, parse_cells
from cytoshift.quality.scale import SCALE_OF_MEASURE, to_scale
from cytoshift.shift.tidy_checks import (
    OF_SAMPLE,
    OF_VALUE,
    blanks,
    check_decimal,
    check_frame,
    check_layers,
    check_measures,
    doses,
    one_word_each,
    refuse,
    repeats,
    same_mistakes,
    spellings,
)
from cytoshift.study.problem import Problem
from cytoshift.tables import PANEL, SAMPLES

LAYER_OF_MEASURE = {"concentration": "cytokine", "log_concentration": "cytokine", "score": "outcome"}
ID = re.compile("[a-z0-9][a-z0-9_]{0,59}")
# What parse_cells advises to somebody who writes a study file, and what to do in a call.
ADVICE = {
    "where the file's other numbers do not": "",
    'declare decimal: ","': 'pass decimal=","',
    " and the unit in the study file": "",
}
WITH_UNIT = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*[A-Za-zµμ%].*")
UNITS = "a feature has one, convert its values or call them by two names"


@dataclass(frozen=True)
class TidyTables:
    """PANEL and SAMPLES of a tidy table, and the columns that are neither: covariates.

    Plans go by ids of small letters, digits and _: `ids` gives that of each visit, arm and covariate as written.
    """

    panel: pd.DataFrame
    samples: pd.DataFrame
    covariates: list[str]
    ids: dict[str, str]

    @property
    def names(self) -> dict[str, str]:
        """The visit, arm or covariate as written, by its id."""
        return {id_: name for name, id_ in self.ids.items()}


def tidy_tables(data: pd.DataFrame, measure: str, decimal: Decimal = ".") -> TidyTables:
    """PANEL and SAMPLES of a table with a row per subject × visit [× arm] × feature.

    `value` holds numbers, or texts in which "<3.2" is a non-detect and a blank, "ND" or "n.d." a gap; a row without a
    value and with `upper` is below that limit, one with `lower` above it. A word such as "<LOD" or "OOR >" takes its
    limit from there. `measure` is what values are (a key of SCALE_OF_MEASURE) unless a column `measure` says so row by
    row; `decimal` is the decimal sign of texts. Columns with other names are covariates.
    Raises Problems, one line per mistake: missing columns, cells that are no numbers, values that have no logarithm,
    limits that nothing states, a feature of two measures or units, names that differ in letter case, doses that differ
    within an arm, rows that say the same thing twice; TypeError where `data` is no DataFrame.
    """
    check_frame(data)
    check_decimal(decimal)
    rows = data.reset_index(drop=True).set_axis([str(name).strip() for name in data.columns], axis=1)
    covariates = [name for name in rows.columns if name not in {*OF_SAMPLE, *OF_VALUE}]
    texts = pd.DataFrame({name: _texts(rows[name]) for name in rows if name not in ("value", "lower", "upper")})
    texts = texts.assign(**{name: "" for name in ("arm", "plate") if name not in texts})
    measures = texts["measure"] if "measure" in texts else pd.Series(str(measure), index=rows.index)
    check_measures(measures)
    if "layer" in texts:
        check_layers(texts["layer"])
    amounts = {name: Numbers.of(rows[name], name, decimal) for name in ("dose_mg", "study_day") if name in rows}
    refuse([problem for amount in amounts.values() for problem in amount.problems])
    refuse(_mistakes_of_names(texts, measures))
    if "dose_mg" in amounts:
        refuse(doses(texts["arm"], pd.Series(amounts["dose_mg"].numbers)))
    keys = [name for name in OF_SAMPLE if name in texts and name not in ("dose_mg", "study_day")]
    refuse(repeats(texts[keys], texts["feature"]))
    value, lower, upper, status = _limits(rows, measures, decimal)
    ids = make_ids([*texts["visit"].unique(), *texts["arm"].unique(), *covariates], [*SAMPLES.names(), "plate"])
    described = texts[[*keys, *covariates]].rename(columns=ids)
    described = described.assign(visit=texts["visit"].map(ids), arm=texts["arm"].map(ids))
    own = pd.Series(["|".join(row) for row in described[keys].itertuples(index=False)], dtype=object)
    panel = pd.DataFrame(
        {
            "sample": own, "source": "data", "layer": _layers(texts, measures), "feature": texts["feature"],
            "as_written": texts["feature"], "label": texts["feature"], "plate": texts["plate"],
            "scale": measures.map(SCALE_OF_MEASURE), "value": value, "lower": lower, "upper": upper, "status": status,
            "detected": status != "below", "unit": "",
        }
    )  # fmt: skip
    described = described.assign(sample=own, type="sample", **{name: one.numbers for name, one in amounts.items()})
    samples = described.drop_duplicates("sample").reset_index(drop=True)
    panel, samples = conform(panel[status != "missing"], PANEL), conform(samples, SAMPLES)
    return TidyTables(panel, samples, [ids[name] for name in covariates], ids)


def text_of(value: object) -> str:
    """A subject, visit or arm as text: 0.0 is '0', a time at midnight its date, what is missing ''; no outer spaces."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Real) and not isinstance(value, bool) and (number := float(value)).is_integer():
        return f"{number:.0f}"
    return str(value).strip()


def make_ids(names: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """An id of small letters, digits and _ for each name, itself where it is one; none is shared or reserved."""
    ids: dict[str, str] = {"": ""}
    taken = {"", *reserved}
    for name in dict.fromkeys(names):
        if name in ids:
            continue
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"
        plain = name if ID.fullmatch(name) else plain[:50]
        number, candidate = 2, plain
        while candidate in taken:
            candidate, number = f"{plain}_{number}", number + 1
        ids[name] = candidate
        taken.add(candidate)
    return ids


@dataclass(frozen=True)
class Numbers:
    """A column of numbers and blanks (n,), NaN where blank, and its cells that are neither."""

    numbers: np.ndarray
    problems: list[Problem]

    @classmethod
    def of(cls, written: pd.Series, column: str, decimal: Decimal) -> Numbers:
        """Read a column; texts have the decimal sign `decimal`."""
        texts = _texts(written)
        texts = texts.where(~texts.map(is_gap).astype(bool), "")
        if decimal == "," and not pd.api.types.is_numeric_dtype(written):
            native = written.map(lambda cell: isinstance(cell, Real))
            texts = texts.where(native, texts.str.replace(",", "."))
        numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce").to_numpy(dtype=float)
        wrong = np.flatnonzero((texts != "").to_numpy() & np.isnan(numbers)).tolist()
        mistakes = ((place, repr(texts[place]), _no_number(texts[place])) for place in wrong)
        return cls(numbers, list(same_mistakes(mistakes, column)))


def _no_number(text: str) -> str:
    if with_unit := WITH_UNIT.fullmatch(text):
        return f"holds a unit as well; write {with_unit[1]}"
    comma = re.fullmatch("[0-9]+,[0-9]+", text)
    return "is not a number" + ('; pass decimal="," if every comma is a decimal sign' if comma else "")


def _texts(column: pd.Series) -> pd.Series:
    """Each cell as text, '' where it is missing."""
    codes, unique = pd.factorize(column)
    words = np.array([*(text_of(value) for value in unique), ""], dtype=object)
    return pd.Series(words[codes], index=column.index, dtype=object)


def _mistakes_of_names(texts: pd.DataFrame, measures: pd.Series) -> Iterator[Problem]:
    for name in ("subject", "visit", "feature"):
        yield from blanks(texts[name], name)
    for name in ("visit", "arm", "feature"):
        yield from spellings(texts[name], name)
    yield from one_word_each(texts["feature"], measures, "measure", "a feature has one, call them by two names")
    if "layer" in texts:
        yield from one_word_each(texts["feature"], texts["layer"], "layer", "a feature has one")
    if "unit" in texts:
        stated = texts["unit"] != ""
        yield from one_word_each(texts["feature"][stated], texts["unit"][stated], "unit", UNITS)


def _limits(
    rows: pd.DataFrame, measures: pd.Series, decimal: Decimal
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Value, lower, upper on the analysis scale, and status."""
    words, limit, status, problems = _written(rows["value"], decimal)
    bounds = {}
    for name in ("upper", "lower"):
        read = Numbers.of(rows[name], name, decimal) if name in rows else Numbers(np.full(len(rows), np.nan), [])
        problems += read.problems
        bounds[name] = np.where(np.isfinite(read.numbers), read.numbers, np.nan)
    # A lower end of 0 under a logarithm is no limit but where every value lies.
    bounds["lower"] = np.where(np.isfinite(to_scale(bounds["lower"], measures)), bounds["lower"], np.nan)
    unknown = np.isnan(limit)
    both = unknown & ~np.isnan(bounds["upper"]) & ~np.isnan(bounds["lower"])
    for name, word in (("upper", "below"), ("lower", "above")):
        there = unknown & np.isin(status, ("missing", word)) & ~np.isnan(bounds[name])
        limit, status = np.where(there, bounds[name], limit), np.where(there, word, status)
    problems += same_mistakes(
        ((place, repr(words[place]) if words[place] else "a blank", "has both `upper` (the limit it lies below) and "
          "`lower` (the limit it lies above); leave the other blank") for place in np.flatnonzero(both).tolist()),
        "value",
    )  # fmt: skip
    problems += _without_limit(words, status, np.flatnonzero(np.isnan(limit) & (status != "missing")).tolist())
    refuse(problems)
    scaled = to_scale(limit, measures)
    lost = np.flatnonzero((status != "missing") & ~np.isfinite(scaled)).tolist()
    mistakes = ((place, f"{limit[place]:g}", _not_on_scale(limit[place], measures.iloc[place])) for place in lost)
    refuse(same_mistakes(mistakes, "value"))
    below, above, gone = status == "below", status == "above", status == "missing"
    lower = np.where(below, -np.inf, np.where(gone, np.nan, scaled))
    upper = np.where(above, np.inf, np.where(gone, np.nan, scaled))
    return np.where(below | above | gone, np.nan, scaled), lower, upper, status


def _written(written: pd.Series, decimal: Decimal) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Problem]]:
    """Each cell as text, its number or the limit it states (NaN where none), its status, and cells that are neither."""
    if pd.api.types.is_numeric_dtype(written):
        number = written.to_numpy(dtype=float, na_value=np.nan)
        status = np.where(np.isnan(number), "missing", "observed").astype(object)
        return np.where(np.isnan(number), "", "a number"), number, status, []
    native = np.array([isinstance(cell, Real) for cell in written], dtype=bool)
    texts = written.astype("object").where(written.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
    parsed = parse_cells(texts, decimal, native, floor=-np.inf)
    status = parsed.status.astype(object)
    limit = np.where(status == "below", parsed.upper, np.where(status == "above", parsed.lower, parsed.value))
    mistakes = ((place, repr(texts[place]), _advice(advice)) for place, advice in parsed.mistakes.items())
    return texts, limit, status, list(same_mistakes(mistakes, "value"))


def _advice(advice: str) -> str:
    for words, instead in ADVICE.items():
        advice = advice.replace(words, instead)
    return advice.replace(" ;", ";")


def _without_limit(words: np.ndarray, status: np.ndarray, places: list[int]) -> Iterator[Problem]:
    """Words such as <LOD: a gap in their place would lose what they say."""
    fix = {
        "below": 'does not say its limit: give it in a column `upper`, or write "<3.2"',
        "above": 'does not say its limit: give it in a column `lower`, or write ">1000"',
    }
    return same_mistakes(((place, repr(words[place]), fix[status[place]]) for place in places), "value")


def _not_on_scale(number: float, measure: str) -> str:
    if measure == "fraction_of_parent" and (number > 1 or number < 0):
        return "is no fraction; divide percents by 100"
    return (
        f"cannot stand on the {SCALE_OF_MEASURE[measure]} scale; a non-detect is left blank with its limit in `upper`, "
        'or written as "<limit"'
    )


def _layers(texts: pd.DataFrame, measures: pd.Series) -> pd.Series:
    return texts["layer"] if "layer" in texts else measures.map(LAYER_OF_MEASURE).fillna("cell")
