"""Which values, samples and visits can be trusted: every check of the stage, in order, on what intake read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, findings_table
from cytoshift.frames import conform
from cytoshift.quality import visits
from cytoshift.quality.aliasing import find_aliasing
from cytoshift.quality.beads import find_low_beads
from cytoshift.quality.composition import find_inconsistent_cells
from cytoshift.quality.constants import find_constants, find_gaps
from cytoshift.quality.duplicates import settle_duplicates
from cytoshift.quality.exclusions import left_out_samples
from cytoshift.quality.failed import find_failed_samples
from cytoshift.quality.floors import find_floors
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.quality.rows import unify
from cytoshift.quality.sample_map import map_samples
from cytoshift.quality.slips import find_slips
from cytoshift.quality.spikes import find_spikes
from cytoshift.quality.subjects import find_conflicting_subjects, find_unpaired
from cytoshift.quality.swaps import find_swaps
from cytoshift.quality.zeros import censor_nonpositive
from cytoshift.study.settings import Visit
from cytoshift.study.study import QualityPlan
from cytoshift.tables import SAMPLES, VALUES

# Of the studies simulated without a swap. Not the study file's seed, which belongs to the tests: what is flagged here
# must not change with it.
SWAP_SEED = 20261122


@dataclass(frozen=True)
class Review:
    """What the quality stage writes, each as tables/ defines it.

    `samples` has three columns more: `kept` (yes | no), `left_out`, the reason, and `flags`, what is wrong with a kept
    sample as a whole: the shift stage shows every estimate without these samples as well.
    """

    values: pd.DataFrame
    samples: pd.DataFrame
    replicates: pd.DataFrame
    sample_map: pd.DataFrame
    findings: pd.DataFrame


def review(
    samples: pd.DataFrame,
    measurements: pd.DataFrame,
    cells: pd.DataFrame,
    outcomes: pd.DataFrame,
    names: pd.DataFrame,
    plates: pd.DataFrame | None,
    plan: QualityPlan,
) -> Review:
    """Collapse replicates to one value per sample and feature, run every check and apply what the plan says.

    The tables are intake's; `plates` may be None. Values of a left-out sample stay in `values` with `excluded` set.
    Raises Problems for conflicting duplicates without a rule.
    """
    real = samples[samples["type"].isin(["sample", ""])]
    left_out = left_out_samples(samples, plan.exclude, plan.visits)
    low_beads, of_beads = find_low_beads(measurements, plan.quality.min_beads)
    if plan.quality.min_beads.on_fail == "exclude":
        measurements = measurements.assign(excluded=measurements["excluded"] | low_beads)
    rows, derived, found = _clean(unify(measurements, cells, outcomes, names), real, left_out, plan)
    parents = rows.loc[rows["layer"] == "cell", ["feature", "parent"]].drop_duplicates()
    collapsed = collapse_replicates(rows, set(samples["sample"]) - set(real["sample"]), plan.quality.max_replicate_cv)
    values, found = collapsed.values, of_beads + found + collapsed.findings
    kept = real[~real["sample"].isin(left_out)]
    subjects = kept.drop_duplicates("sample").set_index("sample")["subject"]
    slips, more = find_slips(values, subjects, plan.quality.unit_slip)
    trusted = values[~values["excluded"] & ~values.index.isin(slips) & values["sample"].isin(kept["sample"])]
    found += more + find_constants(trusted) + find_inconsistent_cells(trusted, parents)
    found += find_gaps(trusted.assign(subject=trusted["sample"].map(subjects)))
    sample_map, flags, more = _check_samples(trusted, kept, left_out, plan)
    _exclude(values, left_out)
    found += more
    kept = real[~real["sample"].isin(left_out)]
    measured = [visit for visit in plan.visits if visit.id not in derived]
    found += find_aliasing(kept, _runs(values, plates)) + _check_design(kept, measured, plan)
    return Review(
        conform(values[VALUES.names()], VALUES),
        _with_reasons(samples, left_out, flags),
        collapsed.replicates,
        sample_map,
        findings_table(found),
    )


def _clean(
    rows: pd.DataFrame, real: pd.DataFrame, left_out: dict[str, str], plan: QualityPlan
) -> tuple[pd.DataFrame, list[str], list[Finding]]:
    """Rows without duplicates and with non-detects for substituted numbers; the derived visits; findings.

    Samples of derived visits join `left_out`, in place, when the plan excludes them.
    """
    _exclude(rows, left_out)
    settled = settle_duplicates(rows, plan.duplicates)
    rows, found = settled.rows, settled.findings
    trusted = real[~real["sample"].isin(left_out)]
    rule = plan.quality.derived_visit
    derived, more = visits.find_derived_visits(rows[~rows["excluded"]], trusted, plan.visits, rule)
    if rule.on_fail == "exclude":
        for sample in trusted.loc[trusted["visit"].isin(derived), "sample"]:
            left_out[sample] = "derived visit: computed from two other visits"
        _exclude(rows, left_out)
    found += more + censor_nonpositive(rows)
    if plan.limits.detect_floors:
        found += find_spikes(rows) + find_floors(rows)
    return rows, derived, found


def _exclude(rows: pd.DataFrame, left_out: dict[str, str]) -> None:
    rows.loc[rows["sample"].isin(left_out), "excluded"] = True


def _check_samples(
    used: pd.DataFrame, kept: pd.DataFrame, left_out: dict[str, str], plan: QualityPlan
) -> tuple[pd.DataFrame, dict[str, str], list[Finding]]:
    """The sample map, flags on samples, findings; what the plan excludes joins `left_out`, in place."""
    failed, found = find_failed_samples(used, kept, plan.quality.failed_sample)
    sample_map, outliers, more = map_samples(used, kept, plan.quality.outlier_mads)
    swapped, of_swaps = find_swaps(used, kept, np.random.default_rng(SWAP_SEED))
    if plan.quality.failed_sample.on_fail == "exclude":
        left_out |= dict.fromkeys(failed, "failed sample")
    if plan.quality.outlier_mads.on_fail == "exclude":
        left_out |= {sample: "outlier on the sample map" for sample in outliers if sample not in left_out}
    flags: dict[str, str] = {}
    for word, concerned in (("failed_sample", failed), ("sample_map_outlier", outliers), ("possible_swap", swapped)):
        for sample in concerned:
            flags[sample] = ", ".join([*filter(None, [flags.get(sample)]), word])
    return sample_map, flags, found + more + of_swaps


def _check_design(kept: pd.DataFrame, measured: list[Visit], plan: QualityPlan) -> list[Finding]:
    """Subjects, visits and their order, on the samples that remain and the visits that were measured."""
    crossover = plan.design == "crossover"
    found = find_conflicting_subjects(kept, crossover)
    found += find_unpaired(kept, measured, plan.arms, crossover)
    found += visits.find_disorder(kept, measured)
    if crossover:
        found += visits.find_order_effect(kept, plan.arms)
    return found + visits.find_undated(kept, crossover)


def _runs(values: pd.DataFrame, plates: pd.DataFrame | None) -> pd.DataFrame:
    """Which plate (batch, lot, run day) each sample was measured on, per source."""
    used = values.loc[~values["excluded"] & (values["plate"] != ""), ["source", "sample", "plate"]]
    counted = used.groupby(["source", "sample", "plate"]).size().rename("times").reset_index()
    counted = counted.sort_values(["source", "sample", "times"], ascending=[True, True, False], kind="stable")
    runs = counted.drop_duplicates(["source", "sample"])[["source", "sample", "plate"]]
    if plates is None or plates.empty:
        return runs
    known = [name for name in ("batch", "lot", "run_date") if name in plates.columns]
    about = plates.drop_duplicates(["source", "plate"])[["source", "plate", *known]]
    return runs.merge(about, on=["source", "plate"], how="left")


def _with_reasons(samples: pd.DataFrame, left_out: dict[str, str], flags: dict[str, str]) -> pd.DataFrame:
    reason = samples["sample"].map(left_out).astype("object").fillna("")
    flagged = samples["sample"].map(flags).astype("object").fillna("").where(reason == "", "")
    return conform(samples.assign(kept=np.where(reason == "", "yes", "no"), left_out=reason, flags=flagged), SAMPLES)
