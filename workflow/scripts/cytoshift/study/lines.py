"""Where in the study file a key stands: key paths as messages write them, and the line of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Lines = Mapping[str, int]
"""Line number, from 1, by key path: `alpha`, `visits[baseline].time`, `exclude[2].reason`."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_.\-]{1,120}")
_LAST_STEP = re.compile(r"(\.[^.\[\]]*|\[[^\[\]]*\])$")


def child(path: str, key: str) -> str:
    """Key path of `key` inside `path` (empty at the top)."""
    key = key.replace("\n", " ")
    return f"{path}.{key}" if path else key


def entry_names(entries: Sequence[Any]) -> list[str]:
    """How messages name the entries of a list: by id where that is plain and new, else by place, counted from 1.

    A number is never taken as an id, so that `exclude[2]` always is the second entry.
    """
    names: list[str] = []
    for place, entry in enumerate(entries, start=1):
        id_ = entry.get("id") if isinstance(entry, Mapping) else getattr(entry, "id", entry)
        name = str(id_)
        plain = isinstance(id_, str | int | float) and not isinstance(id_, bool) and _PLAIN_ID.fullmatch(name)
        usable = plain and not name.lstrip("-").isdigit() and name not in names
        names.append(name if usable else str(place))
    return names


def line_of(lines: Lines, path: str) -> int | None:
    """Line of a key path, or of the nearest part of the file that encloses it; None for the whole file."""
    while path:
        if path in lines:
            return lines[path]
        shorter = _LAST_STEP.sub("", path)
        path = shorter if shorter != path else ""
    return None


def where(file: str, lines: Lines, path: str) -> str:
    """`file:line` of a key path, or `file` where the key is missing at the top."""
    line = line_of(lines, path)
    return f"{file}:{line}" if line else file
