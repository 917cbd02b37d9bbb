"""Which two samples of different subjects were exchanged: each fits the other's subject better than its own?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.quality.scale import Matrix, points, to_matrix
from cytoshift.quality.swap_null import Scores, exchange_gains, largest_gain_without_swaps, null_study, standard_scores

FEWEST_ANALYTES = 20  # below, or with a lower ICC, people are not told apart well enough
FEWEST_SUBJECTS = 5
LEAST_ICC = 0.6
MOST_ANALYTES = 200  # the ones that tell people apart best; more only cost time
USUALLY_PRESENT = 0.8  # of samples with a number or a limit, for an analyte to count
MOST_NON_DETECTS = 0.5
HALF_MEASURED = 0.5  # of those analytes, for a sample to be placed
DRAWS = 3000  # studies without a swap
RARE = 0.001  # share of them in which the largest gain may be as large


@dataclass(frozen=True)
class Exchange:
    """Two samples that seem exchanged; `instead` is the exchange that would explain the numbers just as well."""

    samples: tuple[str, str]
    subjects: tuple[str, str]
    instead: tuple[str, str] | None
    gain: float


def find_swaps(
    values: pd.DataFrame, samples: pd.DataFrame, generator: np.random.Generator, draws: int = DRAWS
) -> tuple[list[str], list[Finding]]:
    """Find pairs of samples of two subjects whose exchange would bring both nearer to the subject they then belong to.

    `values` as from `collapse_replicates` without excluded rows; `samples` the kept samples. Each source with ≥ 20
    usable analytes is looked at alone (a tube is exchanged in one assay), otherwise all measurements together. A pair
    is reported when the smaller of its two gains (`exchange_gains`) is positive and beyond the 99.9 % point of the
    study's largest gain over `draws` simulated studies without a swap (`null_study`, by `generator`);
    then both subjects are set aside and the next pair is looked for. Not assessable below 20 analytes, five subjects
    with two samples, or a median ICC of 0.6. Returns the sample ids concerned, and findings.
    """
    about = samples.drop_duplicates("sample").set_index("sample")
    usable = values[values["sample"].isin(about.index) & (values["measure"] != "score")]
    repeated = about.loc[about.index.isin(usable["sample"]), "subject"].value_counts()
    several = int((repeated > 1).sum())
    if several == 0:
        return [], []  # no subject is measured twice: the question does not arise
    if several < FEWEST_SUBJECTS:
        subjects = plural(several, "subject has", "subjects have")
        why = f"{subjects} more than one sample, and {FEWEST_SUBJECTS} are needed"
        return [], [_not_assessable("all sources together", why, {"subjects": several, "needed": FEWEST_SUBJECTS})]
    parts = {str(source): _usable(part) for source, part in usable.groupby("source", sort=True)}
    large = {source: matrix for source, matrix in parts.items() if len(matrix.features) >= FEWEST_ANALYTES}
    if not large:
        name = next(iter(parts)) if len(parts) == 1 else "all sources together"
        large = {name: _usable(usable)}
    suspects: list[str] = []
    found: list[Finding] = []
    for name, matrix in large.items():
        concerned, more = _search(name, matrix, about, generator, draws)
        suspects += [sample for sample in concerned if sample not in suspects]
        found += more
    return suspects, found


def _search(
    name: str, matrix: Matrix, about: pd.DataFrame, generator: np.random.Generator, draws: int
) -> tuple[list[str], list[Finding]]:
    analytes = len(matrix.features)
    if analytes < FEWEST_ANALYTES:
        why = f"{analytes} analytes have a number in most samples, and {FEWEST_ANALYTES} are needed"
        return [], [_not_assessable(name, why, {"analytes": analytes, "needed": FEWEST_ANALYTES})]
    here = about.loc[matrix.samples]
    scores = standard_scores(
        matrix.numbers,
        pd.factorize(pd.MultiIndex.from_frame(here[["visit", "arm"]]))[0],
        pd.factorize(here["subject"])[0],
    )
    icc = float(np.median(scores.icc))
    if icc < LEAST_ICC:
        why = f"a subject's samples resemble each other too little (ICC {icc:.2f}; {LEAST_ICC:g} is needed)"
        return [], [_not_assessable(name, why, {"analytes": analytes, "icc": icc, "needed": LEAST_ICC})]
    scores = _most_telling(scores)
    gains = exchange_gains(scores)
    limit = _limit(scores, float(gains.max()), generator, draws)
    if limit is None:
        return [], []
    exchanges = _exchanges(gains, limit, here)
    numbers = {"limit": limit, "icc": icc, "analytes": len(scores.icc), "simulated": draws}
    concerned = [sample for one in exchanges for sample in (*one.samples, *(one.instead or ()))]
    return concerned, [_describe(name, one, numbers) for one in exchanges]


def _usable(values: pd.DataFrame) -> Matrix:
    """Samples × analytes on the analysis scale; analytes that most samples have, samples with half of those."""
    matrix = to_matrix(values, points(values))
    outside = to_matrix(values, values["status"].isin(["below", "above"]).to_numpy(dtype=float)).numbers
    known = np.isfinite(matrix.numbers)
    measured = known.any(axis=1)
    if not measured.any():
        return Matrix(matrix.numbers[:, :0], matrix.samples, matrix.features[:0])
    present = known[measured].mean(axis=0)
    non_detects = np.where(known, outside > 0, False).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    lowest, highest = (np.where(known, matrix.numbers, end).T for end in (np.inf, -np.inf))
    varies = highest.max(axis=1) > lowest.min(axis=1)
    features = (present >= USUALLY_PRESENT) & (non_detects <= MOST_NON_DETECTS) & varies
    numbers = matrix.numbers[:, features]
    rows = np.isfinite(numbers).sum(axis=1) >= max(1.0, HALF_MEASURED * features.sum())
    return Matrix(numbers[rows], matrix.samples[rows], matrix.features[features])


def _most_telling(scores: Scores) -> Scores:
    best = np.sort(np.argsort(-scores.icc, kind="stable")[:MOST_ANALYTES])
    return Scores(scores.seen[:, :, best], scores.occasion, scores.subject, scores.icc[best])


def _limit(scores: Scores, gain: float, generator: np.random.Generator, draws: int) -> float | None:
    """The gain that only one simulated study in 1,000 exceeds, at least 0; None as soon as `gain` is not beyond it."""
    if gain <= 0:
        return None
    allowed = int(RARE * draws)
    null = null_study(scores)
    drawn: list[float] = []
    exceeding = 0
    for _ in range(draws):
        drawn.append(largest_gain_without_swaps(null, generator))
        exceeding += drawn[-1] >= gain
        if exceeding > allowed:
            return None
    return max(0.0, sorted(drawn)[-allowed - 1])


def _exchanges(gains: np.ndarray, limit: float, here: pd.DataFrame) -> list[Exchange]:
    """The pairs beyond the limit, best first, no subject twice."""
    subject, names = here["subject"].to_numpy(), here.index.to_numpy()
    left = gains.copy()
    found = []
    while left.max() > limit:
        one, other = sorted(int(place) for place in np.unravel_index(left.argmax(), left.shape))
        rest = [np.flatnonzero((subject == subject[row]) & (names != names[row])) for row in (one, other)]
        # two samples each: exchanging the other two gives the same two pairs of samples
        same = len(rest[0]) == len(rest[1]) == 1
        instead = (str(names[rest[0][0]]), str(names[rest[1][0]])) if same else None
        found.append(
            Exchange(
                (str(names[one]), str(names[other])),
                (str(subject[one]), str(subject[other])),
                instead,
                float(left[one, other]),
            )
        )
        concerned = np.isin(subject, [subject[one], subject[other]])
        left[concerned] = left[:, concerned] = -np.inf
    return found


def _describe(name: str, exchange: Exchange, numbers: dict[str, float]) -> Finding:
    (one, other), (first, second) = exchange.samples, exchange.subjects
    message = (
        f"{name}: sample {one} (subject {first}) and sample {other} (subject {second}) look exchanged: each lies "
        f"nearer to the other subject's samples than to those of its own, by {exchange.gain:.2f} (in "
        f"{numbers['analytes']} analytes; one study in 1,000 without an exchange reaches {numbers['limit']:.2f})."
    )
    if exchange.instead is not None:
        message += f" An exchange of {listed(exchange.instead)} would explain it as well."
    return finding(
        "quality", "possible_swap", message, {"gain": exchange.gain, **numbers, "other_sample": other},
        subject=first, sample=one,
    )  # fmt: skip


def _not_assessable(name: str, why: str, numbers: dict[str, float]) -> Finding:
    message = f"{name}: exchanged samples cannot be looked for: {why}."
    return finding("quality", "swaps_not_assessable", message, numbers, severity="note", action="nothing")
