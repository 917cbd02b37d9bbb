"""Collecting mistakes in a study file, each with its line and the nearest legal value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cytoshift.study.lines import Lines, entry_names, where
from cytoshift.study.problem import Problem, did_you_mean


class ProblemList:
    """Mistakes found so far in one study file."""

    def __init__(self, lines: Lines, file: str) -> None:
        self.lines, self.file = lines, file
        self.found: list[Problem] = []

    def add(self, key: str, message: str) -> None:
        """Note a mistake at a key path."""
        self.found.append(Problem(where(self.file, self.lines, key), key, message))

    def add_unknown(self, key: str, value: str, legal: Iterable[str], what: str) -> None:
        """Note that a value names something that does not exist, with what does."""
        options = list(dict.fromkeys(legal))
        listed = f"; legal: {', '.join(options)}" if options else "; there are none"
        self.add(key, f"{value!r} is not {what}{listed}{did_you_mean(value, options)}")

    def check_known(self, key: str, values: Iterable[str], legal: Sequence[str], what: str) -> None:
        """Note every value that is not among the legal ones."""
        for value in dict.fromkeys(values):
            if value not in legal:
                self.add_unknown(key, value, legal, what)


def keyed(section: str, entries: Sequence[Any]) -> list[tuple[str, Any]]:
    """Each entry of a list with its key path: `visits[baseline]`, `exclude[2]`."""
    return [(f"{section}[{name}]", entry) for name, entry in zip(entry_names(entries), entries, strict=True)]
