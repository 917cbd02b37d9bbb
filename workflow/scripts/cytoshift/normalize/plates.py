"""What must be done to each analyte on each plate so that plates can be compared? Learned and applied apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed
from cytoshift.frames import conform
from cytoshift.normalize.combat import fit_combat
from cytoshift.normalize.references import reference_offsets
from cytoshift.quality.aliasing import associate
from cytoshift.quality.scale import at_limit
from cytoshift.study.problem import Problem, Problems
from cytoshift.tables import PLATE_FACTORS

FEATURE = ["source", "feature"]
PLATE = [*FEATURE, "plate"]
MOST_NON_DETECTS = 0.5
FEW_SAMPLES = 8


def fit_plate_offsets(scaled: pd.DataFrame, method: str, references: set[str]) -> pd.DataFrame:
    """Learn one offset (with combat also a scale) per source × feature × plate, never looking at visit or arm.

    `scaled` has columns source, feature, plate, sample, value, lower, upper, status on the analysis scale;
    `references` are the bridge and pool samples. Method plate_median: the mean of the plates' medians (reference
    samples left out, a non-detect at its limit) less the plate's median; none where more than half are non-detects.
    Method reference_samples: minus the plate effect of the additive model value = reference + plate, least squares
    over references with a number on two plates or more, effects summing to zero over the largest set of plates that
    references link for that feature (their non-detects drop links). Method combat: `fit_combat`, reference samples left
    out. Returns PLATE_FACTORS; `offset` and `scale` are empty where they cannot be learned. Raises ValueError for
    another method, Problems where combat meets a plate with one sample.
    """
    placed = scaled[(scaled["plate"] != "") & (scaled["status"] != "missing")]
    every = placed[PLATE].drop_duplicates().sort_values(PLATE).reset_index(drop=True)
    if method == "plate_median":
        learned = _medians(placed[~placed["sample"].isin(references)])
    elif method == "reference_samples":
        learned = reference_offsets(placed[placed["sample"].isin(references)])
    elif method == "combat":
        learned = fit_combat(placed[~placed["sample"].isin(references)])
    else:
        raise ValueError(f"{method!r} is not one of plate_median, reference_samples, combat")
    offsets = every.merge(learned, on=PLATE, how="left")
    offsets["samples_used"] = offsets["samples_used"].fillna(0)
    if method != "combat":
        offsets["scale"] = offsets["offset"].where(offsets["offset"].isna(), 1.0)
    return conform(offsets, PLATE_FACTORS)


def apply_plate_offsets(scaled: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """Apply `factors` (PLATE_FACTORS) to value, lower and upper: x → centre + scale·(x − centre) + offset.

    A scale is positive, so a bound stays a bound, and an open end stays open. Rows without a factor stay as they are.
    """
    of_row = factors.set_index(PLATE)[["offset", "scale", "centre"]].astype(float)
    of_row = of_row.reindex(pd.MultiIndex.from_frame(scaled[PLATE]))
    offset, scale = of_row["offset"].fillna(0.0).to_numpy(), of_row["scale"].fillna(1.0).to_numpy()
    stretched = np.where(scale == 1.0, 0.0, of_row["centre"].fillna(0.0).to_numpy()) * (1 - scale)
    return scaled.assign(**{name: scaled[name] * scale + stretched + offset for name in ("value", "lower", "upper")})


def refuse_confounded(scaled: pd.DataFrame, samples: pd.DataFrame, method: str) -> None:
    """Raise Problems where centring plates would remove part of the difference between arms or visits.

    `scaled` has columns source, sample, plate; `samples` the sample table, of type sample only; `method` is the plan's
    word. A source is refused when its plates determine the arm or visit in part: Cramér's V ≥ 0.5, or a difference
    that plates leave inestimable.
    """
    about = samples.drop_duplicates("sample").set_index("sample")
    placed = scaled.loc[(scaled["plate"] != "") & scaled["sample"].isin(about.index), ["source", "sample", "plate"]]
    problems = []
    for source, part in placed.drop_duplicates().groupby("source", sort=True):
        for group in ("arm", "visit"):
            association = associate(part["plate"], part["sample"].map(about[group]))
            if association is not None and association.strength == "strong":
                problems.append(
                    Problem(
                        "study file",
                        "normalize.plates",
                        f"'{method}' is refused for source '{source}': plate and {group} go together (Cramér's V "
                        f"{association.cramers_v:.2f}), so it would remove the difference in question; legal here: "
                        "none (with `adjust: [plate]` in the contrast), reference_samples",
                    )
                )
    if problems:
        raise Problems(problems)


def refuse_unlinked(scaled: pd.DataFrame, references: set[str]) -> None:
    """Raise Problems where the plates of a source are not linked by bridge or pool samples on more than one of them."""
    placed = scaled.loc[(scaled["plate"] != ""), ["source", "sample", "plate"]].drop_duplicates()
    problems = []
    for source, part in placed.groupby("source", sort=True):
        plates = sorted(part["plate"].unique())
        holders = part[part["sample"].isin(references)].groupby("sample")["plate"].agg(set)
        linked = {plates[0]}
        while any(linked & held and held - linked for held in holders):
            linked |= set().union(*(held for held in holders if linked & held))
        if rest := [plate for plate in plates if plate not in linked]:
            problems.append(
                Problem(
                    "study file",
                    "normalize.plates",
                    f"'reference_samples' needs bridge or pool samples that link the plates of source '{source}': "
                    f"{listed(rest)} shares none with {plates[0]}; legal here: none, plate_median, combat",
                )
            )
    if problems:
        raise Problems(problems)


def describe_offsets(factors: pd.DataFrame, method: str) -> list[Finding]:
    """Say what was added, and which plates had to stay as they are."""
    found: list[Finding] = []
    for source, part in factors.groupby("source", sort=False):
        size = part["offset"].abs()
        plates = part["plate"].nunique()
        message = (
            f"{source}: {plates} plates aligned by {method.replace('_', ' ')}; half of the offsets are at most a "
            f"factor of {2 ** float(size.median()):.3g}, the largest is {2 ** float(size.max()):.3g}."
        )
        numbers = {"plates": plates, "median_offset": float(size.median()), "largest_offset": float(size.max()),
                   "fewest_samples": int(part["samples_used"].min())}  # fmt: skip
        if size.notna().any():
            if method == "combat":
                numbers |= {"smallest_scale": float(part["scale"].min()), "largest_scale": float(part["scale"].max())}
                message += f" Spreads were multiplied by {part['scale'].min():.3g} to {part['scale'].max():.3g}."
            found.append(finding("normalize", "plates_aligned", message, numbers, severity="note", action="nothing"))
            found += _only_shifted(str(source), part) if method == "combat" else []
        if method == "plate_median" and (few := part[part["samples_used"] < FEW_SAMPLES])["plate"].nunique():
            message = (
                f"{source}: plate medians rest on fewer than {FEW_SAMPLES} samples ({listed(few['plate'].unique())})."
            )
            numbers = {"fewest_samples": int(few["samples_used"].min()), "plates": few["plate"].nunique()}
            found.append(finding("normalize", "few_samples_on_plate", message, numbers))
    for feature, part in factors[factors["offset"].isna()].groupby("feature", sort=False):
        message = f"{feature}: no offset could be learned for {listed(part['plate'])}; values there stay as they are."
        numbers = {"plates": len(part)}
        found.append(finding("normalize", "plate_without_offset", message, numbers, feature=str(feature)))
    return found


def _only_shifted(source: str, part: pd.DataFrame) -> list[Finding]:
    """Which analytes combat shifted on some plate without touching their spread."""
    shifted = part[part["scale"] == 1.0]
    if shifted.empty or len(part["plate"].unique()) == 1:
        return []
    numbers = {"only_shifted": len(shifted), "of": len(part), "features": shifted["feature"].nunique()}
    message = (
        f"{source}: {len(shifted)} of {len(part)} analytes × plates hold too few values for a spread and were only "
        f"shifted ({listed(shifted['feature'].unique())} on {listed(sorted(shifted['plate'].unique()))})."
    )
    return [finding("normalize", "plates_only_shifted", message, numbers, severity="note")]


def _medians(placed: pd.DataFrame) -> pd.DataFrame:
    group = placed.assign(point=at_limit(placed), censored=placed["status"].isin(["below", "above"])).groupby(PLATE)
    table = group.agg(median=("point", "median"), censored=("censored", "mean"), samples_used=("sample", "nunique"))
    table = table[table["censored"] <= MOST_NON_DETECTS].reset_index()
    table["offset"] = table.groupby(FEATURE)["median"].transform("mean") - table["median"]
    return table[[*PLATE, "samples_used", "offset"]]
