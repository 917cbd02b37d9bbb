"""Which files of instruments make one source, on which plates, and whose samples do they name?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from cytoshift.drafting.columns import describe_column
from cytoshift.drafting.globs import as_globs
from cytoshift.drafting.instruments import InstrumentFile
from cytoshift.drafting.kinds import Understood
from cytoshift.drafting.known_names import Layer
from cytoshift.drafting.opening import Table
from cytoshift.drafting.quoting import listed, quoted
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.layouts import read_layout
from cytoshift.intake.tabular import Grid
from cytoshift.study.sources import is_log_unit

NAMES_COLUMN = "sample name"
_IDS = {"xponent": "luminex", "intelliflex": "luminex", "flowjo": "flow"}


@dataclass(frozen=True)
class InstrumentSource:
    """Files of one format and unit: the source of the study file to be.

    `plates` is the plates file that names them; `layouts` the files that it says lie behind the plates; `names` the
    samples that files and layouts name, as a table with one column.
    """

    id: str
    files: tuple[InstrumentFile, ...]
    plates: str | None
    layouts: tuple[str, ...]
    names: Understood

    @property
    def layer(self) -> Layer:
        """Cytokines or cells."""
        return self.files[0].layer

    @property
    def features(self) -> list[str]:
        """Analytes or populations as written, each once."""
        return list(dict.fromkeys(name for file in self.files for name in file.features))

    @property
    def has_several_plates(self) -> bool:
        """Do its wells lie on more than one plate?"""
        return len(self.files) > 1 or len(self.files[0].plates) > 1


def gather_instruments(files: Sequence[InstrumentFile], understood: Sequence[Understood]) -> list[InstrumentSource]:
    """One source for each format and unit, with the plates file (one of the tables) that knows most of its files.

    Raises Problems for a layout that cannot be read.
    """
    groups: dict[tuple[str, str, str], list[InstrumentFile]] = {}
    for file in files:
        groups.setdefault((file.layer, file.format, file.unit), []).append(file)
    used: set[str] = set()
    sources = []
    for (_, format_, unit), mine in groups.items():
        name = _IDS.get(format_, format_)
        options = [name, f"{name}_{'percent' if unit == '%' else 'counts'}" if mine[0].layer == "cell" else format_]
        options += [f"{name}_{number}" for number in range(2, len(groups) + 3)]
        id_ = next(option for option in options if option not in used)
        used.add(id_)
        listing = max(_listings(understood), key=lambda one: _known(one, mine), default=None)
        if listing is not None and not _known(listing, mine):
            listing = None
        layouts = _layouts(listing) if listing is not None else ()
        plates = listing.table.path if listing is not None else None
        sources.append(InstrumentSource(id_, tuple(mine), plates, layouts, _names(mine, layouts)))
    return sources


def _listings(understood: Sequence[Understood]) -> list[Understood]:
    return [one for one in understood if one.kind == "plates" and one.table.sheet is None]


def _known(listing: Understood, files: Sequence[InstrumentFile]) -> int:
    """How many of the files a plates file knows, by their names or by the plates that they name."""
    frame = listing.table.grid.frame
    named = [name for name in frame["file"] if name] if "file" in frame else []
    plates = {*frame["plate"]}
    return sum(
        bool(plates & {*file.plates}) if file.plates else any(PurePosixPath(file.path).match(name) for name in named)
        for file in files
    )


def _layouts(listing: Understood) -> tuple[str, ...]:
    """Layout files of a plates file, which stand beside it or are named from where snakemake runs."""
    frame = listing.table.grid.frame
    found = []
    for named in pd.unique(frame["layout"]) if "layout" in frame else []:
        options = [path for path in (Path(named), Path(listing.table.path).parent / named) if named and path.is_file()]
        found += [options[0].as_posix()] if options else []
    return tuple(found)


def _names(files: Sequence[InstrumentFile], layouts: Sequence[str]) -> Understood:
    written = [name for file in files for name in file.samples]
    if layouts:  # what the instrument was told ("Unknown1") gives way to what lies in the wells
        written = []
        for path in layouts:
            wells = read_layout(Content(path, Path(path).read_bytes())).wells
            written += [*wells.loc[wells["type"].isin(["", "sample"]) & (wells["sample"] != ""), "sample"]]
    frame = pd.DataFrame({NAMES_COLUMN: list(dict.fromkeys(written))}, dtype=object)
    grid = Grid(files[0].path, None, frame, {NAMES_COLUMN: NAMES_COLUMN}, frame.astype(bool) & False)
    columns = {NAMES_COLUMN: describe_column(NAMES_COLUMN, frame[NAMES_COLUMN])}
    return Understood(Table(files[0].path, None, grid), "instrument", columns, (), {"sample": NAMES_COLUMN})


def instrument_lines(source: InstrumentSource) -> list[str]:
    """The entry of `cytokines` or `cells`."""
    files = source.files
    what = "analytes" if source.layer == "cytokine" else "gates"
    lines = [
        f"  - id: {source.id}",
        f"    # guessed: {files[0].why}; {len(source.features)} {what}: {listed(source.features, 6)}",
        f"    format: {files[0].format}",
        f"    files: {quoted(as_globs(file.path for file in files))}",
    ]
    lines += _unit(source)
    if source.plates is not None:
        lines.append(f"    plates: {quoted(source.plates)}")
    return lines


def _unit(source: InstrumentSource) -> list[str]:
    unit = source.files[0].unit
    if source.layer == "cell":
        is_open = any(file.unit_is_open for file in source.files)
        guess = "   # guessed: no share is above 1, and they could be fractions; please check" if is_open else ""
        return [f"    unit: {quoted(unit)}{guess}"] if unit else []
    standards = any(file.standards for file in source.files)
    if not standards and not any(file.values for file in source.files):
        return [
            "    concentration: signal   # the files hold neither concentrations nor standards",
            "    unit: MFI",
        ]
    said = f"    unit: {quoted(unit)}   # as the files say" if unit else ""
    lines = [said or "    unit: pg/mL   # guessed: the files do not say; please check"]
    if standards and not is_log_unit(unit):
        lines.append("    # concentration: instrument   # instead of curves fitted here; both are compared in any case")
    return lines
