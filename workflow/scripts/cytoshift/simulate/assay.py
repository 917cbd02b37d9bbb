"""How does the laboratory of a simulated study read raw signals, and what goes wrong there on purpose?"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class LowBeads:
    """Wells of samples in which too few beads of every analyte were read: between `fewest` and `most`."""

    plate: str
    wells: int = 3
    fewest: int = 8
    most: int = 25


@dataclass(frozen=True, kw_only=True)
class Saturated:
    """A sample that truly holds `fold` times an analyte's upper limit: its wells read above the top of the curve."""

    plate: str
    feature: str
    arm: str
    visit: str
    fold: float


@dataclass(frozen=True, kw_only=True)
class Hook:
    """The highest standard of one analyte reads `share` of the next one's signal (high-dose hook effect)."""

    plate: str
    feature: str
    share: float = 0.75


@dataclass(frozen=True, kw_only=True)
class LostDecimal:
    """One expected concentration printed without its decimal point, so a thousand times too high."""

    plate: str
    feature: str
    level: int


@dataclass(frozen=True, kw_only=True)
class Swap:
    """Two tubes of one arm and visit that were exchanged on the bench: those of the two most unlike subjects."""

    plate: str
    arm: str
    visit: str


@dataclass(frozen=True, kw_only=True)
class Defects:
    """What is planted on the plates; a plate's shift and the missed visits are part of the design itself."""

    low_beads: LowBeads | None = None
    saturated: Saturated | None = None
    hook: Hook | None = None
    lost_decimal: LostDecimal | None = None
    swap: Swap | None = None


@dataclass(frozen=True, kw_only=True)
class Assay:
    """A bead assay read as raw signals with standards, blanks and controls on every plate.

    The highest standard holds an analyte's `upper` limit over the `dilution` of the samples, each next one `fold` times
    less; the signal at its `lower` limit is three `background_sd` above the blanks. SDs are of the natural logarithm
    unless said otherwise.
    """

    levels: int = 7
    fold: float = 4.0
    replicates: int = 2  # wells of each standard, control and sample
    blanks: int = 2  # wells
    dilution: float = 2.0  # of samples, bridges and controls; standards are not diluted
    controls: tuple[float, ...] = (8.0, 64.0)  # each holds the highest standard × dilution over this
    control_band: float = 0.3  # accepted from 1 − this to 1 + this of what a control holds
    plate_rows: int = 8
    plate_columns: int = 12
    pipetting_sd: float = 0.05  # of the concentration in a well
    standard_sd: float = 0.025  # the same, of standards and controls
    reader_sd: float = 0.02  # of the signal above background
    background_sd: float = 1.0  # MFI, of the background from well to well
    lot_sd: float = 0.12  # of plateau and midpoint between reagent lots
    plate_sd: float = 0.06  # of plateau, midpoint and background between plates
    instrument_sd: float = 0.01  # how far the instrument's own curve is off
    min_beads: int = 50  # beads of each analyte the reader waits for
    most_beads: int = 150
    defects: Defects = field(default_factory=Defects)
