"""Which columns of a table are values of analytes or cell populations, and how would a study file name them?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cytoshift.drafting.columns import Column
from cytoshift.drafting.headers import headers_of
from cytoshift.drafting.known_names import LAYERS, Layer, known_id
from cytoshift.drafting.opening import Table
from cytoshift.drafting.patterns import Affix, find_affixes
from cytoshift.drafting.scores import find_score
from cytoshift.drafting.units import cell_unit, concentration_unit, guess_cell_unit
from cytoshift.intake.columns import matching, wide_columns
from cytoshift.study.problem import Problems
from cytoshift.vocabulary.names import population

# What a companion of the value says, by the words around the name; the first that fits counts.
_COMPANIONS = (
    ("cv", r"\bcv\b|%cv|coefficient of variation"),
    ("lower", r"\blod\b|\blloq\b|\bllod\b|detection limit|limit of detection|lower limit"),
    ("upper", r"\buloq\b|upper limit"),
    ("ignored", r"signal|\bmfi\b|\bfi\b|bkgd|backgr|recover|\bsd\b|\bstd|stdev|\bsem\b|\brlu\b|flag|status|range"),
    ("ignored", r"\bbeads?\b|\bod\b|absorb|median|\bcount\b|dilution|\bqc\b|rank"),
    ("mean", r"\bmean\b|average|\bavg\b"),
)


@dataclass(frozen=True)
class Group:
    """Values of one layer in one unit that a study file can name together; one source, once its rows are known.

    `value` is a column or pattern, `name` the column of the names in a long table (or "=RANKL"); `written` the names;
    `columns` where the values stand; `units` units by population that differ from `unit`; `unit_reason` why a guessed
    unit was taken, empty where the file says it; `strays` columns that the pattern would read although they are none.
    """

    layer: Layer
    shape: str
    value: str
    name: str | None
    written: tuple[str, ...]
    columns: tuple[str, ...]
    unit: str
    unit_reason: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    companions: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, list[str]] = field(default_factory=dict)
    strays: tuple[str, ...] = ()

    @property
    def is_alone(self) -> bool:
        """Is it a single feature that no column names?"""
        return self.name is not None and self.name.startswith("=")

    def ids(self) -> set[str]:
        """Ids of its known names."""
        return {found for name in self.written if (found := known_id(name, self.layer))}


def wide_groups(table: Table, columns: Mapping[str, Column], roles: Mapping[str, str]) -> list[Group]:
    """The groups of a table with one column per feature; none where no header is a known name."""
    taken = {*roles.values()}
    headers = [
        column.name
        for column in columns.values()
        if column.name not in taken
        and (column.is_numeric or column.is_empty)
        and column.packed not in headers_of("covariate")
        and (find_score(column.name) is None or any(known_id(column.name, layer) for layer in LAYERS))
    ]
    groups = []
    for layer, affixes in _owned(headers).items():
        by_kind: dict[str, list[Affix]] = {}
        for affix in affixes:
            by_kind.setdefault(_kind(affix, layer), []).append(affix)
        values = by_kind.pop("value", None) or by_kind.pop("mean", [])
        companions = {kind: found[0].pattern(layer) for kind, found in by_kind.items() if kind != "ignored"}
        for affix in values:
            whole = _with_unknown(affix, headers, affixes, layer)
            groups.append(_wide_group(table, columns, taken, layer, whole, companions if len(values) == 1 else {}))
    return [group for group in groups if any(not columns[name].is_empty for name in group.columns)]


def _owned(headers: list[str]) -> dict[Layer, list[Affix]]:
    """The patterns of each layer; a header that both could read goes where its name is known, then to the larger."""
    found = {layer: find_affixes(headers, layer) for layer in LAYERS}
    claims: dict[str, list[tuple[bool, int, Layer, int]]] = {}
    for layer, affixes in found.items():
        for place, affix in enumerate(affixes):
            known = sum(known_id(name, layer) is not None for name in affix.names.values())
            for header, name in affix.names.items():
                claims.setdefault(header, []).append((known_id(name, layer) is not None, known, layer, place))
    owner = {header: max(options)[2:] for header, options in claims.items()}
    owned: dict[Layer, list[Affix]] = {}
    for layer, affixes in found.items():
        kept = []
        for place, affix in enumerate(affixes):
            names = {header: name for header, name in affix.names.items() if owner[header] == (layer, place)}
            kept += [replace(affix, names=names)] if names else []
        if kept:
            owned[layer] = kept
    return owned


def _kind(affix: Affix, layer: Layer) -> str:
    if layer == "cell":
        return "ignored" if re.search(r"mean ?flu|\bmfi|fluoresc|intensity", affix.fixed.casefold()) else "value"
    words = re.sub(r"[_\s]+", " ", affix.fixed.casefold())
    return next((kind for kind, expression in _COMPANIONS if re.search(expression, words)), "value")


def _with_unknown(affix: Affix, headers: list[str], affixes: list[Affix], layer: Layer) -> Affix:
    """Among bare names, the numeric columns that stand behind the first known one are features as well."""
    if affix.fixed or len(affix.names) < 3:
        return affix
    elsewhere = {header for other in affixes if other is not affix for header in other.names}
    other_layer: Layer = "cell" if layer == "cytokine" else "cytokine"
    first = min(headers.index(header) for header in affix.names)
    behind = [h for h in headers[first:] if h not in elsewhere and known_id(h, other_layer) is None]
    return replace(affix, names=affix.names | {header: header for header in behind if "  " not in header})


def _wide_group(
    table: Table,
    columns: Mapping[str, Column],
    taken: set[str],
    layer: Layer,
    affix: Affix,
    companions: Mapping[str, str],
) -> Group:
    pattern = affix.pattern(layer)
    unit, reason, units = _wide_unit(columns, layer, affix)
    return Group(
        layer, "wide", pattern, None, tuple(dict.fromkeys(affix.names.values())), tuple(affix.names), unit, reason,
        units=units, companions=companions, strays=_strays(table, columns, taken, pattern, companions, affix),
    )  # fmt: skip


def _strays(
    table: Table,
    columns: Mapping[str, Column],
    taken: set[str],
    pattern: str,
    companions: Mapping[str, str],
    affix: Affix,
) -> tuple[str, ...]:
    """Columns with numbers that the reader would take under this pattern, beside those that are meant."""
    longer = [other for other in companions.values() if len(other) > len(pattern)]
    try:
        read = wide_columns(table.grid, pattern, taken | matching(table.grid, longer), "value")
    except Problems:  # nothing matches: the reader will say so
        return ()
    names = [column.column for column in read if table.grid.headers[column.column] not in affix.names]
    return tuple(name for name in names if name not in columns or columns[name].numeric > 0)


def _wide_unit(columns: Mapping[str, Column], layer: Layer, affix: Affix) -> tuple[str, str, dict[str, str]]:
    """Unit, why it was guessed (nothing where the headers say it), and units of single populations."""
    if layer == "cytokine":
        said = {concentration_unit(affix.fixed)} | {concentration_unit(header) for header in affix.names}
        stated = sorted(unit for unit in said if unit)
        if len(stated) == 1 and (len(said) == 1 or concentration_unit(affix.fixed)):
            return stated[0], "", {}
        return (stated or ["pg/mL"])[0], "several units in the headers" if stated else "no header says the unit", {}
    largest = max((float(columns[h].numbers.max()) for h in affix.names if len(columns[h].numbers)), default=0.0)
    if fixed := cell_unit(affix.fixed):
        return ("fraction", "no value is above 1", {}) if fixed == "%" and largest <= 1 else (fixed, "", {})
    if (
        all("count" in header.casefold() for header in affix.names)
        and largest > 100
        and not any(map(_in_blood_count, affix.names.values()))
    ):
        return "events", "large numbers under the word count", {}
    units = {name: unit for header, name in affix.names.items() if (unit := cell_unit(header))}
    rest = {known_id(name, "cell") or name: columns[h].numbers for h, name in affix.names.items() if name not in units}
    guessed, reason = guess_cell_unit(rest)
    if not rest:
        guessed, reason = next(iter(units.values())), ""
    return guessed, reason, {name: unit for name, unit in units.items() if unit != guessed}


def _in_blood_count(name: str) -> bool:
    found = known_id(name, "cell")
    return found is not None and population(found).cbc is not None


def one_by_one(group: Group) -> list[Group]:
    """The same values, one column at a time: for a pattern that would read other columns as well."""
    return [
        replace(
            group, shape="long", value=column, name=f"={name}", written=(name,), columns=(column,), strays=(),
            companions={}, unit=group.units.get(name, group.unit), units={},
        )
        for column, name in zip(group.columns, _names_of(group), strict=True)
    ]  # fmt: skip


def _names_of(group: Group) -> list[str]:
    if len(group.written) == len(group.columns):
        return list(group.written)
    before, after = re.split(r"\{\w+\}", group.value, maxsplit=1)
    return [column[len(before.strip()) : len(column) - len(after.strip())].strip() for column in group.columns]
