"""Is this an export of Bio-Plex Manager, and what does it say: workbook by analyte, workbook by kind, or XML?"""

from __future__ import annotations

from cytoshift.findings import listed
from cytoshift.intake.instruments.bioplex_assemble import assemble
from cytoshift.intake.instruments.bioplex_combined import read_wide
from cytoshift.intake.instruments.bioplex_sheets import HEADINGS, Grid, has_fingerprint, heading, read_grids, scan
from cytoshift.intake.instruments.bioplex_workbook import read_workbook_rows
from cytoshift.intake.instruments.bioplex_xml import is_bioplex_xml, read_xml
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Options, Reader, Readout, refuse
from cytoshift.study.problem import did_you_mean

_OWN_HEADINGS = {"net", "observed", "expected"}


def sniff(content: Content) -> str:
    """Why the content is a Bio-Plex Manager export; '' if it is not. Raises Unreadable for a broken workbook."""
    if content.kind == "xml":
        return "XML of Bio-Plex Manager" if is_bioplex_xml(content) else ""
    if content.kind != "workbook":
        return ""
    for grid in read_grids(content):
        why = _why(grid)
        if why:
            return why
    return ""


def _why(grid: Grid) -> str:
    found = scan(grid)
    for place, block in enumerate(found.blocks):
        wide = read_wide(grid, found, place)
        kinds = {HEADINGS.get(heading(text), "") for text in block.headings.values()}
        if wide is None and len(kinds & _OWN_HEADINGS) >= 1 and kinds & {"fi", "net", "observed"}:
            return f"sheet {grid.name!r} has the columns {listed(block.headings[c] for c in sorted(block.headings))}"
        if wide is not None and wide.kind and has_fingerprint(grid):
            return f"sheet {grid.name!r} has a table of wells and analytes under the lines Bio-Plex Manager writes"
    return ""


def read(content: Content, options: Options) -> Readout:
    """Read a Bio-Plex Manager export; raises Problems or Unreadable with one clear line per mistake."""
    if content.kind == "xml":
        return read_xml(content, options)
    if content.kind != "workbook":
        raise refuse(content.path, "", "is neither a workbook nor XML; Bio-Plex Manager exports XLS, XLSX and XML")
    grids = read_grids(content)
    if options.sheet is not None:
        names = [grid.name for grid in grids]
        if options.sheet not in names:
            legal = f"legal: {', '.join(names)}{did_you_mean(options.sheet, names)}"
            raise refuse(content.path, "", f"has no sheet {options.sheet!r}; {legal}")
        grids = [grid for grid in grids if grid.name == options.sheet]
    return assemble(read_workbook_rows(grids, content.path), content.path, options, "Bio-Plex Manager")


READER = Reader("bioplex", "Bio-Plex Manager workbook or XML", sniff, read)
