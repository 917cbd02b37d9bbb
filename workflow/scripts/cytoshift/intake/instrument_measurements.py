"""What did each well of an instrument's file say: samples for the study, every well for the standard curves?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.instrument_files import read_plate_files
from cytoshift.intake.instruments.readout import Readout
from cytoshift.intake.limits import apply_limits, known_limits, read_limits
from cytoshift.intake.plates import PlateFile
from cytoshift.intake.source_rows import Context
from cytoshift.intake.units import unit_key
from cytoshift.study.sources import CytokineSource

# what a row keeps of a readout, under the name it has in both tables
_SAME = (
    "plate", "well", "signal", "beads", "dilution", "value", "lower", "upper", "status", "source_row", "source_column",
)  # fmt: skip


@dataclass(frozen=True)
class PlateData:
    """Of one source: `measurements` (None where no file could be read), `wells`, `curves` and `plates`."""

    measurements: pd.DataFrame | None
    wells: pd.DataFrame
    curves: pd.DataFrame
    plates: pd.DataFrame


def read_plate_data(source: CytokineSource, context: Context) -> PlateData:
    """All wells of a source of instrument files.

    Returns measurements with the columns of MEASUREMENTS without `excluded`, and subject and visit beside them; wells
    with those of WELLS without it, subject and visit likewise; the instrument's curves. Problems (a sample nobody
    knows, two units, one analyte under two names) and findings are noted in the context.
    """
    plates = PlateFile(source, context.notebook)
    samples = () if context.index is None else context.index.ids()
    read = read_plate_files(source, context.notebook, plates, samples)
    parts = [_linked(readout, path, source, context) for path, readout in read]
    curves = [_curves(readout, path, source, context) for path, readout in read]
    filled = [part for part in parts if len(part)]
    if not filled:
        if read:
            context.notebook.problem(read[0][0], "", f"has no wells for {source.id}")
        return PlateData(None, pd.DataFrame(), pd.DataFrame(), plates.table())
    wells = pd.concat(filled, ignore_index=True)
    _check_repeated_wells(wells, context)
    _add_standards_range(wells)
    limits = read_limits(source, context.names, context.notebook)
    known = known_limits(wells, limits).add_prefix("limit_")
    of_samples = wells[wells["sample"] != ""].reset_index(drop=True)
    measured = apply_limits(of_samples, limits, source, context.notebook)
    measured["replicate"] = measured.groupby(["sample", "analyte", "plate"], sort=False).cumcount() + 1
    return PlateData(
        _measurements(measured), _wells(wells.join(known)), pd.concat(curves, ignore_index=True), plates.table()
    )


def _linked(readout: Readout, path: str, source: CytokineSource, context: Context) -> pd.DataFrame:
    """The wells of one file with ids of samples and analytes; a sample well nobody can name is left out."""
    wells = readout.wells
    if wells.empty:
        return wells
    _check_unit(wells, path, source, context)
    names = _analytes(wells["analyte"], path, source, context)
    frame = wells[[*_SAME, "written", "type", "level", "net_signal", "expected", "open_limit", "column_lower"]].assign(
        source=source.id, analyte=names, analyte_as_written=wells["analyte"], unit=source.unit, source_file=path,
        column_upper=wells["column_upper"], reason=wells["reason"], outlier=wells["outlier"],
        reported_mean=wells["reported_mean"], reported_cv=wells["reported_cv"],
        reported_recovery=wells["reported_recovery"],
    )  # fmt: skip
    frame = _with_subjects_samples(frame, wells["type_stated"].to_numpy(dtype=bool), path, context)
    links = _link(frame, path, source, context)
    frame = frame.assign(sample=links["sample"], subject=links["subject"], visit=links["visit"])
    return frame[links["kept"].to_numpy(dtype=bool)]


def _with_subjects_samples(frame: pd.DataFrame, stated: np.ndarray, path: str, context: Context) -> pd.DataFrame:
    """A well named as a subject's sample holds it, whatever its name looks like ("Control 7", "Standard9").

    Parameters: `stated` (m,), the type is the file's or a layout's word and not read from the name. Where they name it
    as another thing, by type or expected concentration, it is a problem, unless that sample has a well of its own.
    """
    other = (frame["type"] != "sample") & (frame["written"] != "")
    if context.index is None or not other.any():
        return frame
    people = context.index.of_subjects(pd.unique(frame.loc[other, "written"]))
    people -= set(frame.loc[frame["type"] == "sample", "written"])
    doubtful = other & frame["written"].isin(people)
    if not doubtful.any():
        return frame
    said = doubtful & (stated | frame["expected"].notna())
    told = set(frame.loc[said, "written"])
    for name in sorted(told):
        kind = frame.loc[said & (frame["written"] == name), "type"].iloc[0]
        message = (
            f"{name!r} is a sample of the study and a {kind} in the file or layout; say in a layout (`plates`) what "
            "its wells hold, or give the sample another id"
        )
        context.notebook.problem(path, "samples", message)
    mistaken = doubtful & ~frame["written"].isin(told)
    if not mistaken.any():
        return frame
    names = list(pd.unique(frame.loc[mistaken, "written"]))
    message = (
        f"{path}: taken for samples, since the study has samples of these names, which read like standards, blanks or "
        f"controls: {listed(map(repr, names))}."
    )
    context.notebook.finding("samples_like_controls", message, numbers={"names": len(names)})
    corrected = frame.copy()
    corrected.loc[mistaken, ["type", "level"]] = ["sample", ""]
    return corrected


def _link(frame: pd.DataFrame, path: str, source: CytokineSource, context: Context) -> pd.DataFrame:
    """Sample, subject and visit of each row; controls and standards are linked where the sample sheet names them."""
    links = pd.DataFrame({"sample": "", "subject": "", "visit": "", "kept": True}, index=frame.index)
    is_sample = frame["type"] == "sample"
    unnamed = is_sample & (frame["written"] == "")
    if unnamed.any():
        nameless = frame[unnamed]
        measured = nameless.groupby("well", sort=False)[["signal", "value"]].count().sum(axis=1) > 0
        wells = [str(well) for well in measured.index[measured]]
        if wells:
            message = f"wells {listed(wells)} hold values and no sample's name; name them in a layout (`plates`)"
            context.notebook.problem(path, "samples", message)
        links.loc[unnamed, "kept"] = False
    if context.index is None:
        return links
    rows = frame.loc[is_sample & ~unnamed, ["source_row", "written"]].drop_duplicates("written")
    texts = pd.DataFrame({"sample": rows["written"].to_numpy()}, index=rows["source_row"].to_numpy())
    found = context.index.link(texts, source.id, path, context.notebook).set_axis(rows["written"].to_numpy())
    others = frame.loc[~is_sample, "written"].drop_duplicates()
    subjects = context.index.of_subjects(others)
    known = context.index.known(name for name in others if name not in subjects)
    for key in ("sample", "subject", "visit"):
        by_name = {name: row[key] for name, row in known.items()}
        by_name |= dict(zip(found.index, found[key], strict=True))
        links[key] = frame["written"].map(lambda name, ids=by_name: ids.get(name, "")).astype(object)
    links.loc[frame["type"].isin(["standard", "blank"]), ["sample", "subject", "visit"]] = ""
    return links


def _analytes(written: pd.Series, path: str, source: CytokineSource, context: Context) -> pd.Series:
    ids: dict[str, str] = {}
    for name in pd.unique(written):
        feature = context.names.find(name, "cytokine")
        context.names.note(source.id, "cytokine", name, feature)
        if feature.id in ids.values():
            other = next(known for known, id_ in ids.items() if id_ == feature.id)
            message = f"{name!r} and {other!r} are both {feature.id!r}; tell them apart with `names`"
            context.notebook.problem(path, "analytes", message)
        ids[name] = feature.id
    return written.map(ids)


def _check_unit(wells: pd.DataFrame, path: str, source: CytokineSource, context: Context) -> None:
    if source.concentration == "signal":
        return
    for unit in pd.unique(wells.loc[wells["unit"] != "", "unit"]):
        if unit_key(unit) != unit_key(source.unit):
            analytes = wells.loc[wells["unit"] == unit, "analyte"].drop_duplicates()
            message = (
                f"unit {unit!r} of {listed(analytes)} where the study file says {source.unit!r}; one source has one "
                "unit: set `unit`, or make it a source of its own"
            )
            context.notebook.problem(path, "unit", message, "units")


def _check_repeated_wells(wells: pd.DataFrame, context: Context) -> None:
    repeated = wells[wells.duplicated(["plate", "well", "analyte"]) & (wells["well"] != "")]
    for plate, part in repeated.groupby("plate", sort=False):
        message = f"wells {listed(part['well'].drop_duplicates())} of plate {plate!r} are in more than one file or row"
        context.notebook.problem(str(part["source_file"].iloc[0]), f"plate {plate}", message, "wells")


def _add_standards_range(wells: pd.DataFrame) -> None:
    """The lowest and highest standard of each analyte and plate, which stand for limits that a cell does not state."""
    standard = (wells["type"] == "standard") & ~wells["outlier"] & (wells["expected"] > 0)
    expected = wells["expected"].where(standard)
    grouped = expected.groupby([wells["plate"], wells["analyte"]])
    wells["standard_lower"], wells["standard_upper"] = grouped.transform("min"), grouped.transform("max")


def _curves(readout: Readout, path: str, source: CytokineSource, context: Context) -> pd.DataFrame:
    names = {name: context.names.find(name, "cytokine").id for name in pd.unique(readout.curves["analyte"])}
    curves: pd.DataFrame = readout.curves.assign(source=source.id, source_file=path)
    curves["analyte"] = curves["analyte"].map(names)
    return curves


def _measurements(measured: pd.DataFrame) -> pd.DataFrame:
    extra = ["written", "type", "level", "net_signal", "expected", "reason", "outlier", "reported_recovery"]
    extra += ["open_limit", "column_lower", "column_upper", "standard_lower", "standard_upper"]
    return measured.drop(columns=extra)


def _wells(wells: pd.DataFrame) -> pd.DataFrame:
    extra: list[Any] = ["open_limit", "column_lower", "column_upper", "standard_lower", "standard_upper"]
    kept = wells.drop(columns=[*extra, "reported_mean", "reported_cv"])
    # a bound that the cell does not state is known to lie somewhere: the side is kept, the number is not made up
    unknown = wells["open_limit"].to_numpy(dtype=bool)
    kept.loc[unknown, ["lower", "upper"]] = np.nan
    return kept
