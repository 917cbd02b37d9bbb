"""What was compared with what: visits, arms, design, contrasts, as far as the files show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cytoshift.drafting.occasions import Occasion, Visits, find_arms, find_visits
from cytoshift.drafting.people import People, arms_cross_subjects, visits_per_arm


@dataclass(frozen=True)
class DesignDraft:
    """The design of the study file to be; `control` is the place of the control arm, and whether its name says so."""

    design: str
    reason: str
    visits: Visits
    arms: list[Occasion]
    control: int
    control_is_named: bool

    @property
    def several_arms(self) -> bool:
        """Are there arms to compare?"""
        return len(self.arms) > 1


def find_design(people: People) -> DesignDraft:
    """Read visits, arms and their crossing with subjects from the samples."""
    rows = people.rows
    header = people.main.roles.get("visit", "visit") if people.pattern is None else "visit"
    visits = find_visits(rows["visit"], header)
    arms, control = find_arms(rows["arm"])
    subjects = rows["subject"].nunique()
    if len(arms) < 2:
        reason = f"{subjects} subjects, and no column tells arms apart" if not arms else f"{subjects} subjects, one arm"
        return DesignDraft("single_arm", reason, visits, [], 0, False)
    seen = visits_per_arm(rows)
    for arm in arms:
        measured = {visit for form in arm.written for visit in seen.get(form, ())}
        arm.visits = [visit.id for visit in visits.items if measured & set(visit.written)]
    crossing = arms_cross_subjects(rows)
    reason = (
        f"most of the {subjects} subjects passed several arms"
        if crossing
        else f"each of the {subjects} subjects is in one arm"
    )
    return DesignDraft("crossover" if crossing else "parallel", reason, visits, arms, control or 0, control is not None)


def find_contrasts(design: DesignDraft) -> list[dict[str, Any]]:
    """First visit against last, in each arm against the control where there is one; arms at one visit otherwise."""
    visits = [visit.id for visit in design.visits.items]
    if not design.several_arms:
        return [{"id": visits[-1], "reference": visits[0], "target": visits[-1]}] if len(visits) > 1 else []
    control = design.arms[design.control]
    against: dict[tuple[str, ...], list[str]] = {}
    for arm in (arm for place, arm in enumerate(design.arms) if place != design.control):
        shared = [visit for visit in visits if visit in arm.visits and visit in control.visits]
        against.setdefault((shared[0], shared[-1])[: len(shared)] if shared else (), []).append(arm.id)
    contrasts = [_against(shared, arms, control.id) for shared, arms in against.items() if shared]
    if design.design == "parallel":
        # the draft says `randomised: false`, and then changes between arms name their method
        contrasts = [one | ({"method": "change"} if "reference" in one else {}) for one in contrasts]
    # in a crossover the control shows the drift; what another condition did by itself is in its own contrast
    for arm in design.arms if design.design == "parallel" else [control]:
        seen = [visit for visit in visits if visit in arm.visits]
        if len(seen) > 1:
            contrasts.append({"id": f"within_{arm.id}", "reference": seen[0], "target": seen[-1], "arm": arm.id})
    return _once(contrasts)


def _against(shared: tuple[str, ...], arms: list[str], control: str) -> dict[str, Any]:
    """Arms against the control at the visits they share: change from the first to the last, or at the only one."""
    when = {"reference": shared[0], "target": shared[1]} if len(shared) > 1 else {"at": shared[0]}
    who = {"arm": arms[0]} if len(arms) == 1 else {"each": {"arm": arms}}
    return {"id": shared[-1] if len(shared) > 1 else f"at_{shared[0]}", **when, **who, "against": control}


def _once(contrasts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same contrasts, no id twice."""
    used: set[str] = set()
    for contrast in contrasts:
        base, number = contrast["id"][:110], 2
        contrast["id"] = base
        while contrast["id"] in used:
            contrast["id"], number = f"{base}_{number}", number + 1
        used.add(contrast["id"])
    return list(contrasts)
