"""Text from files, written so that YAML reads back exactly that text, and comments that cannot become keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/]*(?:[ .-][A-Za-z0-9_/]+)*")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "none", "nan"))
_LONGEST_COMMENT = 60


def quoted(value: Any) -> str:
    """A value in one line of YAML; text is quoted unless it is plain words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {quoted(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(quoted(item) for item in value) + "]"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS and len(text) < 200:
        return text
    return "".join(_safe(character) for character in json.dumps(text, ensure_ascii=False))


def _safe(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def shown(text: str) -> str:
    """Text from a file inside a comment: one line, printable, cut where it is long, in quotes."""
    return f"'{printable(text, _LONGEST_COMMENT)}'"


def printable(text: str, longest: int) -> str:
    """Text on one line, without characters that cannot be printed, cut where it is longer."""
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def listed(texts: Sequence[str], most: int = 8) -> str:
    """A few texts from files inside a comment."""
    names = ", ".join(map(shown, texts[:most]))
    return f"{names}, … ({len(texts)} in all)" if len(texts) > most else names
