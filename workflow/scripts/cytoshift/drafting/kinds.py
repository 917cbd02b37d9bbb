"""What is a table: a sample sheet, measurements, cell counts, scores, limits of detection, a list of plates?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cytoshift.drafting.columns import Column, describe_columns
from cytoshift.drafting.groups import Group, wide_groups
from cytoshift.drafting.headers import headers_of
from cytoshift.drafting.long_groups import long_groups
from cytoshift.drafting.opening import Table
from cytoshift.drafting.roles import find_roles
from cytoshift.drafting.scores import Score, find_score


@dataclass(frozen=True)
class Understood:
    """A table as it was understood: `kind` is samples, values, scores, limits, plates, layout or other."""

    table: Table
    kind: str
    columns: Mapping[str, Column]
    unusable: tuple[str, ...]
    roles: Mapping[str, str]
    groups: tuple[Group, ...] = ()
    scores: tuple[tuple[str, Score], ...] = ()


def understand_table(table: Table) -> Understood:
    """Say what a table is by its headers and values."""
    columns, unusable = describe_columns(table)
    headers = set(columns)
    if {"analyte", "lower"} <= headers:
        return Understood(table, "limits", columns, tuple(unusable), {})
    roles = find_roles(table, columns)
    if "plate" in headers and headers & {"file", "layout"} and "sample" not in roles:
        return Understood(table, "plates", columns, tuple(unusable), roles)
    groups = wide_groups(table, columns, roles)
    groups = groups if sum(len(group.columns) for group in groups) > 1 else long_groups(table, columns, roles) or groups
    claimed = {*roles.values(), *(name for group in groups for name in group.columns)}
    scores = tuple(
        (column.name, score)
        for column in columns.values()
        if column.name not in claimed and column.is_numeric and (score := find_score(column.name))
    )
    has_rows = "sample" in roles or {"subject", "visit"} <= set(roles)
    kind = "other"
    if groups and (has_rows or "well" in roles):
        kind = "values"
    elif scores and has_rows:
        kind = "scores"
    elif {"sample", "subject", "visit"} <= set(roles):
        kind = "samples"
    elif set(roles) >= {"well", "sample"}:
        kind = "layout"
    return Understood(table, kind, columns, tuple(unusable), roles, tuple(groups), scores)


def covariate_columns(understood: Understood, known_only: bool) -> list[Column]:
    """Columns that describe the person: by header; in a sample sheet also numbers and few different words."""
    claimed = {*understood.roles.values(), *(name for name, _ in understood.scores)}
    claimed |= {name for group in understood.groups for name in group.columns}
    free = [column for column in understood.columns.values() if column.name not in claimed and not column.is_empty]
    known = headers_of("covariate")
    if known_only:
        return [column for column in free if column.packed in known]
    return [column for column in free if column.packed in known or column.is_numeric or column.distinct <= 8]
