"""How do figures and pages call contrasts, visits, arms and features?"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from cytoshift.study.contrasts import Contrast, Mean, When, concerned, expand
from cytoshift.study.settings import label_of
from cytoshift.study.study import FigurePlan


def visit_label(plan: FigurePlan, visit: str) -> str:
    """How pages write a visit."""
    return label_of(plan.visits, visit)


def arm_label(plan: FigurePlan, arm: str) -> str:
    """How pages write an arm; a study without arms calls it 'all subjects'."""
    return label_of(plan.arms, arm) if arm else "all subjects"


def when_label(plan: FigurePlan, when: When | None) -> str:
    """A visit, or 'mean of a, b'."""
    if when is None:
        return ""
    if isinstance(when, Mean):
        return "mean of " + ", ".join(visit_label(plan, visit) for visit in when.mean)
    return visit_label(plan, when)


def concrete_contrasts(plan: FigurePlan) -> dict[str, Contrast]:
    """Every contrast by id after expansion, in plan order."""
    return {contrast.id: contrast for contrast in expand(plan.contrasts)}


def contrast_label(plan: FigurePlan, contrast: str) -> str:
    """The contrast in words: its label, or what is compared with what; the id when the plan has no such contrast."""
    found = concrete_contrasts(plan).get(contrast)
    if found is None:
        return contrast
    composed = _composed(plan, found)
    if not found.label:
        return composed
    expanded = any(item.each is not None and contrast.startswith(f"{item.id}.") for item in plan.contrasts)
    if found.trend is not None and "mg" not in found.label:
        return f"{found.label} (per mg): {composed}" if expanded else f"{found.label} (per mg)"
    return f"{found.label}: {composed}" if expanded else found.label


def _composed(plan: FigurePlan, contrast: Contrast) -> str:
    arms = " vs ".join(arm_label(plan, arm) for arm in (contrast.arm, contrast.against) if arm)
    arms = arms if contrast.trend is None else "per mg of dose"
    if contrast.at is not None:
        return f"{arms} at {when_label(plan, contrast.at)}"
    visits = f"{when_label(plan, contrast.target)} vs {when_label(plan, contrast.reference)}"
    return f"{visits}, {arms}" if arms else visits


def effect_label(plan: FigurePlan, contrast: str) -> str:
    """What the ratio of a contrast is a ratio of."""
    found = concrete_contrasts(plan).get(contrast)
    if found is not None and found.trend is not None:
        return "ratio per mg of dose" if found.at is not None else "ratio of the changes per mg of dose"
    if found is not None and found.at is not None and found.against:
        return f"ratio {arm_label(plan, found.arm or '')} / {arm_label(plan, found.against)}"
    if found is not None and found.against:
        return f"ratio of the changes, {arm_label(plan, found.arm or '')} / {arm_label(plan, found.against)}"
    if found is not None and found.target and found.reference:
        return f"ratio {when_label(plan, found.target)} / {when_label(plan, found.reference)}"
    return "ratio (target / reference)"


def condition(disease: str | None) -> str:
    """The disease of a study; healthy people written as 'none (healthy men)' are 'healthy men'."""
    healthy = re.fullmatch(r"none\s*\((.+)\)", (disease or "").strip(), re.IGNORECASE)
    return healthy.group(1) if healthy else disease or ""


def planned_contrasts(plan: FigurePlan) -> list[str]:
    """Every concrete contrast, those of a primary endpoint first, then of a secondary one, then the plan's order."""
    known = list(concrete_contrasts(plan))
    ranked = [
        contrast.id
        for tier in ("primary", "secondary")
        for endpoint in plan.endpoints
        if endpoint.tier == tier
        for contrast in concerned(endpoint, plan.contrasts)
    ]
    return list(dict.fromkeys([*ranked, *known]))


def feature_labels(*frames: pd.DataFrame) -> Mapping[str, str]:
    """Label by feature id; the source is added where two features share a label, the id stands in for an empty one."""
    stacked = pd.concat([frame[["feature", "label"]] for frame in frames]).drop_duplicates("feature")
    labels = stacked["label"].where(stacked["label"] != "", stacked["feature"])
    shared = labels.duplicated(keep=False)
    source = stacked["feature"].str.replace(r"^[^@]*@?", "", regex=True)
    labels = labels.where(~(shared & (source != "")), labels + " (" + source + ")")
    return dict(zip(stacked["feature"], labels, strict=True))
