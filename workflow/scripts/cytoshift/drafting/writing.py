"""Putting a drafted study file where snakemake finds it, without replacing one that is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cytoshift.drafting.draft import draft_study
from cytoshift.study.loading import load_study
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.problems import problems

_STUDY_ID = re.compile(r"[a-z][a-z0-9-]{0,59}")
_MARKED = re.compile(r"guessed|please say|PLEASE SAY|Left out|first study|^  - id: \w+$")
# Names of the workflow's own rules; `snakemake check` would say so too, but only after the file is written.
RESERVED = frozenset(("all", "check", "public_data"))


@dataclass(frozen=True)
class Written:
    """What a drafted file guesses, in lines for the terminal, and what still has to be mended in it."""

    guesses: list[str]
    problems: list[Problem]


def write_draft(study_id: str, files: Iterable[str | Path], path: Path, *, force: bool = False) -> Written:
    """Draft a study file and write it to `path`.

    Raises Problems, before anything is written, for an id that no study can have, a file that is there already (unless
    `force`), and files that cannot be read or hold no study.
    """
    if not _STUDY_ID.fullmatch(study_id) or study_id in RESERVED:
        legal = "lower-case letters, digits and hyphens, a letter first, at most 60" + (
            f"; {study_id!r} is the name of a rule" if study_id in RESERVED else ""
        )
        raise Problems([Problem("", "study", f"{study_id!r} cannot name a study; legal: {legal}")])
    if path.exists() and not force:
        raise Problems([Problem(path.as_posix(), "", "is there already; --force replaces it")])
    text = draft_study(study_id, files)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Problems([Problem(path.as_posix(), "", f"cannot be written: {error.strerror}")]) from error
    return Written(_guesses(text), _problems_of(path))


def _problems_of(path: Path) -> list[Problem]:
    """What still stands in the way of the drafted file."""
    try:
        loaded = load_study(path)
    except Problems as mistakes:
        return mistakes.problems
    return problems(loaded.study, loaded.lines, loaded.path, reserved=RESERVED, check_files=True)


def _guesses(text: str) -> list[str]:
    """The lines of the file that a person has to look at, without the YAML around them."""
    marked = [line for line in text.splitlines() if _MARKED.search(line) and "Everything marked" not in line]
    return [re.sub(r"^#\s*(?:>>>\s*)?", "", line) for line in marked]
