"""Which samples does the study file leave out whole, and why?"""

from __future__ import annotations

import pandas as pd

from cytoshift.intake.exclusions import Exclusions
from cytoshift.intake.words import Words
from cytoshift.study.settings import Exclusion, Visit


def left_out_samples(samples: pd.DataFrame, exclusions: list[Exclusion], visits: list[Visit]) -> dict[str, str]:
    """Sample ids that the study file leaves out by sample, subject or visit, with its reason.

    `samples` is the sample table; single values left out are flagged by intake, which also reports every exclusion.
    """
    words = Words("visit", visits)
    reasons: dict[str, str] = {}
    for exclusion in exclusions:
        hit = Exclusions([exclusion], words).excluded_samples(samples)
        for sample in samples.loc[hit, "sample"]:
            reasons.setdefault(sample, exclusion.reason)
    return reasons
