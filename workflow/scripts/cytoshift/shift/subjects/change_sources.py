"""From which evidence is the variation of a feature known: the plan, controls, replicate wells, a control arm?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.estimates import add_note, empty_notes
from cytoshift.shift.feature_words import features_named
from cytoshift.shift.grid import Grid
from cytoshift.shift.subjects.repeats import Repeats, repeats
from cytoshift.shift.subjects.variation import NATURAL, Spread, sigma_of_cv, within_subjects
from cytoshift.study.contrasts import Contrast, Mean
from cytoshift.study.problem import Problem, Problems, did_you_mean
from cytoshift.study.settings import Variation
from cytoshift.study.study import SubjectsPlan

# On 5 degrees of freedom the true SD lies between 0.6 and 2.5 times the one found: with fewer nobody is judged by it.
LEAST_DF = 5
# Numbers alone understate the spread of a feature that is often below its limit.
MOST_NON_DETECTS = 0.2


@dataclass(frozen=True)
class Planned:
    """What the plan says of each feature, (features,): variances of cited CVs (NaN: none), their source, run-in visits.

    `scaled` is false for fractions and scores, to which a CV does not apply.
    """

    within: np.ndarray
    analytical: np.ndarray
    source: np.ndarray
    visits: np.ndarray
    scaled: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """What there is to learn from: the subjects' own samples, controls between plates, wells, and the plan's words.

    `unaligned` (features,): the controls are those that the plates were aligned by.
    """

    own: Repeats
    runs: Spread
    unaligned: np.ndarray
    wells: Spread
    said: Planned


@dataclass(frozen=True)
class Analytical:
    """Variance of one sample measured again, (features,) on the natural logarithm; `source` '' and NaN: unknown."""

    variance: np.ndarray
    df: np.ndarray
    source: np.ndarray
    note: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Features that have one; (features,)."""
        return self.source != ""


@dataclass(frozen=True)
class Within:
    """Variance of unchanged subjects over time, (features,); `note` says what it rests on, or why there is none.

    `holds_analytical`: it comes from values measured as the subjects' own were, and the analytical part is still in it.
    """

    variance: np.ndarray
    df: np.ndarray
    source: np.ndarray
    note: np.ndarray
    holds_analytical: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Features that have one; (features,)."""
        return self.source != ""


def planned(features: pd.DataFrame, variation: list[Variation]) -> Planned:
    """What the plan says of each feature, the first entry that names it counting.

    `features` has columns feature, source, layer, roles, scale. Raises Problems for a feature id that is not there.
    """
    count = len(features)
    within, analytical = np.full((2, count), np.nan)
    source, visits = empty_notes(count), np.full(count, None, dtype=object)
    free = np.ones(count, dtype=bool)
    problems = []
    for place, entry in enumerate(variation, start=1):
        for word in entry.features:
            if word != "all" and ":" not in word and not features_named([word], features).any():
                hint = did_you_mean(word, set(features["feature"]))
                problems.append(
                    Problem("study file", f"variation[{place}].features", f"{word!r} is not in the data{hint}")
                )
        named = features_named(entry.features, features).to_numpy() & free
        free &= ~named
        for values, cv in ((within, entry.within_subject_cv), (analytical, entry.analytical_cv)):
            if cv is not None:
                values[named] = sigma_of_cv(cv) ** 2
        source[named] = entry.source or ""
        for index in np.flatnonzero(named):
            visits[index] = tuple(dict.fromkeys(entry.visits))
    if problems:
        raise Problems(problems)
    return Planned(within, analytical, source, visits, (features["scale"] == "log2").to_numpy())


def analytical_of(evidence: Evidence) -> Analytical:
    """The analytical variance of the subjects' pairs: as planned, of replicate wells on one plate, or of controls."""
    own, runs, wells, said = evidence.own, evidence.runs, evidence.wells, evidence.said
    cited = ~np.isnan(said.analytical) & said.scaled
    of_wells = ~cited & own.all_on_one & wells.known
    of_runs = ~cited & ~of_wells & runs.known
    ways = [cited, of_wells, of_runs]
    note = np.where(cited, "analytical CV: " + said.source, "")
    wide = of_runs & own.all_on_one
    note = add_note(note, wide, "pairs share a plate, yet only controls between plates tell the spread: too wide")
    aligning = "the plates were aligned by these controls, taken as measured: too wide"
    note = add_note(note, of_runs & evidence.unaligned, aligning)
    return Analytical(
        variance=np.select(ways, [said.analytical, wells.variance, runs.variance], np.nan),
        df=np.select(ways, [np.zeros(len(cited)), wells.df, runs.df], 0.0),
        source=np.select(ways, ["plan", "replicates", "controls"], "").astype(object),
        note=note,
    )


def within_of(grid: Grid, samples: pd.DataFrame, contrast: Contrast, plan: SubjectsPlan, evidence: Evidence) -> Within:
    """The variance within subjects: cited, from the plan's visits, the control arm, or visits averaged as reference.

    The analytical part is taken off what the study's own values give, never below 0.
    """
    said = evidence.said
    count = len(grid.features)
    nothing, never = np.full(count, np.nan), np.zeros(count, dtype=bool)
    found = Within(nothing, np.zeros(count), empty_notes(count), empty_notes(count), never)
    cited = ~np.isnan(said.within)
    found.variance[cited & said.scaled] = said.within[cited & said.scaled]
    found.source[cited & said.scaled] = "plan"
    found.note[cited & said.scaled] = "within-subject CV: " + said.source[cited & said.scaled]
    found.note[cited & ~said.scaled] = "the plan's CV is of amounts and says nothing of fractions and scores"
    for chosen in dict.fromkeys(visits for visits in said.visits if visits):
        named = np.array([visits == chosen for visits in said.visits])
        _fill(found, named, "visits", repeats(grid, samples, list(chosen)), grid, evidence)
    controls = [arm.id for arm in plan.arms if arm.control]
    of_control = samples[samples["arm"].isin(controls)]
    if len(of_control):
        _fill(found, ~found.known, "control_arm", repeats(grid, of_control, contrast.visits()), grid, evidence)
    if isinstance(contrast.reference, Mean):
        again = repeats(grid, samples, list(contrast.reference.mean))
        _fill(found, ~found.known, "repeat_visits", again, grid, evidence)
    silent = ~found.known & (found.note == "")
    found.note[silent] = "nothing tells how subjects vary: no control arm, no repeated visits, no CV in the plan"
    return found


_WORDS = {"visits": "the plan's visits", "control_arm": "the control arm", "repeat_visits": "the reference visits"}


def _fill(found: Within, wanted: np.ndarray, word: str, again: Repeats, grid: Grid, evidence: Evidence) -> None:
    """Fill in, in place, what repeated values tell of the wanted features; where they tell too little, say so."""
    own, runs, wells, said = evidence.own, evidence.runs, evidence.wells, evidence.said
    natural = np.where((grid.features["scale"] == "log2").to_numpy(), NATURAL, 1.0)
    spread = within_subjects(again.numbers)
    total = spread.variance * natural**2
    many = np.nan_to_num(again.non_detects) > MOST_NON_DETECTS
    enough = wanted & (spread.df >= LEAST_DF) & ~many
    # samples of a subject on one plate hold no between-run part, only that of wells
    cited = np.where(said.scaled, said.analytical, np.nan)
    run = np.where(np.isnan(cited), np.nan_to_num(runs.variance), cited)
    part = np.where(again.some_on_one, np.nan_to_num(wells.variance), np.nan_to_num(run))
    floored = enough & (part >= total)
    found.variance[enough] = np.maximum(total - part, 0.0)[enough]
    found.df[enough] = spread.df[enough]
    found.source[enough] = word
    found.holds_analytical[enough] = (~again.some_on_one | own.all_on_one)[enough]
    evidently = f"{_WORDS[word]}: no more variation than one sample measured again has, so none within subjects"
    found.note[enough] = np.where(floored, evidently, "")[enough]
    few = [f"{_WORDS[word]}: {df:.0f} degrees of freedom of {LEAST_DF} needed" for df in spread.df]
    text = f"{_WORDS[word]}: more than {100 * MOST_NON_DETECTS:.0f} % non-detects"
    lacking = wanted & ~enough
    why = np.where(many, text, np.array(few, dtype=object))
    found.note[lacking] = add_note(found.note, lacking, why)[lacking]
