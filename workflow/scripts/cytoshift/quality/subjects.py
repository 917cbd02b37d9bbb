"""Who cannot be paired, who appears twice, and who stands in two arms?"""

from __future__ import annotations

import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.study.settings import Arm, Visit, label_of


def find_unpaired(samples: pd.DataFrame, visits: list[Visit], arms: list[Arm], crossover: bool) -> list[Finding]:
    """Report subjects with a single sample where more were planned, and planned visits that were missed.

    `samples` are the kept samples of type sample; an arm whose `visits` are restricted is expected there only, so
    a group measured once is never a lost pair. In a crossover a subject is expected under every arm.
    """
    expected = {arm.id: [v.id for v in visits if arm.visits is None or v.id in arm.visits] for arm in arms}
    everywhere = [visit.id for visit in visits]
    found = []
    seen = samples[["subject", "arm", "visit"]].drop_duplicates()
    planned_arms = list(expected) if crossover and expected else None
    missed: dict[tuple[str, str], list[str]] = {}
    for subject, own in seen.groupby("subject", sort=True):
        present = set(zip(own["arm"], own["visit"], strict=True))
        here = planned_arms if planned_arms is not None else sorted(set(own["arm"]))
        planned = [(arm, visit) for arm in here for visit in expected.get(arm, everywhere)]
        for place in planned:
            if place not in present:
                missed.setdefault(place, []).append(str(subject))
        if len(present) == 1 and len(planned) > 1:
            arm, visit = next(iter(present))
            message = (
                f"Subject {subject} was seen only once ({_place(arms, visits, arm, visit)}): no change can be computed."
            )
            numbers = {"samples": 1, "planned": len(planned)}
            found.append(
                finding("quality", "subject_without_pair", message, numbers, subject=str(subject), action="nothing")
            )
    for arm, visit in sorted(missed):
        names = missed[arm, visit]
        message = (
            f"{_place(arms, visits, arm, visit)}: no sample of {plural(len(names), 'subject')} ({listed(names)}); "
            "pairs with this visit are lost."
        )
        lost = {"arm": arm, "visit": visit, "subjects": len(names)}
        found.append(finding("quality", "missed_visit", message, lost, severity="note", action="nothing"))
    return found


def find_conflicting_subjects(samples: pd.DataFrame, crossover: bool) -> list[Finding]:
    """Report subjects with two samples for one visit (same arm and specimen), and subjects in two parallel arms."""
    found = []
    key = ["subject", "visit", "arm", "specimen"]
    for place, part in samples[samples.duplicated(key, keep=False)].groupby(key, sort=True):
        message = f"Subject {place[0]} has {len(part)} samples at {place[1]}: {listed(part['sample'])}."
        numbers = {"samples": len(part), "visit": place[1]}
        found.append(finding("quality", "subject_twice_at_visit", message, numbers, subject=str(place[0])))
    if not crossover:
        arms = samples.loc[samples["arm"] != "", ["subject", "arm"]].drop_duplicates()
        for subject, part in arms[arms.duplicated("subject", keep=False)].groupby("subject", sort=True):
            message = f"Subject {subject} stands in more than one arm: {listed(sorted(part['arm']))}."
            found.append(finding("quality", "subject_in_two_arms", message, {"arms": len(part)}, subject=str(subject)))
    return found


def _place(arms: list[Arm], visits: list[Visit], arm: str, visit: str) -> str:
    name = label_of(visits, visit)
    return f"{label_of(arms, arm)}, {name}" if arm else name
