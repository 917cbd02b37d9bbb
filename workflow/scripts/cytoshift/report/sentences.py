"""How is a contrast said in a sentence: who is compared with whom, when, and may the difference be put down to it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cytoshift.figures.words import arm_label, concrete_contrasts, condition, visit_label
from cytoshift.report.formats import capital, listing, plural
from cytoshift.study.contrasts import Contrast, Mean, When
from cytoshift.study.study import FigurePlan, Study, contrast_randomised

Kind = Literal["within", "at", "between"]
_NOUNS = {
    "cytokine": ("marker", "markers"),
    "cell": ("cell population", "cell populations"),
    "index": ("index", "indices"),
    "outcome": ("score", "scores"),
}


@dataclass(frozen=True)
class Setting:
    """A contrast in words.

    `kind`: within (one arm, two visits), at (arms at one visit), between (change in one arm against another); a trend
    over doses is one of the last two, a higher dose against a lower one. `span` is its time ('from baseline to
    week 16'), `arm` and `against` labels ('' where there is none), `cause` the thing an association is with,
    `randomised` whether the plan lets the difference be put down to the arm.
    """

    kind: Kind
    span: str
    arm: str
    against: str
    cause: str
    randomised: bool


def describe(contrast_id: str, study: Study, plan: FigurePlan) -> Setting:
    """The setting of a concrete contrast of the plan. Raises KeyError when the plan has no such contrast."""
    contrast = concrete_contrasts(plan)[contrast_id]
    arm = arm_label(plan, contrast.arm) if contrast.arm else ""
    against = arm_label(plan, contrast.against) if contrast.against else ""
    if contrast.trend is not None:
        arm, against = "a higher dose", "a lower one"
    randomised = contrast_randomised(contrast, study.arms, study.randomised, study.design)
    if contrast.at is not None:
        span = f"at {_time(plan, contrast.at)}"
        return Setting("at", span, arm, against, f"{arm}, compared with {against},", randomised)
    span = f"from {_time(plan, contrast.reference)} to {_time(plan, contrast.target)}"
    if against:
        return Setting("between", span, arm, against, f"{arm}, compared with {against},", randomised)
    return Setting("within", span, arm, "", _within_cause(contrast, study, arm), False)


def _time(plan: FigurePlan, when: When | None) -> str:
    """A visit, or 'the mean of a and b', as a sentence says it."""
    if isinstance(when, Mean):
        return f"the mean of {listing([visit_label(plan, visit) for visit in when.mean])}"
    return visit_label(plan, when) if when else "the other visit"


def _within_cause(contrast: Contrast, study: Study, arm: str) -> str:
    """What stood between the two visits: the intervention, unless the arm is the control."""
    control = any(item.id == contrast.arm and item.control for item in study.arms)
    if control:
        return f"time under {arm}"
    return study.intervention or (f"time in {arm}" if arm else "the time between the visits")


def relation(setting: Setting) -> str:
    """'with LDN relative to placebo, from baseline to week 16'."""
    if setting.kind == "within":
        return f"{setting.span} in {setting.arm}" if setting.arm else setting.span
    return f"with {setting.arm} relative to {setting.against}, {setting.span}"


def mixed_directions(setting: Setting, directions: Sequence[int]) -> str:
    """'1 up, 2 down' where features shifted in different directions, '' where all went one way."""
    words = {1: "higher", -1: "lower"} if setting.kind == "at" else {1: "up", -1: "down"}
    counts = [(directions.count(way), name) for way, name in (words | {0: "without a direction"}).items()]
    named = [f"{times} {name}" for times, name in counts if times]
    return ", ".join(named) if len(named) > 1 else ""


def shifted(setting: Setting, what: str, direction: int, mixed: str = "") -> str:
    """The claim that `what` shifted: put down to the arm where arms were randomised, else 'associated with'.

    `direction` is −1 (down), 1 (up) or 0 (either way); `mixed` says how many went which way where that differs.
    """
    ways = f" ({mixed})" if mixed else ""
    if setting.randomised:
        if setting.kind == "at":
            level = {-1: "was lower", 1: "was higher", 0: f"differed{ways}"}[direction]
            return f"{capital(what)} {level} {relation(setting)}"
        way = {-1: " downwards", 1: " upwards", 0: ways}[direction]
        return f"{capital(what)} shifted{way} {relation(setting)}"
    if setting.kind == "at":
        either = f"differences{ways} in " if mixed else "a difference in "
        level = {-1: "lower ", 1: "higher ", 0: either}[direction]
        return f"{capital(setting.cause)} was associated with {level}{what} {setting.span}"
    way = {-1: "a downward shift", 1: "an upward shift", 0: f"shifts{ways}" if mixed else "a shift"}[direction]
    return f"{capital(setting.cause)} was associated with {way} in {what} {_when(setting)}"


def not_shown(setting: Setting, what: str) -> str:
    """The statement that a shift of `what` was not shown."""
    word = "difference" if setting.kind == "at" else "shift"
    if setting.randomised:
        return f"A {word} in {what} {relation(setting)} was not shown"
    return f"An association of {setting.cause.rstrip(',')} with a {word} in {what} {_when(setting)} was not shown"


def _when(setting: Setting) -> str:
    return f"{setting.span} in {setting.arm}" if setting.kind == "within" and setting.arm else setting.span


def nouns(rows: pd.DataFrame) -> tuple[str, str]:
    """What the features of some rows are called, one and several: marker, cell population, score; else feature."""
    layers = set(rows["layer"])
    return _NOUNS[layers.pop()] if len(layers) == 1 else ("feature", "features")


def amount(rows: pd.DataFrame) -> str:
    """'13 markers', '1 score'."""
    return plural(len(rows), *nouns(rows))


def question(study: Study, plan: FigurePlan, contrast_id: str, what: str, direction: str) -> str:
    """The question of a page, composed from the contrast, the planned direction and the study's disease."""
    setting = describe(contrast_id, study, plan)
    people = f", in {condition(study.disease)}" if study.disease else ""
    if setting.kind == "at":
        level = {"decrease": "lower", "increase": "higher"}.get(direction, "different")
        return f"{capital(setting.span)}, was {what} {level} with {setting.arm} than with {setting.against}{people}?"
    verb = {"decrease": "fall", "increase": "rise"}.get(direction, "shift")
    if setting.kind == "between":
        rest = f"more with {setting.arm} than with {setting.against}"
        rest = rest if verb != "shift" else f"differently with {setting.arm} than with {setting.against}"
        return f"Did {what} {verb} {rest}, {setting.span}{people}?"
    arm = f" in {setting.arm}" if setting.arm else ""
    around = f", before and after {study.intervention}" if study.intervention else ""
    return f"Did {what} {verb} {setting.span}{arm}{around}{people}?"
