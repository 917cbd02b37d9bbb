"""How far apart do plates read, judged by the samples that stand on several of them?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, plural

FEATURE = ["source", "feature"]
PLATE = [*FEATURE, "plate"]


def reference_offsets(references: pd.DataFrame) -> pd.DataFrame:
    """Least-squares plate offsets of every feature from reference samples measured on several plates.

    `references` has columns source, feature, plate, sample and value (analysis scale, NaN for a non-detect). The model
    is value = reference + plate, solved for each feature over the largest set of plates that its references with a
    number link (equal sets: the one with more values, then the first by name); effects sum to zero there. Returns
    source, feature, plate, samples_used (references the offset rests on) and offset = −effect; plates outside the set
    have no row.
    """
    numbers = references[references["value"].notna()]
    learned = [_offsets_of_source(part).assign(source=source) for source, part in numbers.groupby("source", sort=True)]
    nothing = pd.DataFrame(columns=[*PLATE, "samples_used", "offset"])
    return pd.concat(learned, ignore_index=True) if learned else nothing


def _offsets_of_source(part: pd.DataFrame) -> pd.DataFrame:
    """Columns feature, plate, samples_used, offset; features with the same values present are solved at once."""
    table = part.pivot_table(index="feature", columns=["plate", "sample"], values="value", aggfunc="mean", sort=True)
    values = table.to_numpy(dtype=float)
    plate, plates = pd.factorize(table.columns.get_level_values("plate"), sort=True)
    reference, _ = pd.factorize(table.columns.get_level_values("sample"), sort=True)
    offsets, used = np.full((len(table), len(plates)), np.nan), np.zeros((len(table), len(plates)), dtype=int)
    patterns, which = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == number)
        links = np.zeros((len(plates), reference.max() + 1))
        links[plate[pattern], reference[pattern]] = 1.0
        linked = _largest_linked(links)
        if len(linked) < 2:
            continue
        links = links[linked]
        links[:, links.sum(axis=0) < 2] = 0.0  # a reference on one plate says nothing about plates
        cells = np.zeros((len(rows), *links.shape))
        cells[:, links > 0] = values[rows][:, _columns_of(links > 0, linked, plate, reference)]
        offsets[np.ix_(rows, linked)] = -_plate_effects(links, cells)
        used[np.ix_(rows, linked)] = links.sum(axis=1).astype(int)
    row, column = np.nonzero(~np.isnan(offsets))
    return pd.DataFrame(
        {
            "feature": table.index.to_numpy()[row],
            "plate": np.asarray(plates)[column],
            "samples_used": used[row, column],
            "offset": offsets[row, column],
        }
    )


def _columns_of(present: np.ndarray, linked: np.ndarray, plate: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Column of the value table for each present (plate, reference), in the order of `present`."""
    place = np.full((plate.max() + 1, reference.max() + 1), -1)
    place[plate, reference] = np.arange(len(plate))
    return place[linked][present]


def _largest_linked(links: np.ndarray) -> np.ndarray:
    """Plates (their positions) of the largest set that shared references connect; `links` is plates × references."""
    shared = links[:, links.sum(axis=0) > 1]
    reach = shared @ shared.T > 0
    unseen, best, best_size = np.ones(len(links), dtype=bool), np.zeros(0, dtype=int), (0, 0.0)
    while unseen.any():
        member = np.zeros(len(links), dtype=bool)
        member[np.argmax(unseen)] = True
        while (grown := member | reach[member].any(axis=0)).sum() > member.sum():
            member = grown
        size = (int(member.sum()), float(shared[member].sum()))
        if size > best_size:
            best, best_size = np.flatnonzero(member), size
        unseen &= ~member
    return best


def _plate_effects(links: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Plate effects (features, plates) of value = reference + plate, references swept out, effects summing to zero.

    `links` (plates, references) is 0 or 1 and connects all plates; `cells` (features, plates, references) is 0 where
    there is no value.
    """
    times = np.maximum(links.sum(axis=0), 1.0)
    normal = np.diag(links.sum(axis=1)) - (links / times) @ links.T
    residual = (cells - links * (cells.sum(axis=1) / times)[:, None, :]).sum(axis=2)
    # the normal matrix has the constant as its only null direction: adding it makes the effects sum to zero
    return np.linalg.solve(normal + 1.0 / len(links), residual.T).T


def describe_unaligned(scaled: pd.DataFrame) -> list[Finding]:
    """Say which values were averaged over several plates, so that no plate's offset fits them.

    `scaled` are the rows concerned, with columns source, feature, sample.
    """
    found = []
    for source, part in scaled.groupby("source", sort=True):
        samples = part["sample"].nunique()
        message = (
            f"{source}: {plural(samples, 'sample')} measured on several plates; the average over them belongs to no "
            "plate and gets no offset. If these are reference samples, say so in the sample sheet (type bridge, pool)."
        )
        numbers = {"samples": samples, "values": len(part)}
        found.append(finding("normalize", "sample_on_several_plates", message, numbers))
    return found
