"""What does every key of the study file, and every file of the results, mean? Written from the models and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cytoshift.study.base import ShortForm
from cytoshift.study.plain_words import section_of
from cytoshift.study.results_documentation import results_markdown
from cytoshift.study.study import Study

SCHEMA_PATH = "workflow/schemas/study.schema.json"
REFERENCE_PATH = "config/README.md"
RESULTS_PATH = "results/README.md"
BEGIN = "<!-- reference: generated from workflow/scripts/cytoshift/study by `make docs` -->"
END = "<!-- end of the generated reference -->"
_LIMITS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def json_schema() -> dict[str, Any]:
    """The study file as JSON Schema 2020-12, for completion and checking in editors."""
    schema = _simplified(Study.model_json_schema(by_alias=True))
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CytoShift study file",
    }
    sources = [{"required": [name]} for name in ("cytokines", "cells", "outcomes")]
    return head | {key: value for key, value in schema.items() if key != "title"} | {"anyOf": sources}


def reference_markdown() -> str:
    """Every key of the study file with what it takes, its default and its meaning, section by section."""
    headings: dict[tuple[str, type[BaseModel]], list[str]] = {}
    shorts: set[type[BaseModel]] = set()
    for path, model, short in _sections("", Study, False):
        # sections of one kind beside each other (reference, target, at) are one heading
        headings.setdefault((path.rpartition(".")[0], model), []).append(path)
        shorts |= {model} if short else set()
    parts = []
    for (_, model), paths in headings.items():
        heading = ", ".join(f"`{path}`" for path in paths if path) or "Top level"
        note = " A bare text is short for `{id: …}`." if model in shorts else ""
        rows = ["| key | takes | default | meaning |", "|---|---|---|---|"]
        rows += [_row(name, field) for name, field in model.model_fields.items()]
        parts.append("\n".join([f"### {heading}", "", f"{_first_paragraph(model)}{note}", "", *rows]))
    return "\n\n".join(parts) + "\n"


def documents(root: Path | str) -> dict[Path, str]:
    """Every generated document below `root` as it should be; prose around the reference is kept as it is.

    Raises ValueError when config/README.md has lost the two lines between which the reference stands.
    """
    root = Path(root)
    prose = (root / REFERENCE_PATH).read_text(encoding="utf-8")
    before, begin, rest = prose.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{REFERENCE_PATH}: the lines {BEGIN} and {END} are needed, in this order")
    return {
        root / SCHEMA_PATH: json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        root / REFERENCE_PATH: f"{before}{BEGIN}\n\n{reference_markdown()}\n{END}{after}",
        root / RESULTS_PATH: results_markdown(),
    }


def write_documentation(root: Path | str) -> None:
    """Bring the generated documents below `root` up to date."""
    for path, text in documents(root).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _simplified(schema: Any) -> Any:
    """Without what an editor need not know: titles of keys, and null, which a study file cannot say."""
    if isinstance(schema, list):
        return [_simplified(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    if kept.get("default", ...) is None:
        del kept["default"]
    parts = [part for part in kept.get("anyOf", []) if part != {"type": "null"}]
    if parts:
        del kept["anyOf"]
        kept = (parts[0] if len(parts) == 1 else {"anyOf": parts}) | kept
    if kept.get("type") == "string" and "enum" not in kept and "const" not in kept:
        kept["type"] = ["string", "number"]
    return {key: _simplified(value) for key, value in kept.items()}


def _sections(path: str, model: type[BaseModel], short: bool) -> Iterator[tuple[str, type[BaseModel], bool]]:
    """Every section with its path (`visits[]` for the entries of a list), in the order of the file."""
    yield path, model, short
    for name, field in model.model_fields.items():
        if inner := section_of(field.annotation):
            listed = "[]" if get_origin(field.annotation) is list else ""
            key = field.alias or name
            yield from _sections(f"{path}.{key}{listed}" if path else f"{key}{listed}", inner, _has_short(field))


def _has_short(field: FieldInfo) -> bool:
    """May an entry of the list be a bare text?"""
    return any(isinstance(part, ShortForm) for entry in get_args(field.annotation) for part in get_args(entry))


def _row(name: str, field: FieldInfo) -> str:
    key = f"**`{field.alias or name}`**" if field.is_required() else f"`{field.alias or name}`"
    limits = [
        f"{_LIMITS[attribute]} {getattr(mark, attribute):g}"
        for mark in field.metadata
        for attribute in _LIMITS
        if getattr(mark, attribute, None) is not None
    ]
    is_id = any(getattr(mark, "pattern", None) for mark in field.metadata)
    takes = ", ".join(["id" if is_id else _takes(field.annotation, field.metadata), *limits])
    cells = (key, takes, _default(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _takes(annotation: Any, metadata: Any = ()) -> str:
    """What a value may be, in words."""
    if any(isinstance(mark, ShortForm) for mark in metadata):
        entries = _takes(get_args(annotation)[0]) if get_args(annotation) else "text"
        return f"{entries}, or a list"
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _takes(parts[0], parts[1:] if get_origin(parts[0]) is list else ())
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin is list:
        return "list of entries (see there)" if section_of(annotation) else f"list of {_takes(parts[0])}"
    if origin is dict:
        return f"keys with {_takes(parts[1])}"
    if origin in (Union, UnionType):
        return " or ".join(_takes(part) for part in parts if part is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys (see there)"
    return {str: "text", float: "number", int: "whole number", bool: "`true`, `false`"}[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default == []:
        return ""
    if isinstance(default, BaseModel):
        return ""
    if isinstance(default, bool):
        return "`true`" if default else "`false`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`" if default != {} else ""


def _first_paragraph(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
