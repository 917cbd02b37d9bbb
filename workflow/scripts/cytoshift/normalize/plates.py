"""What must be added to each analyte on each plate so that plates can be compared? Learned and applied apart."""

from __future__ import annotations

import pandas as pd

from cytoshift.findings import Finding, finding, listed
from cytoshift.frames import conform
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
    """Learn one offset per source × feature × plate, never looking at visit or arm.

    `scaled` has columns source, feature, plate, sample, value, lower, upper, status on the analysis scale;
    `references` are the bridge and pool samples. Method plate_median: the mean of the plates' medians (reference
    samples left out, a non-detect at its limit) less the plate's median; none where more than half are non-detects.
    Method reference_samples: minus the plate effect of the additive model value = reference + plate, least squares
    over references with a number on two plates or more, effects summing to zero over the largest set of plates that
    references link for that feature (their non-detects drop links). Returns PLATE_FACTORS; `offset` is empty where it
    cannot be learned. Raises ValueError for another method.
    """
    placed = scaled[(scaled["plate"] != "") & (scaled["status"] != "missing")]
    every = placed[PLATE].drop_duplicates().sort_values(PLATE).reset_index(drop=True)
    if method == "plate_median":
        learned = _medians(placed[~placed["sample"].isin(references)])
    elif method == "reference_samples":
        learned = reference_offsets(placed[placed["sample"].isin(references)])
    else:
        raise ValueError(f"{method!r} is not one of plate_median, reference_samples")
    offsets = every.merge(learned, on=PLATE, how="left")
    offsets["samples_used"] = offsets["samples_used"].fillna(0)
    return conform(offsets, PLATE_FACTORS)


def apply_plate_offsets(scaled: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """Add the offsets of `factors` (PLATE_FACTORS) to value, lower and upper; rows without one stay as they are."""
    offsets = factors.set_index(PLATE)["offset"]
    added = offsets.reindex(pd.MultiIndex.from_frame(scaled[PLATE])).fillna(0.0).to_numpy()
    return scaled.assign(**{name: scaled[name] + added for name in ("value", "lower", "upper")})


def refuse_confounded(scaled: pd.DataFrame, samples: pd.DataFrame) -> None:
    """Raise Problems where centring plates would remove part of the difference between arms or visits.

    `scaled` has columns source, sample, plate; `samples` the sample table, of type sample only. A source is refused
    when its plates determine the arm or visit in part: Cramér's V ≥ 0.5, or a difference that plates leave
    inestimable.
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
                        f"'plate_median' is refused for source '{source}': plate and {group} go together (Cramér's V "
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
                    f"{listed(rest)} shares none with {plates[0]}; legal here: none, plate_median",
                )
            )
    if problems:
        raise Problems(problems)


def describe_offsets(factors: pd.DataFrame, method: str) -> list[Finding]:
    """Say what was added, and which plates had to stay as they are."""
    found = []
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
            found.append(finding("normalize", "plates_aligned", message, numbers, severity="note", action="nothing"))
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


def _medians(placed: pd.DataFrame) -> pd.DataFrame:
    group = placed.assign(point=at_limit(placed), censored=placed["status"].isin(["below", "above"])).groupby(PLATE)
    table = group.agg(median=("point", "median"), censored=("censored", "mean"), samples_used=("sample", "nunique"))
    table = table[table["censored"] <= MOST_NON_DETECTS].reset_index()
    table["offset"] = table.groupby(FEATURE)["median"].transform("mean") - table["median"]
    return table[[*PLATE, "samples_used", "offset"]]
