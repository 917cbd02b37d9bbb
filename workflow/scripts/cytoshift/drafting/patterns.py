"""By which pattern are the value columns of a wide table named: "{analyte} Calc. Concentration (pg/mL)"?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cytoshift.drafting.known_names import Layer, known_id
from cytoshift.drafting.units import cell_unit, concentration_unit

_BOUNDARY = re.compile(
    r"(?<=[^\W\d_])(?=[\W\d_])|(?<=[\W\d_])(?=[^\W\d_])|(?<=\d)(?=[\W_])|(?<=[\W_])(?=\d)|(?<=[a-zα-ω])(?=[A-Z])|(?<=\d)(?=[A-Z][a-z])"
)
_FLOW = re.compile(r"\s*\|\s*(?:freq\. of .+|count.*)$", re.IGNORECASE)
_LONGEST_NAME, _MOST_BOUNDARIES, _MOST_HEADERS = 60, 24, 400


@dataclass(frozen=True)
class Affix:
    """What stands before and after the names of a set of columns, and the name that each column (header) holds."""

    before: str
    after: str
    names: dict[str, str]

    def pattern(self, layer: Layer) -> str:
        """As a study file writes it."""
        return f"{self.before}{{{'analyte' if layer == 'cytokine' else 'population'}}}{self.after}"

    @property
    def fixed(self) -> str:
        """The words around the name."""
        return f"{self.before} {self.after}".strip()


def find_affixes(headers: Sequence[str], layer: Layer) -> list[Affix]:
    """The patterns that most headers of known names share, the commonest first; every header belongs to one at most.

    Parameters: `headers`, of columns that hold numbers. A pattern with words around the name takes unknown names too;
    the bare name takes the known ones only. One header alone makes a pattern when it is a bare name or holds a unit.
    """
    splits = {header: _splits(header, layer) for header in headers[:_MOST_HEADERS]}
    splits |= _quick_splits(headers[_MOST_HEADERS:], layer)
    affixes: list[Affix] = []
    left = list(headers)
    while True:
        votes = Counter(key for header in left for key in {_key(split) for split in splits.get(header, ())})
        best = max(votes, key=lambda key: _rank(key, votes[key], layer), default=None)
        if best is None or not _is_enough(votes[best], best, layer):
            return affixes
        supporters = [split for header in left for split in splits.get(header, ()) if _key(split) == best]
        before = Counter(split[0] for split in supporters).most_common(1)[0][0]
        after = Counter(split[2] for split in supporters).most_common(1)[0][0]
        names = _matching(left, before, after, layer)
        if not names:
            return affixes
        affixes.append(Affix(before, after, names))
        left = [header for header in left if header not in names]


def _splits(header: str, layer: Layer) -> list[tuple[str, str, str]]:
    """Every way to read a header as words, known name, words."""
    flow = _FLOW.search(header)
    if flow and layer == "cell" and flow.start():
        return [("", header[: flow.start()], header[flow.start() :])]
    places = [0, *(match.start() for match in _BOUNDARY.finditer(header)), len(header)][:_MOST_BOUNDARIES]
    places = sorted({*places, len(header)})
    found = []
    for number, start in enumerate(places):
        if header[:start].rstrip().endswith("/"):  # the last gate of a path is not the population
            continue
        for end in places[number + 1 :]:
            name = header[start:end]
            if _could_be_a_name(name) and known_id(name, layer):
                stripped = name.strip()
                at = header.index(stripped, start)
                found.append((header[:at], stripped, header[at + len(stripped) :]))
    return list(dict.fromkeys(found))


def _quick_splits(headers: Sequence[str], layer: Layer) -> dict[str, list[tuple[str, str, str]]]:
    """Of thousands of headers: the name alone, or the name before the word that most of them end with."""
    ends = Counter(header[header.rfind(" ") :] for header in headers if " " in header)
    end = ends.most_common(1)[0][0] if ends else ""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for header in headers:
        for after in {"", end if header.endswith(end) else ""}:
            name = header[: len(header) - len(after)]
            if known_id(name, layer):
                found.setdefault(header, []).append(("", name, after))
    return found


def _could_be_a_name(text: str) -> bool:
    """Does it start like a name, with every bracket closed?"""
    balanced = all(text.count(opening) == text.count(closing) for opening, closing in ("()", "[]"))
    return text[:1].isalnum() and balanced and len(text) <= _LONGEST_NAME


def _key(split: tuple[str, str, str]) -> tuple[str, str]:
    return "".join(split[0].split()), "".join(split[2].split())


def _rank(key: tuple[str, str], votes: int, layer: Layer) -> tuple[int, bool, int, tuple[str, str]]:
    """Most votes first; then more words around the name, but around a single name no more than its unit."""
    length = sum(map(len, key))
    return (votes, _has_unit(key, layer), length if votes > 1 else -length, key)


def _has_unit(key: tuple[str, str], layer: Layer) -> bool:
    return (concentration_unit(key[1]) if layer == "cytokine" else cell_unit(key[1])) is not None


def _is_enough(votes: int, key: tuple[str, str], layer: Layer) -> bool:
    if key == ("", "") or votes >= 2:
        return True
    return _has_unit(key, layer) and not re.search(r"[^\W\d_]", key[0])


def _matching(headers: Iterable[str], before: str, after: str, layer: Layer) -> dict[str, str]:
    """Header → name, of all headers with these words around the name; spaces do not matter, as in the reader."""
    if not before.strip() and not after.strip():
        return {header: header for header in headers if known_id(header, layer)}
    expression = re.compile(rf"{_loose(before)}\s*(\S.*?)\s*{_loose(after)}")
    matches = {header: expression.fullmatch(header) for header in headers}
    return {header: match[1] for header, match in matches.items() if match}


def _loose(text: str) -> str:
    return r"\s*".join(re.escape(letter) for letter in text if not letter.isspace())
