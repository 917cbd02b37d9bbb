"""Choices that are a matter of judgement: limits, quality thresholds, normalization, names and exclusions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cytoshift.study.base import Flag, Id, Model, Number, Text, Whole

OnFail = Literal["flag", "exclude"]


class Visit(Model):
    """A planned time of measurement."""

    id: Id = Field(description="Name of the visit.")
    time: Number | None = Field(None, description="When, in `time_unit`.")
    label: Text | None = Field(None, description="How pages write it; the id when left out.")
    written: list[str] = Field(default_factory=list, description="As in the files; id and label always count.")


class Arm(Model):
    """A group of subjects, or in a crossover the condition a sample was taken under."""

    id: Id = Field(description="Name of the arm.")
    label: Text | None = Field(None, description="How pages write it; the id when left out.")
    control: Flag = Field(False, description="The arm the others are compared with.")
    dose_mg: Number | None = Field(
        None, ge=0, description="Daily dose, 0 for placebo. A contrast with `trend` takes the arms that state one."
    )
    visits: list[str] | None = Field(None, description="Visits at which the arm was measured; all when left out.")
    randomised: Flag | None = Field(
        None,
        description=(
            "Was this arm part of the randomisation? false for e.g. healthy controls beside randomised arms. "
            "When left out: as the study says, but false in a parallel study for an arm with `visits`."
        ),
    )
    written: list[str] = Field(default_factory=list, description="As in the files; id and label always count.")


class Name(Model):
    """A name in the files and the feature it means."""

    written: str = Field(description="As the file writes it.")
    is_: str = Field(alias="is", description="Id of the analyte or population.")


class Exclusion(Model):
    """What is left out and why; the keys given must all match."""

    sample: str | None = Field(None, description="Sample id.")
    subject: str | None = Field(None, description="Subject id.")
    visit: str | None = Field(None, description="Visit id.")
    plate: str | None = Field(None, description="Plate.")
    analyte: str | None = Field(None, description="Analyte or population id.")
    well: str | None = Field(None, description="Well.")
    source: str | None = Field(None, description="Source id.")
    reason: Text = Field(description="Why; printed in the report.")


class FloorDetection(Model):
    """The part of `limits` that concerns quality."""

    detect_floors: bool


class RangeLimits(Model):
    """The part of `limits` that concerns calibrate."""

    below: Literal["lod", "lloq"]
    extrapolated: Literal["keep", "censor"]


class Limits(Model):
    """What is done with values outside the measurable range."""

    policy: Literal["censored", "half_limit", "limit_over_sqrt2", "limit", "drop"] = Field(
        "censored",
        description=(
            "censored: a non-detect stays an interval in the tests; the others put a number in its place, in the "
            "tests only."
        ),
    )
    below: Literal["lod", "lloq"] = Field(
        "lod", description="Concentrations below which of the two are non-detects, where a curve was fitted here."
    )
    extrapolated: Literal["keep", "censor"] = Field(
        "keep", description="Between LOD and LLOQ, and above ULOQ: keep the number, or make it a bound."
    )
    detect_floors: Flag = Field(True, description="Find constants that somebody wrote in place of non-detects.")
    detection_only_above: Number = Field(
        0.8, gt=0, le=1, description="Above this share of non-detects a feature is tested on detection only."
    )


class Moderation(Model):
    """How features lend each other their spread, where a moderated t is used."""

    trend: Flag = Field(
        False, description="The prior spread follows the mean level of the features (panels with faint analytes)."
    )
    robust: Flag = Field(False, description="Features of unusual spread do not rule the prior.")


class Calibrate(Model):
    """How standard curves are fitted and where a concentration can be trusted."""

    curve: Literal["auto", "5pl", "4pl"] = Field(
        "auto", description="auto: 5PL, or 4PL where the data do not identify the asymmetry; the choice is stated."
    )
    background: Literal["include", "constrain", "subtract"] = Field(
        "include",
        description=(
            "include: blanks are standards of concentration 0; constrain: the lower asymptote is their mean; "
            "subtract: their mean is taken from every signal first."
        ),
    )
    recovery: Number = Field(
        0.2, gt=0, lt=1, description="Standards between LLOQ and ULOQ read within 1 ± this of what they hold."
    )
    recovery_at_ends: Number = Field(0.25, gt=0, lt=1, description="The same for the lowest and highest of them.")
    max_cv: Number = Field(0.2, gt=0, description="Largest CV of a standard's wells between LLOQ and ULOQ.")
    max_cv_at_ends: Number = Field(0.25, gt=0, description="The same for the lowest and highest of them.")
    min_blanks: Whole = Field(4, ge=2, description="Blank wells (over all plates) an LOD from blanks needs.")


class MinBeads(Model):
    """Wells with too few beads of an analyte."""

    limit: Number = Field(35, ge=0, description="Smallest bead count.")
    on_fail: OnFail = Field("flag", description="exclude: the value becomes missing.")


class MaxReplicateCv(Model):
    """Agreement of replicate wells."""

    limit: Number = Field(0.25, gt=0, description="Largest CV (SD with n − 1, over mean).")
    on_fail: OnFail = Field("flag", description="exclude: the value becomes missing.")


class OutlierMads(Model):
    """Samples far from the others on the sample map."""

    limit: Number = Field(5, gt=0, description="Largest robust distance, in MADs above the median.")
    on_fail: OnFail = Field("flag", description="exclude: the sample is left out.")


class FailedSample(Model):
    """Samples far off in many analytes at once."""

    limit: Number = Field(
        0.4,
        gt=0,
        le=1,
        description="Largest share of analytes missing unexpectedly or far from the subject's other visits.",
    )
    on_fail: OnFail = Field("flag", description="exclude: the sample is left out.")


class UnitSlip(Model):
    """Single values about a factor 1,000 or 1,000,000 off everybody's range and the subject's other values, if any."""

    on_fail: OnFail = Field("flag", description="exclude: the value becomes missing. It is never repaired silently.")


class DerivedVisit(Model):
    """A visit that is the mean of two others."""

    on_fail: OnFail = Field("exclude", description="exclude: its samples are left out.")


class Quality(Model):
    """Thresholds, each with what happens when it is crossed."""

    min_beads: MinBeads = Field(default_factory=MinBeads, description="Bead counts per well and analyte.")
    max_replicate_cv: MaxReplicateCv = Field(
        default_factory=MaxReplicateCv, description="Agreement of replicate wells."
    )
    outlier_mads: OutlierMads = Field(default_factory=OutlierMads, description="Samples far off on the sample map.")
    failed_sample: FailedSample = Field(default_factory=FailedSample, description="Samples far off in many analytes.")
    unit_slip: UnitSlip = Field(default_factory=UnitSlip, description="Values a factor 1,000 or 1,000,000 off.")
    derived_visit: DerivedVisit = Field(default_factory=DerivedVisit, description="Visits computed from other visits.")


class Normalize(Model):
    """What makes plates comparable."""

    plates: Literal["none", "plate_median", "reference_samples", "combat"] = Field(
        "none",
        description=(
            "none; each analyte's median per plate; the bridge and pool samples measured on every plate; or combat, "
            "empirical-Bayes location and scale per plate (refused, like plate_median, where plates are aliased "
            "with visits or arms)."
        ),
    )


class Index(Model):
    """A log ratio of features, e.g. neutrophils over lymphocytes."""

    id: Id = Field(description="Name of the feature.")
    label: Text | None = Field(None, description="How pages write it; the id when left out.")
    numerator: list[str] = Field(min_length=1, description="Features summed above the line.")
    denominator: list[str] = Field(min_length=1, description="Features summed below the line.")


class Variation(Model):
    """How far a value varies when nothing happens, for the limits that single subjects' changes are held against."""

    features: list[str] = Field(
        min_length=1,
        description=(
            "Union of feature ids, role:x, layer:x, source:x, all. Of several entries the first that names a feature "
            "counts; a feature that none names is judged by the study's own control arm and controls."
        ),
    )
    within_subject_cv: Number | None = Field(
        None, gt=0, lt=3, description="CV of a person's values over time, a share: 0.25 for 25 %; needs `source`."
    )
    visits: list[str] = Field(
        default_factory=list, description="Instead of it: visits between which nothing was done (run-in)."
    )
    analytical_cv: Number | None = Field(
        None, gt=0, lt=3, description="CV of one sample measured in several runs, a share; needs `source`."
    )
    source: Text | None = Field(None, description="Where the CVs were taken from; printed with the limits.")


def label_of(items: list[Visit] | list[Arm], id_: str) -> str:
    """How pages write a visit or an arm: its label, or its id with spaces."""
    for item in items:
        if item.id == id_ and item.label:
            return item.label
    return id_.replace("_", " ")
