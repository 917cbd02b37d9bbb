"""Is a text the name of an analyte or of a cell population? Asked thousands of times, so without suggestions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from cytoshift.vocabulary.names import all_analytes, all_populations, find_analyte, find_population
from cytoshift.vocabulary.spelling import normalize_name, normalize_population

Layer = Literal["cytokine", "cell"]
LAYERS: tuple[Layer, Layer] = ("cytokine", "cell")


@dataclass(frozen=True)
class Unknown:
    """A name that no vocabulary has, and the id of the one it resembles."""

    written: str
    suggestion: str | None


@cache
def _keys(layer: Layer) -> dict[str, str]:
    normalize = normalize_name if layer == "cytokine" else normalize_population
    entries = all_analytes() if layer == "cytokine" else all_populations()
    return {normalize(name): entry.id for entry in entries for name in (entry.id, entry.label, *entry.aliases)}


@cache
def known_id(written: str, layer: Layer) -> str | None:
    """Id that a name has in the vocabulary, None where it is not listed."""
    normalize = normalize_name if layer == "cytokine" else normalize_population
    return _keys(layer).get(normalize(written)) if written.strip() else None


def unknown_names(written: Iterable[str], layer: Layer, most: int = 40) -> list[Unknown]:
    """The first names that the vocabulary does not have, each with what it resembles."""
    find = find_analyte if layer == "cytokine" else find_population
    unlisted = [name for name in dict.fromkeys(written) if known_id(name, layer) is None]
    return [Unknown(name, find(name).suggestion) for name in unlisted[:most]]
