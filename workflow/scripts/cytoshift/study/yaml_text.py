"""YAML as a study file means it: only numbers and true/false are not text, and nothing is hidden or written twice."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from cytoshift.study.lines import child, entry_names

DEEPEST_LEVEL = 20
LONGEST_NUMBER = 40
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
_CLOSED_EARLY = re.compile(r"[:-] +\{[^{}]*\}[^\n,}#]*\w")
_QUOTES = "put the text in quotes, e.g. \"{analyte} pg/mL\" or '*.csv'"


class YamlMistake(Exception):
    """The text is not YAML, or uses parts of YAML that a study file does not have."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


@dataclass
class Content:
    """What a file says: plain data, the line of each key path, and mistakes (key path, message) that did not stop it.

    Keys with a mistake are left out of `data`, and entries of a list with a mistake are None.
    """

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    mistakes: list[tuple[str, str]] = field(default_factory=list)


class WrittenInteger(int):
    """A whole number that remembers how it was written, in case it turns out to be text (+5, 007)."""

    written: str

    def __str__(self) -> str:
        return self.written


class WrittenNumber(float):
    """A number that remembers how it was written, in case it turns out to be text (1.50, 1e3)."""

    written: str

    def __str__(self) -> str:
        return self.written


class _Loader(yaml.SafeLoader):
    """Composes nodes without aliases, tags or deep nesting: what is written is all there is."""

    level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # types-pyyaml has no parser
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            mark = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise YamlMistake(
                f"a text that starts with {mark} needs quotes; anchors and aliases (&, *) are not part of a study file",
                line,
            )
        if getattr(event, "tag", None):
            raise YamlMistake("a text that starts with ! needs quotes; tags are not part of a study file", line)
        if self.level >= DEEPEST_LEVEL:
            raise YamlMistake(f"is nested more than {DEEPEST_LEVEL} levels deep", line)
        self.level += 1
        node = super().compose_node(parent, index)
        self.level -= 1
        return node


def read_yaml(text: str) -> Content:
    """Parse the text of a study file. Raises YamlMistake where it cannot be read to its end."""
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlMistake(_plain(error, text), mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise YamlMistake("contains a character that cannot be printed", line) from None
    if not isinstance(root, yaml.MappingNode):
        raise YamlMistake("is not a study file: it must start with keys, e.g. `id: my-study`", None)
    content = Content()
    content.data = _mapping(root, "", content)
    return content


def _plain(error: yaml.MarkedYAMLError, text: str) -> str:
    problem, mark = error.problem or "", error.problem_mark
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if "'\\t'" in problem or line[: len(line) - len(line.lstrip())].count("\t"):
        return "is indented with a tab; use spaces"
    if _CLOSED_EARLY.search(line):
        return f"cannot be read from here on: text goes on after a closing brace; {_QUOTES}"
    if "flow" in (error.context or "") and error.context_mark:
        opened = f"inside the bracket opened in line {error.context_mark.line + 1}"
        return f"cannot be read from here on {opened}: a comma, a closing bracket or quotes are missing"
    if "cannot start any token" in problem or "alphabetic or numeric" in problem:
        return f"cannot be read from here on ({problem}); {_QUOTES}"
    if "mapping values are not allowed" in problem:
        return "cannot be read from here on: a text with ': ' in it needs quotes, or the line is indented wrongly"
    if "another document" in problem:
        return "a second document starts here (---); a study file holds one"
    return f"cannot be read from here on ({problem}); look at indentation, quotes and brackets here and just above"


def _value(node: yaml.Node, path: str, content: Content) -> Any:
    content.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, content)
    if isinstance(node, yaml.SequenceNode):
        return _sequence(node, path, content)
    if not isinstance(node, yaml.ScalarNode):
        raise YamlMistake("is neither text, list nor keys", node.start_mark.line + 1)
    if _CONTROL.search(node.value):
        content.mistakes.append((path, "contains a character that cannot be printed"))
        return _NOTHING
    if _is_bare(node):
        content.mistakes.append((path, "has no value"))
        return _NOTHING
    return _scalar(node.value) if node.style is None else node.value


_NOTHING = object()


def _scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return text
    number: WrittenInteger | WrittenNumber
    number = WrittenInteger(text) if _WHOLE.fullmatch(text) else WrittenNumber(text)
    number.written = text
    return number if math.isfinite(number) else text


def _mapping(node: yaml.MappingNode, path: str, content: Content) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    first: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or _CONTROL.search(key_node.value) or not key_node.value:
            content.lines[child(path, "?")] = line
            content.mistakes.append((child(path, "?"), f"a key must be a word; {_QUOTES}"))
            continue
        key = child(path, key_node.value)
        if key_node.value in first:
            message = f"is written twice (first in line {first[key_node.value]}, again in line {line}); keep one"
            content.mistakes.append((key, message))
            continue
        first[key_node.value] = content.lines[key] = line
        if (
            node.flow_style
            and len(node.value) == 1
            and isinstance(value_node, yaml.ScalarNode)
            and _is_bare(value_node)
        ):
            content.mistakes.append((path, f"has braces without a value; {_QUOTES}"))
            return {}
        value = _value(value_node, key, content)
        if value is not _NOTHING:
            mapping[key_node.value] = value
    return mapping


def _is_bare(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value == ""


def _sequence(node: yaml.SequenceNode, path: str, content: Content) -> list[Any]:
    names = entry_names([_preview(entry) for entry in node.value])
    values = [_value(entry, f"{path}[{name}]", content) for name, entry in zip(names, node.value, strict=True)]
    return [None if value is _NOTHING else value for value in values]


def _preview(node: yaml.Node) -> Any:
    """Enough of an entry to name it: its text, or its id."""
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "id" and isinstance(value, yaml.ScalarNode):
                return value.value
    return None
