"""How like its subject's other samples is each sample, and how often would chance alone make two seem exchanged?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.quality.robust import column_mad, column_median

LARGEST_SCORE = 3.0  # standard deviations; a single wild value must not decide whose sample it is
LARGEST_ICC = 0.95  # keeps an analyte that never varies within subjects from outvoting all others
MEDIAN_OF_CHI2_1 = 0.4549364  # of a squared standard normal: turns a median of squares into a variance
ENOUGH_PAIRS = 20_000  # of samples of two subjects, for the spread between them
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Scores:
    """Samples as they would look at every occasion (visit × arm), with whose they are said to be.

    `seen` (occasions, samples, analytes): numbers less the occasion's median, in robust SDs, less the sample's own
    median over analytes, NaN where there is none;
    `occasion`, `subject` (samples,) codes; `icc` (analytes,): the share of variance that lies between subjects.
    """

    seen: np.ndarray
    occasion: np.ndarray
    subject: np.ndarray
    icc: np.ndarray

    @property
    def own(self) -> np.ndarray:
        """Each sample at its own occasion, (samples, analytes)."""
        return self.seen[self.occasion, np.arange(len(self.occasion))]


def standard_scores(numbers: np.ndarray, occasion: np.ndarray, subject: np.ndarray) -> Scores:
    """Centre every occasion at its median, divide by the robust SD, centre every sample, and find each analyte's ICC.

    `numbers` (samples, analytes) on the analysis scale; `occasion`, `subject` (samples,) codes from 0. A sample loses
    its own median over analytes (two diluted or failed samples are alike, and nobody's), and is cut at 3 SD.
    ICC = 1 − σ²w/σ², σ²w from the median of squared differences between two samples of a subject, σ² likewise of two
    subjects (each / 2 / 0.455), so that neither a few exchanged samples nor a few wild values move it; half-way to the
    median over analytes, as single ones are noisy.
    """
    middle = np.stack([column_median(numbers[occasion == one]) for one in range(occasion.max() + 1)])
    spread = column_mad(numbers - middle[occasion])
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = np.where(spread > 0, (numbers - middle[:, None, :]) / spread, np.nan)
    seen = seen - np.stack([column_median(one.T) for one in seen])[:, :, None]
    seen = np.clip(seen, -LARGEST_SCORE, LARGEST_SCORE)
    own = seen[occasion, np.arange(len(occasion))]
    first, second = np.triu_indices(len(own), 1)
    same = subject[first] == subject[second]
    within = _variance(own[first[same]] - own[second[same]])
    others = np.flatnonzero(~same)[:: 1 + int((~same).sum()) // ENOUGH_PAIRS]
    total = _variance(own[first[others]] - own[second[others]])
    with np.errstate(invalid="ignore", divide="ignore"):
        icc = np.clip(1 - within / total, 0.0, LARGEST_ICC)
    known = np.isfinite(icc)
    usual = np.median(icc[known]) if known.any() else 0.0
    return Scores(seen, occasion, subject, np.where(known, (icc + usual) / 2, 0.0))


def weights_of(icc: np.ndarray) -> np.ndarray:
    """What an analyte says about whose sample it is: ρ/(1 − ρ²), its weight in the likelihood ratio of two labels."""
    return icc / (1 - icc**2)


def exchange_gains(scores: Scores) -> np.ndarray:
    """How much nearer both samples of every pair would lie to the other's subject, (samples, samples).

    The distance of sample t from the place of sample s is the weighted mean over analytes of the squared difference
    between t, seen at the occasion of s, and the mean of the other samples of the subject of s. The gain of (s, t) is
    the smaller of what the two distances would lose by an exchange; −∞ within a subject and for a sample without
    others of its subject.
    """
    frame = _frame(scores)
    places = frame.places(scores.own)
    distance = np.empty((len(places), len(places)))
    for occasion in range(len(scores.seen)):
        here = scores.occasion == occasion
        distance[:, here] = frame.distances(scores.seen[occasion], places)[:, here]
    return frame.mutual(distance)


@dataclass(frozen=True)
class NullStudy:
    """A study like this one in which nothing was exchanged: how its analytes go together, and where it has gaps."""

    between: np.ndarray
    within: np.ndarray
    icc: np.ndarray
    frame: _Frame


def null_study(scores: Scores) -> NullStudy:
    """What is needed to draw studies without a swap.

    Subjects vary with variance ICC and visits with 1 − ICC; analytes keep the correlations that they have between the
    subjects and between the visits of this study; gaps stay where they are.
    """
    own, subject = scores.own, scores.subject
    filled = np.where(np.isfinite(own), own, 0.0)
    count = np.bincount(subject)
    means = np.stack([np.bincount(subject, column) / count for column in filled.T], axis=1)
    between = _correlations(means - means.mean(axis=0))
    return NullStudy(between, _correlations((filled - means[subject])[count[subject] > 1]), scores.icc, _frame(scores))


def largest_gain_without_swaps(null: NullStudy, generator: np.random.Generator) -> float:
    """The largest gain of one such study, drawn by `generator`."""
    subject = null.frame.subject
    between = generator.standard_normal((subject.max() + 1, len(null.between))) @ null.between
    within = generator.standard_normal((len(subject), len(null.within))) @ null.within
    drawn = np.sqrt(null.icc) * between[subject] + np.sqrt(1 - null.icc) * within
    drawn = np.where(null.frame.known, np.clip(drawn, -LARGEST_SCORE, LARGEST_SCORE), np.nan)
    return float(null.frame.mutual(null.frame.distances(drawn, null.frame.places(drawn))).max())


@dataclass(frozen=True)
class _Frame:
    """What stays the same in every draw: subjects, gaps and weights."""

    subject: np.ndarray
    known: np.ndarray  # (samples, analytes)
    weight: np.ndarray
    others: np.ndarray  # (samples, samples): the other samples of the same subject
    times: np.ndarray  # (samples, analytes): how many of those have the analyte
    shared: np.ndarray  # (samples, places): weight of the analytes that both have

    def places(self, own: np.ndarray) -> np.ndarray:
        """Mean of the other samples of each sample's subject, (samples, analytes); 0 where there is none."""
        return self.others @ np.where(self.known, own, 0.0) / np.maximum(self.times, 1.0)

    def distances(self, points: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Weighted mean squared difference over the analytes that both have, (points, places); NaN without any."""
        point = np.where(self.known, points, 0.0)
        total = (point**2 * self.weight) @ (self.times > 0).T.astype(float) - 2 * (point * self.weight) @ places.T
        total += (self.known * self.weight) @ (places**2).T
        return np.where(self.shared > _SMALLEST, total / np.maximum(self.shared, _SMALLEST), np.nan)

    def mutual(self, distance: np.ndarray) -> np.ndarray:
        """The smaller of the two gains of every pair; −∞ where an exchange means nothing."""
        gain = np.diag(distance)[None, :] - distance  # [t, s]: what the place of s gains when t takes it
        both = np.minimum(gain, gain.T)
        return np.where((self.subject[:, None] == self.subject) | np.isnan(both), -np.inf, both)


def _frame(scores: Scores) -> _Frame:
    known, subject, weight = np.isfinite(scores.own), scores.subject, weights_of(scores.icc)
    others = (subject[:, None] == subject).astype(float)
    np.fill_diagonal(others, 0.0)
    times = others @ known
    return _Frame(subject, known, weight, others, times, (known * weight) @ (times > 0).T.astype(float))


def _variance(differences: np.ndarray) -> np.ndarray:
    return column_median(differences**2) / MEDIAN_OF_CHI2_1 / 2


def _correlations(rows: np.ndarray) -> np.ndarray:
    """A root (k, analytes) of the correlations of `rows` (n, analytes), which are centred."""
    length = np.sqrt((rows**2).sum(axis=0))
    _, size, axes = np.linalg.svd(rows / np.where(length > 0, length, 1.0), full_matrices=False)
    return size[:, None] * axes
