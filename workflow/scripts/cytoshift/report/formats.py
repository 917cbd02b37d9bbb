"""How are numbers and texts from tables written for a reader? Formatting only, nothing is computed here."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

NOTHING = "–"
MINUS = "\N{MINUS SIGN}"
_SMALLEST_P = 0.0001
_ALPHAS = (0.05, 0.025, 0.01)
_SHIFT_NAMES = {"log2": "ratio", "logit": "odds ratio", "identity": "difference"}
_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def plain_text(text: object) -> str:
    """Text on one line that stays within itself: control characters become '�', writing directions end where it ends.

    A text with direction marks in it is isolated (Unicode's FSI … PDI), so that it cannot turn its surroundings round.
    """
    line = " ".join(str(text).split())
    line = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in ("Cc", "Cs") else char for char in line)
    turns = any(unicodedata.bidirectional(char) in _DIRECTIONS for char in line)
    return f"\N{FIRST STRONG ISOLATE}{line}\N{POP DIRECTIONAL ISOLATE}" if turns else line


def number(value: Any) -> str:
    """A number with two decimals below 10 and three significant digits elsewhere; '–' where there is none."""
    if pd.isna(value):
        return NOTHING
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size = abs(value)
    if size and size < 0.1:
        text = f"{value:.2g}" if size >= 0.0001 else f"{value:.1e}"
    elif size < 10:
        text = f"{value:.2f}"
    else:
        text = f"{float(f'{value:.3g}'):,.{1 if size < 100 else 0}f}"
    return text.replace("-", MINUS)


def interval(low: Any, high: Any) -> str:
    """'0.55 to 0.94', open ends as 0 or ∞; '' where there is no interval."""
    return "" if pd.isna(low) and pd.isna(high) else f"{number(low)} to {number(high)}"


def p_words(value: Any) -> str:
    """A p-value: four decimals below 0.1, two above, '< 0.0001' at the end of the scale; rounded once.

    A p close to a usual alpha gets as many decimals as it needs to stand on the side of it where it is.
    """
    if pd.isna(value):
        return NOTHING
    value = float(value)
    if value < _SMALLEST_P:
        return "< 0.0001"
    decimals = 2 if round(value, 4) >= 0.1 else 4
    while decimals < 16 and any(
        _side(float(f"{value:.{decimals}f}"), alpha) != _side(value, alpha) for alpha in _ALPHAS
    ):
        decimals += 1
    return f"{value:.{decimals}f}"


def _side(value: float, alpha: float) -> int:
    return (value > alpha) - (value < alpha)


def p_equals(value: Any, name: str = "p") -> str:
    """'p = 0.012', 'p < 0.0001'."""
    words = p_words(value)
    return f"{name} {words}" if words.startswith("<") else f"{name} = {words}"


def numbers_words(numbers: str) -> str:
    """The `numbers` of a finding for a reader: 'share=0.857143; limit=0.4' as 'share 0.86, limit 0.40'."""
    return ", ".join(
        f"{key.replace('_', ' ').replace(' cv', ' CV')} {_rounded(key, value)}"
        for key, value in parse_numbers(numbers).items()
    )


def _rounded(key: str, value: str) -> str:
    """A number of a finding; what is whole, or no number at all, stays as it was written."""
    try:
        parsed = float(value)
    except ValueError:
        return value
    if parsed == int(parsed) if math.isfinite(parsed) else True:
        return value
    return p_words(parsed) if key == "p" or key.endswith("_p") else number(parsed)


def percent(level: float) -> str:
    """A share in percent: 0.95 → '95 %'."""
    return f"{100 * level:g}\N{NO-BREAK SPACE}%"


def count(value: Any) -> str:
    """A whole number with thousands separated; '–' where there is none."""
    return NOTHING if pd.isna(value) else f"{int(value):,}"


def plural(amount: int, one: str, several: str = "") -> str:
    """'1 sample', '3 samples'."""
    return f"{amount:,} {one if amount == 1 else several or one + 's'}"


def listing(items: Iterable[str], most: int = 0, last: str = "and") -> str:
    """'a, b and c'; with `most`, 'a, b and 5 more'."""
    words = list(items)
    if most and len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most:,} more"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def capital(text: str) -> str:
    """The text with its first letter large, the rest untouched; a Greek letter is a name's own ('β-Endorphin')."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


def parse_numbers(numbers: str) -> Mapping[str, str]:
    """The `numbers` of a finding ('key=value; key=value') as a mapping."""
    parts = (part.partition("=") for part in numbers.split("; ") if "=" in part)
    return {key.strip(): value.strip() for key, _, value in parts}


def effect(row: Any, separator: str = " ") -> str:
    """A row's shift: 'ratio 0.72 (0.55 to 0.94)', a difference of scores, 'ratio below 0.50', or 'no estimate'."""
    name, value = effect_parts(row)
    if not name:
        return "no estimate"
    return f"{name}{separator}{value}"


def effect_parts(row: Any) -> tuple[str, str]:
    """What a row's shift is called, and the value with its interval; ('', '–') where nothing is known.

    Of a row without an estimate the closed end of its interval is told: 'below 0.50'.
    """
    if row.method.startswith("detection") and not pd.isna(row.effect_size):
        return "odds ratio of detection", _with_interval(row.effect_size, row.effect_low, row.effect_high)
    per = " per mg" if "dose_trend" in row.method else ""
    if pd.isna(row.estimate):
        words = _open_interval(row)
        return (f"{_SHIFT_NAMES[row.scale]}{per}", words) if words else ("", NOTHING)
    if row.scale == "identity":
        return f"difference{per}", difference(row.estimate, row.ci_low, row.ci_high)
    return f"{_SHIFT_NAMES[row.scale]}{per}", _with_interval(row.ratio, row.ratio_low, row.ratio_high)


def _open_interval(row: Any) -> str:
    """The interval of a row without an estimate: 'below 0.50', 'above 1.28', '' where neither end is known."""
    low, high = (row.ci_low, row.ci_high) if row.scale == "identity" else (row.ratio_low, row.ratio_high)
    known_low, known_high = (not pd.isna(end) and math.isfinite(end) for end in (row.ci_low, row.ci_high))
    if known_low and known_high:
        return interval(low, high)
    return f"above {number(low)}" if known_low else f"below {number(high)}" if known_high else ""


def direction(row: Any, statistic: Any = math.nan) -> int:
    """Which way a row moved: −1 (down), 1 (up) or 0 (nobody can say).

    The sign of the estimate; without one the side of no shift on which the interval lies, then the odds ratio of
    detection, then the sign of `statistic` (that of the decision) or of the row's own.
    """
    if not pd.isna(row.estimate):
        return int(row.estimate > 0) - int(row.estimate < 0)
    if row.ci_low >= 0 or row.ci_high <= 0:
        return 1 if row.ci_low >= 0 else -1
    if row.method.startswith("detection") and not pd.isna(row.effect_size):
        return int(row.effect_size > 1) - int(row.effect_size < 1)
    sign = row.statistic if pd.isna(statistic) else statistic
    return int(sign > 0) - int(sign < 0)


def difference(middle: Any, low: Any, high: Any) -> str:
    """A difference with its interval, all to the decimals that suit the largest of them: '−0.01 (−0.83 to 0.81)'."""
    sizes = [abs(float(value)) for value in (middle, low, high) if not pd.isna(value) and math.isfinite(value)]
    largest = max(sizes, default=0.0)
    if not 0.1 <= largest < 1000:
        return _with_interval(middle, low, high)
    decimals = 2 if largest < 10 else 1 if largest < 100 else 0
    words = [_fixed(value, decimals) for value in (middle, low, high)]
    return words[0] if pd.isna(low) and pd.isna(high) else f"{words[0]} ({words[1]} to {words[2]})"


def _fixed(value: Any, decimals: int) -> str:
    if pd.isna(value) or not math.isfinite(value):
        return number(value)
    text = f"{float(value):.{decimals}f}"
    return (text.removeprefix("-") if not float(text) else text).replace("-", MINUS)


def _with_interval(middle: Any, low: Any, high: Any) -> str:
    ends = interval(low, high)
    return f"{number(middle)} ({ends})" if ends else number(middle)
