"""Can a difference between visits or arms be told from a difference between plates (lots, batches, run days)?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed

STRONG = 0.5
PARTIAL = 0.3


@dataclass(frozen=True)
class Association:
    """How two groupings of the same samples go together.

    `table` counts samples (plates × groups); `cramers_v` runs from 0 (balanced) to 1 (one determines the other);
    `inestimable` is the number of group differences that the plates leave no way to estimate.
    """

    table: pd.DataFrame
    cramers_v: float
    inestimable: int

    @property
    def strength(self) -> str:
        """strong, partial or none."""
        if self.inestimable or self.cramers_v >= STRONG:
            return "strong"
        return "partial" if self.cramers_v >= PARTIAL else "none"


def associate(plates: pd.Series, groups: pd.Series) -> Association | None:
    """Cramér's V and the rank of the joint design of two groupings, one label per sample each (n,).

    V = √(χ²/(n·min(r − 1, c − 1))) of the r × c table (Cramér 1946). The joint design [1, plates, groups] has
    rank(plates) + groups − 1 columns when every group difference can be estimated beside the plates; what lacks is
    `inestimable`. Samples without a label are left out; None with fewer than two plates or groups.
    """
    labelled = (plates != "").to_numpy() & (groups != "").to_numpy()
    table = pd.crosstab(plates[labelled].to_numpy(), groups[labelled].to_numpy())
    if min(table.shape, default=0) < 2:
        return None
    counts = table.to_numpy(dtype=float)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    v = float(np.sqrt(chi_squared / (counts.sum() * (min(counts.shape) - 1))))
    plate, group = np.nonzero(counts)
    design = np.hstack([np.eye(counts.shape[0])[plate], np.eye(counts.shape[1])[group]])
    rank = int(np.linalg.matrix_rank(design))
    return Association(table, v, sum(counts.shape) - 1 - rank)


def find_aliasing(samples: pd.DataFrame, runs: pd.DataFrame) -> list[Finding]:
    """Report plates (and lots, batches, run days) that go together with visit or arm.

    `samples` is the sample table; `runs` has columns source, sample, plate and any of batch, lot, run_date, one row
    per sample and source. Where a plate goes with the arm, it is counted how many subjects have all their samples on
    one plate: their change stays sound, the comparison between arms at one visit does not.
    """
    about = samples.drop_duplicates("sample").set_index("sample")
    runs = runs[(runs["plate"] != "") & runs["sample"].isin(about.index)]
    found: list[Finding] = []
    for source, part in runs.groupby("source", sort=False):
        joined = part.join(about[["subject", "visit", "arm"]], on="sample")
        sharing = joined.groupby("subject")["plate"].nunique()
        repeated = joined.groupby("subject")["visit"].size() > 1
        together = (int((sharing[repeated] == 1).sum()), int(repeated.sum()))
        for kind in ("plate", "batch", "lot", "run_date"):
            if kind in joined.columns:
                for group in ("arm", "visit"):
                    found += _confounding(str(source), kind, group, joined, together)
        if together[1] and len(joined["plate"].unique()) > 1:
            found.append(_together(str(source), together))
    return found


def _confounding(source: str, kind: str, group: str, joined: pd.DataFrame, together: tuple[int, int]) -> list[Finding]:
    association = associate(joined[kind].fillna(""), joined[group])
    if association is None or association.strength == "none":
        return []
    strong = association.strength == "strong"
    table = association.table
    counts = listed(
        (f"{plate} {' / '.join(map(str, row))}" for plate, row in zip(table.index, table.to_numpy(), strict=True)), 12
    )
    word = kind.replace("_", " ")
    message = (
        f"{source}: {word} and {group} go together (Cramér's V {association.cramers_v:.2f}; samples "
        f"{' / '.join(map(str, table.columns))} per {word}: {counts}). "
    )
    if group == "arm":
        message += f"A difference between arms cannot be told from a difference between {_several(word)}"
        message += f"; change within a subject is sound for the {together[0]} of {together[1]} measured on one plate."
    else:
        message += f"A change between visits cannot be told from a difference between {_several(word)}."
    numbers = {
        "cramers_v": association.cramers_v,
        "inestimable_differences": association.inestimable,
        "samples": int(table.to_numpy().sum()),
        "strength": association.strength,
        "subjects_on_one_plate": together[0],
        "subjects": together[1],
    }
    severity = "warning" if strong else "note"
    return [finding("quality", f"{kind}_confounded_with_{group}", message, numbers, severity=severity)]


def _together(source: str, together: tuple[int, int]) -> Finding:
    message = f"{source}: {together[0]} of {together[1]} subjects have all their samples on one plate."
    numbers = {"subjects_on_one_plate": together[0], "subjects": together[1]}
    severity = "note" if together[0] == together[1] else "warning"
    return finding("quality", "subjects_on_one_plate", message, numbers, severity=severity, action="nothing")


def _several(word: str) -> str:
    return "batches" if word == "batch" else word + "s"
