"""What does the library say of the studies of one cell: the rows of its table, and the p-values of its decisions?"""

from dataclasses import dataclass, replace

import numpy as np
from contrasts_studies import Kind, draw

from cytoshift.shift.comparison import Comparison, compare, take
from cytoshift.shift.endpoints import test_family as tested_family
from cytoshift.shift.exact.rearrangements import Orbit
from cytoshift.shift.grid import make_grid
from cytoshift.shift.orbits import joint_null
from cytoshift.shift.rows import shift_rows

ALPHA = 0.05
STUDIES = 4
# Analytes per study whose attainable size is counted, and whose interval is found by inverting the exact test.
COUNTED, INVERTED = 50, 40


@dataclass(frozen=True)
class Cell:
    """One entry per analyte of all studies of a cell, NaN where the row is empty.

    `attainable` and the inverted intervals are of the first analytes of each study; the latter may be empty. `words`
    say what was rearranged.
    """

    effect: float
    shares: np.ndarray
    row_p: np.ndarray
    exact_p: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    attainable: np.ndarray
    inverted_low: np.ndarray
    inverted_high: np.ndarray
    methods: frozenset[str]
    words: str

    def part(self, share: float) -> "Cell":
        """The analytes of one share of non-detects, of those that were simulated together."""
        chosen = self.shares == share
        names = ("shares", "row_p", "exact_p", "estimate", "low", "high")
        changed = {name: getattr(self, name)[chosen] for name in names}
        nothing = np.empty(0)
        counted = self.attainable[np.resize(self.shares[:COUNTED] == share, self.attainable.shape)]
        changed |= {"attainable": counted, "inverted_low": nothing, "inverted_high": nothing}
        return replace(self, **changed)


def simulate(kind: Kind, n: int, share: float | None, *, moved: bool, features: int) -> Cell:
    """All studies of one cell, each with so many analytes; `share` None mixes several shares within a study."""
    found: list[dict[str, np.ndarray]] = []
    methods: set[str] = set()
    words = ""
    for number in range(STUDIES):
        study = draw(kind, n, share, moved=moved, study=number, features=features)
        plan = kind.plan_of()
        comparison = compare(make_grid(study.panel, plan.limits.policy), study.samples, plan.contrasts[0], plan)
        rows, null = shift_rows(comparison, plan), joint_null(comparison, plan)
        if null.orbit is None:
            raise ValueError(f"{kind.name}: {null.words}")
        columns = {"row_p": "p_value", "estimate": "estimate", "low": "ci_low", "high": "ci_high"}
        answer = {name: rows[column].to_numpy(dtype=float) for name, column in columns.items()}
        answer["exact_p"] = tested_family(plan.endpoints[0], rows, null).p_value
        answer["attainable"] = attainable_size(null.orbit.take(np.arange(COUNTED)))
        answer["shares"] = study.shares
        answer["inverted_low"], answer["inverted_high"] = _inverted(comparison, kind, moved and kind.inverted)
        found.append(answer)
        methods |= set(rows["method"])
        words = null.words
    joined = {name: np.concatenate([answer[name] for answer in found]) for name in found[0]}
    return Cell(kind.effect(n) * moved, **joined, methods=frozenset(methods), words=words)


def attainable_size(orbit: Orbit) -> np.ndarray:
    """(features,) the share of rearrangements whose own p-value is at most 5 %; ties and zeros keep it below that."""
    size = np.abs(orbit.statistics(slice(None), slice(None)))
    allowed = int(np.floor(ALPHA * orbit.draws + 1e-9))
    cut = -np.partition(-size, allowed, axis=1)[:, allowed]
    return np.asarray((size > (cut + orbit.tolerance)[:, None]).mean(axis=1))


def _inverted(comparison: Comparison, kind: Kind, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the first analytes as a planned endpoint has them: what its exact test does not reject."""
    if not wanted:
        return np.empty(0), np.empty(0)
    first = np.arange(len(comparison.features)) < INVERTED
    rows = shift_rows(take(comparison, features=first), kind.plan_of("primary"))
    return rows["ci_low"].to_numpy(dtype=float), rows["ci_high"].to_numpy(dtype=float)
