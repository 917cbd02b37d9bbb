"""What every part of the study file has in common: closed, frozen, and short forms for things that have an id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Number = Annotated[float, Strict()]
"""A number; neither text that looks like one nor true/false."""
Whole = Annotated[int, Strict()]
"""A whole number."""
Flag = Annotated[bool, Strict()]
"""true or false; `yes` and `no` are text."""
T = TypeVar("T")


class Model(BaseModel):
    """A section of the study file: unknown keys are errors, values cannot change after reading."""

    # defer_build: every cluster job parses the Snakefile again and needs one or two of these models, not all
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        str_strip_whitespace=True,
        populate_by_name=True,
        defer_build=True,
    )


def _with_id(value: Any) -> Any:
    return {"id": str(value)} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


@dataclass(frozen=True)
class ShortForm:
    """Tells the JSON Schema that a single text or number may stand in for the full form."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The full form, or a text."""
        return {"anyOf": [handler(core_schema), {"type": "string"}]}


Named = Annotated[T, BeforeValidator(_with_id), ShortForm()]
"""An object with an `id`; a bare string is short for `{id: …}`."""

OneOrMore = Annotated[list[T], BeforeValidator(_as_list), ShortForm()]
"""A list; a single value is short for a list of one."""
