"""By which rule did subjects enter, and which visits of a contrast within one arm does that concern?"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from cytoshift.study.base import Model, Number, OneOrMore, Text, Whole
from cytoshift.study.contrasts import Contrast, visits_of
from cytoshift.study.settings import Visit


class Population(Model):
    """What a source says of a feature in such people before anybody was selected."""

    feature: str = Field(description="Id of the feature; feature@source where several sources hold it.")
    mean: Number = Field(
        description=(
            "Geometric mean or median of a concentration or count, median of a fraction, mean of what is already a "
            "logarithm or a score; never an arithmetic mean of concentrations."
        )
    )
    mean_low: Number | None = Field(None, description="Lower 95 % limit of that mean; with `mean_high`.")
    mean_high: Number | None = Field(None, description="Upper 95 % limit of that mean; with `mean_low`.")
    unit: Text = Field(description="Unit of mean and limits: that of the feature, as the files write it.")
    correlation: Number = Field(
        ge=0,
        le=1,
        description=(
            "Of two values of one person on the analysis scale, as far apart as the contrast's visits, among people "
            "who were not selected."
        ),
    )
    people: Whole | None = Field(None, ge=4, description="People behind the correlation.")
    source: Text = Field(description="Where mean and correlation were taken from; printed.")


class Selection(Model):
    """Who entered: what part of a change would have come without treatment (regression to the mean)."""

    rule: Text = Field(description="As in the protocol, e.g. 'IL-6 above 3 pg/mL at screening'; printed.")
    visits: OneOrMore[str] = Field(
        min_length=1, description="Visit whose value decided who entered; several: their mean decided."
    )
    populations: list[Population] = Field(
        default_factory=list, description="Features with a cited mean and correlation; needless with two baselines."
    )


def plain_unit(unit: str) -> str:
    """A unit as it compares: letter case, spaces and the sign of micro do not matter."""
    return "".join(unit.split()).casefold().replace("µ", "u").replace("μ", "u")


@dataclass(frozen=True)
class Start:
    """The untreated visits of a contrast: those that decided who entered, and the others of its reference.

    `stated`: the plan says which decided; otherwise the first is taken. `why` says why there is no answer, '' where
    there may be one.
    """

    deciding: list[str]
    others: list[str]
    stated: bool
    why: str = ""

    @property
    def weight(self) -> float:
        """The share of the deciding visits in the contrast's reference."""
        return len(self.deciding) / (len(self.deciding) + len(self.others))


def start_of(contrast: Contrast, selection: Selection | None, visits: list[Visit]) -> Start:
    """Where a concrete contrast between two visits starts, seen from the selection; `visits` are the plan's.

    Without a stated rule the baselines are taken to be the reference visits where these are the plan's first ones, and
    the first to have decided.
    """
    order = [visit.id for visit in visits]
    reference = [visit for visit in order if visit in visits_of(contrast.reference)]
    if selection is None:
        if len(reference) > 1 and reference == order[: len(reference)]:
            return Start(reference[:1], reference[1:], stated=False)
        return Start([], [], False, "the plan gives no rule by which subjects were selected, and no second baseline")
    deciding = [visit for visit in order if visit in selection.visits]
    if set(deciding) & set(visits_of(contrast.target)):
        return Start(deciding, [], True, "it ends with a visit that decided who entered")
    if not set(deciding) & set(reference):
        return Start(deciding, [], True, "it does not start from the visit that decided who entered")
    if not set(deciding) <= set(reference):
        return Start(deciding, [], True, "it starts from some only of the visits that decided who entered")
    return Start(deciding, [visit for visit in reference if visit not in deciding], True)
