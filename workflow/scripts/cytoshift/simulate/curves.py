"""What signal does a concentration give, and what concentration does the instrument make of it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cytoshift.simulate.assay import Assay
from cytoshift.simulate.design import Analyte

PLATEAU = (11_000.0, 21_000.0)  # MFI
BACKGROUND = (18.0, 45.0)  # MFI
AT_THE_TOP = (0.55, 0.70)  # share of the plateau that the highest standard reaches
ASYMMETRY = (0.85, 1.20)
BLANK_SDS = 3.0  # the lower limit of an analyte lies so many background SDs above the blanks
COEFFICIENT_DIGITS = 9


@dataclass(frozen=True)
class Curves:
    """Five-parameter logistic curves in the instrument's own form, one entry per analyte.

    net = A + B / (1 + (x / C)^D)^F with D < 0: net runs from A at x = 0 to A + B. `background` (MFI) is what blanks
    read. Source of the form: xPONENT's "Logistic 5P".
    """

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    d: np.ndarray
    f: np.ndarray
    background: np.ndarray

    def net(self, concentration: np.ndarray) -> np.ndarray:
        """Signal above background of concentrations in the well (wells × analytes, 0 allowed), MFI."""
        with np.errstate(divide="ignore", over="ignore"):
            return self.a + self.b / (1 + (concentration / self.c) ** self.d) ** self.f

    def concentration(self, net: np.ndarray) -> np.ndarray:
        """Concentration in the well of signals above background (wells × analytes); NaN past either asymptote."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.c * ((self.b / (net - self.a)) ** (1 / self.f) - 1) ** (1 / self.d)

    def table(self) -> np.ndarray:
        """Coefficients A, B, C, D, F (rows) of each analyte (columns)."""
        return np.vstack([self.a, self.b, self.c, self.d, self.f])


def draw_curves(analytes: Sequence[Analyte], assay: Assay, generator: np.random.Generator) -> Curves:
    """Draw each analyte's curve: its plateau, background and asymmetry by chance, the rest from its limits.

    With T the highest standard, reaching the share s of the plateau B, and L the lower limit in the well, reaching
    three background SDs: u_T = s^(−1/F) − 1, u_L = (B / 3 SD)^(1/F) − 1, D = ln(u_L / u_T) / ln(L / T) and
    C = T / u_T^(1/D).

    Parameters: `analytes`; `assay`; `generator`. Returns the curves.
    """
    plateau, background, share, asymmetry = (
        low + (high - low) * generator.random(len(analytes))
        for low, high in (PLATEAU, BACKGROUND, AT_THE_TOP, ASYMMETRY)
    )
    top = np.array([analyte.upper for analyte in analytes]) / assay.dilution
    low = np.array([analyte.lower for analyte in analytes]) / assay.dilution
    at_top = share ** (-1 / asymmetry) - 1
    at_low = (plateau / (BLANK_SDS * assay.background_sd)) ** (1 / asymmetry) - 1
    slope = np.log(at_low / at_top) / np.log(low / top)
    middle = top / at_top ** (1 / slope)
    return Curves(np.zeros(len(analytes)), plateau, middle, slope, asymmetry, background)


def vary_curves(curves: Curves, sd: float, generator: np.random.Generator) -> Curves:
    """Let plateau, midpoint and background differ, as they do from lot to lot and from plate to plate.

    Parameters: `curves`; `sd` of the natural logarithm; `generator`. Returns other curves.
    """
    plateau, middle, background = np.exp(sd * generator.standard_normal((3, len(curves.b))))
    return replace(curves, b=curves.b * plateau, c=curves.c * middle, background=curves.background * background)


def instrument_curves(curves: Curves, assay: Assay, generator: np.random.Generator) -> Curves:
    """The coefficients the instrument states: near the true ones, and with the digits that it prints.

    Parameters: the true `curves` of a plate; `assay`; `generator`. Returns the instrument's.
    """
    off = generator.standard_normal((5, len(curves.b)))
    a, b, c, d, f = (
        significant(values, COEFFICIENT_DIGITS)
        for values in (
            0.1 * assay.background_sd * off[0],
            curves.b * np.exp(assay.instrument_sd * off[1]),
            curves.c * np.exp(assay.instrument_sd * off[2]),
            # An error in slope or asymmetry is raised to a power at the ends of the curve, so it is kept smaller.
            curves.d * np.exp(assay.instrument_sd / 10 * off[3]),
            curves.f * np.exp(assay.instrument_sd / 10 * off[4]),
        )
    )
    return Curves(a, b, c, d, f, curves.background)


def significant(values: np.ndarray, digits: int) -> np.ndarray:
    """Numbers as printed with so many significant digits."""
    return np.array([float(f"{value:.{digits - 1}e}") for value in values.tolist()])
