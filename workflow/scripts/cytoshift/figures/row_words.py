"""What does a row of the forest say, and where does its interval end?"""

from __future__ import annotations

from math import inf, isfinite

import numpy as np
import pandas as pd

from cytoshift.figures.axis import number
from cytoshift.figures.theme import clean, text_width


def log2(values: pd.Series) -> np.ndarray:
    """Base-2 logarithms; 0 becomes −∞ without a warning."""
    raw = values.to_numpy(dtype=float)
    with np.errstate(divide="ignore"):
        return np.log2(raw)


def open_ended(rows: pd.DataFrame) -> pd.Series:
    """Which rows have no estimate but an interval with one end: the shift is known from one side."""
    return rows["estimate"].isna() & rows[["ci_low", "ci_high"]].abs().lt(inf).any(axis=1)


def closed_ends(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Both ends of the intervals where they are drawn; an open end is missing."""
    ratios = rows["scale"] != "identity"
    ends = (
        pd.Series(log2(rows[f"ratio_{side}"]), index=rows.index).where(ratios, rows[f"ci_{side}"])
        for side in ("low", "high")
    )
    low, high = (end.where(np.isfinite(end)) for end in ends)
    return low, high


def one_end_words(row: object, low: float, high: float) -> str:
    """'below 0.50', 'above 1.28', '[0.50, 0.90]' for a row without an estimate; '' without a closed end.

    low, high: the ends as they are written; which of them is closed is told by ci_low and ci_high.
    """
    if isfinite(row.estimate):  # type: ignore[attr-defined]
        return ""
    closed_low, closed_high = isfinite(row.ci_low), isfinite(row.ci_high)  # type: ignore[attr-defined]
    if closed_low and closed_high:
        return f"[{_short(low)}, {_short(high)}]"
    return f"above {_short(low)}" if closed_low else f"below {_short(high)}" if closed_high else ""


def no_estimate_words(row: object, width: float) -> str:
    """Why a row has no estimate, whole: a reason longer than `width` inches stands in the table only."""
    note = str(getattr(row, "note", "") or "no reason given")
    if str(getattr(row, "method", "")).startswith("detection") or note.startswith("tested on detection only"):
        return "detection only: see table"
    words = clean(f"no estimate: {note}", longest=1000)
    return words if text_width(words) <= width else "no estimate: see table"


def count_words(row: object) -> str:
    """Pairs of a row; where arms are compared without pairs, the subjects of both."""
    pairs, reference, target = (getattr(row, name) for name in ("n_pairs", "n_reference", "n_target"))
    if not pd.isna(pairs) and pairs > 0:
        return f"{int(pairs)}"
    return "0" if pd.isna(reference) or pd.isna(target) else f"{int(reference)}+{int(target)}"


def below_words(row: object) -> str:
    """Share of non-detects among a row's values, in percent."""
    counts = [getattr(row, name) for name in ("below_reference", "below_target", "n_reference", "n_target")]
    if any(pd.isna(count) for count in counts) or counts[2] + counts[3] == 0:
        return ""
    share = 100 * (counts[0] + counts[1]) / (counts[2] + counts[3])
    return f"{share:.0f} %" if share == 0 or share >= 1 else "< 1 %"


def interval_words(middle: float, low: float, high: float) -> str:
    """'0.72 [0.55, 0.94]'; an end without a bound is ∞ (or 0 for a ratio)."""
    if np.isnan(low) and np.isnan(high):
        return _short(middle)
    return f"{_short(middle)} [{_short(low)}, {_short(high)}]"


def _short(value: float) -> str:
    if np.isnan(value):
        return "?"
    if value in (inf, -inf):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    if value == 0:
        return "0"
    return number(float(f"{value:.3g}")) if abs(value) >= 10 else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
