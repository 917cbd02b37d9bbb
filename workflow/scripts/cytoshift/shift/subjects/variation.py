"""How much does a value vary when nothing happened: measured again on another plate, beside itself, or weeks later?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cytoshift.normalize.plates import apply_plate_offsets

# A change on log2 times this is a change of the natural logarithm.
NATURAL = float(np.log(2.0))
FEATURE = ["source", "feature"]


@dataclass(frozen=True)
class Spread:
    """A variance and the degrees of freedom it rests on, shape (features,) each; NaN and 0 where there is none."""

    variance: np.ndarray
    df: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Features that have a variance; (features,)."""
        return self.df > 0


def sigma_of_cv(cv: ArrayLike) -> np.ndarray:
    """SD of the natural logarithm of a log-normal value with this coefficient of variation (a share).

    σ = √ln(1 + CV²): 0.25 gives 0.246. Not for fractions and scores, whose scale is not the logarithm.
    """
    return np.sqrt(np.log1p(np.square(np.asarray(cv, dtype=float))))


def between_runs(
    controls: pd.DataFrame, factors: pd.DataFrame, aligning: set[str], features: pd.DataFrame
) -> tuple[Spread, np.ndarray]:
    """Variance of a control between plates, on the natural logarithm, pooled over the controls of each analyte.

    `controls` is the CONTROLS table (log2), `factors` PLATE_FACTORS: what the alignment of plates removed from the
    samples is removed from the controls. A control among `aligning`, which the plates were aligned by, says nothing
    afterwards: it is used as it was measured, and only where there is no other. With x the r values of a control, the
    sum over controls of Σ(x − mean)² is divided by the sum of r − 1. `features` (source, feature) gives the order.
    Returns the spread, and which features (features,) rest on controls that aligned the plates.
    """
    analytes = features[FEATURE].assign(analyte=features["feature"].str.split("@").str[0])
    points = controls[controls["value"].notna()].merge(analytes, on=["source", "analyte"])
    of_alignment = points["control"].isin(aligning)
    free = points[~of_alignment]
    free = apply_plate_offsets(free.assign(lower=free["value"], upper=free["value"]), factors)
    first, second = (_pooled(part, features) for part in (free, points[of_alignment]))
    unaligned = ~first.known & second.known
    variance = np.where(unaligned, second.variance, first.variance) * NATURAL**2
    return Spread(variance, np.where(unaligned, second.df, first.df)), unaligned


def _pooled(points: pd.DataFrame, features: pd.DataFrame) -> Spread:
    by_control = points.groupby([*FEATURE, "control"], sort=True)["value"].agg(["count", "var"])
    df = by_control["count"] - 1.0
    sums = pd.DataFrame({"df": df, "squares": by_control["var"].fillna(0.0) * df}).groupby(level=FEATURE).sum()
    sums = sums.reindex(pd.MultiIndex.from_frame(features[FEATURE])).fillna(0.0)
    return _spread(sums["squares"].to_numpy(dtype=float), sums["df"].to_numpy(dtype=float))


def between_wells(replicates: pd.DataFrame, samples: set[str], features: pd.DataFrame) -> Spread:
    """Variance of the mean of a sample's replicate wells on one plate, on the natural logarithm, pooled over samples.

    `replicates` is the REPLICATES table, of which those of `samples` are used. A sample with w wells and the CV c gives
    ln(1 + c²) with weight w − 1; the pooled value times the mean of 1/w is the variance of a value. `features`
    (source, feature) gives the order.
    """
    rows = replicates[(replicates["numbers"] >= 2) & replicates["cv"].notna() & replicates["sample"].isin(samples)]
    wells = rows["numbers"].astype(float)
    parts = rows[["source"]].assign(
        feature=rows["analyte"],
        df=wells - 1.0,
        squares=sigma_of_cv(rows["cv"].to_numpy(dtype=float)) ** 2 * (wells - 1.0),
        share=1.0 / wells,
    )
    grouped = parts.groupby(FEATURE, sort=True)
    sums = grouped[["df", "squares"]].sum().join(grouped["share"].mean())
    sums = sums.reindex(pd.MultiIndex.from_frame(features[FEATURE])).fillna(0.0)
    columns = (sums[name].to_numpy(dtype=float) for name in ("df", "squares", "share"))
    df, squares, share = columns
    return _spread(squares * share, df)


def within_subjects(values: np.ndarray) -> Spread:
    """Variance of a subject's values between visits after the visits' means, pooled over subjects.

    `values` (subjects, visits, features) on the analysis scale, NaN where there is no number; per feature only subjects
    with a number at every visit count. The residual mean square of the additive model subject + visit, on
    (n − 1)(k − 1) degrees of freedom: at k = 2 visits half the variance of the n changes.
    """
    visits = values.shape[1]
    complete = ~np.isnan(values).any(axis=1)
    count = complete.sum(axis=0)
    used = np.where(complete[:, None, :], values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = used - used.mean(axis=1, keepdims=True)
        apart = apart - apart.sum(axis=0, keepdims=True) / count
    squares = (np.where(complete[:, None, :], apart, 0.0) ** 2).sum(axis=(0, 1))
    return _spread(squares, np.maximum(count - 1.0, 0.0) * (visits - 1.0))


def _spread(squares: np.ndarray, df: np.ndarray) -> Spread:
    return Spread(np.divide(squares, df, out=np.full(df.shape, np.nan), where=df > 0), df)
