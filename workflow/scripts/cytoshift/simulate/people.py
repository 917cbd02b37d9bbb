"""Who is in the simulated study, in which arm, seen when, and measured on which plate?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.simulate.design import StudyDesign


def draw_subjects(design: StudyDesign, generator: np.random.Generator) -> pd.DataFrame:
    """Draw the subjects in order of enrolment.

    Each site holds the same share of every arm, and any order of arms within a site is equally likely: randomisation
    stratified by site. Each arm is dealt evenly over the plates, so plate and arm are not aliased.

    Parameters: `design`; `generator`, the source of chance.
    Returns one row per subject: subject, arm, site, age (years), sex, plate, response (multiplies the effects, mean 1).
    """
    seats = [(arm.id, site) for arm in design.arms for site in _deal_sites(design, arm.subjects)]
    seats = [seats[i] for i in generator.permutation(len(seats))]
    n, width = len(seats), max(2, len(str(len(seats))))
    subjects = pd.DataFrame(
        {
            "subject": [f"P{i + 1:0{width}d}" for i in range(n)],
            "arm": [arm for arm, _ in seats],
            "site": [site for _, site in seats],
            "age": np.clip(np.rint(40 + 9 * generator.standard_normal(n)), 20, 60).astype(int),
            "sex": np.where(generator.random(n) < design.female_share, "female", "male"),
            "response": 1 + design.response_spread * generator.standard_normal(n),
        }
    )
    plate = np.empty(n, dtype=object)
    dealt = 0  # the next arm goes on where the last one stopped, so that plates fill evenly
    for arm in design.arms:
        rows = generator.permutation(np.flatnonzero(subjects["arm"] == arm.id))
        for row in rows:
            plate[row] = design.plates[dealt % len(design.plates)].id
            dealt += 1
    subjects["plate"] = plate
    return subjects


def draw_attendance(design: StudyDesign, subjects: pd.DataFrame, generator: np.random.Generator) -> np.ndarray:
    """Draw which patients miss the visits that the design says are missed.

    Parameters: `design`; `subjects` as from `draw_subjects`; `generator`. Returns booleans, subjects × visits.
    """
    attended = np.ones((len(subjects), len(design.visits)), dtype=bool)
    visits = [visit.id for visit in design.visits]
    for arm in design.arms:
        candidates = list(generator.permutation(np.flatnonzero(subjects["arm"] == arm.id)))
        for loss in design.losses:
            if loss.arm == arm.id:
                lost, candidates = candidates[: loss.patients], candidates[loss.patients :]
                attended[np.ix_(lost, [visits.index(name) for name in loss.visits])] = False
    return attended


def build_samples(
    design: StudyDesign, subjects: pd.DataFrame, attended: np.ndarray, generator: np.random.Generator
) -> pd.DataFrame:
    """Write the sample sheet: one row per attended visit, then the reference materials, which are nobody's.

    Parameters: `design`; `subjects`; `attended`, booleans, subjects × visits; `generator` for the days they came.
    Returns columns sample_id, patient, visit (as written), arm, type, site, age, sex, draw_date (ISO).
    """
    rows, columns = np.nonzero(attended)
    seen = subjects.iloc[rows].reset_index(drop=True)
    written = np.array([visit.written for visit in design.visits], dtype=object)[columns]
    enrolled = np.cumsum(generator.integers(0, 7, size=len(subjects)))[rows]
    planned = np.array([visit.day for visit in design.visits])[columns]
    day = enrolled + planned + np.where(planned > 0, generator.integers(-3, 4, size=len(planned)), 0)
    dates = np.datetime_as_string(np.datetime64(design.first_visit, "D") + day)
    samples = pd.DataFrame(
        {
            "sample_id": [f"{subject}-{visit}" for subject, visit in zip(seen["subject"], written, strict=True)],
            "patient": seen["subject"],
            "visit": written,
            "arm": seen["arm"],
            "type": "sample",
            "site": seen["site"],
            "age": seen["age"].astype("Int64"),
            "sex": seen["sex"],
            "draw_date": dates.astype(object),
        }
    )
    if design.references:
        names = {"sample_id": [r.sample for r in design.references], "type": [r.type for r in design.references]}
        references = pd.DataFrame(names).reindex(columns=samples.columns).astype(samples.dtypes.to_dict())
        samples = pd.concat([samples, references], ignore_index=True)
    return samples if design.sites else samples.drop(columns="site")


def _deal_sites(design: StudyDesign, subjects: int) -> list[str]:
    """Share the subjects of one arm over the sites in proportion to the weights."""
    deck = [site for site, weight in design.sites.items() for _ in range(weight)] or [""]
    return [deck[i % len(deck)] for i in range(subjects)]
