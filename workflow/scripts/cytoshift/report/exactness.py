"""What is an exact test, what does it test, and what could it have found at this number of subjects?"""

from __future__ import annotations

from collections.abc import Mapping

from cytoshift.report.formats import listing, p_words, plural
from cytoshift.report.inputs import ReportTables

FLIPS = (
    "If nothing had happened between the two visits, each subject's pair could as well have come out the other way "
    "round. The test exchanges before and after in every combination of subjects (or in a random draw of combinations "
    "that includes the data as they are) and counts how often the result is at least as extreme as the one seen: that "
    "share is the p-value. A non-detect is exchanged as the interval it is."
)
RELABELLINGS = (
    "If the arms had made no difference, the same values would have come out whichever arm each subject had been drawn "
    "for. The test draws the arms again, within the strata of the randomisation, and counts how often the result is at "
    "least as extreme as the one seen. It is exact under randomisation and approximate where arms were not randomised."
)
MEANING = (
    "Exact means that, where this exchange is fair, the test rejects no more often than its level says at any number "
    "of subjects; no distribution is assumed. What it tests is that exchange, which is more than equal means: a change "
    "of spread alone can reject as well, above all with non-detects, and rows where the spread seems to have changed "
    "say so. It is conditional on the normalized values: the choice of limits, plates and samples is taken as given."
)


def is_joint(correction: str) -> bool:
    """Does a family's correction rest on rearranging subjects?"""
    return "flip" in correction or "relabel" in correction


def exact_words(tables: ReportTables, p_methods: Mapping[str, str]) -> str:
    """Which exact tests were run, how they work in plain words, and the smallest p-value they could have given.

    `p_methods` are the names of p-values by the words of the column `p_method`.
    """
    joint = [words for words in dict.fromkeys(tables.families["correction"]) if is_joint(words)]
    rows = [
        p_methods[name]
        for name in dict.fromkeys(tables.shifts["p_method"])
        if name in p_methods and ("exact" in name or "mcnemar" in name)
    ]
    ran = []
    if joint:
        ran.append(f"Exact tests of endpoints: {listing(joint)}.")
    if rows:
        ran.append(f"Exact tests of single rows: {listing(rows)}.")
    if not ran:
        return "No exact test was run."
    if any("flip" in words for words in joint):
        ran.append(FLIPS)
    if any("relabel" in words for words in joint):
        ran.append(RELABELLINGS)
    return " ".join([*ran, MEANING, *_smallest(tables)])


def _smallest(tables: ReportTables) -> list[str]:
    """What the planned tests could have given at best: fewer subjects, fewer combinations, a larger smallest p."""
    planned = tables.families[tables.families["tier"] != "exploratory"].dropna(subset="smallest_p")
    if planned.empty:
        return []
    rows = tables.shifts[tables.shifts["contrast"].isin(planned["contrast"])]
    informative = rows["n_informative"].dropna()
    low, high = planned["smallest_p"].min(), planned["smallest_p"].max()
    could = p_words(high) if p_words(low) == p_words(high) else f"{p_words(low)} to {p_words(high)}, by endpoint"
    text = f"The smallest adjusted p-value that the planned tests could have given here: {could}"
    if len(informative):
        most = int(informative.max())
        text += f", from at most {plural(most, 'subject')} who say anything"
    return [f"{text}. A larger effect could not have made it smaller, only more subjects."]
