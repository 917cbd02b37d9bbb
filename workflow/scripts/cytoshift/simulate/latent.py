"""What is truly in each subject at each visit, before any instrument looks?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.simulate.design import Marker


@dataclass(frozen=True)
class FactorScores:
    """Standard normal scores of the factors: `between` subjects × factors, `within` subjects × visits × factors."""

    names: tuple[str, ...]
    between: np.ndarray
    within: np.ndarray


def draw_factors(names: tuple[str, ...], subjects: int, visits: int, generator: np.random.Generator) -> FactorScores:
    """Draw the shared factors (such as inflammation) that make markers rise and fall together.

    Parameters: factor `names`; numbers of `subjects` and `visits`; `generator`. Returns the scores.
    """
    return FactorScores(
        names=names,
        between=generator.standard_normal((subjects, len(names))),
        within=generator.standard_normal((subjects, visits, len(names))),
    )


def draw_markers(
    markers: Sequence[Marker],
    subjects: pd.DataFrame,
    visits: int,
    factors: FactorScores,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw every marker's true value on its analysis scale.

    value = centre + covariates + response × effect(arm, visit) + σ_between (Σ λ F + √(1 − Σ λ²) e) + σ_within (the same
    with the visit's own scores), so two markers correlate by Σ λ₁λ₂ both between subjects and between visits.

    Parameters: `markers`; `subjects` with columns arm, age, sex, response; number of `visits`; `factors`; `generator`.
    Returns an array, subjects × visits × markers; log2, logit or identity as each marker's `scale` says.
    """
    values = np.empty((len(subjects), visits, len(markers)))
    decades = (subjects["age"].to_numpy(dtype=float) - 40) / 10
    female = (subjects["sex"] == "female").to_numpy(dtype=float) - 0.5
    arms = subjects["arm"].tolist()
    for j, marker in enumerate(markers):
        own = np.sqrt(max(0.0, 1 - sum(loading**2 for loading in marker.loadings.values())))
        between = own * generator.standard_normal(len(subjects))
        within = own * generator.standard_normal((len(subjects), visits))
        # Summed factor by factor, not by a matrix product: the last bits of a product depend on the BLAS.
        for name, loading in marker.loadings.items():
            k = factors.names.index(name)
            between = between + loading * factors.between[:, k]
            within = within + loading * factors.within[:, :, k]
        subject = centre_on_scale(marker) + marker.age_slope * decades + marker.female_shift * female
        subject = subject + marker.between_sd * between
        effect = np.array([[marker.effect(arm, visit) for visit in range(visits)] for arm in arms])
        response = subjects["response"].to_numpy(dtype=float)[:, None]
        values[:, :, j] = subject[:, None] + response * effect + marker.within_sd * within
    return values


def centre_on_scale(marker: Marker) -> float:
    """A marker's centre on its analysis scale: log2 of the median, logit of the median share, or the mean itself."""
    if marker.scale == "log2":
        return float(np.log2(marker.centre))
    if marker.scale == "logit":
        return float(np.log(marker.centre / (100 - marker.centre)))
    return marker.centre
