"""Whose value moved further than values do by themselves? Reference change values, feature by feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cytoshift.frames import conform
from cytoshift.shift.estimates import add_note, empty_notes
from cytoshift.shift.grid import Grid, make_grid
from cytoshift.shift.subjects.change_sources import Analytical, Evidence, Within, analytical_of, planned, within_of
from cytoshift.shift.subjects.repeats import repeats
from cytoshift.shift.subjects.variation import NATURAL, between_runs, between_wells
from cytoshift.study.contrasts import Contrast, Mean, expand
from cytoshift.study.study import SubjectsPlan, compared_arms
from cytoshift.tables import REFERENCE_CHANGE
from cytoshift.vocabulary.names import roles_of

# Of unchanged subjects 95 % stay within; the number of the laboratory literature (Harris & Yasaka 1983).
DEVIATE = 1.96
FEW_RUNS = 5


@dataclass(frozen=True)
class SubjectTables:
    """What single subjects' changes are judged from, each as tables/ defines it."""

    panel: pd.DataFrame
    samples: pd.DataFrame
    pairs: pd.DataFrame
    controls: pd.DataFrame
    replicates: pd.DataFrame
    plate_factors: pd.DataFrame


def compare_subjects(tables: SubjectTables, plan: SubjectsPlan) -> pd.DataFrame:
    """The REFERENCE_CHANGE table: limits and counts of every contrast between visits, a row per feature of the panel.

    On the natural logarithm σ² = σ_A² + σ_I², and a ratio outside exp(±1.96·√2·σ) is more than variation (Harris &
    Yasaka 1983, Clin Chem 29:25); √2 becomes √(1/k + 1/m) where k and m visits are averaged. σ_A is the spread of
    controls between plates, or of replicate wells where every subject's samples stood on one plate; σ_I comes from the
    plan, the control arm, or repeated visits. Without σ_I the limit is analytical and nobody is counted. Raises
    Problems where the plan says how a feature varies that the data do not hold.
    """
    grid = make_grid(tables.panel, "limit")
    features = grid.features.assign(
        roles=[",".join(roles_of(feature.split("@")[0])) for feature in grid.features["feature"]]
    )
    said = planned(features, plan.variation)
    aligning = set()
    if plan.normalize.plates == "reference_samples":
        aligning = set(tables.samples.loc[tables.samples["type"].isin(["bridge", "pool"]), "sample"])
    runs, unaligned = between_runs(tables.controls, tables.plate_factors, aligning, features)
    samples = tables.samples[tables.samples["type"].isin(["", "sample"])]
    wells = between_wells(tables.replicates, set(samples["sample"]), features)
    frames = []
    for contrast in expand(plan.contrasts):
        if contrast.reference is None or contrast.target is None:
            continue
        chosen = samples
        for column, wanted in contrast.where.items():
            chosen = chosen[chosen[column].isin(wanted)]
        own = repeats(grid, _of_arms(chosen, contrast, plan), contrast.visits())
        evidence = Evidence(own, runs, unaligned, wells, said)
        analytical, within = analytical_of(evidence), within_of(grid, chosen, contrast, plan, evidence)
        frames.append(_rows(grid, contrast, analytical, within, tables.pairs))
    return conform(pd.concat(frames) if frames else pd.DataFrame(), REFERENCE_CHANGE)


def half_width(sigma: ArrayLike, reference_visits: int = 1, target_visits: int = 1) -> np.ndarray:
    """1.96·√(1/k + 1/m)·σ: how far 95 % of unchanged subjects stay from 0, the mean of m visits less that of k."""
    return DEVIATE * np.sqrt(1.0 / reference_visits + 1.0 / target_visits) * np.asarray(sigma, dtype=float)


def change_ratios(sigma: ArrayLike, reference_visits: int = 1, target_visits: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The ratios between which 95 % of unchanged subjects stay, from σ on the natural logarithm: exp(∓1.96·√2·σ).

    Less 1 they are the reference change values; `reference_visits` and `target_visits` count what is averaged.
    """
    half = half_width(sigma, reference_visits, target_visits)
    with np.errstate(over="ignore"):
        return np.exp(-half), np.exp(half)


def _of_arms(samples: pd.DataFrame, contrast: Contrast, plan: SubjectsPlan) -> pd.DataFrame:
    """Samples of the subjects who are judged: in a crossover under the condition of interest only."""
    named = compared_arms(contrast, plan.arms)
    if plan.design == "crossover":
        named = [arm for arm in named if arm == contrast.arm]
    return samples[samples["arm"].isin(named)] if named else samples


def _rows(grid: Grid, contrast: Contrast, analytical: Analytical, within: Within, pairs: pd.DataFrame) -> pd.DataFrame:
    known, included = analytical.known, within.known & within.holds_analytical & ~analytical.known
    judged = within.known & (known | included)
    only_analytical = known & ~within.known
    variance = np.where(known, analytical.variance, 0.0) + np.where(within.known, within.variance, 0.0)
    sigma = np.where(judged | only_analytical, np.sqrt(variance), np.nan)
    half = half_width(sigma, _visits(contrast.reference), _visits(contrast.target))
    scale = grid.features["scale"].to_numpy(dtype=object)
    ratios = change_ratios(sigma, _visits(contrast.reference), _visits(contrast.target))
    ends = [np.where(scale == "identity", side, ratio) for side, ratio in zip((-half, half), ratios, strict=True)]
    note = empty_notes(len(half))
    for part, where in ((analytical.note, known), (within.note, within.known | only_analytical)):
        note = np.where(where & (part != ""), add_note(note, where, part), note)
    few = np.array([f"between-run spread rests on {df:.0f} degrees of freedom" for df in analytical.df], dtype=object)
    note = add_note(note, known & (analytical.df < FEW_RUNS) & (analytical.source == "controls"), few)
    nothing = ~judged & ~only_analytical
    note = add_note(note, nothing, _why_nothing(within))
    frame = pd.DataFrame(
        {
            "contrast": contrast.id,
            "feature": grid.features["feature"].to_numpy(dtype=object),
            "label": grid.features["label"].to_numpy(dtype=object),
            "kind": np.select(
                [judged, only_analytical], ["reference_change_value", "analytical_change_limit"], ""
            ).astype(object),
            "sigma_analytical": np.sqrt(analytical.variance),
            "analytical_source": np.where(included, "included", analytical.source),
            "analytical_df": _or_empty(analytical.df),
            "sigma_within": np.sqrt(within.variance),
            "within_source": within.source,
            "within_df": _or_empty(within.df),
            "sigma": sigma,
            "limit_low": ends[0],
            "limit_high": ends[1],
            "note": note,
        }
    )
    on_scale = np.where(scale == "log2", half / NATURAL, half)
    return _counted(frame, pairs[pairs["contrast"] == contrast.id], on_scale, judged)


def _why_nothing(within: Within) -> np.ndarray:
    lacking = "analytical variation unknown: no control on two plates, no wells of pairs on one plate, none planned"
    without = np.array([f"no limit: {lacking}; {why}" for why in within.note], dtype=object)
    apart = np.full(len(without), f"no limit: {lacking}", dtype=object)
    return np.where(within.known, apart, without)


def _or_empty(df: np.ndarray) -> np.ndarray:
    return np.where(df > 0, df, np.nan)


def _visits(when: str | Mean | None) -> int:
    return len(when.mean) if isinstance(when, Mean) else 1


def _counted(frame: pd.DataFrame, pairs: pd.DataFrame, half: np.ndarray, judged: np.ndarray) -> pd.DataFrame:
    """The rows with the subjects whose change lies certainly beyond the limit, `half` on the analysis scale."""
    used = pairs[pairs["used"].astype(bool)]
    before, after = (_ends(used, side) for side in ("reference", "target"))
    low, high = after[0] - before[1], after[1] - before[0]
    at = pd.Index(frame["feature"]).get_indexer(pd.Index(used["feature"]))
    limit = half[at]
    down, up = high < -limit, low > limit
    inside = (low >= -limit) & (high <= limit)
    against = (used["role"] == "against").to_numpy()
    for side, mine in (("n", ~against), ("against", against)):
        there = bool(mine.any()) or side == "n"
        counts = {"subjects": mine, "decreased": mine & down, "increased": mine & up,
                  "undetermined": mine & ~down & ~up & ~inside}  # fmt: skip
        for name, hit in counts.items():
            number = np.bincount(at[hit], minlength=len(frame)).astype(float)
            wanted = there & (judged | (name == "subjects"))
            frame[f"{side}_{name}"] = np.where(wanted, number, np.nan)
    return frame


def _ends(pairs: pd.DataFrame, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Between which ends a value lies on the analysis scale."""
    value, status = pairs[side].to_numpy(dtype=float), pairs[f"{side}_status"]
    below, above = (status == "below").to_numpy(), (status == "above").to_numpy()
    return np.where(below, -np.inf, value), np.where(above, np.inf, value)
