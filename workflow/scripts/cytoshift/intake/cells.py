"""How many cells of each population did each sample hold, in one unit?

Counts become cells/uL, percentages fractions of the parent. A zero count is below half the smallest step the file can
express; a zero fraction stays a zero until all fractions of its population are known to normalize.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from cytoshift.intake.cell_units import UNITS, decimals_of
from cytoshift.intake.flowjo_cells import read_flowjo_cells
from cytoshift.intake.names import Feature
from cytoshift.intake.source_rows import LINKS, Context, Piece, link_cells, parse_values, read_pieces
from cytoshift.intake.values import Parsed
from cytoshift.intake.words import canonical
from cytoshift.study.problem import did_you_mean
from cytoshift.study.sources import CellSource
from cytoshift.vocabulary.measures import SUFFIX
from cytoshift.vocabulary.names import population


def read_cells(source: CellSource, context: Context) -> pd.DataFrame | None:
    """All values of a cell source.

    Returns the columns of CELLS without `excluded`, and subject and visit beside them (exclusions need them); None
    where no file could be read. A population given in two measures (count and fraction) is two features: the
    fraction is `<population>_fraction`. Problems and findings are noted in the context.
    """
    frame = _read_tables(source, context) if source.format == "table" else read_flowjo_cells(source, context)
    if frame is None:
        return None
    # an event more or less is the smallest step there is, however many each sample has
    frame["resolution"] = (frame["factor"] * _resolutions(frame)).mask(frame["measure"] == "events", 1.0)
    _zeros_to_intervals(frame, source, context)
    return frame.drop(columns=["factor", "decimals", "raw"])


def _read_tables(source: CellSource, context: Context) -> pd.DataFrame | None:
    """The rows of the tables of a source, and what the numbers say in the files' own units beside them."""
    pieces = read_pieces(source, lambda name: _measured(source, name, context), {}, context)
    names = list(dict.fromkeys(name for piece in pieces for name in piece.cells["written"]))
    _check_named(source, names, context)
    features = _features(source, names, context)
    if not pieces:
        return None
    return pd.concat([_read_piece(piece, source, features, context) for piece in pieces], ignore_index=True)


def _unit(source: CellSource, written: str, feature: str) -> str:
    return source.units.get(written) or source.units.get(feature) or source.unit


def _measured(source: CellSource, written: str, context: Context) -> str:
    """Equal for two spellings of one population in one measure: "Neutrophils #" and "Neutrophils %" are two things."""
    key = context.names.companion_key(written, "cell")
    measure = UNITS[_unit(source, written, key)][0]
    return key + SUFFIX[measure]


def _features(source: CellSource, names: list[str], context: Context) -> dict[str, Feature]:
    found = {name: context.names.find(name, "cell") for name in names if name}
    measures: dict[str, set[str]] = {}
    for name, feature in found.items():
        measures.setdefault(feature.id, set()).add(UNITS[_unit(source, name, feature.id)][0])
    features = {}
    for name, feature in found.items():
        measure = UNITS[_unit(source, name, feature.id)][0]
        if len(measures[feature.id]) > 1 and SUFFIX[measure]:
            label = f"{feature.label} ({SUFFIX[measure][1:]})"
            feature = Feature(feature.id + SUFFIX[measure], label, feature.how, feature.suggestion)
        features[name] = feature
        context.names.note(source.id, "cell", name, feature)
    return features


def _check_named(source: CellSource, names: list[str], context: Context) -> None:
    """Populations that `units` and `parents` name must be in the files."""
    ids = {context.names.find(name, "cell").id for name in names if name}
    for key, named in (("units", source.units), ("parents", source.parents)):
        legal = sorted(ids | set(names)) if key == "units" else sorted(ids)
        for name in (name for name in named if name not in legal and names):
            message = f"{name!r} is no population of the source; legal: {', '.join(legal)}{did_you_mean(name, legal)}"
            context.notebook.problem("study file", f"{source.id}.{key}", message)


def _read_piece(piece: Piece, source: CellSource, features: dict[str, Feature], context: Context) -> pd.DataFrame:
    grid, cells = piece.grid, piece.cells
    parsed, is_value = parse_values(piece, source, 0.0, context)
    per_row = pd.DataFrame(
        {key: grid.frame[piece.columns[key]] for key in LINKS if key in piece.columns}, index=grid.frame.index
    )
    links = link_cells(piece, per_row, source.id, context)
    if (cells["written"] == "").any():
        row = cells.loc[cells["written"] == "", "source_row"].iloc[0]
        context.notebook.problem(grid.where, f"row {row}", "names no population", "population")
    plain = {name: context.names.find(name, "cell").id for name in features}
    unit = cells["written"].map(lambda name: _unit(source, name, plain.get(name, "")))
    _check_range(piece, parsed, unit, context)
    factor = unit.map(lambda name: UNITS[name][2]).to_numpy(dtype=float)
    measure = unit.map(lambda name: UNITS[name][0])
    parent = cells["written"].map(_parents(source, features, plain))
    frame = pd.DataFrame(
        {
            "source": source.id,
            "sample": links["sample"],
            "subject": links["subject"],
            "visit": links["visit"],
            "population": cells["written"].map(lambda name: features[name].id if name else ""),
            "population_as_written": cells["written"],
            "parent": parent.where(measure != "count_per_ul", ""),
            "measure": measure,
            "value": parsed.value * factor,
            "unit": unit.map(lambda name: UNITS[name][1]),
            "lower": parsed.lower * factor,
            "upper": parsed.upper * factor,
            "status": parsed.status,
            "raw": parsed.value,
            "factor": factor,
            "decimals": decimals_of(parsed.value),
            "source_file": grid.path,
            "source_row": cells["source_row"],
            "source_column": cells["source_column"],
        }
    )
    lost = parsed.open_limit
    frame.loc[lost, ["lower", "upper"]] = np.nan
    frame.loc[lost, "status"] = "missing"
    if lost.any():
        message = (
            f"{grid.where}: {int(lost.sum())} cell values are beyond a limit that nothing states; read as missing."
        )
        numbers = {"values": int(lost.sum())}
        context.notebook.finding("no_limit", message, severity="warning", action="flagged", numbers=numbers)
    return frame[links["kept"].to_numpy(dtype=bool) & is_value]


def _check_range(piece: Piece, parsed: Parsed, unit: pd.Series, context: Context) -> None:
    most = unit.map({"%": 100.0, "fraction": 1.0}).fillna(np.inf).to_numpy(dtype=float)
    finite = np.nan_to_num(parsed.value, nan=0.0)
    cells = piece.cells
    for wrong, words in ((finite < 0, "is negative"), (finite > most, "is more than all of the parent")):

        def describe(at: int, words: str = words) -> tuple[str, str]:
            row = cells.iloc[at]
            hint = f"; is the unit of {row['written']!r} really {unit.iloc[at]}?" if "more" in words else ""
            key = f'row {row["source_row"]}, column "{row["source_column"]}"'
            return key, f"{canonical(row['text'])!r} {words}{hint}"

        context.notebook.problems(piece.grid.where, words, describe, np.flatnonzero(wrong).tolist())


def _parents(source: CellSource, features: dict[str, Feature], plain: dict[str, str]) -> dict[str, str]:
    """Parent of each written name: of a fraction the population it refers to, of events the feature to divide by.

    That is the nearest ancestor whose events the source counts; '' where there is none.
    """
    events = {plain[name]: features[name].id for name in features if _in_events(source, name, plain[name])}
    parents = {"": ""}
    for name, population_id in plain.items():
        ancestor = source.parents.get(population_id) or _parent(population_id)
        if _in_events(source, name, population_id):
            passed = {population_id}
            while ancestor and ancestor not in events and ancestor not in passed:
                passed.add(ancestor)
                ancestor = source.parents.get(ancestor) or _parent(ancestor)
            ancestor = "" if ancestor in passed else events.get(ancestor, "")
        parents[name] = ancestor
    return parents


def _in_events(source: CellSource, name: str, population_id: str) -> bool:
    return UNITS[_unit(source, name, population_id)][0] == "events"


def _parent(population_id: str) -> str:
    try:
        return population(population_id).parent or ""
    except KeyError:  # not in the vocabulary: the study file may say
        return ""


def _resolutions(frame: pd.DataFrame) -> pd.Series:
    """Smallest step per population in the file's unit: its last decimal, or its smallest value if that is unclear."""
    positive = frame["raw"].where(frame["raw"] > 0)
    groups = [frame["source"], frame["population"]]
    most = frame["decimals"].where(positive.notna()).groupby(groups).transform("max")
    unclear = (positive.notna() & frame["decimals"].isna()).groupby(groups).transform("any")
    smallest = positive.groupby(groups).transform("min")
    return (10.0**-most).where(~unclear & most.notna(), smallest)


def _zeros_to_intervals(frame: pd.DataFrame, source: CellSource, context: Context) -> None:
    """A zero count is below half a step."""
    counted = frame["measure"] != "fraction_of_parent"
    zero = counted & (frame["raw"] == 0) & frame["status"].isin(["observed", "extrapolated"])
    half = frame["resolution"] / 2
    known = zero & half.notna()
    frame.loc[known, "status"] = "below"
    frame.loc[known, "value"] = np.nan
    frame.loc[known, "lower"] = 0.0
    frame.loc[known, "upper"] = half[known]
    lost = zero & half.isna()  # a population that is zero everywhere has no step to halve
    frame.loc[lost, ["value", "lower", "upper"]] = np.nan
    frame.loc[lost, "status"] = "missing"
    for flagged, check, words in (
        (known, "zero_count", "zero and read as below half the smallest step"),
        (lost, "all_zero", "zero in a population without any other value, and read as missing"),
    ):
        _note(frame, flagged, check, words, source, context)


def _note(
    frame: pd.DataFrame, flagged: pd.Series, check: str, words: str, source: CellSource, context: Context
) -> None:
    written = partial(context.notebook.finding, check, severity="note", action="flagged")
    for feature, count in frame.loc[flagged, "population"].value_counts(sort=False).items():
        of_feature = frame["population"] == feature
        total, unit = int(of_feature.sum()), frame.loc[of_feature, "unit"].iloc[0]
        numbers = {"values": count, "of": total, "resolution": frame.loc[of_feature, "resolution"].iloc[0]}
        message = f"{source.id}, {feature}: {count} of {total} values ({unit}) are {words}."
        written(message, numbers=numbers, feature=str(feature))
