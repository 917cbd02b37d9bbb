"""What is left of a study file when its mistakes are cut out: enough to look for further mistakes in the same run."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from cytoshift.study.loading import LoadedStudy, plan_digest, read_content
from cytoshift.study.problem import Problems
from cytoshift.study.study import Study

# Cutting out one mistake can show another; more rounds than this mean the file is beyond repair.
ROUNDS = 10


def salvage_study(path: str) -> LoadedStudy | None:
    """The study without the keys that were mistaken (their defaults stand in), or None when too much is missing.

    Only for finding further mistakes: what comes back is not what the analyst meant, and nothing may be computed from
    it.
    """
    try:
        content, lines = read_content(path)
    except Problems:
        return None
    data = copy.deepcopy(content.data)
    for _ in range(ROUNDS):
        try:
            study = Study.model_validate(data)
        except ValidationError as error:
            # Later entries of a list first, so that the places of earlier ones stay right.
            places = sorted({tuple(mistake["loc"]) for mistake in error.errors()}, key=str, reverse=True)
            cut = [_cut_out(data, place) for place in places]
            if not all(cut):
                return None
        else:
            return LoadedStudy(study, lines, path, plan_digest(study))
    return None


def _cut_out(data: Any, place: Sequence[int | str]) -> bool:
    """Delete what stands at a place, or the list entry around a missing key; False when there is nothing to delete."""
    holders: list[tuple[Any, int | str]] = []
    here = data
    for step in place:
        known = step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)
        if not known or (isinstance(here, list) and int(step) >= len(here)):
            break
        holders.append((here, step))
        here = here[step]
    reached_the_end = len(holders) == len(place)
    if not reached_the_end:
        while holders and not isinstance(holders[-1][0], list):
            holders.pop()
    if not holders:
        return False
    holder, step = holders[-1]
    del holder[step]
    return True
