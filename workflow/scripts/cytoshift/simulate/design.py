"""What does a simulated study look like before chance enters it?

Everything a person chooses about a study with known truth: who is in it, what is measured, what truly happens to each
marker, and how the laboratory's plates distort it. The generator reads nothing else but a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import isclose
from typing import ClassVar

from cytoshift.simulate.assay import Assay


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A treatment arm with its number of subjects; `dose_mg` is for the record only."""

    id: str
    subjects: int
    dose_mg: float = 0.0
    control: bool = False


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A planned visit, `day` days after baseline, and how the sites write it on their sheets."""

    id: str
    day: int
    written: str


@dataclass(frozen=True, kw_only=True)
class Marker:
    """One measured quantity, normal on its analysis scale.

    `centre` is in natural units (median; mean for scores). The SDs, `age_slope` (per ten years), `female_shift` and
    `effects` (per arm, one value per visit, baseline first) are on the analysis scale. `loadings` give the correlation
    with each shared factor, the same between subjects and between a subject's visits; the rest is the marker's own.
    """

    scale: ClassVar[str] = "identity"
    written: str
    feature: str
    centre: float
    between_sd: float
    within_sd: float
    loadings: Mapping[str, float] = field(default_factory=dict)
    effects: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    age_slope: float = 0.0
    female_shift: float = 0.0

    def effect(self, arm: str, visit: int) -> float:
        """The true change from baseline at a visit (by its position) in one arm, on the analysis scale."""
        return self.effects[arm][visit] if arm in self.effects else 0.0


@dataclass(frozen=True, kw_only=True)
class Analyte(Marker):
    """A concentration in pg/mL with the assay's range: what it reports, or where a raw signal can be told from blanks
    (`lower`) and what the highest standard covers (`upper`), both of an undiluted sample.
    """

    scale: ClassVar[str] = "log2"
    lower: float
    upper: float
    decimals: int = 2


@dataclass(frozen=True, kw_only=True)
class Count(Marker):
    """An absolute blood count in 10^9/L; parts of the differential have `in_total`."""

    scale: ClassVar[str] = "log2"
    in_total: bool = True
    decimals: int = 2


@dataclass(frozen=True, kw_only=True)
class Total:
    """The count that is the sum of the differential."""

    written: str
    feature: str


@dataclass(frozen=True, kw_only=True)
class Fraction(Marker):
    """A population in % of its parent.

    With `after`, `centre` is the share of what those populations leave, so that the parts never exceed their parent.
    """

    scale: ClassVar[str] = "logit"
    parent: str
    after: tuple[str, ...] = ()
    decimals: int = 2


@dataclass(frozen=True, kw_only=True)
class Outcome(Marker):
    """A whole-number questionnaire score between `lowest` and `highest`."""

    lowest: int
    highest: int


@dataclass(frozen=True, kw_only=True)
class Plate:
    """One plate and its file: `shift` is its log2 error; `below` what its software writes for a non-detect (tables)."""

    id: str
    file: str
    lot: str
    run_date: str
    shift: float = 0.0
    below: str = "<{limit}"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A material measured on every plate, at 2^`level` times each analyte's median (in a raw assay at least times its
    lowest standard); `type` is `bridge` or `control`.
    """

    sample: str
    type: str
    level: float


@dataclass(frozen=True, kw_only=True)
class Loss:
    """So many patients of an arm who miss these visits."""

    arm: str
    visits: tuple[str, ...]
    patients: int


@dataclass(frozen=True, kw_only=True)
class StudyDesign:
    """A whole study with known truth; lengths and units are those of its parts.

    Without an `assay` the plates are tables of concentrations; with one they are raw exports, and the fields from
    `wells` to `limit_sd` have no part in it.
    """

    id: str
    title: str
    arms: tuple[Arm, ...]
    visits: tuple[Visit, ...]
    analytes: tuple[Analyte, ...]
    plates: tuple[Plate, ...]
    counts: tuple[Count, ...] = ()
    total: Total | None = None
    fractions: tuple[Fraction, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    references: tuple[Reference, ...] = ()
    losses: tuple[Loss, ...] = ()
    lost_counts: int = 0  # blood counts that clotted: the row is absent
    sites: Mapping[str, int] = field(default_factory=dict)  # site → weight; empty: one site, no column
    assay: Assay | None = None
    wells: int = 2  # replicate wells per sample
    well_sd: float = 0.08  # log2, far above the detection limit
    well_sd_at_limit: float = 0.20  # log2, what is added at the detection limit
    plate_analyte_sd: float = 0.0  # log2, a plate's own error for each analyte
    limit_sd: float = 0.0  # log2, how detection limits differ between plates
    response_spread: float = 0.0  # SD over subjects of a multiplier with mean 1 on all effects
    female_share: float = 0.5
    first_visit: str = "2024-02-05"  # ISO date of the first patient's baseline; the next come 0 to 6 days apart

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Every marker that is drawn, in file order; the total count is derived and not among them."""
        return (*self.analytes, *self.counts, *self.fractions, *self.outcomes)

    @property
    def factors(self) -> tuple[str, ...]:
        """The shared factors, in order of first mention."""
        return tuple(dict.fromkeys(chain.from_iterable(marker.loadings for marker in self.markers)))


def design_problems(design: StudyDesign) -> list[str]:
    """List every reason why a design cannot be simulated with a truth that can be stated.

    Parameters: `design`, the study. Returns one line per mistake; an empty list means that the design is sound.
    """
    lines = [*_structure_problems(design)]
    for marker in design.markers:
        lines += _marker_problems(marker, design)
    lines += _closed_form_problems(design)
    lines += _assay_problems(design)
    return lines


def _structure_problems(design: StudyDesign) -> list[str]:
    arms = [arm.id for arm in design.arms]
    visits = [visit.id for visit in design.visits]
    features = [marker.feature for marker in design.markers]
    lines = []
    for kind, names in (("arm", arms), ("visit", visits), ("feature", features)):
        lines += [
            f"{kind} '{name}' appears more than once" for name in sorted({n for n in names if names.count(n) > 1})
        ]
    if not arms or not visits or not design.plates:
        lines.append("a study needs at least one arm, one visit and one plate")
    if sum(arm.control for arm in design.arms) > 1:
        lines.append("only one arm can be the control")
    for loss in design.losses:
        unknown = [name for name in loss.visits if name not in visits]
        if loss.arm not in arms or unknown:
            lines.append(f"loss in arm '{loss.arm}' at {', '.join(loss.visits)}: no such arm or visit")
    for arm in design.arms:
        lost = sum(loss.patients for loss in design.losses if loss.arm == arm.id)
        if lost > arm.subjects:
            lines.append(f"arm '{arm.id}' has {arm.subjects} subjects and is to lose visits of {lost}")
    return lines


def _marker_problems(marker: Marker, design: StudyDesign) -> list[str]:
    lines = []
    if sum(loading**2 for loading in marker.loadings.values()) > 1 + 1e-12:
        lines.append(f"{marker.written}: the squared loadings add up to more than 1")
    if marker.scale != "identity" and marker.centre <= 0:
        lines.append(f"{marker.written}: centre {marker.centre} must be above 0 on the {marker.scale} scale")
    if marker.scale == "logit" and marker.centre >= 100:
        lines.append(f"{marker.written}: centre {marker.centre} must be below 100 %")
    if isinstance(marker, Analyte) and not 0 < marker.lower < marker.upper:
        lines.append(f"{marker.written}: limits must satisfy 0 < lower ({marker.lower}) < upper ({marker.upper})")
    for arm, effects in marker.effects.items():
        if arm not in {known.id for known in design.arms}:
            lines.append(f"{marker.written}: an effect is given for '{arm}', which is not an arm")
        if len(effects) != len(design.visits) or not isclose(effects[0], 0.0):
            lines.append(
                f"{marker.written}: effects need one value for each of the {len(design.visits)} visits, the first 0"
            )
    return lines


def _assay_problems(design: StudyDesign) -> list[str]:
    """Everything a planted defect names must be there."""
    if design.assay is None:
        return []
    known: dict[str, set[object]] = {
        "plate": {plate.id for plate in design.plates},
        "feature": {analyte.feature for analyte in design.analytes},
        "arm": {arm.id for arm in design.arms},
        "visit": {visit.id for visit in design.visits},
        "level": set(range(1, design.assay.levels + 1)),
    }
    lines = []
    for name, defect in vars(design.assay.defects).items():
        for key, value in vars(defect).items() if defect else ():
            if key in known and value not in known[key]:
                lines.append(f"{name}: no such {key} in the study: '{value}'")
    return lines


def _closed_form_problems(design: StudyDesign) -> list[str]:
    """Sums and remainders of markers with different effects have no simple true difference, so they are refused."""
    lines = []
    parts = [count for count in design.counts if count.in_total]
    if design.total and any(dict(part.effects) != dict(parts[0].effects) for part in parts):
        lines.append(f"{design.total.written}: the parts of a total must share their effects")
    earlier: dict[str, Fraction] = {}
    for fraction in design.fractions:
        for name in fraction.after:
            if name not in earlier:
                lines.append(f"{fraction.written}: comes after '{name}', which is not an earlier population")
            elif fraction.effects or earlier[name].effects:
                lines.append(f"{fraction.written}: populations that share a remainder cannot have effects")
        earlier[fraction.written] = fraction
    return lines
