"""Which of the user's files did an instrument or its software write, and what is in them?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cytoshift.drafting.known_names import Layer
from cytoshift.intake.flowjo import read_flowjo, sniff_flowjo
from cytoshift.intake.gate_names import name_gates
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument, recognise
from cytoshift.intake.instruments.readout import Options
from cytoshift.intake.names import NameBook
from cytoshift.intake.texts import Unreadable
from cytoshift.study.problem import Problem, Problems

SUFFIXES = (".xml", ".wsp")  # beside those of tables


@dataclass(frozen=True)
class InstrumentFile:
    """A file in an instrument's own format, read once to say what is in it.

    `why` says what it was recognised by; `samples` and `features` as written; `plates` that the file names itself;
    `unit` as the file says, for cells "%" where it holds shares, '' where neither says anything; `unit_is_open` where
    shares could be fractions as well; `standards` and `values`: does it hold standards with their concentrations, and
    the software's own results?
    """

    path: str
    layer: Layer
    format: str
    why: str
    samples: tuple[str, ...]
    features: tuple[str, ...]
    plates: tuple[str, ...] = ()
    unit: str = ""
    unit_is_open: bool = False
    standards: bool = False
    values: bool = True


def find_instrument(path: str) -> InstrumentFile | None:
    """The file as one of an instrument's, None where it is none, or could be several instruments'.

    Raises Problems where it is one and is not whole, and where it cannot be read at all.
    """
    try:
        content = Content(path, Path(path).read_bytes())
        why = sniff_flowjo(content)
        if why:
            return _populations(content, why)
        found = recognise(content)
    except OSError as error:
        raise Problems([Problem(path, "", error.strerror or "cannot be read")]) from error
    except Unreadable as error:
        raise Problems([Problem(path, "", str(error))]) from error
    return _wells(content, *found[0]) if len(found) == 1 else None


def _wells(content: Content, name: str, why: str) -> InstrumentFile:
    wells = read_instrument(content, name, Options()).wells
    samples = wells.loc[(wells["type"] == "sample") & (wells["written"] != ""), "written"]
    standards = (wells["type"] == "standard") & (wells["expected"] > 0) & wells["signal"].notna()
    return InstrumentFile(
        content.path,
        "cytokine",
        name,
        why,
        _different(samples),
        _different(wells["analyte"]),
        _different(wells["plate"]),
        next(iter(_different(wells["unit"])), ""),
        standards=bool(standards.any()),
        values=bool((wells["status"] != "missing").any()),
    )


def _populations(content: Content, why: str) -> InstrumentFile:
    is_open = False
    try:
        frame = read_flowjo(content).frame
    except Problems:
        # no share is above 1: a person has to say whether they are percentages; any other mistake is raised again
        frame, is_open = read_flowjo(content, unit="%").frame, True
    paths = {path[:length]: None for path in frame["path"] for length in range(1, len(path) + 1)}
    gates = name_gates(paths, NameBook([]))
    features = dict.fromkeys(gates[path].written for path in frame["path"] if path and not gates[path].step)
    unit = "%" if (frame["measure"] == "fraction").any() else ""
    return InstrumentFile(
        content.path,
        "cell",
        "flowjo",
        why,
        _different(frame["written"]),
        tuple(features),
        unit=unit,
        unit_is_open=is_open,
    )


def _different(texts: pd.Series) -> tuple[str, ...]:
    return tuple(str(text) for text in pd.unique(texts) if text)
