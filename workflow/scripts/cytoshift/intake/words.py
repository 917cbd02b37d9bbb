"""Does a text in a file mean a visit, an arm or an id of the study file?"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from cytoshift.study.problem import did_you_mean
from cytoshift.study.settings import Arm, Visit

# No leading zeros: sample "001" is not sample "1".
_NUMERIC = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")


def canonical(text: str) -> str:
    """A text with a number's trailing zeros removed, so that "1.0" of a spreadsheet is the "1" of the plan."""
    text = text.strip()
    if not _NUMERIC.fullmatch(text):
        return text
    number = float(text)
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def canonical_series(texts: pd.Series) -> pd.Series:
    """`canonical` of each text, computed once per distinct text."""
    codes, unique = pd.factorize(texts)
    return pd.Series([canonical(text) for text in unique], dtype=object).take(codes).set_axis(texts.index)


class Words:
    """How the files may write the visits (or arms) of a plan: id, label or `written`, in that order of claim."""

    def __init__(self, kind: str, items: Iterable[Visit] | Iterable[Arm]) -> None:
        self.kind = kind
        self.ids: list[str] = []
        self._exact: dict[str, str] = {}
        self._folded: dict[str, str | None] = {}
        for item in items:
            self.ids.append(item.id)
            for text in (item.id, *item.written, *([item.label] if item.label else [])):
                self._exact.setdefault(canonical(text), item.id)
                folded = _fold(text)
                if self._folded.setdefault(folded, item.id) != item.id:
                    self._folded[folded] = None  # "a" and "A" are two visits: case decides

    def find(self, text: str) -> str | None:
        """Id that a text means; upper and lower case matter only where two ids differ in nothing else."""
        found = self._exact.get(canonical(text))
        return found if found is not None else self._folded.get(_fold(text))

    def find_all(self, texts: pd.Series) -> pd.Series:
        """Id per text, None where there is none."""
        codes, unique = pd.factorize(texts)
        return pd.Series([self.find(text) for text in unique], dtype=object).take(codes).set_axis(texts.index)

    def written(self) -> list[str]:
        """Every text that is understood."""
        return list(self._exact)

    def unknown(self, text: str) -> str:
        """Message for a text that means none of them."""
        if not text:
            return f"has no {self.kind}"
        legal = self.written()
        return f"{text!r} is no {self.kind} of the plan; legal: {', '.join(legal)}{did_you_mean(text, legal)}"


def _fold(text: str) -> str:
    return " ".join(canonical(text).casefold().split())
