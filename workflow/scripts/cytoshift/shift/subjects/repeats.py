"""The values of the same subjects at several visits, and whether a subject's samples stood on one plate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.grid import ABOVE, BELOW, EXTRAPOLATED, OBSERVED, Grid


@dataclass(frozen=True)
class Repeats:
    """Values of subjects (in a crossover: of a subject under one condition) at the visits of a comparison.

    `numbers` (subjects, visits, features) is NaN for a non-detect and where there is none; `non_detects` (features,) is
    their share among the values there are, NaN without any. Of the subjects with a plate at every visit `all_on_one`
    says whether each had all samples on one plate, `some_on_one` whether any had; (features,), false where the source
    has no plates.
    """

    numbers: np.ndarray
    non_detects: np.ndarray
    all_on_one: np.ndarray
    some_on_one: np.ndarray


def repeats(grid: Grid, samples: pd.DataFrame, visits: list[str]) -> Repeats:
    """Lay out the values of `samples` (columns sample, subject, arm, visit) at the named visits.

    Of several samples of a subject at one visit the first counts.
    """
    known = samples[samples["sample"].isin(grid.sample) & samples["visit"].isin(visits)]
    unit, units = pd.factorize(pd.MultiIndex.from_frame(known[["subject", "arm"]]), sort=True)
    place = np.full((len(units), len(visits)), -1)
    index = grid.sample.get_indexer(pd.Index(known["sample"]))
    visit = pd.Index(visits).get_indexer(pd.Index(known["visit"]))
    place[unit[::-1], visit[::-1]] = index[::-1]
    there = (place >= 0)[:, :, None]
    status, shown = grid.status[place], grid.shown[place]
    numbers = np.where(there & np.isin(status, (OBSERVED, EXTRAPOLATED)), shown, np.nan)
    bounds = (there & np.isin(status, (BELOW, ABOVE))).sum(axis=(0, 1))
    total = bounds + (~np.isnan(numbers)).sum(axis=(0, 1))
    share = np.divide(bounds, total, out=np.full(total.shape, np.nan), where=total > 0)
    every, some = np.zeros((2, len(total)), dtype=bool)
    for source, plates in grid.plate.items():
        here = np.where(place >= 0, plates[place], "")
        placed = here[(here != "").all(axis=1)]
        same = (placed == placed[:, :1]).all(axis=1)
        own = (grid.features["source"] == source).to_numpy()
        every[own], some[own] = len(same) > 0 and same.all(), same.any()
    return Repeats(numbers, share, every, some)
