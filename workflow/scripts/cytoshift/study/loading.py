"""What does the study file say? Reading it, with every mistake reported in the reader's words and at its line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from cytoshift.study.lines import Lines, where
from cytoshift.study.plain_words import problems_of
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import Study
from cytoshift.study.yaml_text import Content, YamlMistake, read_yaml

LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class LoadedStudy:
    """A study, the line of each of its keys, the file as it was named, and the digest of its plan."""

    study: Study
    lines: Lines
    path: str
    digest: str


def load_study(path: Path | str) -> LoadedStudy:
    """Read a study file; relations between its keys and files on disk are checked by `problems`, not here.

    Raises Problems with one line per mistake: file that cannot be read, YAML that cannot be parsed, a key that is
    unknown, missing, empty or written twice, a value of the wrong type or not among the legal ones.
    """
    content, lines = read_content(str(path))
    found = {Problem(where(str(path), lines, key), key, message) for key, message in content.mistakes}
    try:
        study = Study.model_validate(content.data)
    except ValidationError as error:
        known = tuple(key for key, _ in content.mistakes)
        mistakes = problems_of(error, Study, content.data, lines, str(path))
        found |= {problem for problem in mistakes if not _is_part_of(problem.key, known)}
    if found:
        raise Problems(found)
    return LoadedStudy(study, lines, str(path), plan_digest(study))


def plan_digest(study: Study) -> str:
    """sha256 (hex) of the plan as canonical JSON, defaults included: comments and layout do not enter it."""
    plan = study.model_dump(mode="json", by_alias=True)
    canonical = json.dumps(plan, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _is_part_of(key: str, known: tuple[str, ...]) -> bool:
    """Is a mistake at `key` only the consequence of one already reported there or around it?"""
    return any(key == other or (other and key.startswith((f"{other}.", f"{other}["))) for other in known)


def read_content(path: str) -> tuple[Content, Lines]:
    """What the file says as plain data, before it is held against the models, and the line of each key.

    Raises Problems with one line when the file cannot be read to its end.
    """

    def problem(message: str, line: int | None = None) -> Problems:
        return Problems([Problem(f"{path}:{line}" if line else path, "", message)])

    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise problem(f"{reason[:1].lower()}{reason[1:]}") from None
    if len(raw) > LARGEST_FILE_BYTES:
        raise problem(f"is larger than {LARGEST_FILE_BYTES:,} bytes: not a study file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise problem("is not UTF-8 text; save it as UTF-8", line) from None
    try:
        content = read_yaml(text)
    except YamlMistake as mistake:
        raise problem(mistake.message, mistake.line) from None
    return content, content.lines
