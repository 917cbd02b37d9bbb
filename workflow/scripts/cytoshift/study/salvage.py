"""What is left of a study file when its mistakes are mended by guess: enough to look for further mistakes at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from cytoshift.study.loading import LoadedStudy, plan_digest, read_content
from cytoshift.study.plain_words import legal_keys, locate
from cytoshift.study.problem import Problem, Problems, nearest
from cytoshift.study.study import Study

# Mending one mistake can show another; more rounds than this mean the file is beyond repair.
ROUNDS = 12
STAND_IN = "standinforamistake"
"""Takes the place of what is missing or cannot be read; a legal id, and a word that no study file holds."""

_DATA_SECTIONS = ("design", "visits", "arms", "samples", "cytokines", "cells", "outcomes", "names", "exclude")
_SOURCES = ("cytokines", "cells", "outcomes")
_ENTRY = re.compile(r"(?:contrasts|endpoints)\[[^\]]*\]")
_OF_ARMS = re.compile(r"design|randomised|strata|.*\.(?:method|adjust|against|arm|randomised)")


@dataclass(frozen=True)
class Salvaged:
    """A study that is not quite what the analyst wrote, and the key paths at which it is not."""

    loaded: LoadedStudy
    touched: frozenset[str]

    @property
    def reads_the_same_data(self) -> bool:
        """Whether nothing was touched that says how the data files are read."""
        return not self._sections() & set(_DATA_SECTIONS)

    def is_consequence(self, problem: Problem) -> bool:
        """Whether a problem may only be there because of what was mended, which is reported by itself."""
        key, about_a_name = problem.key, " is not a" in problem.message
        if STAND_IN in str(problem) or any(_inside(key, other) or _inside(other, key) for other in self.touched):
            return True
        if not key:
            return bool(self._sections() & set(_SOURCES))
        if self._sections() & {"design", "arms", "randomised"} and _OF_ARMS.fullmatch(key) and not about_a_name:
            return True
        entry = _ENTRY.match(key)
        if entry is None or about_a_name:
            return False
        return any(_inside(other, entry.group()) for other in self.touched)

    def _sections(self) -> set[str]:
        return {re.split(r"[.\[]", key, maxsplit=1)[0] for key in self.touched}


def salvage_study(path: str) -> Salvaged | None:
    """The study with its mistakes mended by guess, or None when the file cannot be parsed or is beyond repair.

    Only for finding further mistakes: what comes back is not what the analyst meant, and nothing may be computed from
    it.
    """
    try:
        content, lines = read_content(path)
    except Problems:
        return None
    data = copy.deepcopy(content.data)
    touched = {key for key, _ in content.mistakes}
    for _ in range(ROUNDS):
        try:
            study = Study.model_validate(data)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                key, owner = locate(item["loc"], data, Study)
                _mend(data, item, owner)
                if item["type"] != "extra_forbidden":
                    touched.add(key)
        else:
            return Salvaged(LoadedStudy(study, lines, path, plan_digest(study)), frozenset(touched))
    return None


def _inside(key: str, other: str) -> bool:
    """Is `key` the same place as `other`, or a part of it?"""
    return key == other or (bool(other) and key.startswith((f"{other}.", f"{other}[")))


def _mend(data: Any, item: Mapping[str, Any], owner: type[BaseModel]) -> None:
    """Put what was most likely meant, or a stand-in, in the place of one of pydantic's errors."""
    place = _place(data, item["loc"])
    if place is None:
        return  # gone, or replaced, with an earlier error of the same round
    holder, step = place
    kind, value = item["type"], item["input"]
    if kind == "missing":
        holder[step] = STAND_IN
    elif kind == "extra_forbidden":
        meant = nearest(str(step), legal_keys(owner))
        removed = holder.pop(step)
        if meant and meant not in holder:
            holder[meant] = removed
    elif kind == "literal_error":
        legal = re.findall(r"'([^']*)'", item["ctx"]["expected"])
        holder[step] = nearest(str(value), legal) or legal[-1]
    elif kind == "list_type":
        holder[step] = [value]
    elif kind == "too_short":
        holder[step] = [*value, STAND_IN]
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        holder[step] = {}
    elif isinstance(holder, list) or kind.startswith("string"):
        holder[step] = STAND_IN
    else:
        del holder[step]


def _place(data: Any, location: Sequence[int | str]) -> tuple[Any, Any] | None:
    """The list or keys that hold the end of a location, and its step there; labels of alternatives are skipped."""
    place: tuple[Any, Any] | None = None
    for number, step in enumerate(location, start=1):
        here = data if place is None else place[0][place[1]]
        known = (
            step in here
            if isinstance(here, dict)
            else isinstance(here, list) and isinstance(step, int) and step < len(here)
        )
        if known or (number == len(location) and isinstance(here, dict)):
            place = (here, step)
            if not known:
                return place
    return place
