"""Which column says whose a row is, when and under what it was measured, and where on the plate?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from cytoshift.drafting.columns import Column, pack
from cytoshift.drafting.headers import ROLES, headers_of
from cytoshift.drafting.opening import Table

WELL = re.compile(r"(?:\d+\(\d+,)?[A-Pa-p]\s?0?(?:[1-9]|1\d|2[0-4])\)?")
VISIT_TEXT = re.compile(
    r"(?:base\s?line|bl|pre|post|before|after|screening|eot|eos|end of (?:treatment|study)|follow.?up|fu|"
    r"(?:v|visit|t|tp|timepoint|w|wk|week|d|day|m|mo|month|h|hr|hour|min|s)[\s_.-]*[+-]?\d+(?:\.\d+)?|"
    r"[+-]?\d+(?:\.\d+)?[\s_.-]*(?:h|hr|hrs|hours?|min|minutes?|d|days?|w|wks?|weeks?|m|mo|months?))"
    r"(?:[\s_-]*(?:dose|treatment|ldn|drug|therapy|exercise))?",
    re.IGNORECASE,
)
_MOST_VISITS, _MOST_ARMS = 40, 12


def find_roles(table: Table, columns: Mapping[str, Column]) -> dict[str, str]:
    """Role → column name in the frame, by the headers, and by the values where no header says it.

    Roles are those of headers.ROLES. A column has one role at most; what the values contradict has none.
    """
    roles: dict[str, str] = {}
    for role in ROLES:
        for name in _named(columns, headers_of(role)):
            if name not in roles.values() and _fits(role, columns[name]):
                roles[role] = name
                break
    _find_by_values(roles, columns)
    _settle_id(roles, columns)
    _settle_sample(roles, table)
    return roles


def _named(columns: Mapping[str, Column], headers: Sequence[str]) -> list[str]:
    places = {header: place for place, header in enumerate(headers)}
    named = [column for column in columns.values() if column.packed in places]
    return [column.name for column in sorted(named, key=lambda column: places[column.packed])]


def _fits(role: str, column: Column) -> bool:
    if column.is_empty:
        return False
    if role == "visit":
        return column.distinct <= _MOST_VISITS
    if role == "arm":
        return column.distinct <= _MOST_ARMS
    if role == "well":
        return _share(column.texts, WELL) > 0.5
    if role in ("sample", "subject"):
        return column.distinct > 1
    return True


def _share(texts: pd.Series, expression: re.Pattern[str]) -> float:
    unique = pd.Series(pd.unique(texts), dtype=object)
    return float(unique.map(lambda text: expression.fullmatch(text) is not None).mean()) if len(unique) else 0.0


def _find_by_values(roles: dict[str, str], columns: Mapping[str, Column]) -> None:
    """A visit or arm that only its values give away ("V1", "placebo")."""
    arm_words = {*headers_of("arm word")}
    for column in columns.values():
        if column.name in roles.values() or column.is_empty or column.is_numeric:
            continue
        unique = pd.unique(column.texts)
        if "visit" not in roles and 2 <= len(unique) <= _MOST_VISITS and _share(column.texts, VISIT_TEXT) == 1:
            roles["visit"] = column.name
        elif "arm" not in roles and 2 <= len(unique) <= _MOST_ARMS:
            words = [set(re.split(r"[^a-z]+", text.casefold())) for text in unique]
            is_legend = {"case", "control"} <= set(re.split(r"[^a-z]+", column.name.casefold()))
            if is_legend or sum(bool(word & arm_words) for word in words) > len(words) / 2:
                roles["arm"] = column.name


def _settle_id(roles: dict[str, str], columns: Mapping[str, Column]) -> None:
    """A bare "ID" is the subject beside a visit, and otherwise the sample."""
    spare = _named(columns, ["id", "code", "nr", "no", "number", "name", "label", "description"])
    for name in (name for name in spare if name not in roles.values() and columns[name].distinct > 1):
        if "subject" not in roles and "visit" in roles and pack(name) in ("id", "code", "nr", "no", "number"):
            roles["subject"] = name
        elif "sample" not in roles and "subject" not in roles:
            roles["sample"] = name
        return


def _settle_sample(roles: dict[str, str], table: Table) -> None:
    """A "sample" that is measured at several visits is a person."""
    if "subject" in roles or not {"sample", "visit"} <= set(roles):
        return
    frame = table.grid.frame
    visits = frame[frame[roles["sample"]] != ""].groupby(roles["sample"])[roles["visit"]].nunique()
    if len(visits) and visits.median() > 1:
        roles["subject"] = roles.pop("sample")
