"""Everything noticed while reading: mistakes that stop the study, findings that do not, and the files' checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import pandas as pd

from cytoshift.frames import conform
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.tabular import Grid, find_files, read_grid
from cytoshift.study.problem import Problem, Problems
from cytoshift.tables import FINDINGS

Made = TypeVar("Made")
MOST_LINES = 20
_LATER = "\u2026"  # sorts behind every row, so that "and N more" ends its group


@dataclass
class Notebook:
    """Collects problems and findings over all files of a study; each file is read once."""

    findings: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    unread: bool = False  # a file or column is missing: what seems absent from the data may be in it
    _problems: dict[tuple[str, str], dict[Problem, None]] = field(default_factory=dict)
    _uncounted: dict[tuple[str, str], int] = field(default_factory=dict)
    _known_findings: set[tuple[tuple[str, str], ...]] = field(default_factory=set)
    _made: dict[tuple[object, ...], object] = field(default_factory=dict)

    def problem(self, where: str, key: str, message: str, kind: str = "") -> None:
        """Note a mistake; of one `kind` in one file at most MOST_LINES are listed, the rest are counted."""
        self._problems.setdefault((where, kind or key), {})[Problem(where, key, message)] = None

    def problems(
        self, where: str, kind: str, keys_and_messages: Callable[[int], tuple[str, str]], places: list
    ) -> None:
        """Note one mistake per place; the messages of no more than are listed are composed."""
        for place in places[:MOST_LINES]:
            self.problem(where, *keys_and_messages(place), kind)
        more = max(0, len(places) - MOST_LINES)
        self._uncounted[where, kind] = self._uncounted.get((where, kind), 0) + more

    def add(self, problems: Problems) -> None:
        """Note mistakes raised by a reader, which then read nothing."""
        self.unread = True
        for item in problems.problems:
            self.problem(item.where, item.key, item.message, item.key)

    def finding(
        self,
        check: str,
        message: str,
        *,
        severity: str = "note",
        action: str = "nothing",
        numbers: Mapping[str, float | str] | None = None,
        **about: str,
    ) -> None:
        """Note something worth knowing; `about` is subject, sample, feature or plate."""
        written = "; ".join(f"{key}={_format(value)}" for key, value in (numbers or {}).items())
        row = {"stage": "intake", "check": check, "severity": severity, "message": message, "action": action}
        row = {**row, **about, "numbers": written}
        known = tuple(row.items())
        if known not in self._known_findings:
            self._known_findings.add(known)
            self.findings.append(row)

    def grid(self, path: str, sheet: str | None) -> Grid | None:
        """The table in a file, read once, its checksum noted; None when it cannot be read (a problem is noted)."""

        def read() -> Grid | None:
            content = self.content(path)
            try:
                return None if content is None else read_grid(path, sheet, content.raw)
            except Problems as problems:
                self.add(problems)
                return None

        return self.once(("grid", path, sheet), read)

    def grids(self, patterns: list[str], sheet: str | None) -> list[Grid]:
        """The tables in all files that paths and globs name, each file once, in the order given."""
        return [grid for grid in (self.grid(path, sheet) for path in self._paths(patterns)) if grid is not None]

    def content(self, path: str) -> Content | None:
        """The bytes of a file, read once, its checksum noted; None when it cannot be read (a problem is noted)."""

        def read() -> Content | None:
            try:
                raw = Path(path).read_bytes()
            except OSError as error:
                self.unread = True
                self.problem(path, "", f"cannot be read: {error.strerror}")
                return None
            self.files[path] = hashlib.sha256(raw).hexdigest()
            return Content(path, raw)

        return self.once(("content", path), read)

    def contents(self, patterns: list[str]) -> list[Content]:
        """The bytes of all files that paths and globs name, each file once, in the order given."""
        return [one for one in (self.content(path) for path in self._paths(patterns)) if one is not None]

    def once(self, key: tuple[object, ...], make: Callable[[], Made]) -> Made:
        """What `make` returns, made the first time the key is asked for."""
        if key not in self._made:
            self._made[key] = make()
        return cast("Made", self._made[key])

    def _paths(self, patterns: list[str]) -> list[str]:
        paths: dict[str, None] = {}
        for pattern in patterns:
            try:
                paths |= dict.fromkeys(find_files(pattern))
            except Problems as problems:
                self.add(problems)
        return list(paths)

    def has_problem_about(self, where: str, kind: str) -> bool:
        """Has a mistake of this kind been noted in this file (whatever its sheet)?"""
        return any(noted == kind and place.split(" [")[0] == where for place, noted in self._problems)

    def has_problems(self) -> bool:
        """Has anything been noted that stops the study?"""
        return bool(self._problems)

    def raise_problems(self) -> None:
        """Raise Problems with everything noted, if anything was."""
        lines: list[Problem] = []
        for (where, kind), noted in self._problems.items():
            lines += list(noted)[:MOST_LINES]
            more = max(0, len(noted) - MOST_LINES) + self._uncounted.get((where, kind), 0)
            if more:
                about = f" about {kind}" if kind else ""
                lines.append(Problem(where, _LATER, f"and {more} more like these{about}"))
        if lines:
            raise Problems(lines)

    def findings_table(self) -> pd.DataFrame:
        """The findings so far."""
        return conform(pd.DataFrame(self.findings), FINDINGS)


def _format(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
