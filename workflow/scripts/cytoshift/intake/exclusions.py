"""Which rows does the study file leave out, and does every such rule find something?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cytoshift.intake.notebook import Notebook
from cytoshift.intake.words import Words, canonical
from cytoshift.study.problem import did_you_mean
from cytoshift.study.settings import Exclusion

KEYS = ("source", "sample", "subject", "visit", "plate", "analyte", "well")
_OF_A_SAMPLE = frozenset(("sample", "subject", "visit"))


class Exclusions:
    """The plan's `exclude` rules; the keys given in a rule must all match."""

    def __init__(self, rules: Iterable[Exclusion], visits: Words) -> None:
        self._rules = list(rules)
        self._wanted = [self._keys_of(rule, visits) for rule in self._rules]
        self._hits = [0] * len(self._rules)
        self._samples_only = [0] * len(self._rules)
        self._known: dict[str, set[str]] = {key: set() for key in KEYS}

    @staticmethod
    def _keys_of(rule: Exclusion, visits: Words) -> dict[str, str]:
        wanted = {key: _comparable(key, text) for key in KEYS if (text := getattr(rule, key)) is not None}
        if "visit" in wanted:
            wanted["visit"] = visits.find(wanted["visit"]) or wanted["visit"]
        return wanted

    def covers(self, **known: str) -> bool:
        """Is a row left out whatever else it says? Keys as in a rule; a visit is its id, or as written if unknown.

        Used for rows that cannot be placed (no such sample, no such visit): covered ones are no mistake.
        """
        comparable = {key: _comparable(key, text) for key, text in known.items()}
        covered = False
        for number, wanted in enumerate(self._wanted):
            if wanted and all(comparable.get(key) == text for key, text in wanted.items()):
                self._samples_only[number] += 1
                covered = True
        return covered

    def excluded_samples(self, samples: pd.DataFrame) -> np.ndarray:
        """Flags of samples that are left out whole (by sample, subject or visit, from every source)."""
        flags = np.zeros(len(samples), dtype=bool)
        columns = self._comparable_columns(samples, _OF_A_SAMPLE)
        for number, wanted in enumerate(self._wanted):
            if wanted and set(wanted) <= _OF_A_SAMPLE:
                hit = _matches(columns, wanted, len(samples))
                self._samples_only[number] += int(hit.sum())
                flags |= hit
        return flags

    def flags(self, frame: pd.DataFrame, ignoring: Iterable[str] = (), counted: np.ndarray | None = None) -> np.ndarray:
        """Flags of rows a rule matches; `frame` has the columns of KEYS it knows.

        A rule with a key that the frame does not have, or with a key in `ignoring`, does not apply to it. Only rows
        flagged in `counted` (all when None) enter the counts that `report` gives.
        """
        flags = np.zeros(len(frame), dtype=bool)
        columns = self._comparable_columns(frame, frozenset(KEYS))
        for number, wanted in enumerate(self._wanted):
            if wanted and set(wanted) <= set(columns) - set(ignoring):
                hit = _matches(columns, wanted, len(frame))
                self._hits[number] += int((hit if counted is None else hit & counted).sum())
                flags |= hit
        return flags

    def report(self, notebook: Notebook) -> None:
        """Note a finding per rule with what it left out, and a problem per rule that matches nothing."""
        for number, (rule, wanted) in enumerate(zip(self._rules, self._wanted, strict=True)):
            given = {key: getattr(rule, key) for key in KEYS if getattr(rule, key) is not None}
            words = ", ".join(f"{key} {text}" for key, text in given.items())
            where, key = "study file", f"exclude, entry {number + 1}"
            if not wanted:
                notebook.problem(where, key, f"names nothing; legal keys: {', '.join(KEYS)}")
            elif self._hits[number] or self._samples_only[number]:
                about = {"feature" if key == "analyte" else key: text for key, text in given.items()}
                about = {key: about[key] for key in ("sample", "subject", "feature", "plate") if key in about}
                message = f"Left out by the study file ({words}): {rule.reason}"
                numbers = {"values": self._hits[number]}
                notebook.finding("exclusion", message, action="excluded", numbers=numbers, **about)
            elif not notebook.unread:
                notebook.problem(where, key, f"{words}: {self._why_nothing(wanted)}")

    def _why_nothing(self, wanted: dict[str, str]) -> str:
        for key, text in wanted.items():
            if text not in self._known[key]:
                return f"no {key} {text!r} in the data{did_you_mean(text, sorted(self._known[key]))}"
        return "no row has all of these together"

    def _comparable_columns(self, frame: pd.DataFrame, keys: frozenset[str]) -> dict[str, np.ndarray]:
        columns = {}
        for key in sorted(keys & set(frame.columns)) if self._rules else ():
            codes, unique = pd.factorize(frame[key].astype(object))
            comparable = np.array([_comparable(key, text) for text in unique], dtype=object)
            columns[key] = comparable[codes] if len(unique) else comparable
            self._known[key] |= set(pd.unique(columns[key])) - {""}
        return columns


def _matches(columns: dict[str, np.ndarray], wanted: dict[str, str], rows: int) -> np.ndarray:
    hit = np.ones(rows, dtype=bool)
    for key, text in wanted.items():
        hit &= columns[key] == text
    return hit


def _comparable(key: str, text: str) -> str:
    """A1 and A01 are one well; 1.0 is 1."""
    text = text.strip()
    if key == "well" and len(text) > 1 and text[0].isalpha() and text[1:].isdigit():
        return text[0].upper() + str(int(text[1:]))
    return canonical(text)
