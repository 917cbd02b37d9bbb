"""What do the instrument files of a source say, each with its plate, its wells named by a layout where there is one?"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import PurePosixPath

import pandas as pd

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument, recognise
from cytoshift.intake.instruments.readout import Options, Readout, Remark
from cytoshift.intake.layouts import apply_layout
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.plates import PlateFile
from cytoshift.study.problem import Problems
from cytoshift.study.sources import CytokineSource


def read_plate_files(
    source: CytokineSource, notebook: Notebook, plates: PlateFile | None = None, samples: Collection[str] = ()
) -> list[tuple[str, Readout]]:
    """Every instrument file of a source with its path, read once; `plate` is filled and layouts are applied.

    Parameters: `plates`, the plates file of the source, opened here when None; `samples`, ids of the sample sheet,
    which a layout's "S1" may be rather than a standard. A file that cannot be read is noted as
    a problem and left out; what readers remark becomes findings.
    """
    opened = PlateFile(source, notebook) if plates is None else plates
    return notebook.once(("plate files", source.id), lambda: _read(source, notebook, opened, samples))


def _read(
    source: CytokineSource, notebook: Notebook, plates: PlateFile, samples: Collection[str]
) -> list[tuple[str, Readout]]:
    contents = notebook.contents(source.files)
    options = Options(decimal=source.decimal, sheet=source.sheet, unit=source.unit)
    read = []
    names = {hashlib.sha256(content.raw).hexdigest(): content.path for content in reversed(contents)}
    for content in contents:
        first = names[hashlib.sha256(content.raw).hexdigest()]
        if first != content.path:
            message = f"holds the same bytes as {first}: every well would count twice; name it once"
            notebook.problem(content.path, "", message)
            continue
        try:
            readout = read_instrument(content, source.format, options)
            readout = _placed(readout, content.path, len(contents) > 1, plates, samples, source.concentration)
        except Problems as problems:
            notebook.add(problems)
            continue
        if source.format == "auto":
            _say_format(content, readout, notebook)
        _note_remarks(content.path, readout.remarks, notebook)
        read.append((content.path, readout))
    return read


def _placed(
    readout: Readout,
    path: str,
    several_files: bool,
    plates: PlateFile,
    samples: Collection[str],
    concentration: str | None,
) -> Readout:
    """The readout with a plate in every row, and wells named by the plates' layouts."""
    wells, curves = readout.wells.copy(), readout.curves.copy()
    unnamed = bool((wells["plate"] == "").any())
    of_file = plates.plate_of_file(path, several_files=True) if unnamed or wells.empty else ""
    stem = PurePosixPath(path).stem
    for frame in (wells, curves):
        # an export of several plates numbers them from 1; so does the next one
        numbered = frame["plate"].str.fullmatch(r"[0-9]+") & several_files
        frame["plate"] = frame["plate"].mask(frame["plate"] == "", of_file).mask(numbered, stem + " " + frame["plate"])
    parts, remarks = [], list(readout.remarks)
    for plate, part in wells.groupby("plate", sort=False):
        layout = plates.layout(str(plate))
        if layout is not None:
            part, more = apply_layout(part, layout, samples, concentration)
            remarks += more
        parts.append(part)
    plates.note(wells["plate"], path)
    if readout.about.get("run_date"):
        plates.note_run_date(pd.unique(wells["plate"]), readout.about["run_date"])
    laid = pd.concat(parts, ignore_index=True) if parts else wells
    return replace(readout, wells=laid, curves=curves, remarks=remarks)


def _say_format(content: Content, readout: Readout, notebook: Notebook) -> None:
    why = dict(recognise(content)).get(readout.format, "")
    message = f"{content.path}: read as {readout.format}: {why}."
    notebook.finding("format_recognised", message)


def _note_remarks(path: str, remarks: list[Remark], notebook: Notebook) -> None:
    for remark in remarks:
        about = {"plate": remark.plate} if remark.plate else {}
        notebook.finding(
            remark.check,
            f"{path}: {remark.message}",
            severity=remark.severity,
            action=remark.action,
            numbers=remark.numbers,
            **about,
        )
