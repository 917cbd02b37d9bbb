"""What is wrong with a tidy table: lines that name the row, the column, the value and the likely fix.

Rows are counted from 1, as they stand in the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from cytoshift.quality.scale import SCALE_OF_MEASURE
from cytoshift.study.problem import Problem, Problems, did_you_mean, in_order

NEEDED = ("subject", "feature", "visit", "value")
OF_SAMPLE = ("subject", "visit", "arm", "sequence", "period", "dose_mg", "study_day", "specimen", "cohort")
OF_VALUE = ("feature", "value", "lower", "upper", "measure", "layer", "plate", "unit")
LAYERS = ("cytokine", "cell", "index", "outcome")
# What others call the columns and the measures, small letters alone.
OTHER_NAMES = {
    "subject": ("patient", "patientid", "subjectid", "participant", "participantid", "person", "personid", "donor"),
    "feature": ("analyte", "marker", "cytokine", "biomarker", "protein", "assay", "population"),
    "visit": ("timepoint", "time", "visitname", "visitid", "day", "week", "occasion"),
    "value": ("concentration", "conc", "result", "measurement", "npx", "level"),
}
OTHER_MEASURES = dict.fromkeys(("npx", "npq", "log2"), "log_concentration") | {
    "mfi": "concentration", "percent": "fraction_of_parent", "fraction": "fraction_of_parent", "count": "count_per_ul",
}  # fmt: skip
# More lines than this tell nobody anything new.
LINES = 12


class RowProblem(Problem):
    """A mistake in one row; `where` is data:row, by which problems are put in order."""

    def __str__(self) -> str:
        return f"data: row {self.where.rpartition(':')[2]}, {self.key}: {self.message}"


def row_problem(place: int, column: str, message: str) -> Problem:
    """A mistake in the row at a place counted from 0."""
    return RowProblem(f"data:{place + 1}", column, message)


def table_problem(key: str, message: str) -> Problem:
    """A mistake of the table as a whole."""
    return Problem("data", key, message)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise Problems where there are any: the first of them by row, and how many more."""
    found = in_order(problems)
    if len(found) > LINES:
        found = [*found[:LINES], Problem(f"… and {len(found) - LINES} more like these", "", "")]
    if found:
        raise Problems(found)


def same_mistakes(mistakes: Iterable[tuple[int, str, str]], column: str) -> Iterator[Problem]:
    """One line for each message, with the first cell: `mistakes` holds (place, the cell in words, message)."""
    in_groups = sorted(mistakes, key=lambda one: (one[2], one[0]))
    for message, group in groupby(in_groups, key=lambda one: one[2]):
        (first, shown, _), *others = group
        yield row_problem(first, column, f"{shown} {message}{_also([place for place, _, _ in others])}")


def _also(places: Sequence[int]) -> str:
    if not places:
        return ""
    listed = ", ".join(str(place + 1) for place in places[:5])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"; the same in row{'s' if len(places) > 1 else ''} {listed}{more}"


def check_frame(data: object) -> None:
    """Refuse what is no table with the columns needed. Raises TypeError and Problems."""
    if not isinstance(data, pd.DataFrame):
        wanted = "a pandas DataFrame with the columns subject, visit, feature and value"
        raise TypeError(f"data is a {type(data).__name__}, not {wanted}")
    names = [str(name).strip() for name in data.columns]
    refuse(table_problem("columns", f"{name!r} stands {names.count(name)} times; keep one column of a name")
           for name in dict.fromkeys(names) if names.count(name) > 1)  # fmt: skip
    refuse([*_missing(data, names), *_miswritten(names)])
    if data.empty:
        refuse([table_problem("", "has no rows")])


def _missing(data: pd.DataFrame, names: list[str]) -> Iterator[Problem]:
    missing = [name for name in NEEDED if name not in names]
    meant = {name: _other_name(name, names) for name in missing}
    numbers = [name for place, name in enumerate(names) if pd.api.types.is_numeric_dtype(data.dtypes.iloc[place])]
    markers = [name for name in numbers if name not in OF_SAMPLE and name not in meant.values()]
    wide = {"feature", "value"} <= set(missing) and not (meant["feature"] or meant["value"]) and bool(markers)
    if wide:
        kept = [name for name in names if name not in markers]
        yield table_problem(
            "columns",
            "'feature' and 'value' are missing; a table with a column per marker is turned by "
            f"data.melt(id_vars={kept}, var_name='feature', value_name='value')",
        )
    for name in missing:
        if wide and name in ("feature", "value"):
            continue
        rename = f"; data.rename(columns={{{meant[name]!r}: {name!r}}}) renames it" if meant[name] else ""
        index = "; it is in the index: data.reset_index()" if name in data.index.names else ""
        hint = index or rename or did_you_mean(name, names)
        yield table_problem("columns", f"{name!r} is missing; the table has {', '.join(names)}{hint}")


def _miswritten(names: list[str]) -> Iterator[Problem]:
    """Columns such as `Upper`, which would count as covariates."""
    meant = {_plain(name): name for name in (*OF_SAMPLE, *OF_VALUE) if name not in NEEDED and name not in names}
    for name in names:
        if known := meant.get(_plain(name)):
            renamed = f"data.rename(columns={{{name!r}: {known!r}}})"
            yield table_problem(
                "columns", f"{name!r} would be a covariate; did you mean {known!r}? {renamed} renames it"
            )


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.casefold())


def _other_name(wanted: str, names: list[str]) -> str:
    """The column that is meant by one that is missing, or nothing."""
    plain = {_plain(name): name for name in reversed(names) if name not in NEEDED}
    return next((plain[name] for name in (wanted, *OTHER_NAMES[wanted]) if name in plain), "")


def check_decimal(decimal: str) -> None:
    """Refuse what is no decimal sign."""
    if decimal not in (".", ","):
        refuse([Problem("call", "decimal", f"{decimal!r} is not a decimal sign; legal: '.', ','")])


def check_measures(measures: pd.Series) -> None:
    """Refuse words that are no measure."""
    legal = ", ".join(SCALE_OF_MEASURE)
    refuse(_unknown("measure", word, f"is not a measure; legal: {legal}{_meant(word)}") for word in measures.unique()
           if word not in SCALE_OF_MEASURE)  # fmt: skip


def check_layers(layers: pd.Series) -> None:
    """Refuse words that are no layer."""
    legal = ", ".join(LAYERS)
    refuse(_unknown("layer", word, f"is not a layer; legal: {legal}{did_you_mean(word, LAYERS)}")
           for word in layers.unique() if word not in LAYERS)  # fmt: skip


def _unknown(column: str, word: str, message: str) -> Problem:
    return table_problem(column, f"{word!r} {message}")


def _meant(word: str) -> str:
    other = OTHER_MEASURES.get(word.casefold())
    return f"; did you mean {other!r}?" if other else did_you_mean(word, SCALE_OF_MEASURE)


def one_word_each(feature: pd.Series, words: pd.Series, column: str, advice: str) -> Iterator[Problem]:
    """Features that are said to be two things, whose values cannot stand in one column."""
    found = pd.DataFrame({"feature": feature, "word": words}).drop_duplicates()
    for name in found["feature"][found["feature"].duplicated()].unique():
        several = ", ".join(found.loc[found["feature"] == name, "word"])
        yield table_problem(column, f"{name!r} has several: {several}; {advice}")


def blanks(texts: pd.Series, column: str) -> Iterator[Problem]:
    """Rows that do not say whose value they hold."""
    there = np.flatnonzero((texts == "").to_numpy()).tolist()
    return same_mistakes(((place, "is", f"blank: every value belongs to a {column}") for place in there), column)


def spellings(texts: pd.Series, column: str) -> Iterator[Problem]:
    """Names that differ from an earlier one only in letter case or spaces, and would count as another."""
    first: dict[str, tuple[str, int]] = {}
    for place, name in texts[~texts.duplicated()].items():
        folded = "".join(name.casefold().split())
        known, row = first.setdefault(folded, (name, int(str(place))))
        if known != name:
            why = f"differs from {known!r} of row {row + 1} only in letter case or spaces; write them alike"
            yield row_problem(int(str(place)), column, f"{name!r} {why}")


def doses(arm: pd.Series, dose: pd.Series) -> Iterator[Problem]:
    """Rows whose dose is not that of their arm."""
    for name, own in dose[arm != ""].groupby(arm[arm != ""], sort=False):
        if own.isna().all():
            continue
        first = int(str(own.first_valid_index()))
        stated = f"{own[first]:g}"
        mistakes = [
            (int(str(place)), "is blank" if np.isnan(number) else f"{number:g}",
             f"in arm {name!r}, which has {stated} in row {first + 1}; an arm has one dose, in each of its rows")
            for place, number in own[own != own[first]].items()
        ]  # fmt: skip
        for blank in (True, False):
            yield from same_mistakes((one for one in mistakes if (one[1] == "is blank") == blank), "dose_mg")


def repeats(samples: pd.DataFrame, feature: pd.Series) -> Iterator[Problem]:
    """Rows that say again what an earlier one said; `samples` holds the texts by which samples are told apart."""
    keys = samples.assign(feature=feature)
    first = keys.groupby(list(keys.columns), sort=False).ngroup()
    earlier = first.map({group: place for place, group in reversed(list(enumerate(first)))})
    for place in np.flatnonzero(earlier.to_numpy() != np.arange(len(keys))).tolist():
        whose = ", ".join(f"{name} {text}" for name, text in samples.iloc[place].items() if text)
        yield row_problem(
            place,
            "feature",
            f"{feature.iloc[place]!r} of {whose}: row {earlier.iloc[place] + 1} said it first; keep one row, or "
            "average replicates before",
        )
