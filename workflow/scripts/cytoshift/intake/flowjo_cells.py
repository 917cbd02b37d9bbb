"""Which gates of FlowJo's files are populations of the study, of which sample, and what are they a share of?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.cell_units import UNITS, decimals_of
from cytoshift.intake.flowjo import read_population_files
from cytoshift.intake.flowjo_readout import Path, gates
from cytoshift.intake.gate_names import Gate, name_gates
from cytoshift.intake.names import Feature
from cytoshift.intake.source_rows import Context
from cytoshift.study.problem import did_you_mean
from cytoshift.study.sources import CellSource
from cytoshift.vocabulary.measures import SUFFIX

_UNIT_OF = {"events": "events", "fraction": "%", "count_per_ul": "cells/uL"}


def read_flowjo_cells(source: CellSource, context: Context) -> pd.DataFrame | None:
    """All populations of a source of FlowJo files.

    Returns the columns that cells are read into before their resolution is known; None where no file could be read.
    The parent of events is the nearest gate around them that was counted; of a fraction, the gate around it.
    """
    read = read_population_files(source, context.notebook)
    if not read:
        return None
    frame = pd.concat([readout.frame.assign(source_file=path) for path, readout in read], ignore_index=True)
    named = name_gates(_with_ancestors(frame["path"]), context.names)
    counted = set(frame.loc[frame["measure"] == "events", "path"])
    around = {path: _parent(path, counted) for path in counted}
    wanted = {path for path in dict.fromkeys(frame["path"]) if path and not named[path].step}
    divisors = {around[path] for path in wanted & counted} - wanted - {()}
    _note_steps(frame, named, wanted, divisors, source, context)
    frame = frame[frame["path"].isin(wanted | divisors)].reset_index(drop=True)
    frame["measure"] = frame["measure"].map(lambda measure: UNITS[_UNIT_OF[measure]][0])
    features = _features(frame, named, source, context)
    _check_parents(source, {named[path].feature.id for path, _ in features}, context)
    if frame.empty:
        context.notebook.problem(read[0][0], "", f"has no populations for {source.id}, only steps of the gating")
        return None
    links = pd.concat(
        [_link(part, source, str(path), context) for path, part in frame.groupby("source_file", sort=False)]
    )
    keys = list(zip(frame["path"], frame["measure"], strict=True))
    unit = frame["measure"].map({UNITS[name][0]: name for name in _UNIT_OF.values()})
    factor = unit.map(lambda name: UNITS[name][2]).to_numpy(dtype=float)
    raw = frame["value"].to_numpy(dtype=float) / factor
    missing = frame["value"].isna()
    return pd.DataFrame(
        {
            "source": source.id,
            "sample": links["sample"],
            "subject": links["subject"],
            "visit": links["visit"],
            "population": [features[key].id for key in keys],
            "population_as_written": [named[path].written for path, _ in keys],
            "parent": [_parent_id(path, measure, named, features, around, divisors, source) for path, measure in keys],
            "measure": frame["measure"],
            "value": frame["value"],
            "unit": unit.map(lambda name: UNITS[name][1]),
            "lower": frame["value"],
            "upper": frame["value"],
            "status": np.where(missing, "missing", "observed"),
            "raw": raw,
            "factor": factor,
            "decimals": decimals_of(raw),
            "source_file": frame["source_file"],
            "source_row": frame["source_row"],
            "source_column": frame["source_column"],
        }
    )


def _with_ancestors(paths: pd.Series) -> list[Path]:
    return [path[:length] for path in dict.fromkeys(paths) for length in range(1, len(path) + 1)]


def _parent(path: Path, counted: set[Path]) -> Path:
    """The nearest gate around one that was counted itself; () where none was."""
    return next((path[:length] for length in range(len(path) - 1, 0, -1) if path[:length] in counted), ())


def _features(
    frame: pd.DataFrame, named: dict[Path, Gate], source: CellSource, context: Context
) -> dict[tuple[Path, str], Feature]:
    """Id and label of each path and measure: a population in two measures is two features."""
    keys = list(dict.fromkeys(zip(frame["path"], frame["measure"], strict=True)))
    measures: dict[str, set[str]] = {}
    for path, measure in keys:
        measures.setdefault(named[path].feature.id, set()).add(measure)
    features: dict[tuple[Path, str], Feature] = {}
    owner: dict[tuple[str, str], Path] = {}
    for path, measure in keys:
        feature = named[path].feature
        first = owner.setdefault((feature.id, measure), path)
        if first != path:
            message = f"{gates(first)!r} and {gates(path)!r} would both be {feature.id!r}; tell them apart with `names`"
            context.notebook.problem("study file", "names", message, "gates")
        if len(measures[feature.id]) > 1 and SUFFIX[measure]:
            label = f"{feature.label} ({SUFFIX[measure][1:]})"
            feature = Feature(feature.id + SUFFIX[measure], label, feature.how, feature.suggestion)
        features[path, measure] = feature
        context.names.note(source.id, "cell", named[path].written, feature)
    return features


def _parent_id(
    path: Path,
    measure: str,
    named: dict[Path, Gate],
    features: dict[tuple[Path, str], Feature],
    around: dict[Path, Path],
    divisors: set[Path],
    source: CellSource,
) -> str:
    planned = source.parents.get(named[path].feature.id)
    if measure == "events":
        ids = {gate.feature.id: other for other, gate in named.items() if (other, measure) in features}
        whole = ids.get(planned or "", () if path in divisors else around[path])
        return features[whole, measure].id if (whole, measure) in features else ""
    if measure == "fraction_of_parent":
        return planned or (named[path[:-1]].feature.id if len(path) > 1 else "")
    return ""


def _check_parents(source: CellSource, populations: set[str], context: Context) -> None:
    ids = sorted(populations)
    for name in source.parents:
        if name not in ids:
            message = f"{name!r} is no population of the source; legal: {', '.join(ids)}{did_you_mean(name, ids)}"
            context.notebook.problem("study file", f"{source.id}.parents", message)
    if source.units:
        message = "has no effect on FlowJo's files, whose headers say what is a count and what a share; leave it out"
        context.notebook.problem("study file", f"{source.id}.units", message)


def _link(part: pd.DataFrame, source: CellSource, path: str, context: Context) -> pd.DataFrame:
    """Sample, subject and visit of each row: a tube's name without ".fcs" is a sample's id, or it is a problem."""
    if context.index is None:
        return pd.DataFrame({"sample": "", "subject": "", "visit": ""}, index=part.index)
    tubes = part.drop_duplicates("written")
    texts = pd.DataFrame({"sample": tubes["written"].to_numpy()}, index=tubes["source_row"].to_numpy())
    linked = context.index.link(texts, source.id, path, context.notebook).set_axis(tubes["written"].to_numpy())
    found = linked.loc[part["written"], ["sample", "subject", "visit"]].set_axis(part.index)
    message = f"{path}: {plural(len(tubes), 'tube')} taken for the sample of the same name, the ending .fcs aside."
    context.notebook.finding("tubes_linked", message, numbers={"tubes": len(tubes)})
    return found


def _note_steps(
    frame: pd.DataFrame,
    named: dict[Path, Gate],
    wanted: set[Path],
    divisors: set[Path],
    source: CellSource,
    context: Context,
) -> None:
    steps = [path for path in dict.fromkeys(frame["path"]) if path and path not in wanted and path not in divisors]
    if steps:
        message = (
            f"{source.id}: gates that clean the sample are no populations and are left out: "
            f"{listed(named[path].written for path in steps)}; `names` can make a population of one."
        )
        context.notebook.finding("gating_steps", message, action="excluded", numbers={"gates": len(steps)})
    dividing = [path for path in dict.fromkeys(frame["path"]) if path in divisors]
    if dividing:
        message = (
            f"{source.id}: gates that clean the sample are kept because populations are shares of their events: "
            f"{listed(named[path].written for path in dividing)}."
        )
        context.notebook.finding("gating_divisors", message, numbers={"gates": len(dividing)})
