"""Which share of its parent is a population, when the file holds the events the cytometer counted?

Events depend on how long the cytometer ran; their share of a parent counted in the same tube does not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.normalize.counted_fractions import counts_over_fractions
from cytoshift.vocabulary.gating import is_gating_step

ENDS = ["value", "lower", "upper"]


def fractions_of_events(values: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Turn events into the fraction (count + 0.5) / (total + 1) of the parent's events in the same sample.

    `values` is the VALUES table without excluded rows; `parent` names the nearest ancestor that the source counted.
    A count of zero has its fraction like any other; one known only by a bound keeps it. The fraction is missing where
    the total is. Events of steps of the gating are left out; others without a parent stay events, with a warning. A
    population that the source also states as a fraction of that parent is one feature (`counts_over_fractions`).
    Returns the values and findings.
    """
    events = (values["measure"] == "events").to_numpy()
    if not events.any():
        return values, []
    named = events & (values["parent"] != "").to_numpy()
    total = _totals(values, events)
    # a parent that the plan left out everywhere is no parent
    divided = named & values["feature"].isin(values.loc[named & ~np.isnan(total), "feature"]).to_numpy()
    zero = (values["status"] == "below").to_numpy() & (values["upper"] <= values["resolution"]).to_numpy()
    known = divided & ~np.isnan(total)
    made = values.copy()
    for name in ENDS:
        count = np.where(zero, 0.0, values[name].to_numpy(dtype=float))
        with np.errstate(invalid="ignore"):
            fraction = (count + 0.5) / (total + 1.0)
        made[name] = np.where(divided, np.where(known, fraction, np.nan), values[name])
    # events of a step of the gating ("Single Cells") only serve to divide by
    steps = events & ~divided & values["as_written"].map(is_gating_step).to_numpy(dtype=bool)
    lost = divided & ~known & (values["status"] != "missing").to_numpy()
    made["status"] = values["status"].mask(zero & known, "observed").mask(divided & ~known, "missing")
    made["detected"] = values["detected"] & ~(divided & ~known)
    made["measure"] = values["measure"].mask(divided, "fraction_of_parent")
    made["unit"] = values["unit"].mask(divided, "fraction of " + values["parent"])
    found = _findings(values, events & ~divided & ~steps, divided, lost)
    made, of_both = counts_over_fractions(made[~steps], divided[~steps])
    return made, found + of_both + _step_findings(values[steps])


def _totals(values: pd.DataFrame, events: np.ndarray) -> np.ndarray:
    """Events of each row's parent in the same source and sample (rows,); NaN where there is no number above 0."""
    numbers = values[events & (values["value"] > 0).to_numpy()]
    key = ["source", "sample", "feature"]
    known = numbers.drop_duplicates(key).set_index(key)["value"]
    found = np.full(len(values), np.nan)
    # a population that two sources hold is called feature@source
    for name in (values["parent"], values["parent"] + "@" + values["source"]):
        wanted = pd.MultiIndex.from_arrays([values["source"], values["sample"], name])
        found = np.where(np.isnan(found), known.reindex(wanted).to_numpy(dtype=float), found)
    return np.where(events, found, np.nan)


def _step_findings(rows: pd.DataFrame) -> list[Finding]:
    found = []
    for source, part in rows.groupby("source", sort=False):
        names = part["as_written"].drop_duplicates()
        message = f"{source}: steps of the gating are no populations and are not compared: {listed(names, 6)}."
        numbers = {"gates": len(names)}
        found.append(finding("normalize", "gating_steps", message, numbers, severity="note", action="excluded"))
    return found


def _findings(values: pd.DataFrame, alone: np.ndarray, divided: np.ndarray, lost: np.ndarray) -> list[Finding]:
    found = []
    for source, part in values[divided].groupby("source", sort=False):
        parents = part.drop_duplicates("feature")
        pairs = listed((f"{row.feature} of {row.parent}" for row in parents.itertuples()), 6)
        message = (
            f"{source}: events are compared as fractions of their parent's events in the same tube, "
            f"(count + 0.5) / (total + 1): {pairs}."
        )
        numbers = {"features": len(parents), "values": len(part)}
        found.append(finding("normalize", "events_as_fractions", message, numbers, severity="note", action="nothing"))
    for feature, part in values[lost].groupby("feature", sort=False):
        message = (
            f"{part['label'].iloc[0]}: {plural(len(part), 'sample')} without events of {part['parent'].iloc[0]}, its "
            "parent; the fraction is missing there."
        )
        numbers = {"values": len(part)}
        found.append(
            finding("normalize", "events_without_total", message, numbers, feature=str(feature), action="excluded")
        )
    for feature, part in values[alone].groupby("feature", sort=False):
        message = (
            f"{part['label'].iloc[0]}: events, and none of a parent population in {part['source'].iloc[0]}. "
            "Acquisition differs between tubes: not comparable between samples unless the same volume was acquired."
        )
        numbers = {"values": len(part)}
        found.append(finding("normalize", "events_without_parent", message, numbers, feature=str(feature)))
    return found
