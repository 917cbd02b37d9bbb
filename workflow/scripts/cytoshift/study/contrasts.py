"""What is compared with what, and which conclusions were planned."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from cytoshift.study.base import Id, Model, OneOrMore, Text

ContrastId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.]*$", max_length=120)]
Method = Literal[
    "auto",
    "paired_t",
    "moderated_t",
    "signed_rank",
    "welch_t",
    "student_t",
    "rank_sum",
    "ancova",
    "change",
    "mmrm",
    "random_intercept",
    "crossover",
    "crossover_model",
    "blocked",
    "detection",
]


class Mean(Model):
    """Several visits averaged on the analysis scale."""

    mean: list[str] = Field(min_length=2, description="Visits to average.")


def visits_of(when: When | None) -> list[str]:
    """The visits that one side of a contrast names."""
    return list(when.mean) if isinstance(when, Mean) else [when] if when else []


def _kind(value: Any) -> str:
    return "mean" if isinstance(value, dict | Mean) else "visit"


# Told apart by shape, so that a mistake inside {mean: …} is not also reported as "not text".
When = Annotated[Annotated[str, Tag("visit")] | Annotated[Mean, Tag("mean")], Discriminator(_kind)]


class Each(Model):
    """Fills in one contrast per combination."""

    target: list[str] = Field(default_factory=list, description="Visits to use as `target`.")
    arm: list[str] = Field(default_factory=list, description="Arms to use as `arm`.")


class Contrast(Model):
    """estimate = (target − reference) in `arm` [minus that in `against`]; with `at`: `arm` minus `against` there.

    With `trend`, instead of two arms: how either grows with each mg of the arms' dose.
    """

    id: ContrastId = Field(description="Name of the contrast.")
    label: Text | None = Field(None, description="How pages write it; composed from the visits and arms when left out.")
    reference: When | None = Field(None, description="Visit (or {mean: [visits]}) to compare with.")
    target: When | None = Field(None, description="Visit (or {mean: [visits]}) of interest.")
    at: When | None = Field(None, description="One visit (or {mean: [visits]}): arms are compared there.")
    arm: str | None = Field(None, description="Arm or condition of interest; not needed with a single arm.")
    against: str | None = Field(None, description="Arm or condition to compare with.")
    trend: Literal["dose_mg"] | None = Field(
        None,
        description=(
            "Planned trend over the arms' dose: estimate per mg, from every arm that states `dose_mg` (placebo: 0); "
            "instead of `arm` and `against`."
        ),
    )
    each: Each | None = Field(None, description="Expands to one contrast per combination: id.target.arm.")
    adjust: list[str] = Field(
        default_factory=list,
        description="Covariates that enter the model, where arms are different people; `plate` is one.",
    )
    where: dict[str, OneOrMore[str]] = Field(
        default_factory=dict, description="Samples taken: {covariate, cohort or specimen: value or list}."
    )
    method: Method = Field(
        "auto",
        description=(
            "`auto` follows the specification and writes what it chose; between changes of arms that were not "
            "randomised, `ancova` or `change` is named."
        ),
    )

    def expanded(self) -> list[Contrast]:
        """The concrete contrasts: itself, or one per combination of `each`."""
        if self.each is None:
            return [self]
        axes = [(key, values) for key, values in (("target", self.each.target), ("arm", self.each.arm)) if values]
        concrete = []
        for combination in product(*(values for _, values in axes)):
            chosen: dict[str, object] = dict(zip((key for key, _ in axes), combination, strict=True))
            chosen |= {"id": ".".join([self.id, *combination]), "each": None}
            concrete.append(self.model_copy(update=chosen))
        return concrete

    @property
    def compares_arms(self) -> bool:
        """Are arms compared with each other, two of them or all that have a dose?"""
        return self.against is not None or self.trend is not None

    def visits(self) -> list[str]:
        """Every visit the contrast names, in the order reference, target, at."""
        return [visit for when in (self.reference, self.target, self.at) for visit in visits_of(when)]


class Endpoint(Model):
    """A planned (or exploratory) question: which features, in which contrasts, decided how."""

    id: Id = Field(description="Name of the endpoint; its features in one contrast are a family.")
    label: Text | None = Field(None, description="How pages write it; the id when left out.")
    tier: Literal["primary", "secondary", "exploratory"] = Field(
        description="primary and secondary are decided at alpha."
    )
    contrasts: list[str] = Field(
        default_factory=list,
        description="Contrasts it concerns; an id before expansion means all of it. Exploratory: all when left out.",
    )
    features: list[str] = Field(
        min_length=1, description="Union of feature ids, role:x, layer:cytokine|cell|index|outcome, source:x, all."
    )
    except_: list[str] = Field(
        default_factory=list, alias="except", description="Left out again, same words as `features`."
    )
    direction: Literal["decrease", "increase", "any"] = Field(
        "any",
        description="Planned direction of the shift. With `test: each` it is words only: those tests are two-sided.",
    )
    test: Literal["each", "global"] = Field(
        "each", description="each: every feature; global: one directional test of all together."
    )
    correction: Literal["max_t", "max_t_single_step", "holm", "benjamini_hochberg"] | None = Field(
        None, description="Within the family; max_t (step-down) when planned, benjamini_hochberg when exploratory."
    )
    sides: Literal["two", "one"] = Field(
        "two", description="With `test: global`, one: the planned direction only, at alpha/2."
    )


def expand(contrasts: list[Contrast]) -> list[Contrast]:
    """Every concrete contrast, in plan order."""
    return [concrete for contrast in contrasts for concrete in contrast.expanded()]


def concerned(endpoint: Endpoint, contrasts: list[Contrast]) -> list[Contrast]:
    """The concrete contrasts an endpoint concerns, in plan order: those it names (before after it), or all."""
    named = set(endpoint.contrasts)
    return [
        concrete
        for contrast in contrasts
        for concrete in contrast.expanded()
        if not named or contrast.id in named or concrete.id in named
    ]
