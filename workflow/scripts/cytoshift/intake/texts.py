"""Which rows does a text file hold, whatever its encoding and separator?"""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass

SEPARATORS = ("\t", ";", ",")
_SNIFFED_ROWS = 200
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unreadable(Exception):
    """A file that cannot be read as a table; the message says why."""


@dataclass(frozen=True)
class Delimited:
    """Rows of a text file, blank ones included, and how they were read."""

    rows: list[list[str]]
    encoding: str
    separator: str


def decode(content: bytes) -> tuple[str, str]:
    """Text and encoding of a file: UTF-8 or UTF-16 (with or without a byte order mark), otherwise Windows-1252.

    Raises Unreadable for bytes that are no text.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _strict(content, encoding), encoding
    head = content[:4000]
    if b"\0" in head:
        for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
            if zeros and zeros.count(0) > 0.6 * len(zeros):
                return _strict(content, encoding), encoding
        raise Unreadable("is not a text file (it holds zero bytes); legal: CSV, TSV, TXT, XLSX, XLS, ODS, Parquet")
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _strict(content, "cp1252"), "cp1252"


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not text in {encoding} (byte {error.start}); save it as UTF-8") from error


def read_delimited(content: bytes) -> Delimited:
    """Rows of a CSV, TSV or TXT file.

    The separator is the one of tab, semicolon and comma that splits the header and gives most rows the header's
    number of fields; between equals the rarer inside text wins, in that order. Fields may be quoted with ".
    Raises Unreadable for bytes that are no text and for quotation marks that do not close.
    """
    text, encoding = decode(content)
    best, best_score = "\t", -1.0
    for separator in SEPARATORS:
        score = _consistency(text, separator)
        if score > best_score:
            best, best_score = separator, score
    return Delimited(_parse(text, best), encoding, best)


def _consistency(text: str, separator: str) -> float:
    """Share of rows with as many fields as the header, −1 where the separator does not split the header."""
    lengths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            if any(field.strip() for field in row):
                lengths.append(len(row))
            if len(lengths) > _SNIFFED_ROWS:
                break
    except csv.Error:
        # the right separator of a broken file beats the wrong one of which nothing can be said
        return -0.5 if lengths and lengths[0] > 1 else -2.0
    if not lengths or lengths[0] < 2:
        return -1.0
    return sum(length == lengths[0] for length in lengths) / len(lengths)


def _parse(text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise Unreadable(
            f"line {reader.line_num} is not separated text: {error} (is a quotation mark open?)"
        ) from error
