"""What do the long tables of affinity proteomics (Olink, NULISA) say, whose values are logarithms with a LOD beside?

A value under its limit of detection is kept and flagged, as the vendors advise; a value that is already a logarithm is
never logged again, so its unit says which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.long_checks import combine, join_reasons
from cytoshift.intake.instruments.long_table import (
    LongTable,
    map_texts,
    read_numbers,
)
from cytoshift.intake.instruments.readout import Options, Remark, refuse, well_frame
from cytoshift.intake.units import unit_key

_PASSED = dict.fromkeys(("pass", "passed", "ok", "na", "nan", "none", ""), "")


@dataclass(frozen=True)
class Scale:
    """One kind of value a table may hold: its column, unit, columns of limits (the first that is filled), and floor.

    `unit` is '' where a column of the table says it.
    """

    value: str
    unit: str
    lower: tuple[str, ...]
    upper: tuple[str, ...]
    floor: float


def choose_scale(table: LongTable, scales: Sequence[Scale], options: Options) -> Scale:
    """The kind of value to read: the one the file holds, or of several the one whose unit the study file names.

    Raises Problems where the file holds several and the study file names none of them.
    """
    held = [scale for scale in scales if (table.text(scale.value) != "").any()]
    if len(held) < 2:
        return held[0] if held else next(scale for scale in scales if scale.value in table.texts)
    wanted = unit_key(options.unit)
    logs = {unit_key(scale.unit) for scale in scales if scale.unit}
    fits = [
        scale
        for scale in held
        if options.unit and (unit_key(scale.unit) == wanted if scale.unit else wanted not in logs)
    ]
    if len(fits) == 1:
        return fits[0]
    columns = " and ".join(repr(table.headers[scale.value]) for scale in held)
    legal = " or ".join(scale.unit or "the unit of the concentrations" for scale in held)
    raise refuse(table.where, "unit", f"holds {columns}; say which is meant with `unit`: {legal}")


def units_of(table: LongTable, scale: Scale, options: Options) -> tuple[LongTable, np.ndarray, list[Remark]]:
    """The rows in one unit, and it per row. Raises Problems where the rows have several and none is asked for."""
    if scale.unit:
        return table, np.full(len(table), scale.unit, dtype=object), []
    units = table.text("unit")
    with_value = table.text(scale.value) != ""
    written = [str(unit) for unit in pd.unique(units[with_value]) if unit]
    if len({unit_key(unit) for unit in written}) < 2:
        return table, np.where(units == "", written[0] if written else "", units), []
    wanted = [unit for unit in written if options.unit and unit_key(unit) == unit_key(options.unit)]
    if not wanted:
        message = f"holds values in {listed(written)}; one source has one unit: say which with `unit`"
        raise refuse(table.where, "unit", message)
    keep = np.isin(units, wanted)
    others = [unit for unit in written if unit not in wanted]
    lost = plural(int((~keep).sum()), "row")
    message = f"{lost} in {listed(others)} left out: the study file asks for {options.unit}"
    remark = Remark("other_unit", message, "warning", "excluded", {"rows": float((~keep).sum())})
    return table.take(keep), units[keep], [remark]


@dataclass(frozen=True)
class Wells:
    """What a reader knows of each row beside its value: its type, analyte, and the columns with the vendor's checks."""

    types: np.ndarray
    analytes: np.ndarray
    checks: tuple[tuple[str, str], ...]  # column, and what it is about: "sample" or "assay"
    signal: str = "count"


def affinity_wells(
    table: LongTable, scale: Scale, units: np.ndarray, about: Wells, options: Options
) -> tuple[pd.DataFrame, list[Remark]]:
    """Wells of a table and remarks on limits and the vendor's own quality checks.

    A value that is a logarithm is observed wherever it is; a concentration under its LOD or over its ULOQ was
    extrapolated. Raises Problems for cells that are no numbers.
    """
    low, high = _filled(table, scale.lower), _filled(table, scale.upper)
    keys = (scale.value, *filter(None, (low, high, about.signal)))
    floors = {scale.value: scale.floor, low: scale.floor}
    parsed = read_numbers(table, keys, options, floors)
    value = parsed[scale.value]
    below_limit = parsed[low].value if low else np.full(len(table), np.nan)
    above_limit = parsed[high].value if high else np.full(len(table), np.nan)
    status = value.status.copy()
    with np.errstate(invalid="ignore"):
        under = (status == "observed") & (value.value < below_limit)
        over = (status == "observed") & (value.value > above_limit)
    if np.isfinite(scale.floor):
        status[under | over] = "extrapolated"
    flags = [_flag(table, key) for key, _ in about.checks]
    reason = join_reasons([_gap_reasons(table, scale.value, status == "missing"), *flags])
    columns: dict[str, object] = {
        "plate": table.text("plate"), "well": table.text("well"), "written": table.text("sample"),
        "type_stated": table.text("sample_type") != "",
        "type": about.types, "level": np.where(about.types == "sample", "", table.text("sample")),
        "analyte": about.analytes, "signal": parsed[about.signal].value, "unit": units, "value": value.value,
        "lower": value.lower, "upper": value.upper, "status": status, "open_limit": value.open_limit,
        "column_lower": below_limit, "column_upper": above_limit, "reason": reason, "source_row": table.rows,
        "source_column": table.texts.get("column", table.column_name(scale.value)),
    }  # fmt: skip
    remarks = _limit_remarks(under, over, status, table, (low, high), scale)
    for (key, what), flag in zip(about.checks, flags, strict=True):
        remarks += _check_remarks(table, flag, about.analytes, what, key)
    return well_frame(columns, len(table)), remarks


def _filled(table: LongTable, keys: Sequence[str]) -> str:
    return next((key for key in keys if key in table.texts and (table.texts[key] != "").any()), "")


def _gap_reasons(table: LongTable, key: str, gap: np.ndarray) -> np.ndarray:
    reasons = np.full(len(table), "", dtype=object)
    written = table.text(key)[gap]
    reasons[gap] = np.where(written == "", f"no {table.headers.get(key, key)} in the file", written + " in the file")
    return reasons


def _flag(table: LongTable, key: str) -> np.ndarray:
    """The vendor's word for each row where it is not a pass, with the column's name."""
    codes, unique = pd.factorize(map_texts(table.text(key), _PASSED))
    words = [f"{table.headers.get(key, key)} {word}" if word else "" for word in unique]
    return np.array([*words, ""], dtype=object)[codes]


def _limit_remarks(
    under: np.ndarray, over: np.ndarray, status: np.ndarray, table: LongTable, limits: tuple[str, str], scale: Scale
) -> list[Remark]:
    remarks = []
    numbers = int(np.isin(status, ["observed", "extrapolated"]).sum())
    kept = "kept as extrapolated" if np.isfinite(scale.floor) else "kept as they are, which the vendor advises"
    for flags, limit, word in ((under, limits[0], "under"), (over, limits[1], "over")):
        if flags.any():
            message = f"{int(flags.sum())} of {numbers} values lie {word} their {table.headers[limit]}; {kept}"
            counts: dict[str, float | str] = {"values": float(flags.sum()), "of": float(numbers)}
            remarks.append(Remark(f"{word}_limit", message, "note", "flagged", counts))
    if limits[0]:
        remarks += _unlimited(table, limits[0], np.isin(status, ["observed", "extrapolated"]))
    else:
        remarks.append(Remark("no_limits", "the file states no limit of detection", "note", "nothing"))
    return remarks


def _unlimited(table: LongTable, limit: str, measured: np.ndarray) -> list[Remark]:
    bare = measured & (table.text(limit) == "")
    if not bare.any():
        return []
    plates = [str(plate) for plate in pd.unique(table.text("plate")[bare]) if plate]
    where = f" (plates {listed(plates)})" if plates else ""
    message = f"{plural(int(bare.sum()), 'value')} without a {table.headers[limit]} in the file{where}"
    return [Remark("limits_incomplete", message, numbers={"values": float(bare.sum())})]


def _check_remarks(table: LongTable, flag: np.ndarray, analytes: np.ndarray, what: str, key: str) -> list[Remark]:
    """One remark per plate with the samples or assays that did not pass."""
    places = np.flatnonzero(flag != "")
    names = (table.text("sample") if what == "sample" else analytes)[places]
    plates = table.text("plate")[places]
    frame = pd.DataFrame({"plate": plates, "name": names}).drop_duplicates()
    remarks = []
    for plate, own in frame.groupby("plate", sort=False)["name"]:
        at = f"plate {plate!s}: " if plate else ""
        message = f"{at}{plural(len(own), what)} did not pass {table.headers[key]}: {listed(own)}; kept and flagged"
        counts: dict[str, float | str] = {f"{what}s": float(len(own))}
        remarks.append(Remark(f"{what}_quality", message, "warning", "flagged", counts, plate=str(plate)))
    return remarks


def name_analytes(
    names: np.ndarray, ids: np.ndarray, panels: np.ndarray, where: str = "assay"
) -> tuple[np.ndarray, list[Remark]]:
    """Names of analytes, with the panel (or the id) beside a name that several assays share.

    Two assays of one protein are two measurements: which one answers is for the analyst, so they are never merged.
    """
    named = np.where(names == "", ids, names)
    pairs = pd.DataFrame({"name": named, "id": ids, "panel": panels}).iloc[
        np.unique(combine([named, ids]), return_index=True)[1]
    ]
    shared = pairs[pairs.duplicated("name", keep=False)]
    if shared.empty:
        return named, []
    by_panel = not shared.duplicated(["name", "panel"]).any() and (shared["panel"] != "").all()
    beside = panels if by_panel else ids
    twice = np.isin(named, shared["name"].unique())
    told_apart = np.where(twice, named + " (" + beside + ")", named)
    message = (
        f"more than one {where} measures {listed(shared['name'].unique())}; each is its own feature, named with its "
        f"{'panel' if by_panel else 'id'}"
    )
    return told_apart, [Remark("assays_share_a_name", message, "warning", "flagged")]
