"""A mistake in the study file or the data, said in one line a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: where (file or file:line), which key or row and column, what is wrong and how to mend it."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class Problems(Exception):
    """All mistakes found at once; `str()` gives one line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by file and line (line 9 before line 10), then by key."""

    def place(problem: Problem) -> tuple[str, int, str, str]:
        file, _, line = problem.where.rpartition(":")
        known = bool(file) and line.isdecimal()
        return (
            (file, int(line), problem.key, problem.message)
            if known
            else (problem.where, 0, problem.key, problem.message)
        )

    return sorted(set(problems), key=place)


def did_you_mean(value: str, legal: Iterable[str]) -> str:
    """'; did you mean …?' with the nearest legal value, or nothing."""
    near = nearest(value, legal)
    return f"; did you mean {near!r}?" if near else ""


def nearest(value: str, legal: Iterable[str]) -> str | None:
    """The legal value that is written most like `value`, letter case aside; None when none is close."""
    options = list(legal)
    folded = {option.casefold(): option for option in reversed(options)}
    near = get_close_matches(value.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else None
