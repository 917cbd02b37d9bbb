"""The panel: every kept value on its analysis scale, plates aligned as the plan says, indices added, bounds kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, findings_table, plural
from cytoshift.frames import conform, empty
from cytoshift.normalize.events import fractions_of_events
from cytoshift.normalize.indices import add_indices
from cytoshift.normalize.plates import (
    apply_plate_offsets,
    describe_offsets,
    fit_plate_offsets,
    refuse_confounded,
    refuse_unlinked,
)
from cytoshift.normalize.references import describe_unaligned
from cytoshift.quality.scale import SCALE_OF_MEASURE, to_scale
from cytoshift.study.study import NormalizePlan
from cytoshift.tables import PANEL, PLATE_FACTORS

ENDS = ["value", "lower", "upper"]


@dataclass(frozen=True)
class Normalized:
    """What the normalize stage writes, each as tables/ defines it."""

    panel: pd.DataFrame
    plate_factors: pd.DataFrame
    findings: pd.DataFrame


def normalize(values: pd.DataFrame, samples: pd.DataFrame, plan: NormalizePlan) -> Normalized:
    """Bring the values of kept samples to their analysis scale and make plates comparable.

    `values` is the VALUES table; `samples` the sample table of quality, whose column `kept` (yes | no) is obeyed.
    Excluded values are left out. Reference samples help to align plates and do not enter the panel. Raises Problems
    where the planned alignment is confounded with arm or visit, plates are not linked, or an index cannot be formed.
    """
    kept = samples[samples["kept"] == "yes"] if "kept" in samples.columns else samples
    used = values[~values["excluded"].astype(bool) & values["sample"].isin(kept["sample"])]
    scaled, found = scale_values(used)
    real = kept[kept["type"].isin(["sample", ""])]
    scaled, factors, more = _align(scaled, kept, real, plan.normalize.plates)
    panel = conform(scaled[scaled["sample"].isin(real["sample"])][PANEL.names()], PANEL)
    panel, of_indices = add_indices(panel, plan.indices)
    return Normalized(conform(panel, PANEL), factors, findings_table(found + more + of_indices))


def scale_values(values: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Bring value, lower and upper of a VALUES table to the analysis scale and add the column `scale`.

    log2 for concentrations and counts (NPX and NPQ are left as they are), natural logit for fractions, scores
    unchanged; events are fractions of their parent's events, or on log2 where there is none. A non-detect keeps its
    limit, its open end becomes infinite. A fraction of 0 stands at half the smallest fraction above 0 of its feature,
    one of 1 likewise from above (flagged); a number outside the scale's domain is missing.
    """
    values, found = fractions_of_events(values)
    values, more = _bounded_fractions(values)
    found += more
    scaled = {name: to_scale(values[name].to_numpy(dtype=float), values["measure"]) for name in ENDS}
    below, above = ((values["status"] == word).to_numpy() for word in ("below", "above"))
    scaled["lower"] = np.where(below, -np.inf, scaled["lower"])
    scaled["upper"] = np.where(above, np.inf, scaled["upper"])
    number = values["status"].isin(["observed", "extrapolated"]).to_numpy()
    bound = np.where(number, scaled["value"], np.where(below, scaled["upper"], scaled["lower"]))
    lost = (number | below | above) & ~np.isfinite(bound)
    status = values["status"].where(~lost, "missing")
    gone = (status == "missing").to_numpy()
    scaled = {name: np.where(gone, np.nan, column) for name, column in scaled.items()}
    scale = values["measure"].map(SCALE_OF_MEASURE)
    for feature, part in values[lost].groupby("feature", sort=False):
        message = (
            f"{part['label'].iloc[0]}: {plural(len(part), 'value')} cannot stand on the {scale[part.index[0]]} scale."
        )
        found.append(
            finding(
                "normalize", "outside_scale", message, {"values": len(part)}, feature=str(feature), action="excluded"
            )
        )
    detected = values["detected"] & ~gone
    return values.assign(**scaled, status=status, scale=scale, detected=detected), found


def _bounded_fractions(values: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Move fractions of 0 and 1 inside by half the smallest distance any other fraction of the feature keeps."""
    fraction = (values["measure"] == "fraction_of_parent") & values["value"].notna()
    found: list[Finding] = []
    for end, word in ((0.0, "0"), (1.0, "1")):
        at = fraction & (values["value"] == end)
        if not at.any():
            continue
        inside = values[fraction & (values["value"] > 0) & (values["value"] < 1)]
        nearest = (inside["value"] - end).abs().groupby(inside["feature"]).min()
        step = values.loc[at, "feature"].map(nearest).astype(float) / 2
        values = values.copy()
        for name in ENDS:
            values.loc[at, name] = (step if end == 0 else 1 - step).to_numpy()
        # a feature without any fraction between 0 and 1 has no half to take: outside_scale says so
        for feature, part in values[at & values["value"].notna()].groupby("feature", sort=False):
            message = (
                f"{part['label'].iloc[0]}: {plural(len(part), 'fraction')} of {word} replaced by half the smallest "
                f"distance from {word} ({part['value'].iloc[0]:.4g}), since it has no logit."
            )
            numbers = {"values": len(part), "replaced_by": float(part["value"].iloc[0])}
            found.append(finding("normalize", f"fraction_of_{word}", message, numbers, feature=str(feature)))
    return values, found


def _align(
    scaled: pd.DataFrame, kept: pd.DataFrame, real: pd.DataFrame, method: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    cytokines = scaled["layer"] == "cytokine"
    if method == "none" or not (cytokines & (scaled["plate"] != "")).any():
        return scaled, empty(PLATE_FACTORS), []
    references = set(kept.loc[kept["type"].isin(["bridge", "pool"]), "sample"])
    several = cytokines & (scaled["plates"].fillna(1) > 1)
    placed = scaled["plate"]
    scaled = scaled.assign(plate=placed.where(~several, ""))
    if method in ("plate_median", "combat"):
        refuse_confounded(scaled[cytokines], real, method)
    else:
        refuse_unlinked(scaled[cytokines], references)
    factors = fit_plate_offsets(scaled[cytokines], method, references)
    aligned = pd.concat([apply_plate_offsets(scaled[cytokines], factors), scaled[~cytokines]]).loc[scaled.index]
    found = describe_offsets(factors, method) + describe_unaligned(scaled[several])
    return aligned.assign(plate=placed), factors, found
