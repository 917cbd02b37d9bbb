"""What did each well say about each analyte, and which sample, plate and analyte was it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.intake.limits import apply_limits, read_limits
from cytoshift.intake.plates import PlateFile, parse_dilutions
from cytoshift.intake.source_rows import LINKS, Context, Piece, link_cells, parse_companion, parse_values, read_pieces
from cytoshift.intake.units import unit_key
from cytoshift.intake.well_keys import well_key
from cytoshift.study.sources import CytokineSource, is_log_unit

COMPANIONS = ("mean", "cv", "lower", "upper")


def read_measurements(source: CytokineSource, context: Context) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """All values of a cytokine source, and its plates.

    Returns the columns of MEASUREMENTS without `excluded`, and subject and visit beside them (exclusions need them);
    None where no file could be read. Problems and findings are noted in the context.
    """
    companions = {key: getattr(source.table_columns, key) for key in COMPANIONS}
    plates = PlateFile(source, context.notebook)
    pieces = read_pieces(source, lambda name: context.names.companion_key(name, "cytokine"), companions, context)
    limits = read_limits(source, context.names, context.notebook)
    frames = [_read_piece(piece, source, plates, len(pieces) > 1, context) for piece in pieces]
    if not frames:
        return None, plates.table()
    frame = apply_limits(pd.concat(frames, ignore_index=True), limits, source, context.notebook)
    _note_unused_limits(frame, limits, source, context)
    wells = frame.groupby(["sample", "analyte", "plate"], sort=False)
    frame["replicate"] = wells.cumcount() + 1
    return frame.drop(columns=["open_limit", "column_lower", "column_upper"]), plates.table()


def _read_piece(
    piece: Piece, source: CytokineSource, plates: PlateFile, several_files: bool, context: Context
) -> pd.DataFrame:
    grid, cells = piece.grid, piece.cells
    parsed, is_value = parse_values(piece, source, -np.inf if is_log_unit(source.unit) else 0.0, context)
    per_row = pd.DataFrame(
        {key: grid.frame[piece.columns[key]] for key in LINKS if key in piece.columns}, index=grid.frame.index
    )
    well = grid.frame[piece.columns["well"]] if "well" in piece.columns else pd.Series("", index=grid.frame.index)
    if "plate" in piece.columns:
        plate = grid.frame[piece.columns["plate"]]
    else:
        plate = pd.Series(plates.plate_of_file(grid.path, several_files), index=grid.frame.index)
    plates.note(plate, grid.path)
    dilution = _dilutions(piece, per_row, plate, well, plates, context)
    links = link_cells(piece, per_row, source.id, context)
    rows = cells["source_row"]
    frame = pd.DataFrame(
        {
            "source": source.id,
            "sample": links["sample"],
            "subject": links["subject"],
            "visit": links["visit"],
            "analyte": _analytes(cells["written"], source, grid.where, context),
            "analyte_as_written": cells["written"],
            "plate": plate.reindex(rows).to_numpy(),
            "well": well.reindex(rows).to_numpy(),
            "dilution": dilution.reindex(rows).to_numpy(),
            "value": parsed.value,
            "unit": source.unit,
            "lower": parsed.lower,
            "upper": parsed.upper,
            "status": parsed.status,
            "open_limit": parsed.open_limit,
            "column_lower": parse_companion(piece, "lower", source, context),
            "column_upper": parse_companion(piece, "upper", source, context),
            "reported_mean": parse_companion(piece, "mean", source, context),
            "reported_cv": parse_companion(piece, "cv", source, context),
            "source_file": grid.path,
            "source_row": rows,
            "source_column": cells["source_column"],
        }
    )
    _check_units(piece, source, context)
    # rows that are no rows, and columns that turned out to be no analytes
    kept = links["kept"].to_numpy(dtype=bool) & is_value
    return frame[kept]


def _dilutions(
    piece: Piece, per_row: pd.DataFrame, plate: pd.Series, well: pd.Series, plates: PlateFile, context: Context
) -> pd.Series:
    """Dilution per row, from its column or the plate's layout; the layout also names the sample of a well."""
    dilution = pd.Series(np.nan, index=per_row.index)
    layouts = {name: plates.layout(name) for name in pd.unique(plate)}
    if any(layouts.values()):
        keys = well.map(well_key)
        samples = []
        for row, name, key in zip(per_row.index, plate, keys, strict=True):
            layout = layouts[name]
            samples.append(layout.samples.get(key, "") if layout else "")
            if layout and key not in layout.samples:
                message = f"well {key!r} is not in the layout of plate {name!r}"
                context.notebook.problem(piece.grid.where, f"row {row}", message, "layout")
            elif layout:
                dilution[row] = layout.dilutions[key]
        if "sample" not in per_row:
            per_row["sample"] = samples
    if "dilution" in piece.columns:
        own = parse_dilutions(piece.grid, piece.columns["dilution"], context.notebook)
        dilution = pd.Series(own, index=per_row.index).fillna(dilution)
    return dilution


def _analytes(written: pd.Series, source: CytokineSource, where: str, context: Context) -> pd.Series:
    codes, unique = pd.factorize(written)
    ids = []
    for name in unique:
        if not name:
            context.notebook.problem(where, f"{source.id}.columns.analyte", "is blank in some rows")
            ids.append("")
            continue
        feature = context.names.find(name, "cytokine")
        context.names.note(source.id, "cytokine", name, feature)
        ids.append(feature.id)
    return pd.Series(ids, dtype=object).take(codes).set_axis(written.index)


def _check_units(piece: Piece, source: CytokineSource, context: Context) -> None:
    if "unit" not in piece.columns:
        return
    units = piece.grid.frame[piece.columns["unit"]]
    for unit, rows in units[units.map(unit_key) != unit_key(source.unit)].groupby(units):
        others = f" ({len(rows) - 1} more rows like it)" if len(rows) > 1 else ""
        message = f"unit {unit!r} where the study file says {source.unit!r}; one source has one unit{others}: "
        key = f'row {rows.index[0]}, column "{piece.columns["unit"]}"'
        message += "make it a source of its own with `where`"
        context.notebook.problem(piece.grid.where, key, message, "units")


def _note_unused_limits(
    frame: pd.DataFrame, limits: pd.DataFrame | None, source: CytokineSource, context: Context
) -> None:
    unused = sorted(set(limits["analyte"]) - set(frame["analyte"])) if limits is not None else []
    if unused:
        message = f"{source.limits} has limits of {', '.join(unused)}, which {source.id} does not measure."
        context.notebook.finding("unused_limit", message, severity="warning", action="flagged")
