"""Which column of a long table names the features, and which holds their values?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd

from cytoshift.drafting.columns import Column
from cytoshift.drafting.groups import Group
from cytoshift.drafting.headers import headers_of
from cytoshift.drafting.known_names import LAYERS, Layer, known_id
from cytoshift.drafting.opening import Table
from cytoshift.drafting.units import cell_unit, concentration_unit, guess_cell_unit

_MOST_NAMES = 6000


def long_groups(table: Table, columns: Mapping[str, Column], roles: Mapping[str, str]) -> list[Group]:
    """The groups of a table with one row per value, or of one value column whose sheet or file names the feature."""
    taken = {*roles.values()}
    names = _names_column(columns, taken)
    value = _value_column(columns, taken | ({names} if names else set()))
    if value is None:
        return []
    companions: dict[str, str] = {}
    for key in ("lower", "upper"):
        limits = [c.name for c in columns.values() if c.packed in headers_of(f"{key} limit") and c.name not in taken]
        companions |= {key: limits[0]} if limits else {}
    if names is None:
        return _single(table, columns, value, companions)
    split = _by_layer(list(pd.unique(columns[names].texts)))
    groups = []
    for layer, written in split.items():
        where = {names: written} if len(split) > 1 else {}
        of_layer = companions if layer == "cytokine" else {}
        group = Group(
            layer, "long", value, names, tuple(written), (value,), "", companions=of_layer, where=where
        )  # fmt: skip
        groups += _in_units(table, columns, roles, group)
    return groups


def _names_column(columns: Mapping[str, Column], taken: set[str]) -> str | None:
    best: tuple[float, str] | None = None
    for column in columns.values():
        if column.name in taken or column.is_empty or column.is_numeric or column.distinct > _MOST_NAMES:
            continue
        unique = list(pd.unique(column.texts))
        known = sum(any(known_id(text, layer) for layer in LAYERS) for text in unique)
        named = column.packed in headers_of("feature name")
        if (named and known) or (known >= 2 and known >= len(unique) / 2):
            score = known / len(unique) + 2 * named
            if best is None or score > best[0]:
                best = score, column.name
    return best[1] if best else None


def _value_column(columns: Mapping[str, Column], taken: set[str]) -> str | None:
    free = [c for c in columns.values() if c.name not in taken and not c.is_empty]
    free = [c for c in free if c.packed not in headers_of("covariate")]
    values, limits = headers_of("value"), {*headers_of("lower limit"), *headers_of("upper limit")}
    named = [c for c in free if c.packed in values or concentration_unit(c.name) or cell_unit(c.name)]
    numeric = [c for c in named if c.numeric > 0.5]
    if numeric:
        return min(numeric, key=lambda c: values.index(c.packed) if c.packed in values else 99).name
    rest = [c for c in free if c.is_numeric and c.packed not in limits and c.distinct > 1]
    return rest[0].name if len(rest) == 1 else None


def _single(table: Table, columns: Mapping[str, Column], value: str, companions: Mapping[str, str]) -> list[Group]:
    """A table of one feature: the sheet's name, the value's header or a word of the file's name says which."""
    stem = PurePosixPath(table.path).stem
    said = [*([table.sheet] if table.sheet else []), stem, *stem.replace("-", " ").replace("_", " ").split()]
    for text in said:
        for layer in LAYERS:
            if known_id(text, layer):
                group = Group(layer, "long", value, f"={text}", (text,), (value,), "", companions=companions)
                return _in_units(table, columns, {}, group)
    return []


def _by_layer(written: list[str]) -> dict[Layer, list[str]]:
    """Names by layer; what neither vocabulary knows goes to the larger."""
    layers = {text: next((layer for layer in LAYERS if known_id(text, layer)), None) for text in written}
    counts = {layer: list(layers.values()).count(layer) for layer in LAYERS}
    larger = max(LAYERS, key=lambda layer: counts[layer])
    split: dict[Layer, list[str]] = {}
    for text, layer in layers.items():
        split.setdefault(layer or larger, []).append(text)
    return split


def _in_units(table: Table, columns: Mapping[str, Column], roles: Mapping[str, str], group: Group) -> list[Group]:
    """The group once per unit that the column of units has for it, or once in the unit that its header says."""
    unit_column = roles.get("unit")
    frame = table.grid.frame
    rows = frame[frame[group.name].isin(group.written)] if group.name in frame.columns else frame
    written = [text for text in pd.unique(rows[unit_column]) if text] if unit_column else []
    find = concentration_unit if group.layer == "cytokine" else cell_unit
    known = {text: found for text in written if (found := find(text))}
    if group.layer == "cytokine" and written:
        return [_in_unit(frame, rows, unit_column, text, known.get(text, text), len(written) > 1, group)
                for text in written]  # fmt: skip
    if known and len(known) == len(written):
        return [_in_unit(frame, rows, unit_column, text, known[text], len(written) > 1, group) for text in written]
    said = find(group.value)
    if said:
        return [_replaced(group, said, "")]
    if group.layer == "cytokine":
        return [_replaced(group, "pg/mL", "no header says the unit")]
    by_name = rows.groupby(group.name)[group.value] if group.name in frame.columns else [("", rows[group.value])]
    sizes = {known_id(str(name), "cell") or str(name): pd.to_numeric(cells, errors="coerce").dropna().to_numpy()
             for name, cells in by_name}  # fmt: skip
    return [_replaced(group, *guess_cell_unit(sizes))]


def _in_unit(
    frame: pd.DataFrame, rows: pd.DataFrame, column: str | None, text: str, unit: str, several: bool, group: Group
) -> Group:
    if not several or column is None:
        return _replaced(group, unit, "")
    there = rows[rows[column] == text]
    names = tuple(pd.unique(there[group.name])) if group.name in frame.columns else group.written
    return Group(
        group.layer, group.shape, group.value, group.name, names, group.columns, unit,
        companions=group.companions, where={**group.where, column: [text]},
    )  # fmt: skip


def _replaced(group: Group, unit: str, reason: str) -> Group:
    return Group(
        group.layer, group.shape, group.value, group.name, group.written, group.columns, unit, reason,
        companions=group.companions, where=group.where,
    )  # fmt: skip
