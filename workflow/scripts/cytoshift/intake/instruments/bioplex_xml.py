"""What does a Bio-Plex Manager XML export (6.x) say, well by well and entry by entry?

An entry (blank, standard, control, unknown) is what the software calculated from its member wells: it becomes a
pooled row beside the wells' own rows, and the same rule as in workbooks decides which of them count.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.bioplex_assemble import assemble
from cytoshift.intake.instruments.bioplex_curve import Stated, formula_numbers, read_formula
from cytoshift.intake.instruments.bioplex_lines import file_name
from cytoshift.intake.instruments.bioplex_rows import Cell, DataRow, Found, StatedCurve
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Options, Readout, Remark, refuse
from cytoshift.intake.texts import Unreadable
from cytoshift.study.problem import Problem

ENTRIES = {"Blank": "B", "Standard": "S", "Control": "C", "Unknown": "X"}
_ROOT = re.compile(r"<(?:\w+:)?BioPlexManager\b")
# mean of the wells, the same less background, SD, CV and expected concentration of an entry
_OF_ENTRY = {"RawMean": "fi", "Mean": "net", "StdDeviation": "sd", "PercentCV": "cv", "ExpectedConc": "expected"}
_UNSET = "no concentration in the file"


class _LineParser(DefusedXMLParser):  # type: ignore[misc]  # the library ships no types
    """Refuses document types and entities, and remembers the line of every element."""

    def _start(self, *args: Any) -> Any:
        element = super()._start(*args)
        element.line = self.parser.CurrentLineNumber
        return element


def is_bioplex_xml(content: Content) -> bool:
    """Is the root element that of Bio-Plex Manager's XML?"""
    return bool(_ROOT.search(content.head))


def read_xml(content: Content, options: Options) -> Readout:
    """Read the XML export.

    Raises Unreadable for XML that is cut off, not well formed or declares a document type, and Problems for
    contradictions and for an export without samples.
    """
    root = _parse(content)
    if _tag(root) != "BioPlexManager":
        raise refuse(content.path, "", f"is XML with the root {_tag(root)}, not a Bio-Plex Manager export")
    found = Found(about=_about(root))
    plates = {(plate.text or "").strip() for plate in root.iter() if _tag(plate) == "PlateID"} - {""}
    plate = plates.pop() if len(plates) == 1 else ""
    beads = _beads(root)
    for samples in _children(root, "Samples"):
        for group in samples:
            for entry in group:
                if _tag(entry) in ENTRIES:
                    _read_entry(found, entry, plate, beads, content.path)
    if not found.rows and not found.problems:
        raise refuse(
            content.path, "Samples", "holds no blank, standard, control or unknown; export the results as well"
        )
    _read_curves(found, root, plate)
    found.remarks += _unset_remarks(found)
    version = root.get("BioPlexManagerVersion", "")
    return assemble(found, content.path, options, f"Bio-Plex Manager {version}".strip())


def _parse(content: Content) -> Any:
    parser = _LineParser(forbid_dtd=True)
    try:
        parser.feed(content.text.lstrip("\ufeff \t\r\n"))
        return parser.close()
    except ParseError as error:
        raise Unreadable(f"is not whole XML ({error}); it may be cut off: export it again") from error
    except DefusedXmlException as error:
        raise Unreadable("declares a document type or entities, which no Bio-Plex Manager export does") from error


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Any, tag: str) -> list[Any]:
    return [child for child in element if _tag(child) == tag]


def _child(element: Any, tag: str) -> Any | None:
    return next(iter(_children(element, tag)), None)


def _text(element: Any | None) -> str:
    """The element's own text, before, between and after its children."""
    if element is None:
        return ""
    return " ".join("".join([element.text or "", *(child.tail or "" for child in element)]).split())


def _cell(element: Any, name: str, text: str | None = None) -> Cell:
    return Cell(_text(element) if text is None else text, False, int(element.line), name)


def _about(root: Any) -> dict[str, str]:
    told = {}
    document = file_name(_text(_child(root, "NativeDocumentName")))
    dates = sorted({_text(element) for element in root.iter() if _tag(element) == "AcquisitionTime"} - {""})
    serials = {_text(element) for element in root.iter() if _tag(element) == "SerialNumber"} - {""}
    if document:
        told["document"] = document
    if dates:
        told["run_date"] = dates[0]
    if len(serials) == 1:
        told["instrument"] = serials.pop()
    return told


def _well(element: Any) -> str:
    row, column = element.get("RowNo", ""), element.get("ColNo", "")
    if not (row.isdecimal() and column.isdecimal() and 1 <= int(row) <= 16 and 1 <= int(column) <= 24):
        return ""
    return f"{chr(ord('A') + int(row) - 1)}{int(column)}"


def _beads(root: Any) -> dict[tuple[str, str], Cell]:
    """Beads counted by well and bead region, where the export holds them."""
    beads = {}
    for well in (element for wells in _children(root, "Wells") for element in _children(wells, "Well")):
        for regions in _children(well, "BeadRegions"):
            for region in _children(regions, "BeadRegion"):
                count = _child(region, "RegionCount")
                if count is not None:
                    beads[_well(well), region.get("RegionNumber", "")] = _cell(count, "RegionCount")
    return beads


def _read_entry(found: Found, entry: Any, plate: str, beads: dict[tuple[str, str], Cell], path: str) -> None:
    role = ENTRIES[_tag(entry)]
    label = _text(_child(entry, "Label"))
    description = _text(_child(entry, "Description"))
    dilution = _child(entry, "Dilution")
    shared = {"dilution": _cell(dilution, "Dilution")} if dilution is not None else {}
    place = f"line {entry.line}, {_tag(entry)} {label}"
    wells = [well for group in _children(entry, "MemberWells") for well in _children(group, "MemberWell")]
    names = [_well(well) for well in wells]
    if not label:
        found.problems.append(Problem(path, place.strip(), "has no Label (B, S1, C1, X1)"))
        return
    if not names or not all(names):
        found.problems.append(Problem(path, place, "has no member wells with a row and column of a plate"))
        return
    entries, singles = _of_analytes(entry), [_readings(well) for well in wells]
    for region, name in dict.fromkeys([*entries, *(key for single in singles for key in single)]):
        analyte = entries.get((region, name))
        own = {} if analyte is None else _entry_cells(analyte)
        expected = {kind: own[kind] for kind in ("expected",) if kind in own}
        told = 0
        for well, readings in zip(names, singles, strict=True):
            reading = readings.get((region, name))
            if reading is None or _child(reading, "Reading") is None:
                continue
            told += 1
            cells, note = _reading_cells(reading)
            cells |= shared | expected | ({"beads": beads[well, region]} if (well, region) in beads else {})
            if len(names) == 1:
                cells |= {kind: cell for kind, cell in own.items() if kind not in cells}
            found.rows.append(DataRow(plate, name, role, label, well, description, cells, place, note=note))
        if analyte is not None:
            count = _text(_child(analyte, "ReplicateCount"))
            if count.isdecimal() and told and int(count) != told:
                message = f"{label} of {name} says {count} replicates but holds the readings of {plural(told, 'well')}"
                found.remarks.append(Remark("replicates_differ", message, analyte=name))
            if len(names) > 1 or not told:
                note = _note(_child(analyte, "ObsConcValidationFlag"), own)
                row = DataRow(plate, name, role, label, ",".join(names), description, own | shared, place, note=note)
                found.rows.append(row)


def _of_analytes(entry: Any) -> dict[tuple[str, str], Any]:
    """An entry's analytes by bead region and name."""
    return {
        (analyte.get("RegionNumber", ""), _text(_child(analyte, "AnalyteName"))): analyte
        for group in _children(entry, "Analytes")
        for analyte in _children(group, "Analyte")
    }


def _readings(well: Any) -> dict[tuple[str, str], Any]:
    return {
        (analyte.get("RegionNumber", ""), _text(_child(analyte, "AnalyteName"))): analyte
        for group in _children(well, "MWAnalytes")
        for analyte in _children(group, "MWAnalyte")
    }


def _entry_cells(analyte: Any) -> dict[str, Cell]:
    cells = {}
    for tag, kind in _OF_ENTRY.items():
        element = _child(analyte, tag)
        if element is not None:
            cells[kind] = _cell(element, tag)
    result, flag = _child(analyte, "ObsConc"), _child(analyte, "ObsConcValidationFlag")
    if result is not None:
        good = flag is None or flag.get("Code", "0") == "0"
        cells["observed"] = _cell(result, "ObsConc", _result(_text(result), good, _text(flag)))
    return cells


def _reading_cells(reading: Any) -> tuple[dict[str, Cell], str]:
    """Cells of one well, and why it has no concentration."""
    signal: Any = _child(reading, "Reading")
    result = _child(reading, "MWObsConc")
    valid = signal.get("Valid", "true").casefold() != "false"
    cells = {"fi": _cell(signal, "Reading", None if valid else "***")}
    code = signal.get("Code", "0")
    if code not in ("0", ""):
        cells["errors"] = _cell(signal, "Reading", code)
    if signal.get("OutlierType", "None") not in ("None", ""):
        cells["outlier"] = _cell(signal, "Reading", "1")
    note = ""
    if result is not None:
        good = result.get("ReadingOK", "true").casefold() != "false"
        said = result.get("ReadError", "")
        cells["observed"] = _cell(result, "MWObsConc", _result(_text(result), good, said))
        note = "" if cells["observed"].text else said or _UNSET
    return cells, note if valid else "well not read (invalid reading)"


def _result(text: str, good: bool, said: str) -> str:
    """A concentration as workbooks write it: a number, "*number", "OOR <", "OOR >", or '' without one."""
    if good:
        return text
    folded = said.casefold()
    if "extrapolat" in folded:
        return f"*{text}"
    if "range" in folded or "oor" in folded:
        if re.search(r"below|low|<", folded):
            return "OOR <"
        if re.search(r"above|high|>", folded):
            return "OOR >"
    return ""


def _note(flag: Any | None, cells: dict[str, Cell]) -> str:
    return "" if "observed" not in cells or cells["observed"].text else _text(flag) or _UNSET


def _read_curves(found: Found, root: Any, plate: str) -> None:
    for interpolator in (element for element in root.iter() if _tag(element) == "Interpolator"):
        analyte = _text(_child(interpolator, "AnalyteName"))
        found.units[analyte] = _text(_child(interpolator, "ConcentrationUnits"))
        regression = _text(_child(interpolator, "Regression"))
        why = _text(_child(interpolator, "EquationErr"))
        stated = [match[0] for match in (re.search(r"FI\s*=.*", _text(part)) for part in interpolator) if match]
        formula = next(iter(stated), "")
        found.formula_numbers += formula_numbers(formula)
        failed = bool(why) or not formula
        curve = Stated(why=why or "the file states no formula") if failed else read_formula(formula)
        found.curves.append(StatedCurve(plate, analyte, curve, f"{regression}: {formula or why}".strip(": ")))


def _unset_remarks(found: Found) -> list[Remark]:
    """One remark per reason for which results of single wells are absent."""
    reasons = Counter(row.note for row in found.rows if row.note and "," not in row.well)
    remarks = []
    for reason in sorted(reasons):
        names = dict.fromkeys(row.analyte for row in found.rows if row.note == reason)
        message = f"{plural(reasons[reason], 'reading')} without a concentration ({listed(names)}): {reason}"
        remarks.append(Remark("results_absent", message, numbers={"cells": reasons[reason]}))
    return remarks
