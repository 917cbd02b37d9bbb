"""Which means does a study with repeated visits have, and which difference of them does a contrast ask for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

PlateEffect = Literal["fixed", "random"]
When = str | Sequence[str]


@dataclass(frozen=True)
class RepeatedDesign:
    """The fixed and random effects of samples taken at several visits, shared by all features.

    `columns` (samples, q), one per mean of visit × arm (`common_baseline` arms share theirs at the first visit), then
    the covariates and fixed plates, centred; NaN where a sample's covariate is unknown. `names` says in words what
    each is. `cell` (visits, arms) is the column of each mean. `subject`, `visit`, `arm` (samples,) are codes;
    `subjects` counts them. `grouping` (samples,) holds the codes of a second random effect (plates, or the periods of
    a subject) named `grouping_name`; it is empty without one.
    """

    columns: np.ndarray
    names: list[str]
    cell: np.ndarray
    visits: list[str]
    arms: list[str]
    subject: np.ndarray
    visit: np.ndarray
    arm: np.ndarray
    subjects: int
    grouping: np.ndarray
    grouping_name: str


@dataclass(frozen=True)
class CellContrast:
    """A linear contrast of visit × arm means: weights (visits, arms), and the same on the design's columns (q,)."""

    weights: np.ndarray
    vector: np.ndarray


def repeated_design(
    subject: ArrayLike,
    visit: ArrayLike,
    arm: ArrayLike | None = None,
    *,
    visits: Sequence[str],
    arms: Sequence[str] = ("",),
    common_baseline: Sequence[str] = (),
    covariates: ArrayLike | None = None,
    covariate_names: Sequence[str] = (),
    plate: ArrayLike | None = None,
    plate_effect: PlateEffect = "fixed",
    within: ArrayLike | None = None,
) -> RepeatedDesign:
    """The design of samples with `subject`, `visit` and `arm` (samples,), one arm without a name where arm is None.

    `visits` and `arms` give the order; the first visit is the baseline. `common_baseline` names the arms whose baseline
    means are one: randomised arms, and no others (Liang & Zeger 2000). `covariates` (samples, r), categories coded as
    0/1 columns by the caller. `plate` (samples,) enters as indicators or as a second random effect beside the subject;
    '' is a sample without a plate. `within` (samples,) names instead a part of the subject that shares an effect of its
    own: the period of a crossover with several visits per period.
    Raises ValueError when lengths differ, a visit or arm is not in the order given, or two second effects are asked.
    """
    people, people_code = np.unique(np.asarray(subject, dtype=str), return_inverse=True)
    count = people_code.size
    visit_code = _codes(visit, visits, "visit", count)
    arm_code = _codes(np.full(count, arms[0]) if arm is None else arm, arms, "arm", count)
    shared = [list(arms).index(name) if name in arms else -1 for name in common_baseline]
    if -1 in shared:
        raise ValueError(f"common_baseline names {common_baseline[shared.index(-1)]!r}; the arms are {list(arms)}")
    cell, columns, names = _cells(visit_code, arm_code, list(visits), list(arms), shared)
    extra, extra_names = _checked(covariates, covariate_names, count)
    grouping, grouping_name = np.empty(0, dtype=int), ""
    if plate is not None and plate_effect == "fixed":
        more, levels = _indicators(_texts(plate, "plate", count))
        extra, extra_names = np.column_stack([extra, more]), [*extra_names, *(f"plate {level}" for level in levels)]
    elif plate is not None:
        grouping, grouping_name = np.unique(_texts(plate, "plate", count), return_inverse=True)[1], "plate"
    if within is not None:
        if grouping.size:
            raise ValueError("plate and within cannot both be random beside the subject: make the plate fixed")
        parts = [f"{code}|{part}" for code, part in zip(people_code, _texts(within, "within", count), strict=True)]
        grouping, grouping_name = np.unique(parts, return_inverse=True)[1], "period within subject"
    known = ~np.isnan(extra).any(axis=1)
    centre = extra[known].mean(axis=0) if known.any() else np.zeros(extra.shape[1])
    return RepeatedDesign(
        columns=np.column_stack([columns, extra - centre]),
        names=[*names, *extra_names],
        cell=cell,
        visits=list(visits),
        arms=list(arms),
        subject=people_code,
        visit=visit_code,
        arm=arm_code,
        subjects=len(people),
        grouping=grouping,
        grouping_name=grouping_name,
    )


def cell_contrast(
    design: RepeatedDesign,
    target: When,
    reference: When | None = None,
    *,
    arm: str | None = None,
    against: str | None = None,
) -> CellContrast:
    """(target − reference) in `arm` [minus the same in `against`]; several visits on one side are averaged.

    Without `reference` it is the mean at `target`, or with `against` the difference of arms there. `arm` may be left
    out where there is one only. Covariates stand at their means, which matters only where weights do not sum to zero.
    Raises ValueError for a visit or arm the design does not have, or a difference that is zero by construction: arms at
    a baseline they share.
    """
    if arm is None and len(design.arms) > 1:
        raise ValueError(f"the design has several arms; name one of {design.arms}")
    weights = np.zeros((len(design.visits), len(design.arms)))
    for name, sign in ((design.arms[0] if arm is None else arm, 1.0), (against, -1.0)):
        if name is None:
            continue
        column = _position(name, design.arms, "arm")
        for side, direction in ((target, sign), (reference, -sign)):
            named = [] if side is None else [side] if isinstance(side, str) else list(side)
            for visit in named:
                weights[_position(visit, design.visits, "visit"), column] += direction / len(named)
    return weighted_contrast(design, weights)


def weighted_contrast(design: RepeatedDesign, weights: ArrayLike) -> CellContrast:
    """The contrast with any weights of shape (visits, arms). Raises ValueError as `cell_contrast` does."""
    table = np.asarray(weights, dtype=float)
    if table.shape != design.cell.shape:
        raise ValueError(f"weights have the shape {table.shape}; (visits, arms) = {design.cell.shape} is needed")
    vector = np.zeros(design.columns.shape[1])
    np.add.at(vector, design.cell.ravel(), table.ravel())
    if not np.abs(vector).max(initial=0.0) > 1e-12 * np.abs(table).max(initial=0.0):
        raise ValueError("the contrast is zero by construction: its sides are one and the same mean of the model")
    return CellContrast(table, vector)


def changes_from_baseline(
    design: RepeatedDesign, *, arm: str | None = None, against: str | None = None
) -> list[CellContrast]:
    """The changes from the first visit to each later one [minus those in `against`]: rows of an F test."""
    return [cell_contrast(design, visit, design.visits[0], arm=arm, against=against) for visit in design.visits[1:]]


def _cells(
    visit: np.ndarray, arm: np.ndarray, visits: list[str], arms: list[str], shared: list[int]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    cell = np.zeros((len(visits), len(arms)), dtype=int)
    names: list[str] = []
    for row, name in enumerate(visits):
        for column, label in enumerate(arms):
            if row == 0 and column in shared[1:]:
                continue
            cell[row, column] = len(names)
            common = row == 0 and len(shared) > 1 and column == shared[0]
            names.append(f"{name} in {' and '.join(arms[i] for i in shared)}" if common else _cell_name(name, label))
    if len(shared) > 1:
        cell[0, shared] = cell[0, shared[0]]
    return cell, (cell[visit, arm][:, None] == np.arange(len(names))).astype(float), names


def _cell_name(visit: str, arm: str) -> str:
    return f"{visit} in {arm}" if arm else visit


def _position(name: str, known: list[str], what: str) -> int:
    if name not in known:
        raise ValueError(f"{what} {name!r} is not in the design; it has {known}")
    return known.index(name)


def _texts(values: ArrayLike, what: str, count: int) -> np.ndarray:
    texts = np.asarray(values, dtype=str)
    if texts.shape != (count,):
        raise ValueError(f"{what} has the shape {texts.shape}; one value per sample is needed: ({count},)")
    return texts


def _codes(values: ArrayLike, order: Sequence[str], what: str, count: int) -> np.ndarray:
    texts = _texts(values, what, count)
    places = {name: place for place, name in enumerate(order)}
    unknown = sorted(set(texts.tolist()) - set(places))
    if unknown:
        raise ValueError(f"{what} {unknown[0]!r} is not in the design; it has {list(order)}")
    return np.array([places[text] for text in texts.tolist()], dtype=int)


def _indicators(texts: np.ndarray) -> tuple[np.ndarray, list[str]]:
    levels = sorted(set(texts.tolist()))[1:]
    return (texts[:, None] == np.array(levels, dtype=str)[None, :]).astype(float), levels


def _checked(covariates: ArrayLike | None, names: Sequence[str], count: int) -> tuple[np.ndarray, list[str]]:
    extra = np.empty((count, 0)) if covariates is None else np.asarray(covariates, dtype=float)
    if extra.ndim != 2 or len(extra) != count:
        raise ValueError(f"covariates have the shape {extra.shape}; ({count}, columns) is needed")
    if np.isinf(extra).any():
        raise ValueError("covariates hold infinite values; a missing value is NaN")
    chosen = list(names) or [f"covariate_{number}" for number in range(1, extra.shape[1] + 1)]
    if len(chosen) != extra.shape[1]:
        raise ValueError(f"{len(chosen)} covariate names for {extra.shape[1]} columns")
    return extra, chosen
