"""What concentration does a well's signal mean, and how sure is that?

Two things blur it: the curve is known only as well as its standards tell it, and the well itself has noise. An
interval from the curve alone holds the truth in 60 to 80 of 100 wells; both together are used here.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as t_distribution

from cytoshift.calibrate.batch import SIZE
from cytoshift.calibrate.curve import inverse, log_signal_gradient, working
from cytoshift.calibrate.fit import Fits

# The band around a curve is tabulated this far beyond its standards (fold); farther ends of an interval are open.
REACH = 1e4
NODES = 192
# Halvings of a cell of that table: ends of intervals are exact to about 1e-9.
HALVINGS = 28
# Curves, and samples, per block: the arrays of a block are about 8 MB each.
BLOCK_CURVES, BLOCK_SAMPLES = 4096, 4096


@dataclass(frozen=True)
class BackCalculated:
    """Concentrations of m samples, before dilution, in the unit of the standards.

    `log2_concentration`: −inf below and inf above the curve's asymptotes, NaN where missing. `se_log2`: its standard
    error, NaN unless observed. `low`, `high`: interval in the unit of the standards, 0 or inf where open. `status`:
    "observed", "below", "above" (past an asymptote, the interval is the bound) or "missing". `reason`: why missing.
    """

    log2_concentration: np.ndarray
    se_log2: np.ndarray
    low: np.ndarray
    high: np.ndarray
    status: np.ndarray
    reason: np.ndarray

    @property
    def concentration(self) -> np.ndarray:
        """Concentration in the unit of the standards: 0 below, inf above, NaN missing."""
        return np.exp2(self.log2_concentration)


def back_calculate(
    fits: Fits,
    curve: np.ndarray,
    signal: np.ndarray,
    *,
    confidence: float = 0.95,
    weights: np.ndarray | None = None,
) -> BackCalculated:
    """Read the mean of each sample's wells off its standard curve, with standard error and interval.

    `curve` (m,): row of `fits`; −1 where the sample has none. `signal` (m,) or (m, w): raw signal of one well or of
    the wells of one sample, NaN where there is none; they are averaged as ln signal. `weights` (m,): of a well of
    the sample, on the scale of the fit's weights, or None for 1.

    The interval inverts the prediction band: the x around the estimate with |ȳ − f(x)| ≤ t √(v(x) + s² / wells), v the
    variance of the curve at x from its covariance, s the residual SD of a well, t on the residual df; so it is
    lopsided where the curve bends and open where an asymptote lies inside the band. The standard error is the square
    root at the estimate over f′ (delta method); near an asymptote it is large and the interval is what to use. A
    signal ≤ 0 counts as below.
    """
    curve = np.asarray(curve, dtype=int)
    signal = np.asarray(signal, dtype=float)
    signal = signal[:, None] if signal.ndim == 1 else signal
    weights = np.ones(len(curve)) if weights is None else np.asarray(weights, dtype=float)
    present = np.isfinite(signal)
    wells = present.sum(axis=1)
    nothing = (present & (signal <= 0)).any(axis=1)
    logs = np.log(np.where(present & (signal > 0), signal, 1.0))
    mean = np.where(nothing, -np.inf, logs.sum(axis=1) / np.maximum(wells, 1))
    reason = np.full(len(curve), "", dtype=object)
    fitted = (curve >= 0) & (fits.model[curve] != "") if len(fits) else np.zeros(len(curve), dtype=bool)
    reason[~fitted] = "no standard curve"
    reason[wells == 0] = "no signal"
    value, se, low, high = (np.full(len(curve), np.nan) for _ in range(4))
    result = BackCalculated(value, se, low, high, np.full(len(curve), "missing", dtype=object), reason)
    known = np.flatnonzero(reason == "")
    precision = weights * wells
    for first in range(0, len(fits), BLOCK_CURVES):
        band = _Band.of(fits, slice(first, first + BLOCK_CURVES), confidence)
        inside = known[(curve[known] >= first) & (curve[known] < first + BLOCK_CURVES)]
        for at in range(0, len(inside), BLOCK_SAMPLES):
            rows = inside[at : at + BLOCK_SAMPLES]
            _read(result, rows, fits, curve[rows], mean[rows], precision[rows])
            low, high = band.interval(curve[rows] - first, mean[rows], precision[rows])
            centre = np.where(result.status[rows] == "observed", np.exp2(result.log2_concentration[rows]), np.nan)
            result.low[rows], result.high[rows] = np.fmin(low, centre), np.fmax(high, centre)
    return result


def _read(
    result: BackCalculated, rows: np.ndarray, fits: Fits, curve: np.ndarray, mean: np.ndarray, precision: np.ndarray
) -> None:
    x = inverse(np.exp(mean), fits.parameters[curve])
    result.status[rows] = np.where(x == 0, "below", np.where(np.isinf(x), "above", "observed"))
    inside = (x > 0) & np.isfinite(x)
    with np.errstate(divide="ignore"):
        result.log2_concentration[rows] = np.log2(x)
    curve, rows = curve[inside], rows[inside]
    log_x = np.log(x[inside])
    _, gradient = log_signal_gradient(log_x, list(working(fits.parameters[curve]).T))
    variance = _variance(gradient, fits.covariance[curve])
    variance = variance + np.square(fits.residual_sd[curve]) / precision[inside]
    with np.errstate(divide="ignore"):
        result.se_log2[rows] = np.sqrt(variance) / (np.abs(gradient[3]) * np.log(2))


def _variance(gradient: list[np.ndarray], covariance: np.ndarray) -> np.ndarray:
    """J C J' for derivatives of shape (m,) or (m, n) by five parameters and covariances (m, 5, 5)."""
    total = np.zeros_like(gradient[0])
    extra = (1,) * (total.ndim - 1)
    for row in range(SIZE):
        for column in range(SIZE):
            part = covariance[:, row, column].reshape(-1, *extra)
            total = total + gradient[row] * gradient[column] * part
    return np.maximum(total, 0.0)


@dataclass(frozen=True)
class _Band:
    """Some curves and their variances at nodes (curves, nodes) of ln concentration."""

    logs: np.ndarray
    covariance: np.ndarray
    noise: np.ndarray
    quantile: np.ndarray
    nodes: np.ndarray
    centre: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, fits: Fits, block: slice, confidence: float) -> "_Band":
        logs, covariance = working(fits.parameters[block]), fits.covariance[block]
        with np.errstate(divide="ignore"):
            ends = np.log(fits.lowest[block] / REACH), np.log(fits.highest[block] * REACH)
        nodes = ends[0][:, None] + (ends[1] - ends[0])[:, None] * np.linspace(0, 1, NODES)
        quantile = t_distribution.isf((1 - confidence) / 2, fits.df[block])
        centre, variance = _centre_and_variance(nodes, logs, covariance)
        return cls(logs, covariance, np.square(fits.residual_sd[block]), quantile, nodes, centre, variance)

    def interval(self, curve: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both ends, as concentrations, for mean ln signals on `curve` (rows of this band)."""
        log_a = self.logs[curve, 0]
        mean = np.clip(mean, log_a, np.logaddexp(log_a, self.logs[curve, 1]))
        noise = self.noise[curve] / precision
        centre = self.centre[curve]
        half = self.quantile[curve, None] * np.sqrt(self.variance[curve] + noise[:, None])
        # The true curve rises: a signal the band excludes at x is excluded beyond x too, though the band widens there.
        too_low, too_high = centre + half < mean[:, None], centre - half > mean[:, None]
        last_too_low = np.where(too_low.any(axis=1), NODES - 1 - np.argmax(too_low[:, ::-1], axis=1), -1)
        first_too_high = np.where(too_high.any(axis=1), np.argmax(too_high, axis=1), NODES)
        low = np.where(last_too_low < 0, 0.0, self._refine(curve, mean, noise, last_too_low, 1.0))
        high = np.where(first_too_high == NODES, np.inf, self._refine(curve, mean, noise, first_too_high - 1, -1.0))
        return low, high

    def _refine(
        self, curve: np.ndarray, mean: np.ndarray, noise: np.ndarray, cell: np.ndarray, side: float
    ) -> np.ndarray:
        """Where the upper (side 1) or lower (−1) edge of the band passes `mean` inside a cell of the table."""
        cell = np.clip(cell, 0, NODES - 2)
        left, right = self.nodes[curve, cell], self.nodes[curve, cell + 1]
        logs, covariance, quantile = self.logs[curve], self.covariance[curve], self.quantile[curve]
        for _ in range(HALVINGS):
            middle = (left + right) / 2
            centre, variance = _centre_and_variance(middle, logs, covariance)
            before = centre + side * quantile * np.sqrt(variance + noise) < mean
            left, right = np.where(before, middle, left), np.where(before, right, middle)
        return np.exp((left + right) / 2)


def _centre_and_variance(log_x: np.ndarray, logs: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    extra = (1,) * (log_x.ndim - 1)
    centre, gradient = log_signal_gradient(log_x, [part.reshape(-1, *extra) for part in logs.T])
    return centre, _variance(gradient, covariance)
