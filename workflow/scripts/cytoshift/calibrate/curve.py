"""What signal does a concentration give on a standard curve, and what concentration does a signal mean?

The curve is the five-parameter logistic y = d + (a − d) / (1 + (x / c)^b)^g with the signal a of a blank, the signal d
no concentration exceeds, and b, c, g > 0; with g = 1 it is the four-parameter logistic. It rises: 0 < a < d.

Fits and their errors live on five *working* parameters, ln a, ln(d − a), ln b, ln c, ln g: every value of them is a
legal curve, and where the standards miss an asymptote the valley of equally good curves is straight in them.
"""

from collections.abc import Sequence

import numpy as np

PARAMETERS = ("a", "b", "c", "d", "g")
WORKING = ("ln a", "ln(d - a)", "ln b", "ln c", "ln g")


def response(x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Signal at concentration `x`, shape (K,) or (K, n), on curves `parameters`, shape (K, 5), as a, b, c, d, g.

    Returns the shape of `x`, in the unit of a and d; NaN where `x` is NaN or negative, or the curve is NaN.
    """
    return np.exp(log_response(x, parameters))


def log_response(x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Natural log of the signal at concentration `x`, shape (K,) or (K, n), on curves `parameters`, shape (K, 5).

    ln y = ln(a + (d − a) h) with h = 1 − (1 + (x / c)^b)^−g. Returns the shape of `x`.
    """
    x = np.asarray(x, dtype=float)
    return log_signal(_log(x), _beside(working(parameters), x))


def inverse(y: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Concentration that gives signal `y`, shape (K,) or (K, n), on curves `parameters`, shape (K, 5).

    x = c ((1 − p)^(−1/g) − 1)^(1/b) with p = (y − a) / (d − a). Returns the shape of `y`: 0 at or below the lower
    asymptote, inf at or above the upper one, NaN where `y` or the curve is NaN.
    """
    y = np.asarray(y, dtype=float)
    a, b, c, d, g = _beside(np.asarray(parameters, dtype=float), y)
    below, above, known = y <= a, y >= d, ~np.isnan(y + a + b + c + d + g)
    inside = known & ~below & ~above
    with np.errstate(all="ignore"):
        share = (y - a) / (d - a)
        # The share left to the upper asymptote comes from whichever difference loses no digits.
        left = np.where(share < 0.5, -np.log1p(-share), -np.log((d - y) / (d - a))) / g
        log_odds = left + np.log(-np.expm1(-left))
        x = c * np.exp(log_odds / b)
    return np.where(inside, x, np.where(known & below, 0.0, np.where(known & above, np.inf, np.nan)))


def working(parameters: np.ndarray) -> np.ndarray:
    """Working parameters, shape (K, 5), of curves (a, b, c, d, g); NaN where 0 < a < d and b, c, g > 0 do not hold."""
    a, b, c, d, g = np.moveaxis(np.asarray(parameters, dtype=float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.stack([_log(a), _log(d - a), _log(b), _log(c), _log(g)], axis=-1)
    return np.where(np.isfinite(logs), logs, np.nan)


def from_working(logs: np.ndarray) -> np.ndarray:
    """Curves (a, b, c, d, g), shape (K, 5), of working parameters of the same shape."""
    a, rise, b, c, g = np.moveaxis(np.exp(np.asarray(logs, dtype=float)), -1, 0)
    return np.stack([a, b, c, a + rise, g], axis=-1)


def log_signal(log_x: np.ndarray, logs: Sequence[np.ndarray]) -> np.ndarray:
    """ln y at natural log concentrations (−inf: blank) for five working parameters that broadcast with them."""
    log_a, log_rise, log_b, log_c, log_g = logs
    with np.errstate(invalid="ignore", over="ignore"):
        odds = np.exp(log_b) * (log_x - log_c)
        reached = -np.expm1(-np.exp(log_g) * _softplus(odds))
        return np.log(np.exp(log_a) + np.exp(log_rise) * reached)


def log_signal_gradient(log_x: np.ndarray, logs: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """ln y as `log_signal` gives it, and its derivatives by the five working parameters."""
    log_a, log_rise, log_b, log_c, log_g = logs
    b, g, a, rise = np.exp(log_b), np.exp(log_g), np.exp(log_a), np.exp(log_rise)
    # A blank's odds are 0 whatever b and c: −700 stands for −inf and keeps 0 × inf out.
    odds = np.clip(b * (log_x - log_c), -700.0, 700.0)
    power = np.exp(-np.abs(odds))
    softplus = np.log1p(power) + np.maximum(odds, 0.0)
    left = np.exp(-g * softplus)
    reached = -np.expm1(-g * softplus)
    y = a + rise * reached
    scale = rise / y
    by_odds = scale * left * g * (np.where(odds > 0, 1.0, power) / (1.0 + power))
    gradient = [a / y, scale * reached, by_odds * odds, by_odds * -b, scale * left * g * softplus]
    return np.log(y), gradient


def slope(log_x: np.ndarray, logs: Sequence[np.ndarray]) -> np.ndarray:
    """d ln y / d ln x, which turns an error of ln signal into one of ln concentration."""
    return -log_signal_gradient(log_x, logs)[1][3]


def _softplus(odds: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(-np.abs(odds))) + np.maximum(odds, 0.0)


def _log(value: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(value)


def _beside(rows: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
    """Columns of (K, 5) shaped to broadcast with `x` of shape (K,) or (K, n)."""
    columns = np.moveaxis(rows, -1, 0)
    extra = (1,) * (x.ndim - columns[0].ndim)
    return [column.reshape(column.shape + extra) for column in columns]
