"""Did the mean change between two visits of the same subjects?"""

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.estimates import (
    ROUNDING,
    Estimates,
    add_note,
    as_panel,
    count_note,
    empty_notes,
    largest_size,
    masked_mean_and_squares,
    t_estimates,
)


def paired_t(change: ArrayLike, *, level: float = 0.95) -> Estimates:
    """Mean change and its t interval, for all features at once.

    `change` has shape (subjects, features): target − reference on the analysis scale, NaN where the pair is missing
    for that feature. With d the n changes of a feature, t = mean(d) / (SD(d)/√n) on n − 1 degrees of freedom
    (Student 1908). One pair gives no estimate; equal changes give an estimate and no p-value; both say so in `note`.
    Raises ValueError for another shape, infinite values or a level outside (0, 1). Not for changes with non-detects
    (their size is not known), nor for a few pairs with a far outlier: see `ranks.signed_rank`.
    """
    panel = as_panel(change, "change")
    pairs, mean, squares = masked_mean_and_squares(panel)
    enough = pairs >= 2
    df = np.where(enough, pairs - 1.0, np.nan)
    variance = squares / df
    equal = enough & (np.sqrt(variance) <= ROUNDING * largest_size(panel))
    variance = np.where(equal, 0.0, variance)
    note = add_note(empty_notes(panel.shape[1]), ~enough, count_note(2, "pairs", pairs))
    note = add_note(note, equal, "all changes are equal: no interval and no p-value")
    return t_estimates(
        estimate=np.where(enough, mean, np.nan),
        se=np.sqrt(variance / np.maximum(pairs, 1)),
        df=df,
        n_reference=pairs,
        n_target=pairs,
        n=pairs,
        residual_variance=variance,
        note=note,
        method="paired_t",
        level=level,
    )
