"""The study file as one closed model, and the part of it that each stage gets to see."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, StringConstraints

from cytoshift.study.base import Flag, Model, Named, Number, Text, Whole
from cytoshift.study.contrasts import Contrast, Endpoint
from cytoshift.study.selection import Selection
from cytoshift.study.settings import (
    Arm,
    Calibrate,
    Exclusion,
    FloorDetection,
    Index,
    Limits,
    Moderation,
    Name,
    Normalize,
    Quality,
    RangeLimits,
    Variation,
    Visit,
)
from cytoshift.study.sources import CellSource, CytokineSource, OutcomeSource, Samples

StudyId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Design = Literal["single_arm", "parallel", "crossover"]


class Study(Model):
    """One study: its data, its comparisons and what was planned to be concluded from them."""

    id: StudyId = Field(description="Names the folder of the results: `results/id/`.")
    title: Text = Field(description="Printed on the report.")
    origin: Literal["simulated", "observed"] = Field(description="Printed on every figure and page.")
    disease: Text | None = Field(None, description="Condition of the subjects, as pages write it.")
    intervention: Text | None = Field(None, description="What happened between the visits, as pages write it.")
    citation: Text | None = Field(None, description="Attribution line, printed where the data's licence asks for it.")
    design: Design = Field(
        description="single_arm, parallel (arms between subjects) or crossover (each subject passes several arms)."
    )
    randomised: Flag | None = Field(
        None,
        description="Were arms (crossover: their order) randomised? Decides words, model, permutations.",
    )
    strata: list[str] = Field(default_factory=list, description="Covariates the randomisation was stratified by.")
    time_unit: Text = Field("week", description="Unit of the visits' times.")
    visits: list[Named[Visit]] = Field(min_length=1, description="Planned visits.")
    arms: list[Named[Arm]] = Field(default_factory=list, description="Arms; left out for a single arm.")
    samples: Samples = Field(description="Who was measured when.")
    cytokines: list[CytokineSource] = Field(default_factory=list, description="Cytokine panels.")
    cells: list[CellSource] = Field(default_factory=list, description="Cell counts and fractions.")
    outcomes: list[OutcomeSource] = Field(default_factory=list, description="Clinical scores.")
    names: list[Name] = Field(
        default_factory=list, description="Names no vocabulary knows; the only way a suggestion is applied."
    )
    exclude: list[Exclusion] = Field(default_factory=list, description="Left out on purpose, each with its reason.")
    duplicates: Literal["error", "drop", "mean", "first", "last"] = Field(
        "error",
        description="When a sample has conflicting values of a feature: stop, treat as missing, or resolve.",
    )
    calibrate: Calibrate = Field(default_factory=Calibrate, description="Standard curves of instrument files.")
    limits: Limits = Field(default_factory=Limits, description="Values outside the measurable range.")
    quality: Quality = Field(default_factory=Quality, description="Thresholds of the quality checks.")
    normalize: Normalize = Field(default_factory=Normalize, description="What makes plates comparable.")
    indices: list[Index] = Field(default_factory=list, description="Ratios of features, tested like features.")
    variation: list[Variation] = Field(
        default_factory=list, description="Known variation within subjects, to judge single subjects' changes."
    )
    moderation: Moderation = Field(default_factory=Moderation, description="The prior of moderated t tests.")
    selection: Selection | None = Field(
        None, description="How subjects were selected, to quantify regression to the mean within an arm."
    )
    contrasts: list[Contrast] = Field(min_length=1, description="What is compared with what.")
    endpoints: list[Endpoint] = Field(min_length=1, description="What was planned to be concluded.")
    alpha: Number = Field(
        0.05, gt=0, lt=0.5, description="Family-wise error rate of the planned endpoints; intervals are 1 − alpha."
    )
    seed: Whole = Field(20261122, ge=0, description="Seed of Monte-Carlo flips and relabellings.")

    def source_ids(self) -> list[str]:
        """Ids of all sources: cytokines, cells, outcomes, in plan order."""
        cytokines, cells, outcomes = self.cytokines, self.cells, self.outcomes
        return [*(one.id for one in cytokines), *(one.id for one in cells), *(one.id for one in outcomes)]


def randomised_arms(arms: list[Arm], randomised: bool | None, design: Design) -> set[str]:
    """Ids of the arms that took part in the randomisation; none where the study was not randomised.

    An arm that does not say whether it took part did, unless in a parallel study it was measured at some `visits` only
    (in a crossover that is a matter of sampling times).
    """
    if not randomised or design == "single_arm":
        return set()
    unless_said = [arm.visits is None or design == "crossover" for arm in arms]
    return {
        arm.id
        for arm, usual in zip(arms, unless_said, strict=True)
        if (arm.randomised is None and usual) or arm.randomised
    }


def contrast_randomised(contrast: Contrast, arms: list[Arm], randomised: bool | None, design: Design) -> bool:
    """Whether what a contrast compares was randomised: the study is, and all arms of the contrast took part.

    Parameters: `contrast`, a concrete one (after `expanded`); `arms`, `randomised` and `design` as in the study file.
    Returns False within one arm (no `against`, no `trend`), where nothing was randomised.
    """
    named = compared_arms(contrast, arms)
    return len(named) > 1 and set(named) <= randomised_arms(arms, randomised, design)


def compared_arms(contrast: Contrast, arms: list[Arm]) -> list[str]:
    """Ids of the arms a concrete contrast looks at: `arm` and `against`, or for a trend every arm that has a dose."""
    if contrast.trend is not None:
        return [arm.id for arm in arms if arm.dose_mg is not None]
    return [arm for arm in (contrast.arm, contrast.against) if arm is not None]


class IntakePlan(Model):
    """What intake needs: a change elsewhere in the study file does not read the files again."""

    design: Design
    time_unit: str
    visits: list[Visit]
    arms: list[Arm]
    samples: Samples
    cytokines: list[CytokineSource]
    cells: list[CellSource]
    outcomes: list[OutcomeSource]
    names: list[Name]
    exclude: list[Exclusion]


class CalibratePlan(Model):
    """What calibrate needs."""

    cytokines: list[CytokineSource]
    calibrate: Calibrate
    limits: RangeLimits


class QualityPlan(Model):
    """What quality needs."""

    design: Design
    randomised: bool | None
    visits: list[Visit]
    arms: list[Arm]
    exclude: list[Exclusion]
    duplicates: Literal["error", "drop", "mean", "first", "last"]
    limits: FloorDetection
    quality: Quality


class NormalizePlan(Model):
    """What normalize needs."""

    normalize: Normalize
    outcomes: list[OutcomeSource]
    indices: list[Index]


class ShiftPlan(Model):
    """What estimates and decisions need."""

    id: StudyId
    design: Design
    randomised: bool | None
    strata: list[str]
    visits: list[Visit]
    arms: list[Arm]
    samples: Samples
    limits: Limits
    indices: list[Index]
    outcomes: list[OutcomeSource]
    moderation: Moderation = Field(default_factory=Moderation)
    contrasts: list[Contrast]
    endpoints: list[Endpoint]
    alpha: float
    seed: int
    selection: Selection | None = None


class SubjectsPlan(Model):
    """What the limits of single subjects' changes need."""

    design: Design
    visits: list[Visit]
    arms: list[Arm]
    normalize: Normalize
    variation: list[Variation]
    contrasts: list[Contrast]


class FigurePlan(Model):
    """What figures need: names, order and the words that must stand on each of them."""

    id: StudyId
    origin: Literal["simulated", "observed"]
    disease: str | None
    intervention: str | None
    design: Design
    time_unit: str
    visits: list[Visit]
    arms: list[Arm]
    contrasts: list[Contrast]
    endpoints: list[Endpoint]
    alpha: float


StagePlan = TypeVar(
    "StagePlan", IntakePlan, CalibratePlan, QualityPlan, NormalizePlan, ShiftPlan, SubjectsPlan, FigurePlan
)


def stage_sections(study: Study, stage: type[Model]) -> dict[str, Any]:
    """The sections of a study that a stage declares, as plain values that Snakemake can compare between runs.

    Where a stage declares a section with fewer keys than the study has, it gets those keys only.
    """
    include: dict[str, Any] = {}
    for name, field in stage.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Model):
            include[name] = set(section.model_fields)
        else:
            include[name] = True
    return study.model_dump(mode="json", by_alias=True, include=include)
