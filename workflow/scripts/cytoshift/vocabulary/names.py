"""Which analyte or cell population does a written name mean?

Instruments and labs write the same thing in many ways ("IL-12(p70)", "hIL-6 (25)", "VGEF", "LYMFO_ABS_CORR").
A written name is resolved only when it is an id, a label or a listed alias; a name that merely looks alike is
offered as a suggestion and never applied. The lists are the TSV files beside this module; SOURCES.md says where
their accessions and roles were looked up.

The Snakefile imports this module in every job, so it uses the standard library alone.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar, cast

from cytoshift.vocabulary.spelling import make_id, normalize_name, normalize_population

__all__ = [
    "Analyte",
    "Match",
    "Population",
    "all_analytes",
    "all_populations",
    "all_roles",
    "analyte",
    "find_analyte",
    "find_population",
    "make_id",
    "normalize_name",
    "population",
    "role_meaning",
    "role_source",
    "roles_of",
]

How = Literal["exact", "alias", "unknown"]
Cbc = Literal["count", "differential"]
Lookalikes = dict[tuple[str, ...], list[str]]
"""Keys of the vocabulary by the numbers in them: only names with the same numbers can be confused."""
Value = TypeVar("Value")

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Match:
    """What a written name was read as: `id` and `label` are None, and `how` is "unknown", where it is not listed."""

    written: str
    id: str | None
    label: str | None
    how: How
    suggestion: str | None = None


@dataclass(frozen=True)
class Analyte:
    """A measured molecule; several genes and accessions where it is a complex, none where they are not certain.

    The accession of a peptide (β-endorphin, the enkephalins) is that of the precursor it is cut from.
    """

    id: str
    label: str
    hgnc: tuple[str, ...]
    uniprot: tuple[str, ...]
    accession_source: str
    aliases: tuple[str, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the analyte, in the order of `all_roles`."""
        return roles_of(self.id)


@dataclass(frozen=True)
class Population:
    """A cell population, its usual markers and parent, and its place in the complete blood count (None: not there)."""

    id: str
    label: str
    markers: str
    parent: str | None
    cbc: Cbc | None
    aliases: tuple[str, ...]

    @property
    def cbc_differential(self) -> bool:
        """Whether the population is one of the five whose counts add up to the leukocytes."""
        return self.cbc == "differential"


def find_analyte(written: str) -> Match:
    """Analyte that a written name means.

    Parameters: `written`, the name as the file has it. Returns: a `Match`; a similar name is only a suggestion.
    """
    return _find(written, _analytes(), _analyte_keys(), _analyte_lookalikes(), normalize_name)


def find_population(written: str) -> Match:
    """Cell population that a written name means; of a gating path the whole is matched, never the last gate alone.

    Parameters: `written`, the name as the file has it. Returns: a `Match`; a similar name is only a suggestion.
    """
    match = _find(written, _populations(), _population_keys(), _population_lookalikes(), normalize_population)
    if match.id is None and "/" in written:
        leaf = _population_keys().get(normalize_population(written.rsplit("/", 1)[1]))
        return Match(written, None, None, "unknown", leaf or match.suggestion)
    return match


def analyte(analyte_id: str) -> Analyte:
    """Analyte with this id. Raises KeyError where the vocabulary has none."""
    return _get(_analytes(), analyte_id, "analyte")


def population(population_id: str) -> Population:
    """Cell population with this id. Raises KeyError where the vocabulary has none."""
    return _get(_populations(), population_id, "cell population")


def all_analytes() -> tuple[Analyte, ...]:
    """Every analyte of the vocabulary, in the order of its file."""
    return tuple(_analytes().values())


def all_populations() -> tuple[Population, ...]:
    """Every cell population of the vocabulary, in the order of its file."""
    return tuple(_populations().values())


def all_roles() -> tuple[str, ...]:
    """Every role an analyte can have, most general first."""
    return tuple(_role_meanings())


def roles_of(analyte_id: str) -> tuple[str, ...]:
    """Roles of an analyte in the order of `all_roles`; none for an analyte outside the vocabulary."""
    return tuple(_role_sources().get(analyte_id, {}))


def role_meaning(role: str) -> str:
    """What a role says, in one line. Raises KeyError for a role that does not exist."""
    return _get(_role_meanings(), role, "role")


def role_source(analyte_id: str, role: str) -> str:
    """Source of a role of an analyte, in one line. Raises KeyError where the analyte does not have the role."""
    return _get(_role_sources().get(analyte_id, {}), role, f"role of {analyte_id!r}")


def _get(table: Mapping[str, Value], key: str, kind: str) -> Value:
    if key not in table:
        raise KeyError(f"the vocabulary has no {kind} {key!r}")
    return table[key]


def _find(
    written: str,
    entries: Mapping[str, Analyte] | Mapping[str, Population],
    keys: Mapping[str, str],
    lookalikes: Lookalikes,
    normalize: Callable[[str], str],
) -> Match:
    key = normalize(written)
    entry_id = keys.get(key)
    if entry_id is None:
        return Match(written, None, None, "unknown", _suggest(key, keys, lookalikes))
    entry = entries[entry_id]
    how: How = "exact" if written.strip() in (entry.id, entry.label) else "alias"
    return Match(written, entry.id, entry.label, how)


def _suggest(key: str, keys: Mapping[str, str], lookalikes: Lookalikes) -> str | None:
    """Id of the most similar name with the same numbers (IL-6 and IL-16 look alike, and are not), or of the first
    name that only adds an ending ("TGF-beta" for TGF-β1)."""
    close = get_close_matches(key, lookalikes.get(_numbers(key), ()), n=1, cutoff=0.8)
    if close:
        return keys[close[0]]
    longer = (known for known in keys if known.startswith(key) and len(known) <= len(key) + 2)
    return keys[first] if len(key) >= 3 and (first := next(longer, None)) else None


def _numbers(key: str) -> tuple[str, ...]:
    return tuple(_NUMBER.findall(key))


def _by_numbers(keys: Iterable[str]) -> Lookalikes:
    groups: Lookalikes = {}
    for key in keys:
        groups.setdefault(_numbers(key), []).append(key)
    return groups


def _read(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", strict=True))


def _split(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


@cache
def _analytes() -> dict[str, Analyte]:
    return {
        row["id"]: Analyte(
            id=row["id"],
            label=row["label"],
            hgnc=_split(row["hgnc"]),
            uniprot=_split(row["uniprot"]),
            accession_source=row["accession_source"],
            aliases=_split(row["aliases"]),
        )
        for row in _read("analytes.tsv")
    }


@cache
def _populations() -> dict[str, Population]:
    return {
        row["id"]: Population(
            id=row["id"],
            label=row["label"],
            markers=row["markers"],
            parent=row["parent"] or None,
            cbc=cast(Cbc, row["cbc"]) if row["cbc"] else None,
            aliases=_split(row["aliases"]),
        )
        for row in _read("populations.tsv")
    }


@cache
def _role_meanings() -> dict[str, str]:
    return {row["role"]: row["meaning"] for row in _read("role_meanings.tsv")}


@cache
def _role_sources() -> dict[str, dict[str, str]]:
    order = {role: place for place, role in enumerate(_role_meanings())}
    sources: dict[str, dict[str, str]] = {}
    for row in sorted(_read("roles.tsv"), key=lambda row: order[row["role"]]):
        sources.setdefault(row["analyte"], {})[row["role"]] = row["source"]
    return sources


@cache
def _analyte_keys() -> dict[str, str]:
    return _unique_keys(_analytes().values(), normalize_name)


@cache
def _population_keys() -> dict[str, str]:
    return _unique_keys(_populations().values(), normalize_population)


@cache
def _analyte_lookalikes() -> Lookalikes:
    return _by_numbers(_analyte_keys())


@cache
def _population_lookalikes() -> Lookalikes:
    return _by_numbers(_population_keys())


def _unique_keys(entries: Iterable[Analyte | Population], normalize: Callable[[str], str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for entry in entries:
        for name in (entry.id, entry.label, *entry.aliases):
            owner = keys.setdefault(normalize(name), entry.id)
            if owner != entry.id:
                raise ValueError(f"vocabulary: {name!r} of {entry.id!r} is also a name of {owner!r}")
    return keys
