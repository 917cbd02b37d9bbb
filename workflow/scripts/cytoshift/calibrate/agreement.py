"""How far do the concentrations refitted here lie from the instrument's own, well by well, and why where they do?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.calibrate.remarks import condense
from cytoshift.calibrate.standards import KEY, Background
from cytoshift.findings import Finding, finding, plural
from cytoshift.frames import conform
from cytoshift.tables import AGREEMENT

LARGE = 0.2  # log2: about 15 %
NUMBERS = ("observed", "extrapolated")
POOR_R_SQUARED = 0.95
NEAR_BACKGROUND = 5.0  # signals up to so many times the blanks' depend on how the blanks enter
FEW = 5
NEAR_END = 0.9  # share of a curve's rise, above which a little signal is a lot of concentration
_KEPT = {"include": "keeps as a standard of concentration 0", "constrain": "takes for the curve's lower end"}
_WIDER = 2.0  # the part of the range where wells deviate, widened to find standards in it


@dataclass(frozen=True)
class Evidence:
    """What may explain a difference, K curves: the software's `r_squared`, `on` which signal its curve is ("net",
    "raw", ""), mean `blank` signal, and `background` as the plan takes it; standards: `curve` (s,), the concentration
    each holds (`target`), what the software (`theirs`) and the refit (`ours`) read, in the file's unit, `off` those
    off their series with their `stated` concentration. `rise` and `their_rise` (m,) say how far up its curve each
    compared well lies, 0 at the lower and 1 at the upper asymptote.
    """

    r_squared: np.ndarray
    on: np.ndarray
    blank: np.ndarray
    background: Background
    curve: np.ndarray
    target: np.ndarray
    theirs: np.ndarray
    ours: np.ndarray
    off: np.ndarray
    stated: np.ndarray
    rise: np.ndarray
    their_rise: np.ndarray


def log2_ratio(concentrations: pd.DataFrame) -> np.ndarray:
    """log2 of refitted over the instrument's concentration (m,), NaN where either is no number.

    `concentrations` has concentration, status, instrument, instrument_status as in the table CONCENTRATIONS.
    """
    ours, theirs = (concentrations[name].to_numpy(dtype=float) for name in ("concentration", "instrument"))
    numbers = concentrations["status"].isin(NUMBERS) & concentrations["instrument_status"].isin(NUMBERS)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(numbers & (ours > 0) & (theirs > 0), np.log2(ours / theirs), np.nan)


def compare(concentrations: pd.DataFrame, curve: np.ndarray, keys: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The table AGREEMENT: one row per plate × analyte with wells that both have something to say of.

    Parameters: `concentrations`, m rows of the table of that name, blanks left out; `curve` (m,) the curve of each;
    `keys`, K rows; `evidence`. Differences of more than 0.2 on the log2 scale, in the median or the 95th percentile,
    are explained from what the file shows; where it shows nothing the explanation says so.
    """
    ratio = concentrations["log2_ratio"].to_numpy(dtype=float)
    inside = concentrations["in_range"].to_numpy(dtype=bool) & ~np.isnan(ratio)
    ours = concentrations["status"].isin(NUMBERS).to_numpy()
    theirs = concentrations["instrument_status"].isin(NUMBERS).to_numpy()
    both_speak = (
        (concentrations["status"] != "missing") & (concentrations["instrument_status"] != "missing")
    ).to_numpy()
    differs = np.bincount(curve[(ours != theirs) & both_speak], minlength=len(keys))
    rows = []
    of_curve = pd.Series(curve[inside]).groupby(curve[inside]).indices
    compared = np.flatnonzero(inside)
    for number in np.unique(curve[both_speak]).tolist():
        places = compared[of_curve[number]] if number in of_curve else np.array([], dtype=int)
        row = {**dict(zip(KEY, keys[KEY].iloc[number], strict=True)), "compared": len(places)}
        row["status_differs"] = differs[number]
        if len(places):
            size = np.abs(ratio[places])
            typical, widest = float(np.median(size)), float(np.percentile(size, 95))
            row |= {"median_log2_ratio": np.median(ratio[places]), "median_abs_log2_ratio": typical,
                    "p95_abs_log2_ratio": widest}  # fmt: skip
            if max(typical, widest) > LARGE:
                row["explanation"] = explain(concentrations.iloc[places], places, number, evidence)
        rows.append(row)
    return conform(pd.DataFrame(rows, columns=AGREEMENT.names()), AGREEMENT)


def explain(wells: pd.DataFrame, places: np.ndarray, curve: int, evidence: Evidence) -> str:
    """Why the compared wells of one curve differ, in sentences that hold only what the file shows.

    Parameters: `wells`, the compared rows of CONCENTRATIONS; `places`, their positions in it; `curve`; `evidence`.
    """
    apart = wells["log2_ratio"].abs().to_numpy() > LARGE
    factor = np.where(wells["type"] == "standard", 1.0, wells["dilution"].fillna(1.0))
    where = (wells["concentration"].to_numpy() / factor)[apart]
    where = np.percentile(where, [10, 90])
    span = f"{where[0]:.4g}" if where[0] == where[1] else f"{where[0]:.4g} to {where[1]:.4g}"
    parts = [f"{apart.sum()} of {plural(len(wells), 'well')} differ by more, mostly read at {span} before dilution"]
    parts += _standards_there(where, curve, evidence) + _as_stated(curve, evidence)
    if evidence.r_squared[curve] < POOR_R_SQUARED:
        parts.append(f"the software gives its own fit an R² of {evidence.r_squared[curve]:.3f}")
    parts += _ends(places[apart], evidence) + _background(wells["signal"].to_numpy()[apart], curve, evidence)
    if len(parts) == 1:
        parts.append("the file shows no cause")
    if len(wells) < FEW:
        parts.append(f"only {plural(len(wells), 'well')} could be compared")
    return "; ".join(parts) + "."


def describe(agreement: pd.DataFrame) -> list[Finding]:
    """Findings of the comparison: one per source and plate with the whole, one per analyte that differs."""
    found = []
    for (source, plate), part in agreement.groupby(["source", "plate"], sort=False):
        large = part["explanation"] != ""
        typical, widest = part["median_abs_log2_ratio"].median(), part["p95_abs_log2_ratio"].median()
        if typical != typical:
            continue
        message = (
            f"{source}, plate {plate}: between LLOQ and ULOQ half of the refitted concentrations lie within a factor "
            f"{2**typical:.2f} of the instrument's own and 95 % within {2**widest:.2f} (medians over "
            f"{plural(len(part), 'analyte')}); {plural(int(large.sum()), 'analyte')} with more than {LARGE} on the "
            "log2 scale."
        )
        numbers = {"analytes": len(part), "median_abs_log2_ratio": typical, "p95_abs_log2_ratio": widest,
                   "above": int(large.sum())}  # fmt: skip
        found.append(
            finding("calibrate", "refit_against_instrument", message, numbers, severity="note", action="nothing",
                    plate=str(plate))
        )  # fmt: skip
    return found + condense([_describe(row) for row in agreement[agreement["explanation"] != ""].to_dict("records")])


def _describe(row: dict) -> Finding:
    message = (
        f"{row['analyte']}, plate {row['plate']}: refitted concentrations differ from the instrument's own on the "
        f"log2 scale by {row['median_abs_log2_ratio']:.2f} in the median and {row['p95_abs_log2_ratio']:.2f} in the "
        f"95th percentile: {row['explanation']}"
    )
    numbers = {name: row[name] for name in ("compared", "median_abs_log2_ratio", "p95_abs_log2_ratio")}
    severity = "warning" if row["median_abs_log2_ratio"] > LARGE else "note"
    return finding(
        "calibrate", "refit_differs", message, numbers, severity=severity, feature=row["analyte"], plate=row["plate"]
    )


def _standards_there(where: np.ndarray, curve: int, evidence: Evidence) -> list[str]:
    """What both curves make of the standards in the part of the range where the wells differ."""
    low, high = where.min() / _WIDER, where.max() * _WIDER
    here = (evidence.curve == curve) & (evidence.target >= low) & (evidence.target <= high)
    theirs, ours = evidence.theirs[here] / evidence.target[here], evidence.ours[here] / evidence.target[here]
    if not here.any():
        return []
    return [
        f"of the {plural(int(here.sum()), 'standard well')} there the software's curve reads {_readings(theirs)}, the "
        f"refit {_readings(ours)}"
    ]


def _readings(recovery: np.ndarray) -> str:
    known = recovery[np.isfinite(recovery) & (recovery > 0)]
    return f"{len(known)}, at a median {np.median(known):.2f} times what they hold" if len(known) else "none"


def _ends(places: np.ndarray, evidence: Evidence) -> list[str]:
    """Do the wells lie where one of the two curves is nearly flat?"""
    parts = []
    for name, rise in (("the software's", evidence.their_rise), ("the refitted", evidence.rise)):
        near = int((rise[places] > NEAR_END).sum())
        if 2 * near >= len(places):
            parts.append(
                f"{near} of them lie in the top tenth of {name} curve, where little signal is much concentration"
            )
    return parts


def _as_stated(curve: int, evidence: Evidence) -> list[str]:
    """Did the software take a standard off its series as the file states it?"""
    here = (evidence.curve == curve) & evidence.off & (evidence.theirs > 0)
    nearer = np.abs(np.log(evidence.theirs[here] / evidence.stated[here])) < np.abs(
        np.log(evidence.theirs[here] / evidence.target[here])
    )
    if not nearer.any():
        return []
    return [f"the software used {plural(int(nearer.sum()), 'standard well')} off the dilution series, left out here"]


def _background(signal: np.ndarray, curve: int, evidence: Evidence) -> list[str]:
    blank = evidence.blank[curve]
    theirs_net = evidence.on[curve] == "net"
    if not (theirs_net and evidence.background != "subtract" and blank > 0):
        return []
    near = int((signal < NEAR_BACKGROUND * blank).sum())
    if 2 * near < len(signal):
        return []
    return [
        f"{near} of these signals are under {NEAR_BACKGROUND:g} times the blanks' ({blank:.4g}), which the software "
        f"subtracts and the refit {_KEPT[evidence.background]}"
    ]
