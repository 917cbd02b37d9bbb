"""Are blanks clean, do the standard curves of the plates agree, and how much lies outside the measurable range?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.quality.robust import NORMAL_MAD

FEWEST_ANALYTES = 5
FEWEST_BLANKS = 4  # of a source; fewer have no usual level
BLANK_FACTOR = 1.5  # of the other blanks, in the median analyte; plates' gains differ by less
BLANK_SDS = 4.0
BLANK_ANALYTE_FACTOR = 2.0  # the same for single analytes of a well, which are noisier
BLANK_ANALYTE_SDS = 6.0
ABOVE_STANDARDS = 0.2  # share of analytes in which a blank exceeds the second-lowest standard by that factor
CURVE_FACTOR = 1.5  # in signal, against the other plates: beyond what gain and lots of reagents usually do
SAME_SIDE = 0.8  # of the analytes
MOST_OUTSIDE = 0.5  # of the sample wells; beyond, the median itself is not known
PLATE_DIFFERENCE = 0.5  # in the share below range, one plate against the others
PLATE_Z = 4.0
FEWEST_LEVELS = 5  # of standards; a 4PL has four parameters
CELL = ["source", "plate", "analyte"]


def find_odd_blanks(wells: pd.DataFrame) -> list[Finding]:
    """Find blank wells that read unlike the other blanks, as a whole or in some analytes, or like a standard.

    `wells` is the WELLS table. Log2 signals are compared with the analyte's median over all blanks of the source. A
    well is odd as a whole beyond a factor 1.5 and 4 robust SDs of wells' medians; an analyte of a well beyond a factor
    2 and 6 robust SDs of what remains, when the well's own median is taken off. Needs four blanks.
    """
    blanks = wells[(wells["type"] == "blank") & ~wells["excluded"] & (wells["signal"] > 0)]
    blanks = blanks.assign(number=np.log2(blanks["signal"].to_numpy(dtype=float)))
    found = []
    for source, part in blanks.groupby("source", sort=True):
        key = [part["plate"], part["well"]]
        if part.groupby(key).ngroups < FEWEST_BLANKS:
            continue
        off = part["number"] - part.groupby("analyte")["number"].transform("median")
        whole = off.groupby(key).transform("median")
        of_wells = part.assign(whole=whole).drop_duplicates(["plate", "well"])
        limit = max(np.log2(BLANK_FACTOR), BLANK_SDS * _spread(of_wells["whole"]))
        analytes = part["analyte"].nunique()
        odd = of_wells[(of_wells["whole"].abs() > limit) & (analytes >= FEWEST_ANALYTES)]
        for plate, here in odd.groupby("plate", sort=False):
            told = listed(f"{w} {2**off:.3g} times" for w, off in zip(here["well"], here["whole"], strict=True))
            message = (
                f"{source}, plate {plate}: {plural(len(here), 'blank reads', 'blanks read')} unlike the source's other "
                f"blanks in the median of {analytes} analytes: {told}."
            )
            largest = float(here["whole"].abs().max())
            numbers = {"wells": len(here), "largest_log2": largest, "limit": float(limit), "blanks": len(of_wells)}
            found.append(finding("quality", "outlying_blank", message, numbers, plate=str(plate)))
        found += _odd_analytes(str(source), part.assign(rest=off - whole))
    return found + _blanks_like_standards(wells, blanks)


def _odd_analytes(source: str, part: pd.DataFrame) -> list[Finding]:
    spread = part["rest"].abs().groupby(part["analyte"]).transform("median") * NORMAL_MAD
    usual = _spread(part["rest"])  # of a handful of blanks an analyte's own spread is often too small by chance
    limit = np.maximum(np.log2(BLANK_ANALYTE_FACTOR), BLANK_ANALYTE_SDS * np.maximum(spread, usual))
    odd = part[part["rest"].abs() > limit]
    found = []
    for (plate, well), here in odd.groupby(["plate", "well"], sort=False):
        told = listed(
            f"{name} {2**rest:.3g} times" for name, rest in zip(here["analyte_as_written"], here["rest"], strict=True)
        )
        message = f"{source}, plate {plate}: blank {well} reads unlike the other blanks in {told}."
        numbers = {"analytes": len(here), "largest_log2": float(here["rest"].abs().max())}
        found.append(finding("quality", "outlying_blank", message, numbers, plate=str(plate)))
    return found


def _blanks_like_standards(wells: pd.DataFrame, blanks: pd.DataFrame) -> list[Finding]:
    """Blanks clearly above the second-lowest standard (low ones often lie in the background) in many analytes."""
    standards = wells[(wells["type"] == "standard") & ~wells["excluded"] & ~wells["outlier"] & (wells["expected"] > 0)]
    levels = standards.groupby([*CELL, "expected"])["signal"].median().reset_index()
    second = levels[levels.groupby(CELL).cumcount() == 1].set_index(CELL)["signal"]
    reached = blanks.join(second.rename("standard"), on=CELL)
    reached = reached[reached["standard"].notna()]
    found = []
    for (source, plate, well), part in reached.groupby(["source", "plate", "well"], sort=False):
        above = part[part["signal"] > BLANK_FACTOR * part["standard"]]
        if len(above) <= ABOVE_STANDARDS * len(part) or (len(above) == 1 and len(part) > 1):
            continue
        message = (
            f"{source}, plate {plate}: blank {well} reads over {BLANK_FACTOR:g} times the second-lowest standard in "
            f"{len(above)} of {len(part)} analytes ({listed(above['analyte_as_written'])}): something is in it, or "
            "wells are exchanged."
        )
        numbers = {"analytes": len(above), "of": len(part)}
        found.append(finding("quality", "blank_above_standards", message, numbers, plate=str(plate)))
    return found


def curve_shifts(curves: pd.DataFrame) -> pd.Series:
    """Per plate × analyte: log2 signal at the analyte's mid concentration less the median of its plates (rows,).

    `curves` is the CURVES table; the mid concentration is the geometric mean of the lowest and highest standard,
    median over plates (the inflection c where those are unknown). NaN where there is no curve.
    """
    middle = ((curves["lowest_standard"] * curves["highest_standard"]) ** 0.5).fillna(curves["c"])
    at = middle.groupby([curves["source"], curves["analyte"]]).transform("median")
    a, b, c, d, g = (curves[name].to_numpy(dtype=float) for name in "abcdg")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        signal = d + (a - d) / (1 + (at.to_numpy(dtype=float) / c) ** b) ** g
        level = pd.Series(np.log2(np.where(signal > 0, signal, np.nan)), index=curves.index)
    return level - level.groupby([curves["source"], curves["analyte"]]).transform("median")


def find_curve_shifts(curves: pd.DataFrame) -> list[Finding]:
    """Find plates whose standard curves lie beyond a factor 1.5 in signal off the other plates' in most analytes.

    `curves` is the CURVES table. Compared with the median of the other plates, analyte by analyte; reported when the
    median analyte is that far off and 80 % lie on that side. A curve corrects for it: a note unless standards differ
    from samples. With two plates nothing says which one is off.
    """
    table = curves.assign(shift=curve_shifts(curves))
    found = []
    for source, part in table[table["shift"].notna()].groupby("source", sort=True):
        wide = part.pivot_table(index="plate", columns="analyte", values="shift", sort=False)
        for plate in wide.index if len(wide) > 1 else []:
            apart = (wide.loc[plate] - wide.drop(index=plate).median()).dropna()
            shift = float(apart.median()) if len(apart) else 0.0
            share = float((np.sign(apart) == np.sign(shift)).mean()) if len(apart) else 0.0
            if len(apart) < FEWEST_ANALYTES or abs(shift) < np.log2(CURVE_FACTOR) or share < SAME_SIDE:
                continue
            message = (
                f"{source}, plate {plate}: the standards read {2**shift:.3g} times what they read on the other "
                f"{plural(len(wide) - 1, 'plate')}, in {share:.0%} of {len(apart)} analytes on that side. The curve "
                "corrects for it where samples shifted alike; a wrong dilution of the standards it does not."
            )
            numbers = {"log2_shift": shift, "analytes": len(apart), "share": share, "plates": len(wide)}
            found.append(finding("quality", "plate_shift", message, numbers, plate=str(plate)))
            if len(wide) == 2:
                break  # the other plate is as far off this one
    return found


def find_outside_range(measurements: pd.DataFrame, samples: pd.DataFrame) -> list[Finding]:
    """Find analytes of which most sample wells lie outside the range, and plates that censor far more than the others.

    `measurements` is calibrate's MEASUREMENTS, `samples` the sample table. The plate rule compares shares with a
    normal deviate on the number of subjects, as a subject's samples are alike.
    """
    real = samples[samples["type"].isin(["sample", ""])].drop_duplicates("sample").set_index("sample")["subject"]
    used = measurements[measurements["sample"].isin(real.index) & ~measurements["excluded"].astype(bool)]
    used = used[used["status"] != "missing"]
    used = used.assign(subject=used["sample"].map(real))
    found = []
    for source, part in used.groupby("source", sort=True):
        for side in ("below", "above"):
            outside = part["status"] == side
            share = outside.groupby(part["analyte"]).mean()
            many = share[share > MOST_OUTSIDE].sort_values(ascending=False, kind="stable")
            if len(many):
                told = listed(f"{name} {value:.0%}" for name, value in many.items())
                message = (
                    f"{source}: more than half of the sample wells lie {side} the range in {len(many)} of {len(share)} "
                    f"analytes: {told}."
                )
                numbers = {"analytes": len(many), "of": len(share), "largest_share": float(many.iloc[0])}
                severity = "note" if side == "below" else "warning"
                found.append(finding("quality", "outside_range", message, numbers, severity=severity, action="nothing"))
        found += _plates_that_censor(str(source), part)
    return found


def _plates_that_censor(source: str, part: pd.DataFrame) -> list[Finding]:
    part = part[part["plate"] != ""].assign(below=part["status"] == "below")
    cells = part.groupby(["plate", "analyte"], sort=True).agg(
        below=("below", "sum"), wells=("below", "size"), subjects=("subject", "nunique")
    )
    total = cells.groupby("analyte").transform("sum")
    rest = total - cells
    share, others = cells["below"] / cells["wells"], rest["below"] / rest["wells"].where(rest["wells"] > 0)
    pooled = total["below"] / total["wells"]
    error = np.sqrt(pooled * (1 - pooled) * (1 / cells["subjects"] + 1 / rest["subjects"].where(rest["subjects"] > 0)))
    apart = share - others
    odd = cells[(apart > PLATE_DIFFERENCE) & (apart > PLATE_Z * error)]
    found = []
    for plate, here in odd.groupby(level="plate", sort=True):
        names = here.index.get_level_values("analyte")
        told = listed(f"{name} {share[plate, name]:.0%} against {others[plate, name]:.0%}" for name in names)
        message = (
            f"{source}, plate {plate}: far more sample wells lie below the range than on the other plates: {told}."
        )
        numbers = {"analytes": len(here), "largest_difference": float(apart[here.index].max())}
        found.append(finding("quality", "plate_censors_more", message, numbers, plate=str(plate)))
    return found


def find_few_standards(curves: pd.DataFrame, standards: pd.DataFrame) -> list[Finding]:
    """Find plates whose curves rest on fewer than five levels of standards, or that have none though others do."""
    used = standards[(standards["type"] == "standard") & standards["used"].astype(bool)]
    levels = used.groupby(CELL)["level"].nunique()
    table = curves[curves["concentration"] != "signal"].drop_duplicates(CELL)
    table = table.assign(levels=levels.reindex(pd.MultiIndex.from_frame(table[CELL])).fillna(0).to_numpy(dtype=int))
    with_standards = table["levels"].groupby(table["source"]).transform("max") > 0
    few = table[(table["levels"] < FEWEST_LEVELS) & with_standards]
    found = []
    for (source, plate), part in few.groupby(["source", "plate"], sort=False):
        of_plate = int(((table["source"] == source) & (table["plate"] == plate)).sum())
        told = listed(f"{name} {count}" for name, count in zip(part["analyte"], part["levels"], strict=True))
        message = (
            f"{source}, plate {plate}: the curve rests on fewer than {FEWEST_LEVELS} levels of standards in "
            f"{len(part)} of {of_plate} analytes: {told}."
        )
        numbers = {"analytes": len(part), "of": of_plate, "fewest_levels": int(part["levels"].min())}
        found.append(finding("quality", "few_standards", message, numbers, plate=str(plate)))
    return found


def _spread(numbers: pd.Series) -> float:
    return NORMAL_MAD * float((numbers - numbers.median()).abs().median())
