"""Which columns are clinical scores, of which questionnaire, and which direction is good for the patient?"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A known score: how headers write it, its instrument, and the direction that is good."""

    expression: str
    questionnaire: str | None
    better: str


# Order matters: the first that fits is taken. Short names stand alone in a header.
_SCORES = (
    Score(r"\bmfis\b|modified fatigue impact", "MFIS", "lower"),
    Score(r"\bfsmc\b", "FSMC", "lower"),
    Score(r"\bfss\b|fatigue severity", "FSS", "lower"),
    Score(r"\bedss\b", "EDSS", "lower"),
    Score(r"\bmsis\b|\bmsis.?29\b", "MSIS-29", "lower"),
    Score(r"\bmsqol\b|\bmsqol.?54\b", "MSQoL-54", "higher"),
    Score(r"\bsf.?36\b|\bsf.?12\b", "SF-36", "higher"),
    Score(r"\beq.?5d\b", "EQ-5D", "higher"),
    Score(r"\bsdmt\b", "SDMT", "higher"),
    Score(r"\bpasat\b", "PASAT", "higher"),
    Score(r"\bmoca\b", "MoCA", "higher"),
    Score(r"\b6mwt\b", "6MWT", "higher"),
    Score(r"\bt?25.?fw\b|\b9.?hpt\b", None, "lower"),
    Score(r"\bbdi\b", "BDI", "lower"),
    Score(r"\bhads\b", "HADS", "lower"),
    Score(r"\bphq.?9\b", "PHQ-9", "lower"),
    Score(r"\bgad.?7\b", "GAD-7", "lower"),
    Score(r"\bpsqi\b", "PSQI", "lower"),
    Score(r"\bbpi\b", "BPI", "lower"),
    Score(r"\bfiqr?\b", "FIQ", "lower"),
    Score(r"\bcdai\b|\bhbi\b", None, "lower"),
    Score(r"\bdas.?28\b", "DAS28", "lower"),
    Score(r"\bnrs\b", "NRS", "lower"),
    Score(r"\bvas\b", "VAS", "lower"),
    Score(r"quality of life|\bqol\b|well.?being", None, "higher"),
    Score(r"\bfatigue\b|\bpain\b|\bspasticity\b|\bdepression\b|\banxiety\b|\binsomnia\b|\bnausea\b", None, "lower"),
    Score(r"\bscore\b", None, "lower"),
)


def find_score(header: str) -> Score | None:
    """The score that a header names, None where it names none."""
    words = re.sub(r"[_\s]+", " ", header.casefold())
    return next((score for score in _SCORES if re.search(score.expression, words)), None)
