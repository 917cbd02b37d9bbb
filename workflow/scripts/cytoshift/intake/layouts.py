"""What lies in each well of a plate, when the instrument was not told?

A layout is a list of wells or a drawing of the plate. Drawn, a cell says it in the words of the bench: `B` or `Blank`,
`1/50` (a standard at that dilution), `S1`, `Std 3`, `QC1`, `C1`, or else the sample's id.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.layout_cells import LAYOUT_COLUMNS, interpret
from cytoshift.intake.layout_checks import contradictions, differences, without_hidden_dilution
from cytoshift.intake.layout_files import raw_layout
from cytoshift.intake.well_keys import well_key
from cytoshift.intake.words import canonical
from cytoshift.study.problem import Problem, Problems

_LIKE = {"standard": "standards", "blank": "blanks", "control": "controls"}


@dataclass(frozen=True, eq=False)
class Layout:
    """What lies in the wells of a plate.

    `wells` is indexed by well ("A1"): sample (as written), type ("" = unknown), level (of a standard or control),
    dilution (fold), expected (concentration), guessed (type read from the name alone) and relative (expected is
    1/dilution, in relative units). A well without content has sample "" and type "". `unit` is that of expected.
    """

    path: str
    wells: pd.DataFrame
    unit: str = ""
    remarks: list[Remark] = field(default_factory=list)

    @property
    def samples(self) -> dict[str, str]:
        """Well → what is in it, as written; "" where nothing is."""
        return dict(zip(self.wells.index, self.wells["sample"], strict=True))

    @property
    def dilutions(self) -> dict[str, float]:
        """Well → fold dilution; NaN where the layout does not say."""
        return dict(zip(self.wells.index, self.wells["dilution"], strict=True))


def read_layout(content: Content, sheet: str | None = None) -> Layout:
    """The layout in a file: XLSX, XLS or text.

    Parameters: `content`, either a list with the columns well and sample[, type, level, dilution, concentration], or a
    plate drawn as 8 × 12 or 16 × 24 cells, with or without row letters and column numbers, or several of them with
    row letters and numbers under the titles sample, type, dilution and concentration; `sheet`, the only sheet that
    holds one when None.
    Raises Problems, one line each: wells that are no wells or twice there, dilutions and concentrations that are no
    number, types that are none.
    """
    raw = raw_layout(content, sheet)
    wells, problems = interpret(raw)
    if problems:
        raise Problems([Problem(content.path, problem.key, problem.message) for problem in problems])
    return Layout(content.path, wells[list(LAYOUT_COLUMNS)], raw.unit, [*raw.remarks, *_what_was_read(wells)])


def _what_was_read(wells: pd.DataFrame) -> list[Remark]:
    remarks = []
    guessed = wells[wells["guessed"]]
    for kind, words in _LIKE.items():
        part = guessed[guessed["type"] == kind]
        if len(part):
            names = listed(part["sample"].drop_duplicates(), 12)
            message = f"the layout names {plural(len(part), 'well')} of {words} by their content alone: {names}."
            remarks.append(Remark("layout_types", message, "note", "nothing", {"wells": len(part)}))
    relative = wells[wells["relative"]]
    if len(relative):
        message = (
            f"the layout gives {plural(len(relative), 'standard')} a dilution and no concentration: they count as "
            "1/dilution, and what is read from them is in relative units."
        )
        remarks.append(Remark("relative_standards", message, "warning", "flagged", {"wells": len(relative)}))
    return remarks


def apply_layout(
    wells: pd.DataFrame, layout: Layout, samples: Collection[str] = (), concentration: str | None = None
) -> tuple[pd.DataFrame, list[Remark]]:
    """Name the wells of one plate by its layout.

    Parameters: `wells`, WELL_COLUMNS of a readout, one plate; `layout`, of that plate; `samples`, ids of the study's
    samples: a cell that is one of them is that sample even where it reads like a standard ("S1");
    `concentration`, where the study takes concentrations from (refit, instrument, signal; None: it does not say).
    Returns the wells with written, type, level, dilution and expected as the layout says (what it leaves open stays as
    in the file), `type_stated` where it gives the type, without wells that it leaves empty, and remarks.
    Raises Problems for wells that the layout does not have, for wells pooled over different contents, and where layout
    and file have two units or two dilutions.
    """
    said = _without_guesses_at(layout.wells, samples)
    keys = wells["well"].astype(object)
    content = {well: _content(well, said) for well in pd.unique(keys)}
    _check_wells(content, layout)
    at = keys.map({well: place for well, place in content.items() if place is not None and place >= 0}).astype(int)
    rows = said.iloc[at.to_numpy()].set_axis(wells.index)
    problems = contradictions(wells, rows, layout.unit, layout.path)
    if problems:
        raise Problems(problems)
    rows, remarks = without_hidden_dilution(wells, rows, concentration)
    laid = wells.copy()
    known_type = rows["type"] != ""
    named = rows["sample"] != ""
    remarks += differences(wells, rows, keys)
    laid["written"] = wells["written"].where(~named, rows["sample"])
    laid["type"] = wells["type"].where(~known_type, rows["type"])
    laid["type_stated"] = wells["type_stated"].mask(known_type, ~rows["guessed"].astype(bool))
    laid["level"] = wells["level"].where(~known_type, rows["level"])
    laid["dilution"] = rows["dilution"].where(rows["dilution"].notna(), wells["dilution"])
    given = rows["expected"].notna() & ~(rows["relative"] & wells["expected"].notna())
    laid["expected"] = wells["expected"].where(~given, rows["expected"])
    if layout.unit:
        laid["unit"] = wells["unit"].mask(given & (wells["unit"] == ""), layout.unit)
    empty = ~named & ~known_type
    remarks += _left_out(keys[empty], wells.loc[empty, "plate"])
    remarks += _without_reading(said, set(content))
    return laid[~empty].reset_index(drop=True), remarks


def _without_guesses_at(said: pd.DataFrame, samples: Collection[str]) -> pd.DataFrame:
    """A sample of the study is a sample, whatever its id looks like."""
    known = {canonical(sample) for sample in samples}
    mistaken = said["guessed"] & said["sample"].map(lambda name: canonical(name) in known).astype(bool)
    if not mistaken.any():
        return said
    corrected = said.copy()
    corrected.loc[mistaken, ["type", "level"]] = ["sample", ""]
    corrected.loc[mistaken & said["relative"], ["dilution", "expected"]] = np.nan
    return corrected


def _content(well: str, said: pd.DataFrame) -> int | None:
    """Place of the well's content in the layout: None for a well it does not have, −1 for pooled different contents."""
    places = [said.index.get_indexer(pd.Index([well_key(part)]))[0] for part in well.split(",")]
    if min(places) < 0:
        return None
    facts = said.iloc[places].fillna({"dilution": -1.0, "expected": -1.0})
    return int(places[0]) if len(facts.drop_duplicates()) == 1 else -1


def _check_wells(content: dict[str, int | None], layout: Layout) -> None:
    problems = []
    absent = [well for well, place in content.items() if place is None]
    if absent:
        written = [well or "(no name)" for well in absent]
        message = (
            f"the layout does not have {plural(len(absent), 'well')} of the plate: {listed(written, 12)}; list them, "
            "with a blank sample where they are empty"
        )
        problems.append(Problem(layout.path, "well", message))
    mixed = [well for well, place in content.items() if place == -1]
    if mixed:
        message = f"wells that the instrument's file pools hold different things in the layout: {listed(mixed, 12)}"
        problems.append(Problem(layout.path, "well", message))
    if problems:
        raise Problems(problems)


def _left_out(empty: pd.Series, plate: pd.Series) -> list[Remark]:
    if empty.empty:
        return []
    names = pd.unique(empty)
    message = f"wells that the layout leaves empty are left out: {listed(names, 12)}."
    numbers: dict[str, float | str] = {"wells": len(names)}
    return [Remark("empty_wells", message, "note", "excluded", numbers, plate=str(plate.iloc[0]))]


def _without_reading(said: pd.DataFrame, read: set[str]) -> list[Remark]:
    seen = {well_key(part) for well in read for part in well.split(",")}
    filled = said[(said["sample"] != "") | (said["type"] != "")]
    unread = [well for well in filled.index if well not in seen]
    if not unread:
        return []
    message = f"the layout has {plural(len(unread), 'well')} that the file does not: {listed(unread, 12)}."
    return [Remark("well_without_reading", message, "warning", "flagged", {"wells": len(unread)})]
