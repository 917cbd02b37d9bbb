"""Which standard curve does the line below a Bio-Plex Manager table state?"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_NUMBER = r"[-+]?[0-9]+(?:[.,][0-9]+)?(?:[eE][-+]?[0-9]+)?"
# FI = A + (T - A) / ((1 + (Conc / C)^D))^G, without ^G in the 4PL
_LOGISTIC = re.compile(
    rf"FI=({_NUMBER})\+\(({_NUMBER})([-+])({_NUMBER})\)/\(+1\+\(Conc/({_NUMBER})\)\^({_NUMBER})\)+(?:\^({_NUMBER}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Stated:
    """FI − Bkgd = d + (a − d)/(1 + (x/c)^b)^g in the software's own parameters: a its T, b its D (negative), d its A.

    `why` says why there is no curve, where there is none; the numbers are NaN then.
    """

    a: float = np.nan
    b: float = np.nan
    c: float = np.nan
    d: float = np.nan
    g: float = np.nan
    why: str = ""


def read_formula(text: str) -> Stated:
    """The parameters of "FI = A + (T - A) / ((1 + (Conc / C)^D))^G", with decimal points or commas.

    The software writes no thousands separators into it, so a comma is a decimal sign; with both signs it is unclear.
    """
    packed = re.sub(r"\s+", "", text)
    found = _LOGISTIC.fullmatch(packed)
    if not found:
        return Stated(why=f"its formula is not a logistic curve: {text.strip()}")
    if "," in packed and "." in packed:
        return Stated(why=f"its formula has decimal points and commas: {text.strip()}")
    low, top, again, middle, slope, power = (
        float(found[place].replace(",", ".")) if found[place] else 1.0 for place in (1, 2, 4, 5, 6, 7)
    )
    if low != (again if found[3] == "-" else -again):
        return Stated(why=f"its formula contradicts itself, A is {low:g} and {again:g}: {text.strip()}")
    if not (middle > 0 and power > 0 and slope != 0 and top != low):
        return Stated(why=f"its parameters are not those of a curve: {text.strip()}")
    return Stated(a=top, b=slope, c=middle, d=low, g=power)


def formula_numbers(text: str) -> list[str]:
    """The numbers of a formula as written, which show the file's decimal sign."""
    return re.findall(_NUMBER, text) if "FI" in text else []


def invert(net: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Concentration x with net = d + (a − d)/(1 + (x/c)^b)^g: c (((a − d)/(net − d))^(1/g) − 1)^(1/b).

    Parameters: arrays that broadcast. Returns NaN where net is at or past an asymptote.
    """
    with np.errstate(all="ignore"):
        inside = ((a - d) / (net - d)) ** (1 / g) - 1
        return np.where(inside > 0, c * np.where(inside > 0, inside, np.nan) ** (1 / b), np.nan)
