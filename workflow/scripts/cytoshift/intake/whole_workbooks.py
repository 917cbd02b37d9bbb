"""Is a workbook whole, and what are its sheets? Damage is one clear line, never a crash."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any, TypeVar

from python_calamine import CalamineError, CalamineWorkbook

from cytoshift.intake.texts import Unreadable

LARGEST_UNPACKED_BYTES = 2_000_000_000
_COMPOUND, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_FREE_SECTOR = 0xFFFFFFFF
_LAST_REGULAR_SECTOR = 0xFFFFFFFA
Result = TypeVar("Result")


def sheet_names(content: bytes) -> list[str]:
    """Names of the sheets; raises Unreadable for a workbook that is damaged or cut off, or has none."""
    names = _guarded(lambda: list(_open(content).sheet_names))
    if not names:
        raise Unreadable("is a workbook without sheets")
    return names


def sheet_cells(content: bytes, name: str) -> list[list[Any]]:
    """Cells of one sheet from its first row on; raises Unreadable likewise."""
    return _guarded(lambda: _open(content).get_sheet_by_name(name).to_python(skip_empty_area=False))


def all_sheets(content: bytes) -> dict[str, list[list[Any]]]:
    """Cells of every sheet by its name; raises Unreadable likewise."""

    def read() -> dict[str, list[list[Any]]]:
        book = _open(content)
        return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}

    return _guarded(read)


def _open(content: bytes) -> CalamineWorkbook:
    if content.startswith(_COMPOUND):
        _require_whole(content)
    if content.startswith(_ZIP):
        _require_modest(content)
    return CalamineWorkbook.from_filelike(io.BytesIO(content))


def _guarded(read: Callable[[], Result]) -> Result:
    try:
        return read()
    except CalamineError as error:
        raise Unreadable(f"is a workbook that cannot be read: {error}") from error
    except BaseException as error:
        # the library that reads workbooks reports damage it did not foresee outside Exception
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable("is a workbook that cannot be read: it is damaged or cut off") from None


def _require_modest(content: bytes) -> None:
    """A few kilobytes that unpack to gigabytes are no export of results."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise Unreadable("is a workbook that cannot be read: it is damaged or cut off") from None
    if unpacked > LARGEST_UNPACKED_BYTES:
        raise Unreadable(f"unpacks to more than {LARGEST_UNPACKED_BYTES // 1_000_000_000} GB: not an export of results")


def _require_whole(content: bytes) -> None:
    """An XLS file (compound file) reaches to its last sector in use."""
    cut = Unreadable("is cut off: the workbook ends before its last sector; export or copy it again")
    if len(content) < 512:
        raise cut
    size = 1 << min(struct.unpack_from("<H", content, 30)[0], 16)
    sectors = (len(content) - 512) // size
    tables = [sector for sector in struct.unpack_from("<109I", content, 76) if sector <= _LAST_REGULAR_SECTOR]
    if (len(content) - 512) % size or any(sector >= sectors for sector in tables):
        raise cut
    for place, sector in enumerate(tables):
        entries = struct.unpack_from(f"<{size // 4}I", content, 512 + sector * size)
        used = [place * (size // 4) + index for index, entry in enumerate(entries) if entry != _FREE_SECTOR]
        if used and used[-1] >= sectors:
            raise cut
