"""What numbers stand at an axis whose positions are on the analysis scale? Original units, read as they are."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log2, log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

LOG_UNITS = ("NPX", "NPQ")
_LEAST = {"log2": 1.0, "logit": 0.5}  # so that noise in a constant marker does not fill the figure
_RATIOS = (
    [0.95, 0.97, 1, 1.03, 1.05],
    [0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2],
    [0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4, 1.6],
    [0.35, 0.5, 0.7, 1, 1.4, 2, 2.8],
    [2.0**k for k in range(-4, 5)],
    [4.0**k for k in range(-5, 6)],
    [10.0**k for k in range(-9, 10)],
    [100.0**k for k in range(-20, 21)],
)


def number(value: float) -> str:
    """A number as a person writes it on an axis: no trailing zeros, thousands separated, powers beyond a million."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        mantissa, _, exponent = f"{value:.2g}".partition("e")
        return f"{mantissa}e{int(exponent)}" if exponent else mantissa
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def _inside(candidates: Iterable[float], low: float, high: float) -> list[float]:
    return [value for value in candidates if low <= value <= high]


def ratio_ticks(low: float, high: float) -> list[float]:
    """Ratios to mark on an axis from 2^low to 2^high, 1 among them: the finest set with at most seven."""
    sets = [_inside(candidates, 2**low, 2**high) for candidates in _RATIOS]
    readable = [ticks for ticks in sets if 3 <= len(ticks) <= 7 and log2(ticks[-1] / ticks[0]) > (high - low) / 2.5]
    return readable[0] if readable else [1.0]


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive numbers, evenly enough on a logarithmic axis."""
    decades = range(floor(log10(low)) - 1, floor(log10(high)) + 2)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = _inside((step * 10.0**decade for decade in decades for step in steps), low, high)
        if 3 <= len(ticks) <= 6:
            return ticks
        if len(ticks) > 6:
            stride = -(-len(ticks) // 6)
            return ticks[::stride]
    return _inside((float(tick) for tick in MaxNLocator(4).tick_values(low, high)), low, high)


def _share_ticks(low: float, high: float) -> list[float]:
    nice = [0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999]
    ticks = _inside(nice, low, high)
    if 2 <= len(ticks) <= 6:
        return ticks
    if len(ticks) > 6:
        return ticks[:: -(-len(ticks) // 6)]
    return [
        tick for tick in _inside((float(t) for t in MaxNLocator(4).tick_values(low, high)), low, high) if 0 < tick < 1
    ]


def value_ticks(scale: str, unit: str, low: float, high: float) -> tuple[list[float], list[str], str]:
    """Tick positions (on the scale), their labels (in original units) and the axis' name.

    scale: log2, logit or identity; unit: before the scale was applied, NPX or NPQ when it is a logarithm by itself.
    """
    if scale == "log2" and unit not in LOG_UNITS:
        ticks = _log_ticks(2.0**low, 2.0**high)
        return (
            [log2(tick) for tick in ticks],
            [number(tick) for tick in ticks],
            f"{unit.replace('uL', 'µL') or 'ratio'} (log scale)",
        )
    if scale == "logit":
        ticks = _share_ticks(1 / (1 + np.exp(-low)), 1 / (1 + np.exp(-high)))
        positions = [float(np.log(tick / (1 - tick))) for tick in ticks]
        return positions, [f"{number(100 * tick)} %" for tick in ticks], "share (logit scale)"
    ticks = _inside((float(tick) for tick in MaxNLocator(5).tick_values(low, high)), low, high)
    return ticks, [number(round(tick, 9)) for tick in ticks], unit or "score"


def set_value_axis(axes: Axes, scale: str, unit: str, low: float, high: float) -> str:
    """Set limits (with a little air) and ticks of a y axis on the analysis scale; returns the axis' name."""
    least = _LEAST.get(scale, 0.0)
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    air = 0.06 * (high - low) or 0.5
    low, high = low - air, high + air
    positions, labels, name = value_ticks(scale, unit, low, high)
    axes.set_ylim(low, high)
    axes.set_yticks(positions, labels)
    return name
