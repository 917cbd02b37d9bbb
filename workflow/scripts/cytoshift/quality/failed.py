"""Which samples failed as a whole: far off the same subject's other samples, or empty, in many analytes?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, action_of, finding, listed
from cytoshift.quality.robust import column_mad, column_median, column_middle
from cytoshift.quality.scale import points, to_matrix
from cytoshift.study.settings import FailedSample

FAR = 4.0  # robust standard deviations of within-subject changes
DOUBLING = 1.0  # and at least a factor of two, so that very reproducible analytes do not fail on little
FEWEST_FEATURES = 5
USUALLY_PRESENT = 0.8


def find_failed_samples(
    values: pd.DataFrame, samples: pd.DataFrame, rule: FailedSample
) -> tuple[list[str], list[Finding]]:
    """Find samples of which a large share of analytes is far off, or missing though usually present.

    `values` as from `collapse_replicates` without excluded rows; `samples` the kept samples; `rule` is the plan's.
    Per source with ≥ 5 features: the distance of a sample from the median of its subject's other samples, less what
    is usual at its visit and arm, in robust SDs (1.4826 MAD) of that feature; far is beyond 4, all on the same side;
    missing counts where ≥ 80 % of samples and the subject's other samples have the feature. A feature without a row
    was not measured, nor was a sample without any value: no failure. With two samples per subject only the lower one
    is called failed. Returns sample ids and findings.
    """
    failed: list[str] = []
    found = []
    about = samples.drop_duplicates("sample").set_index("sample")
    labels = values.drop_duplicates("feature").set_index("feature")["label"]
    values = values[values["sample"].isin(about.index) & (values["measure"] != "score")]
    for source, part in values.groupby("source", sort=False):
        doublings = np.where(part["measure"] == "fraction_of_parent", points(part) / np.log(2), points(part))
        matrix = to_matrix(part, doublings)
        if len(matrix.features) < FEWEST_FEATURES:
            continue
        here = about.loc[matrix.samples]
        subject = _comparable(here)
        occasion = pd.factorize(pd.MultiIndex.from_frame(here[["visit", "arm"]]))[0]
        blank = to_matrix(part, np.where(part["status"] == "missing", 1.0, np.nan)).numbers == 1
        shares, far, missing, assessed = _shares(matrix.numbers, blank, subject, occasion)
        for row in np.flatnonzero(shares > rule.limit).tolist():
            name = str(matrix.samples[row])
            failed.append(name)
            features = labels[matrix.features[far[row] | missing[row]]]
            counts = {
                "share": float(shares[row]),
                "far": int(far[row].sum()),
                "missing": int(missing[row].sum()),
                "analytes": int(assessed[row]),
                "limit": rule.limit,
            }
            found.append(_describe(name, here["subject"].iloc[row], str(source), counts, listed(features), rule))
    return failed, found


def _describe(
    sample: str, subject: str, source: str, counts: dict[str, float], features: str, rule: FailedSample
) -> Finding:
    message = (
        f"Sample {sample} of subject {subject} looks failed in {source}: of {counts['analytes']} analytes "
        f"{counts['far']} lie far from the subject's other samples, all on one side, and {counts['missing']} are "
        f"missing unexpectedly ({features}). It failed, or it is somebody else's."
    )
    action = action_of(rule.on_fail)
    return finding("quality", "failed_sample", message, counts, subject=subject, sample=sample, action=action)


def _shares(
    numbers: np.ndarray, blank: np.ndarray, subject: np.ndarray, occasion: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Share of far or missing features per sample, which they are, and how many could be assessed."""
    least, most, siblings, present = _other_samples(numbers, subject)
    usual = _medians_by(numbers - (least + most) / 2, occasion, fewest=5)
    usual = np.where(np.isnan(usual), 0.0, usual)
    spread = column_mad(numbers - (least + most) / 2 - usual)
    # a neighbour of the failed sample lies between a good and a bad one: it must leave both behind
    far_off = np.where(spread > 0, np.maximum(FAR * spread, DOUBLING), np.inf)
    with np.errstate(invalid="ignore"):
        low, high = numbers - least - usual < -far_off, numbers - most - usual > far_off
    here = np.isfinite(numbers)
    measured = here.any(axis=1, keepdims=True)
    usually = (
        here[measured[:, 0]].mean(axis=0) >= USUALLY_PRESENT if measured.any() else np.zeros(numbers.shape[1], bool)
    )
    missing = blank & ~here & (present >= 0.5) & usually & measured
    high &= (siblings >= 2)[:, None]
    mostly_low = low.sum(axis=1) >= high.sum(axis=1)
    far = np.where(mostly_low[:, None], low, high)
    assessed = ((here & np.isfinite(least)) | missing).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (far | missing).sum(axis=1) / assessed
    return np.where(assessed >= FEWEST_FEATURES, shares, 0.0), far, missing, assessed


def _comparable(here: pd.DataFrame) -> np.ndarray:
    """Whose samples are compared: a subject's, or in a crossover those of one condition when it was seen three times.

    A subject's level may differ from one day to another; a failed sample also differs from the rest of its day.
    """
    own = pd.factorize(pd.MultiIndex.from_frame(here[["subject", "arm"]]))[0]
    return own if np.median(np.bincount(own)) >= 3 else pd.factorize(here["subject"])[0]


def _other_samples(numbers: np.ndarray, subject: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Per sample: lower and upper median of its subject's other samples, how many, and the share with a number."""
    least, most = np.full_like(numbers, np.nan), np.full_like(numbers, np.nan)
    siblings = np.zeros(len(numbers), dtype=int)
    present = np.zeros_like(numbers)
    order = np.argsort(subject, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(subject[order])) + 1):
        for row in rows:
            rest = rows[rows != row]
            rest = rest[np.isfinite(numbers[rest]).any(axis=1)]
            siblings[row] = len(rest)
            if len(rest):
                least[row], most[row] = column_middle(numbers[rest])
                present[row] = np.isfinite(numbers[rest]).mean(axis=0)
    return least, most, siblings, present


def _medians_by(numbers: np.ndarray, group: np.ndarray, fewest: int) -> np.ndarray:
    """Each row's group median per column; NaN where the group has fewer than `fewest` numbers."""
    result = np.full_like(numbers, np.nan)
    for label in np.unique(group):
        rows = group == label
        enough = np.isfinite(numbers[rows]).sum(axis=0) >= fewest
        result[rows] = np.where(enough, column_median(numbers[rows]), np.nan)
    return result
