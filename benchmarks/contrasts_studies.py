"""Which contrasts are simulated for docs/contrasts.md, and what do their studies look like?

A study is the samples of n subjects in which many analytes, independent of each other, were measured; each analyte is
a replicate. It is handed to the library as the tables that the stage reads, with a plan.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from scipy import optimize, stats

from cytoshift.frames import conform
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import PANEL, SAMPLES

SEED = 20261201
SIZES, SHARES = (12, 24), (0.0, 0.2, 0.4)
COMPLETE_POWER = 0.75
# Variances on the log2 scale: between subjects, between a subject's periods in a crossover, between its samples.
BETWEEN, OF_PERIOD, WITHIN = 0.5, 0.2, 0.5
PERIOD_EFFECT, LEVEL = 0.5, 6.0
DOSES = (0.0, 1.5, 4.5)
# Moderation needs analytes whose spread differs: variances are WITHIN times this many df over a χ² of as many.
PRIOR_DF, MIXED_SHARES = 8, (0.0, 0.1, 0.2, 0.3, 0.4)

Row = tuple[str, str, str, int, float]
ONE, ARM, ORDER = (
    {"design": "single_arm", "randomised": None, "arms": []},
    {"design": "parallel", "randomised": True, "arms": [{"id": "placebo", "control": True}, {"id": "drug"}]},
    {"design": "crossover", "randomised": True, "arms": [{"id": "b", "control": True}, {"id": "a"}]},
)
# A condition of the study that the contrast does not ask about.
OTHER = "c"
THREE = ORDER | {"arms": [*ORDER["arms"], {"id": OTHER}]}
DOSED = ARM | {"arms": [{"id": f"mg{place}", "dose_mg": dose} for place, dose in enumerate(DOSES)]}


@dataclass(frozen=True)
class Kind:
    """A kind of contrast: its plan, the samples of n subjects, and what complete data would say of it.

    `rows` gives (subject, visit, arm, period, exposure) of every sample; an effect moves a value by so many exposures.
    `error` gives the standard error of the complete data's estimate and `lost_df` the subjects that do not count in its
    degrees of freedom; effects are chosen by them. `order_known` is False where the sample sheet has no periods,
    `mixed` true where a study holds analytes of several shares of non-detects, `inverted` where intervals by inverting
    the exact test are looked at as well.
    """

    name: str
    title: str
    plan: dict[str, Any]
    contrast: dict[str, Any]
    rows: Callable[[int], list[Row]]
    error: Callable[[int], float]
    lost_df: int
    visits: tuple[str, ...] = ("v1", "v2")
    order_known: bool = True
    mixed: bool = False
    inverted: bool = False

    def effect(self, n: int) -> float:
        """The fall, in log2 units per exposure, that Student's t finds in 75 % of complete studies of n subjects."""
        df = n - self.lost_df
        cut = stats.t.isf(0.025, df)
        noncentrality = optimize.brentq(lambda size: stats.nct.sf(cut, df, size) - COMPLETE_POWER, 0.5, 8.0)
        return -float(noncentrality) * self.error(n)

    def plan_of(self, tier: str = "exploratory") -> ShiftPlan:
        """The plan; exploratory with Holm, so that rows keep their own p-value and decisions carry the exact one."""
        everything = {"id": "all", "tier": tier, "features": ["all"], "contrasts": ["it"], "correction": "holm"}
        visits = [{"id": visit} for visit in self.visits]
        contrast = {"id": "it"} | self.contrast
        return ShiftPlan.model_validate(
            self.plan
            | {"id": "simulated", "strata": [], "visits": visits, "samples": {"file": "samples.csv"}, "limits": {},
               "indices": [], "outcomes": [], "contrasts": [contrast], "endpoints": [everything], "alpha": 0.05,
               "seed": 1}
        )  # fmt: skip


@dataclass(frozen=True)
class Study:
    """Panel and samples of one study, and the share of non-detects (features,) its limits were set for."""

    panel: pd.DataFrame
    samples: pd.DataFrame
    shares: np.ndarray


def draw(kind: Kind, n: int, share: float | None, *, moved: bool, study: int, features: int) -> Study:
    """One study, the same at each run; `share` None mixes MIXED_SHARES among its analytes."""
    cell = [crc32(kind.name.encode()), n, 999 if share is None else round(100 * share), int(moved), study]
    rng = np.random.default_rng([SEED, *cell])
    rows = pd.DataFrame(kind.rows(n), columns=["subject", "visit", "arm", "period", "exposure"])
    person, people = pd.factorize(rows["subject"])
    crossed = kind.plan["design"] == "crossover"
    period = np.repeat(rows["period"].to_numpy()[:, None], features, axis=1)
    if crossed and not kind.order_known:
        # Nothing tells the order, so each analyte may have one of its own, drawn for each subject by itself.
        period = np.where((rng.random((len(people), features)) < 0.5)[person], 3 - period, period)
    within = WITHIN - OF_PERIOD * crossed
    noise = rng.normal(size=(len(people), features))[person] * np.sqrt(BETWEEN)
    noise += rng.normal(size=(len(rows), features)) * np.sqrt(within)
    if crossed:
        condition, conditions = pd.factorize(rows["arm"])
        of_period = rng.normal(size=(len(conditions), len(people), features)) * np.sqrt(OF_PERIOD)
        noise += of_period[condition, person]
    spread = np.sqrt(PRIOR_DF / rng.chisquare(PRIOR_DF, features)) if kind.mixed else np.ones(features)
    shift = kind.effect(n) * moved * rows["exposure"].to_numpy()
    shares = np.resize(MIXED_SHARES, features) if share is None else np.full(features, share)
    limits = _limits(kind, rows, shift, spread, shares)
    values = LEVEL + noise * spread + PERIOD_EFFECT * crossed * (period - 1) + shift[:, None]
    return Study(_panel(values, LEVEL + limits), _samples(rows, kind), shares)


def _limits(kind: Kind, rows: pd.DataFrame, shift: np.ndarray, spread: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(features,) limits, less the level; analytes of one spread and share have the same."""
    pairs = list(zip(spread.tolist(), shares.tolist(), strict=True))
    found = {(size, share): size * _limit(kind, rows, shift / size, share) for size, share in dict.fromkeys(pairs)}
    return np.array([found[pair] for pair in pairs])


def _limit(kind: Kind, rows: pd.DataFrame, shift: np.ndarray, share: float) -> float:
    """Limit, less the level, below which `share` of all values lie on average; −inf without non-detects."""
    if share == 0:
        return -np.inf
    crossed = kind.plan["design"] == "crossover"
    steps = PERIOD_EFFECT * (np.unique(rows["period"]) - 1) * crossed
    shift = shift[(rows["arm"] != OTHER).to_numpy()]
    centres = np.unique(np.round(shift, 12))
    weights = np.array([np.mean(np.isclose(shift, centre)) for centre in centres])

    def excess(limit: float) -> float:
        return float((weights @ stats.norm.cdf(limit - centres[:, None] - steps)).mean()) - share

    return float(optimize.brentq(excess, -30.0, 30.0))


def _panel(values: np.ndarray, limits: np.ndarray) -> pd.DataFrame:
    samples, features = values.shape
    names = np.array([f"a{place:04d}" for place in range(features)], dtype=object)
    below = (values < limits).ravel()
    value, limit = values.ravel(), np.broadcast_to(limits, values.shape).ravel()
    panel = pd.DataFrame(
        {
            "sample": np.repeat([f"t{place:03d}" for place in range(samples)], features), "source": "assay",
            "layer": "cytokine", "feature": np.tile(names, samples), "as_written": np.tile(names, samples),
            "label": np.tile(names, samples), "plate": "p1", "scale": "log2", "value": np.where(below, np.nan, value),
            "lower": np.where(below, -np.inf, value), "upper": np.where(below, limit, value),
            "status": np.where(below, "below", "observed"), "detected": ~below, "unit": "",
        }
    )  # fmt: skip
    return conform(panel, PANEL)


def _samples(rows: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    told = rows["period"].astype(str).where((rows["period"] > 0) & kind.order_known, "")
    samples = rows.assign(sample=[f"t{place:03d}" for place in range(len(rows))], type="sample", period=told)
    return conform(samples.drop(columns="exposure"), SAMPLES)


def _one_arm(before: tuple[str, ...], after: tuple[str, ...]) -> Callable[[int], list[Row]]:
    def rows(n: int) -> list[Row]:
        visits = [(visit, 0.0) for visit in before] + [(visit, 1.0) for visit in after]
        return [(f"s{person:02d}", visit, "", 0, moved) for person in range(n) for visit, moved in visits]

    return rows


def _crossed(visits: tuple[str, ...], orders: tuple[str, ...] = ("ab", "ba")) -> Callable[[int], list[Row]]:
    """As many subjects take the conditions in each order; only the last visit under a is moved."""

    def rows(n: int) -> list[Row]:
        return [
            (f"s{person:02d}", visit, arm, period, float(arm == "a" and visit == visits[-1]))
            for person in range(n)
            for period, arm in enumerate(orders[person % len(orders)], start=1)
            for visit in visits
        ]

    return rows


def _arms(doses: tuple[float, ...], names: tuple[str, ...], visits: tuple[str, ...]) -> Callable[[int], list[Row]]:
    def rows(n: int) -> list[Row]:
        return [
            (f"s{person:02d}", visit, names[person % len(names)], 0,
             doses[person % len(doses)] if visit == visits[-1] else 0.0)
            for person in range(n)
            for visit in visits
        ]  # fmt: skip

    return rows


def _spread_of_doses(n: int) -> float:
    return float(np.sqrt(n * np.var(DOSES)))


MG = tuple(f"mg{place}" for place in range(len(DOSES)))
# Of the change of one sample from another; of a sample given another of the same subject.
OF_CHANGE, GIVEN_BASELINE = 2 * WITHIN, BETWEEN + WITHIN - BETWEEN**2 / (BETWEEN + WITHIN)
OF_TWO_CHANGES = 4 * (WITHIN - OF_PERIOD)
AT, CHANGE = {"at": "v2"}, {"reference": "v1", "target": "v2"}
A_B = {"arm": "a", "against": "b"}
TWO_ON_ONE = {"reference": "v1", "target": {"mean": ["v2", "v3"]}}
TWO_ON_TWO = {"reference": {"mean": ["v1", "v2"]}, "target": {"mean": ["v3", "v4"]}}


def _mean_error(variance: float) -> Callable[[int], float]:
    return lambda n: float(np.sqrt(variance / n))


MODERATED = Kind(
    "moderated t", "One arm, two visits: moderated t", ONE, CHANGE | {"method": "moderated_t"},
    _one_arm(("v1",), ("v2",)), _mean_error(OF_CHANGE), 1, mixed=True,
)  # fmt: skip
TWO_CONDITIONS = Kind(
    "crossover, one visit", "Crossover, one visit per condition, order known", ORDER, AT | A_B, _crossed(("v2",)),
    _mean_error(OF_CHANGE), 2,
)  # fmt: skip
UNTOLD_CONDITIONS = Kind(
    "crossover, one visit, order not known", "Crossover, one visit per condition, order not known", ORDER, AT | A_B,
    _crossed(("v2",)), _mean_error(OF_CHANGE + PERIOD_EFFECT**2), 1, order_known=False,
)  # fmt: skip
THREE_CONDITIONS = Kind(
    "crossover, three conditions", "Crossover, two of three conditions, one visit per condition, order known", THREE,
    AT | A_B, _crossed(("v2",), ("abc", "bca", "cab", "acb", "bac", "cba")), _mean_error(OF_CHANGE), 3,
)  # fmt: skip
TWO_CHANGES = Kind(
    "crossover, changes", "Crossover, change under each condition, order known", ORDER, CHANGE | A_B,
    _crossed(("v1", "v2")), _mean_error(OF_TWO_CHANGES), 2,
)  # fmt: skip
UNTOLD_CHANGES = Kind(
    "crossover, changes, order not known", "Crossover, change under each condition, order not known", ORDER,
    CHANGE | A_B, _crossed(("v1", "v2")), _mean_error(OF_TWO_CHANGES), 1, order_known=False, inverted=True,
)  # fmt: skip
TWO_FOLLOW_UPS = Kind(
    "two follow-ups against one baseline", "Mean of visits: two follow-ups against one baseline", ONE, TWO_ON_ONE,
    _one_arm(("v1",), ("v2", "v3")), _mean_error(1.5 * WITHIN), 1, visits=("v1", "v2", "v3"), inverted=True,
)  # fmt: skip
TWO_BASELINES = Kind(
    "two follow-ups against two baselines", "Mean of visits: two follow-ups against two baselines", ONE, TWO_ON_TWO,
    _one_arm(("v1", "v2"), ("v3", "v4")), _mean_error(WITHIN), 1, visits=("v1", "v2", "v3", "v4"), inverted=True,
)  # fmt: skip
DOSE_CHANGE = Kind(
    "dose trend given baseline", "Dose trend: follow-up given baseline, three doses", DOSED,
    CHANGE | {"trend": "dose_mg"}, _arms(DOSES, MG, ("v1", "v2")),
    lambda n: float(np.sqrt(GIVEN_BASELINE)) / _spread_of_doses(n), 3,
)  # fmt: skip
DOSE_AT = Kind(
    "dose trend at one visit", "Dose trend: one visit, three doses", DOSED, AT | {"trend": "dose_mg"},
    _arms(DOSES, MG, ("v2",)), lambda n: float(np.sqrt(BETWEEN + WITHIN)) / _spread_of_doses(n), 2,
)  # fmt: skip
ANCOVA = Kind(
    "ANCOVA", "Randomised arms: follow-up given baseline", ARM, CHANGE | {"arm": "drug", "against": "placebo"},
    _arms((0.0, 1.0), ("placebo", "drug"), ("v1", "v2")), lambda n: float(np.sqrt(4 * GIVEN_BASELINE / n)), 3,
)  # fmt: skip
KINDS = (
    MODERATED, TWO_CONDITIONS, UNTOLD_CONDITIONS, THREE_CONDITIONS, TWO_CHANGES, UNTOLD_CHANGES, TWO_FOLLOW_UPS,
    TWO_BASELINES, DOSE_CHANGE, DOSE_AT, ANCOVA,
)  # fmt: skip
