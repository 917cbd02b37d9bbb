"""Where do a plate's layout and the instrument's file contradict each other, and which of the two is followed?"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.units import unit_key
from cytoshift.intake.words import canonical
from cytoshift.study.problem import Problem

ROUNDING = 0.03  # relative; 0.98 for 0.9766 and 3.9 for 3.906 are the same standard
_SAME_DILUTION = 1e-6
_LAST_NUMBER = re.compile(r"([0-9]+)\D*$")


def contradictions(wells: pd.DataFrame, rows: pd.DataFrame, unit: str, path: str) -> list[Problem]:
    """What layout and file cannot both mean: two units of the concentrations, two dilutions of one well.

    Parameters: `wells`, WELL_COLUMNS of one plate; `rows`, LAYOUT_COLUMNS of the same rows; `unit`, the layout's of
    its concentrations, '' where it does not say; `path`, the layout's.
    """
    problems = []
    of_file = wells.loc[rows["expected"].notna() & ~rows["relative"] & (wells["unit"] != ""), "unit"]
    for other in pd.unique(of_file):
        if unit and unit_key(other) != unit_key(unit):
            message = (
                f"the layout's concentrations are in {unit!r} and the file's in {other!r}; give the layout's in "
                f"{other!r}"
            )
            problems.append(Problem(path, "concentration", message))
    kind = rows["type"].mask(rows["type"] == "", wells["type"])
    known = rows["dilution"].notna() & wells["dilution"].notna() & kind.isin(["sample", "control"])
    differ = known & ~np.isclose(rows["dilution"], wells["dilution"], rtol=_SAME_DILUTION, atol=0)
    pairs = pd.DataFrame({"layout": rows["dilution"], "file": wells["dilution"], "well": wells["well"]})[differ]
    for (said, printed), part in pairs.groupby(["layout", "file"], sort=True):
        names = part["well"].drop_duplicates()
        message = (
            f"{plural(len(names), 'well')} ({listed(names, 6)}) {'is' if len(names) == 1 else 'are'} diluted {said:g} "
            f"times in the layout and {printed:g} times in the file, whose concentrations hold that; correct one, or "
            "leave the layout's blank"
        )
        problems.append(Problem(path, "dilution", message))
    return problems


def without_hidden_dilution(
    wells: pd.DataFrame, rows: pd.DataFrame, concentration: str | None
) -> tuple[pd.DataFrame, list[Remark]]:
    """The layout's rows without dilutions that the file's own concentrations may or may not hold already.

    A software that was not told a dilution printed concentrations without it, so a limit times the layout's dilution
    would lie on another scale than the values. Where the instrument's own concentrations are used (`concentration` is
    "instrument", or nothing is said and there are no standards to fit) neither is multiplied; a refit applies it. Where
    the file states the dilution of other wells, its software knew of dilutions, and the layout fills the gap.
    Returns the rows, and a warning where a dilution other than 1 meets printed concentrations.
    """
    kind = rows["type"].mask(rows["type"] == "", wells["type"])
    printed = wells["status"] != "missing"
    hidden = rows["dilution"].notna() & wells["dilution"].isna() & printed & kind.isin(["sample", "control"])
    if not (hidden & (rows["dilution"] != 1)).any():
        return rows, []
    expected = rows["expected"].where(rows["expected"].notna(), wells["expected"])
    fitted = bool(((kind == "standard") & (expected > 0)).any())
    own = concentration == "instrument" or (concentration is None and not fitted)
    names = wells.loc[hidden & (rows["dilution"] != 1), "well"].drop_duplicates()
    factors = listed(f"{factor:g}" for factor in sorted(rows.loc[hidden, "dilution"].unique()))
    message = (
        f"the layout dilutes {plural(len(names), 'well')} ({factors} times) and the file, which prints their "
        "concentrations, states no dilution: "
    )
    told = bool((wells["dilution"].notna() & kind.isin(["sample", "control"])).any())
    if told:
        message += "their printed values are taken to hold it, as those of the plate's other wells do."
    elif own:
        message += (
            "the printed values and their limits are used as they are, as if they were of the undiluted sample. Where "
            "they are not, use `concentration: refit`."
        )
    else:
        message += (
            "refitted concentrations are multiplied by it. The printed ones are not, which matters where a plate and "
            "analyte has no curve and they are used."
        )
    numbers: dict[str, float | str] = {"wells": len(names)}
    remark = Remark("layout_dilution", message, "warning", "flagged", numbers, plate=str(wells["plate"].iloc[0]))
    return (rows.assign(dilution=rows["dilution"].mask(hidden)) if own and not told else rows), [remark]


def differences(wells: pd.DataFrame, rows: pd.DataFrame, keys: pd.Series) -> list[Remark]:
    """Where the instrument's file says something else than the layout, which is followed."""
    remarks = []
    both = (wells["written"] != "") & (rows["sample"] != "")
    renamed = both & (wells["written"].map(canonical) != rows["sample"].map(canonical))
    if renamed.any():
        names = wells.loc[renamed, "written"].drop_duplicates()
        message = (
            f"{plural(keys[renamed].nunique(), 'well')} are named by the layout; the file calls them "
            f"{listed(names, 4)}."
        )
        remarks.append(Remark("named_by_layout", message, "note", "nothing", {"wells": keys[renamed].nunique()}))
    differ = (rows["type"] != "") & (wells["type"] != rows["type"]) & (wells["type"] != "sample")
    if differ.any():
        first = int(np.flatnonzero(differ)[0])
        message = (
            f"the layout and the file disagree on what {plural(keys[differ].nunique(), 'well')} hold "
            f"({keys.iloc[first]}: {rows['type'].iloc[first]} and {wells['type'].iloc[first]}); the layout is followed."
        )
        remarks.append(Remark("layout_disagrees", message, "warning", "flagged", {"wells": keys[differ].nunique()}))
    silent = (rows["sample"] != "") & (rows["type"] == "") & (wells["type"] != "sample")
    if silent.any():
        first = int(np.flatnonzero(silent)[0])
        message = (
            f"the layout does not say of what type {plural(keys[silent].nunique(), 'well')} are that the file calls "
            f"{wells['type'].iloc[first]} and such ({keys.iloc[first]}: {rows['sample'].iloc[first]!r}); the file is "
            "followed. Samples among them need the type sample in the layout."
        )
        remarks.append(Remark("type_from_file", message, "warning", "flagged", {"wells": keys[silent].nunique()}))
    return [*remarks, *_other_concentrations(wells, rows), *_renumbered(wells, rows)]


def _other_concentrations(wells: pd.DataFrame, rows: pd.DataFrame) -> list[Remark]:
    both = rows["expected"].notna() & wells["expected"].notna() & ~rows["relative"]
    differ = both & ~np.isclose(rows["expected"], wells["expected"], rtol=ROUNDING, atol=0)
    if not differ.any():
        return []
    names = rows["level"].mask(rows["level"] == "", rows["sample"])[differ].drop_duplicates()
    first = int(np.flatnonzero(differ)[0])
    message = (
        f"the layout gives {listed(names, 6)} other concentrations than the file (well {wells['well'].iloc[first]}, "
        f"{wells['analyte'].iloc[first]}: {rows['expected'].iloc[first]:g} and {wells['expected'].iloc[first]:g}); the "
        "layout is followed, for all analytes."
    )
    return [Remark("layout_standards", message, "warning", "flagged", {"standards": len(names)})]


def _renumbered(wells: pd.DataFrame, rows: pd.DataFrame) -> list[Remark]:
    """Standards that the layout counts in another order than the file: S5 … S1 over Standard1 … Standard5."""
    standard = (wells["type"] == "standard") & (rows["type"] == "standard") & rows["expected"].isna()
    pairs = pd.DataFrame({"file": wells["level"].map(_number), "layout": rows["level"].map(_number)})[standard]
    pairs = pairs.dropna().drop_duplicates().sort_values(["file", "layout"], kind="stable")
    if len(pairs) < 2 or (pairs["layout"].is_monotonic_increasing and not pairs["file"].duplicated().any()):
        return []
    first = int(np.flatnonzero(standard)[0])
    message = (
        f"the layout numbers the standards in another order than the file (well {wells['well'].iloc[first]}: "
        f"{rows['level'].iloc[first]} and {wells['level'].iloc[first]}); each well keeps the concentration that the "
        "file gives it. If the layout is right, give its concentrations there."
    )
    return [Remark("standards_renumbered", message, "warning", "flagged", {"standards": len(pairs)})]


def _number(level: str) -> float:
    match = _LAST_NUMBER.search(level)
    return float(match[1]) if match else np.nan
