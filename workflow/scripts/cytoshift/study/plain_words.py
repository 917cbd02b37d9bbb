"""Pydantic's errors in the words of somebody who writes a study file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cytoshift.study.lines import Lines, child, entry_names, where
from cytoshift.study.problem import Problem, did_you_mean, nearest

_SWITCHES = dict.fromkeys(("yes", "on", "True", "TRUE"), "true") | dict.fromkeys(
    ("no", "off", "False", "FALSE"), "false"
)
_FIXED = {
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "finite_number": "is not a number",
    "int_type": "is not a whole number",
    "string_unicode": "contains a character that cannot be printed",
}


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Any, lines: Lines, file: str
) -> Iterator[Problem]:
    """One Problem per error: with its line, its key path, the value found, what is legal and the nearest legal value.

    `data` is the content that was validated against `model`; `lines` its line numbers by key path.
    """
    errors = [(*locate(item["loc"], data, model), item) for item in error.errors(include_url=False)]
    meant = {_sibling(key, _misspelt(owner, item)) for key, owner, item in errors}
    for key, owner, item in errors:
        name = str(item["loc"][-1])
        if item["type"] == "extra_forbidden":
            legal = legal_keys(owner)
            message = f"unknown key; legal: {', '.join(legal)}{did_you_mean(name, legal)}"
        elif item["type"] == "missing":
            if key in meant:
                continue  # misspelt: reported as the unknown key it is
            message = f"is missing: {_expected(owner, name)}"
        else:
            message = _message(item["type"], item["input"], item.get("ctx", {}), item["msg"])
        yield Problem(where(file, lines, key), key, message)


def _misspelt(owner: type[BaseModel], item: Any) -> str:
    if item["type"] != "extra_forbidden":
        return ""
    return nearest(str(item["loc"][-1]), legal_keys(owner)) or ""


def _sibling(key: str, name: str) -> str:
    """Key path of `name` in the section in which `key` stands."""
    return child(key.rpartition(".")[0], name)


def legal_keys(model: type[BaseModel]) -> list[str]:
    """Keys of a section as a study file writes them, in the order they are documented."""
    return [field.alias or name for name, field in model.model_fields.items()]


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section (or the section of each entry) that a field holds, None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if section := section_of(part):
            return section
    return None


def locate(location: Sequence[int | str], data: Any, model: type[BaseModel]) -> tuple[str, type[BaseModel]]:
    """Key path of one of pydantic's locations in `data`, and the section in which its last key stands.

    Labels of alternatives, which pydantic puts between the keys, are skipped.
    """
    path, owner = "", model
    for place, step in enumerate(location):
        last = place == len(location) - 1
        if isinstance(step, int) and isinstance(data, list) and step < len(data):
            path, data = f"{path}[{entry_names(data)[step]}]", data[step]
        elif isinstance(data, dict) and (step in data or last):
            path, data = child(path, str(step)), data.get(str(step))
            if not last:
                owner = _inner(owner, str(step)) or owner
        elif last and step == "id" and isinstance(data, str | int | float):
            continue  # a bare text is short for {id: …}: the text itself is the mistake
    return path, owner


def _inner(owner: type[BaseModel], key: str) -> type[BaseModel] | None:
    for name, field in owner.model_fields.items():
        if key in (name, field.alias):
            return section_of(field.annotation)
    return None


def _expected(owner: type[BaseModel], key: str) -> str:
    """What a missing key would say, and its legal values where they are few."""
    for name, field in owner.model_fields.items():
        if key in (name, field.alias):
            legal = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            return (field.description or "") + (f" legal: {', '.join(legal)}" if legal else "")
    return ""


def _message(kind: str, value: Any, context: dict[str, Any], original: str) -> str:
    shown = _shown(value)
    if kind == "literal_error":
        legal = re.findall(r"'([^']*)'", context["expected"])
        return f"{shown} is not legal; legal: {', '.join(legal)}{did_you_mean(str(value), legal)}"
    if kind in ("bool_type", "bool_parsing"):
        meant = _SWITCHES.get(value) if isinstance(value, str) else None
        return f"{shown} is neither true nor false" + (f"; did you mean {meant}?" if meant else "; legal: true, false")
    if kind == "string_type":
        hint = "; put it in quotes" if isinstance(value, bool) else ""
        return f"{shown} is not a text{hint}"
    if kind == "string_pattern_mismatch":
        return _not_an_id(str(value), context["pattern"])
    if kind in ("list_type", "dict_type", "model_type", "model_attributes_type"):
        return f"{shown} is not a {'list; start each entry with `- `' if kind == 'list_type' else 'set of keys'}"
    limits = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    if kind in limits:
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        return f"{shown} is out of range; legal: {words[limits[kind]]} {context[limits[kind]]:g}"
    if kind in ("too_short", "string_too_short"):
        least = context["min_length"]
        return (
            f"is empty; needs at least {least} {'entry' if least == 1 else 'entries'}"
            if value in ([], "")
            else (f"has {len(value)} of at least {least} entries")
        )
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters"
    return f"{shown} {_FIXED[kind]}" if kind in _FIXED else f"{shown}: {original}"


def _not_an_id(value: str, pattern: str) -> str:
    joint = "-" if "9-]" in pattern else "_"
    slug = re.sub(r"[^a-z0-9]+", joint, value.casefold()).strip(joint)
    start = "starts with a lower-case letter" if pattern.startswith("^[a-z][") else "starts with a letter or digit"
    meant = f"; did you mean {slug!r}?" if re.fullmatch(pattern, slug) else ""
    return f"{value!r} is not an id; legal: lower-case letters, digits and {joint}; {start}{meant}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a set of keys"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "…")
