"""Writes plates as drawn, layouts, FlowJo tables and workspaces, and spoils them the way files are spoilt."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import xlsxwriter
from hypothesis import strategies as st

Rows = list[list[str]]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
SEPARATORS = (",", ";", "\t")
LINE_ENDS = ("\n", "\r\n", "\r")


def drawn(cells: Sequence[Sequence[str]], title: str = "", corner: str = "") -> Rows:
    """A plate with row letters and column numbers under its title."""
    width = len(cells[0])
    rows = [[corner, *map(str, range(1, width + 1))]]
    rows += [["ABCDEFGHIJKLMNOP"[place], *row] for place, row in enumerate(cells)]
    return [[title], *rows] if title else rows


def densities(start: float, rows: int = 8, columns: int = 12) -> list[list[str]]:
    """Densities that differ in every well."""
    return [[f"{start + 0.1 * row + 0.003 * column:.3f}" for column in range(columns)] for row in range(rows)]


def written(
    rows: Iterable[Sequence[str]], separator: str = ",", line_end: str = "\n", encoding: str = "utf-8"
) -> bytes:
    """A separated text; a cell with the separator in it is quoted."""
    lines = [separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in rows]
    return "".join(line + line_end for line in lines).encode(encoding)


def workbook(**sheets: Iterable[Sequence[object]]) -> bytes:
    """An XLSX file; numbers stay numbers."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "default_date_format": "d/m"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return stream.getvalue()


def with_decimal_comma(rows: Rows) -> Rows:
    """The same numbers as a computer in Groningen writes them."""
    return [[cell.replace(".", ",") if cell.replace(".", "").isdigit() else cell for cell in row] for row in rows]


def workspace(samples: dict[str, dict], group: dict | None = None, extra: str = "") -> bytes:
    """A FlowJo workspace: per sample nested gates {name: (count, {…})}, `group` the template likewise."""
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<Workspace version="20.0" flowJoVersion="10.10.0">\n'
    if group is not None:
        refs = "".join(f'<SampleRef sampleID="{number}" />' for number, _ in enumerate(samples))
        text += '<Groups>\n<GroupNode name="All Samples" owningGroup="All Samples" count="-1">\n'
        text += f"{_gates(group)}<SampleRefs>{refs}</SampleRefs>\n</GroupNode>\n</Groups>\n"
    text += "<SampleList>\n"
    for number, (name, (count, gates)) in enumerate(samples.items()):
        text += f'<Sample>\n<DataSet uri="file:/a/{name}" sampleID="{number}" />\n'
        text += f'<SampleNode name="{name}" count="{count}" sampleID="{number}" owningGroup="">\n'
        text += f"{_gates(gates)}{extra}</SampleNode>\n</Sample>\n"
    return (text + "</SampleList>\n</Workspace>\n").encode()


def _gates(gates: dict) -> str:
    text = "".join(
        f'<Population name="{name}" owningGroup="All Samples" count="{count}">\n{_gates(inner)}</Population>\n'
        for name, (count, inner) in gates.items()
    )
    return f"<Subpopulations>\n{text}</Subpopulations>\n" if text else ""


@st.composite
def spoilt(draw: st.DrawFn, rows: Rows) -> bytes:
    """A text of these rows, written another way and with lines that are missing, twice, blank, or cut off."""
    lines = [list(row) for row in rows]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["drop", "twice", "blank", "swap", "column", "comma"]))
        if what == "drop" and len(lines) > 1:
            del lines[place]
        elif what == "twice":
            lines.insert(place, list(lines[place]))
        elif what == "blank":
            lines.insert(place, [""] * len(lines[place]))
        elif what == "swap" and place + 1 < len(lines):
            lines[place], lines[place + 1] = lines[place + 1], lines[place]
        elif what == "column":
            column = draw(st.integers(0, 4))
            lines = [[*line[:column], "", *line[column:]] if len(line) > 1 else line for line in lines]
        elif what == "comma":
            lines = with_decimal_comma(lines)
    separator, end = draw(st.sampled_from(SEPARATORS)), draw(st.sampled_from(LINE_ENDS))
    quoted = draw(st.booleans())
    text = "".join(
        separator.join(f'"{cell}"' if quoted and separator in cell else cell for cell in line) + end for line in lines
    )
    content = text.encode(draw(st.sampled_from(ENCODINGS)))
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content
