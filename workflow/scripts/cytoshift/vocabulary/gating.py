"""Is a gate a step on the way to a population ("Single Cells", "Live"), and not a population itself?"""

from __future__ import annotations

import re

_STEPS = re.compile(
    r"single(?:t|ts|s|[- ]cells?)?|doublets?(?: excluded)?|(?:no|non)[- ]doublets?|(?:good|clean) (?:events|cells)|"
    r"live(?:[/ -]?dead)?(?:[- ]cells?)?|alive|dead(?:[- ]cells?)?|viable(?:[- ]cells?)?|viability|time(?: gate)?|"
    r"(?:(?:no|non)[- ])?debris|cells|all(?: (?:cells|events))?|events|ungated|scatter|[fs]sc(?:[-_ ][ahw])?.*|beads",
    re.IGNORECASE,
)


def is_gating_step(written: str) -> bool:
    """Is this, by its own name or the end of its path, a mere step of the gating?"""
    return _STEPS.fullmatch(written.rpartition("/")[2].strip()) is not None
