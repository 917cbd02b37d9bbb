"""What kind of file is it, and what does it hold, before anybody says which instrument wrote it?"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cytoshift.intake.texts import Unreadable, decode, read_delimited
from cytoshift.intake.whole_workbooks import all_sheets

LARGEST_FILE_BYTES = 400_000_000
_MARKS = ((b"PAR1", "parquet"), (b"PK\x03\x04", "workbook"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"))
_HEAD_BYTES = 4000


@dataclass(frozen=True)
class Content:
    """The bytes of one file, and views of them that are made once, when first asked for.

    `path` is how messages name the file. Every view raises Unreadable with the reason where there is none.
    """

    path: str
    raw: bytes

    @cached_property
    def kind(self) -> str:
        """What the first bytes say: workbook, parquet, xml, fcs, text, or binary (anything else)."""
        for mark, kind in _MARKS:
            if self.raw.startswith(mark):
                return kind
        if self.raw[:6] in (b"FCS2.0", b"FCS3.0", b"FCS3.1", b"FCS3.2"):
            return "fcs"
        try:
            return "xml" if self.text.lstrip("\ufeff \t\r\n")[:1] == "<" else "text"
        except Unreadable:
            return "binary"

    @cached_property
    def text(self) -> str:
        """The text: UTF-8 or UTF-16 (with or without a byte order mark), otherwise Windows-1252."""
        if len(self.raw) > LARGEST_FILE_BYTES:
            raise Unreadable(f"is larger than {LARGEST_FILE_BYTES // 1_000_000} MB: not an export of results")
        return decode(self.raw)[0].removeprefix("\ufeff")

    @cached_property
    def head(self) -> str:
        """The first lines of a text, for sniffing; '' where the file is no text."""
        return self.text[:_HEAD_BYTES] if self.kind in ("text", "xml") else ""

    @property
    def ends_with_line_end(self) -> bool:
        """Does the text end as a finished line does? A file cut off in its last line does not."""
        return self.text.endswith(("\n", "\r"))

    def rows(self, separator: str | None = None) -> list[list[str]]:
        """Rows of a separated text, row i of the list being line i + 1 (quoted line ends aside).

        Without a `separator`, the one of tab, semicolon and comma that suits the header line.
        """
        if separator is None:
            return read_delimited(self.raw).rows
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=separator, strict=True)
        try:
            return list(reader)
        except csv.Error as error:
            raise Unreadable(
                f"line {reader.line_num} is not separated text: {error} (is a quotation mark open?)"
            ) from error

    @cached_property
    def sheets(self) -> dict[str, list[list[Any]]]:
        """Cells of every sheet of a workbook by its name, row i of the list being sheet row i + 1."""
        return all_sheets(self.raw)
