"""Who was measured when: a sample sheet, the columns of the data themselves, or sample ids that can be taken apart?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cytoshift.drafting.columns import is_writable
from cytoshift.drafting.kinds import Understood
from cytoshift.drafting.occasions import natural
from cytoshift.intake.words import canonical

KEYS = ("sample", "subject", "visit", "arm")
_SEPARATORS = ("-", "_", ".", "/", ":", " ")
_MOST_VISITS = 24
_FITTING_SHARE = 0.7


@dataclass(frozen=True)
class People:
    """How the study file says who was measured when.

    `sheet` is the sample sheet; otherwise `tables` are the ones whose rows say it, by columns or by `pattern`.
    `rows` has one row per sample with sample, subject, visit and arm as written; `sample_is_key` whether the ids of
    samples name one subject and visit each; `misfits` counts sample ids that the pattern does not fit.
    """

    rows: pd.DataFrame
    tables: tuple[Understood, ...]
    sheet: Understood | None = None
    pattern: str | None = None
    sample_is_key: bool = True
    misfits: int = 0

    @property
    def main(self) -> Understood:
        """The table whose other columns (dates, age, sex) belong to the samples."""
        return self.sheet or self.tables[0]


def find_people(understood: Sequence[Understood], named: Sequence[Understood] = ()) -> People | None:
    """Find who was measured when, or None where nothing says it.

    Parameters: `understood`, the tables; `named`, tables of nothing but the samples that instruments' files name.
    """
    sheets = [one for one in understood if one.kind == "samples" and _is_key(rows_of(one))]
    if sheets:
        sheet = max(sheets, key=lambda one: len(one.table.grid.frame))
        return People(_people_only(sheet), (), sheet)
    values = [one for one in understood if one.kind == "values"]
    said = [one for one in values if {"subject", "visit"} <= set(one.roles)]
    has_ids = any("sample" in one.roles for one in said)
    # instruments' files can be linked by a sample id alone, and here only their own names hold one
    only_named = said and not has_ids and not any("arm" in one.roles for one in said)
    if only_named and (by_name := _by_pattern(named)) is not None:
        return by_name
    if said:
        with_arms = [one for one in said if "arm" in one.roles]
        several = any(one.columns[one.roles["arm"]].distinct > 1 for one in with_arms)
        tables = sorted(with_arms if several else said, key=lambda one: -len(one.roles))
        rows = pd.concat([rows_of(one) for one in tables], ignore_index=True)
        rows = rows[(rows["subject"] != "") & (rows["visit"] != "")]
        is_key = all(_names_one_each(rows_of(one)) for one in tables)
        return People(rows.drop_duplicates(list(KEYS)), tuple(tables), sample_is_key=is_key)
    return _by_pattern([*named, *(one for one in values if "sample" in one.roles)])


def rows_of(understood: Understood) -> pd.DataFrame:
    """What a table says in the columns of KEYS, '' where it has no such column, numbers without trailing zeros."""
    frame = understood.table.grid.frame
    texts = {key: frame[understood.roles[key]].map(canonical) if key in understood.roles else "" for key in KEYS}
    return pd.DataFrame(texts, index=frame.index, dtype=object)


def _people_only(sheet: Understood) -> pd.DataFrame:
    rows = rows_of(sheet)
    if (type_column := sample_type_column(sheet)) is not None:
        rows = rows[sheet.table.grid.frame[type_column].str.casefold().isin(["", "sample"])]
    return rows[rows["subject"] != ""]


def sample_type_column(understood: Understood) -> str | None:
    """The column that tells samples from bridge, control and pool tubes, if its words are those of the study file."""
    column = understood.roles.get("type")
    if column is None:
        return None
    words = set(understood.columns[column].texts.str.casefold())
    return column if words <= {"sample", "bridge", "control", "pool"} else None


def _is_key(rows: pd.DataFrame) -> bool:
    named = rows.loc[rows["sample"] != "", "sample"]
    return len(named) > 0 and not named.duplicated().any()


def _names_one_each(rows: pd.DataFrame) -> bool:
    """Does every sample id stand for one subject, visit and arm?"""
    named = rows[rows["sample"] != ""].drop_duplicates()
    return not named["sample"].duplicated().any()


def _by_pattern(tables: Sequence[Understood]) -> People | None:
    """Take the sample ids apart: the pattern that fits one table best, for all tables that it fits."""
    best: tuple[tuple[float, int, int], str, str] | None = None
    for ids in map(_sample_ids, tables):
        for pattern, expression in _patterns():
            parts = ids.str.extract(expression)
            fits = parts.notna().all(axis=1)
            parts = parts[fits]
            if fits.mean() < _FITTING_SHARE or not _is_plausible(parts):
                continue
            score = (round(float(fits.mean()), 2), -parts["visit"].nunique(), int("{arm}" in pattern))
            if best is None or score > best[0]:
                best = score, pattern, expression
    if best is None:
        return None
    _, pattern, expression = best
    fitting = [one for one in tables if _sample_ids(one).str.fullmatch(expression).mean() >= _FITTING_SHARE]
    ids = pd.concat(list(map(_sample_ids, fitting)), ignore_index=True).drop_duplicates()
    parts = ids.str.extract(expression).assign(sample=ids)
    fits = parts.notna().all(axis=1)
    rows = parts[fits].reindex(columns=list(KEYS), fill_value="").astype(object)
    return People(rows, tuple(fitting), pattern=pattern, misfits=int((~fits).sum()))


def _sample_ids(table: Understood) -> pd.Series:
    return pd.Series(pd.unique(table.columns[table.roles["sample"]].texts), dtype=object)


def _patterns() -> list[tuple[str, str]]:
    patterns = []
    for sign in _SEPARATORS:
        subject, short = "(?P<subject>.+)", rf"[^{re.escape(sign)}]+"
        at = re.escape(sign)
        patterns += [
            (f"{{subject}}{sign}{{visit}}", f"^{subject}{at}(?P<visit>{short})$"),
            (f"{{visit}}{sign}{{subject}}", f"^(?P<visit>{short}){at}{subject}$"),
            (
                f"{{arm}}{sign}{{subject}}{sign}{{visit}}",
                f"^(?P<arm>[A-Za-z]{short}){at}{subject}{at}(?P<visit>{short})$",
            ),
        ]
    return patterns


def _is_plausible(parts: pd.DataFrame) -> bool:
    """Few visits, each shared by many subjects, most subjects more than once; few arms, each with several subjects."""
    visits, subjects = parts["visit"].nunique(), parts["subject"].nunique()
    if not (2 <= visits <= _MOST_VISITS and subjects >= 2 and all(map(is_writable, pd.unique(parts["visit"])))):
        return False
    if "arm" in parts and not (2 <= parts["arm"].nunique() <= 6 and parts["arm"].nunique() < subjects):
        return False
    per_subject = parts.groupby("subject")["visit"].nunique()
    per_visit = parts.groupby("visit")["subject"].nunique()
    return bool(per_subject.median() >= 2 and per_visit.median() >= max(2, subjects / 4))


def visits_per_arm(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Arm as written → visits as written at which it was measured."""
    groups = rows[rows["visit"] != ""].groupby("arm")["visit"]
    return {str(arm): sorted(pd.unique(visits), key=natural) for arm, visits in groups}


def arms_cross_subjects(rows: pd.DataFrame) -> bool:
    """Did most subjects pass more than one arm?"""
    per_subject = rows[rows["arm"] != ""].groupby("subject")["arm"].nunique()
    return bool(len(per_subject) and (per_subject > 1).mean() > 0.5)
