"""What is an exact test, what does it test, and what could it have found at this number of subjects?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cytoshift.report.formats import capital, listing, p_words, plural
from cytoshift.report.grids import records
from cytoshift.report.inputs import ReportTables

FLIPS = (
    "Suppose that nothing happened between the two visits. Then each subject's pair could as well have come out the "
    "other way round. The test exchanges before and after in every combination of subjects (or in a random draw of "
    "combinations that includes the data as they are). It counts how often the result is at least as extreme as the "
    "one seen: that share is the p-value. A non-detect is exchanged as the interval it is."
)
RELABELLINGS = (
    "Suppose that the arms made no difference. Then each subject would have had the same values in any arm. A "
    "relabelling deals the arms out again, as the randomisation could have done, within its strata; the values stay "
    "with the subjects. The test counts how often the result is at least as extreme as the one seen: that share is the "
    "p-value. It is exact under randomisation and approximate where arms were not randomised."
)
ORDERS = (
    "In the crossover a relabelling deals out the order of the conditions again, as the randomisation could have done, "
    "and the values stay with the subjects and their periods. The test counts how often the result is at least as "
    "extreme as the one seen: that share is the p-value."
)
MAX_T = (
    "Max-T compares each marker with the largest result that chance gives anywhere in the family, so that looking at "
    "many markers costs no false claim."
)
STEP_DOWN = (
    "Step-down: the clearest marker is compared with the largest of all, the next with the largest of those that "
    "remain, and so on."
)
MEANING = (
    "Exact means: where this exchange is fair, the test rejects no more often than its level says, at any number of "
    "subjects. No distribution is assumed. What it tests is that exchange, which is more than equal means: a change of "
    "spread alone can reject as well, above all with non-detects. Rows where the spread seems to have changed say so. "
    "The values after plates were aligned are taken as given, and so is the choice of limits and samples."
)
_DRAWN = re.compile(r"\b([\d,]+) (?:random|permutations)\b")


def is_joint(correction: str) -> bool:
    """Does a family's correction rest on rearranging subjects?"""
    return "flip" in correction or "relabel" in correction


def exact_paragraphs(tables: ReportTables, p_methods: Mapping[str, str]) -> list[tuple[str, str]]:
    """Which exact tests were run, how they work in plain words, and the smallest p-value: heading and text of each.

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
        return [("Exact tests", "No exact test was run.")]
    how = []
    if any("flip" in words for words in joint):
        how.append(FLIPS)
    orders = [words for words in joint if "relabel" in words and ("order" in words or "sequence" in words)]
    if any("relabel" in words and words not in orders for words in joint):
        how.append(RELABELLINGS)
    if orders:
        how.append(ORDERS)
    if any("max-T" in words for words in joint):
        how.append(MAX_T)
    if any("step-down" in words for words in joint):
        how.append(STEP_DOWN)
    parts = [
        ("Exact tests", ran),
        ("How they work", how),
        ("What exact means", [MEANING]),
        ("The smallest p possible", _smallest(tables)),
    ]
    return [(term, " ".join(sentences)) for term, sentences in parts if sentences]


def draws_of(family: Any) -> int | None:
    """How many random rearrangements (the data as they are among them) set a family's smallest p; None if none did.

    Holm multiplies p by the number of features. Where subjects are so few that rearrangements repeat, the smallest p
    stands above what the draws would have given, and more subjects would make it smaller.
    """
    drawn = _DRAWN.search(str(family.correction))
    if drawn is None or pd.isna(family.smallest_p):
        return None
    draws = int(drawn[1].replace(",", "")) + 1
    times = float(family.n_features) if "Holm" in family.correction else 1.0
    # A global test in both directions doubles the share of one side.
    return draws if family.smallest_p * draws <= 2.5 * times else None


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
        text += f", from at most {plural(most, 'subject')} whose values changed at all or differ"
    drawn = [draws_of(family) for family in records(planned)]
    numbers = list(dict.fromkeys(f"1/{draws:,}" for draws in drawn if draws is not None))
    said = [f"{text}."]
    if numbers:
        where = "" if None not in drawn else "Where rearrangements were drawn at random, "
        sentence = f"{where}the smallest p is set by the number of draws ({listing(numbers)}), not by that of subjects."
        said.append(capital(sentence))
    if None in drawn:
        start = "Elsewhere a" if numbers else "A"
        said.append(f"{start} larger effect could not have made it smaller, only more subjects.")
    return said
