"""Which instrument or software wrote this file? Told from its content, never from its name, and said why."""

from __future__ import annotations

import importlib

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Options, Reader, Readout, refuse
from cytoshift.intake.texts import Unreadable

# format → module with its READER, in the order they are asked; imported when first needed
MODULES = {
    "xponent": "xponent",
    "intelliflex": "intelliflex",
    "bioplex": "bioplex",
    "msd": "msd",
    "olink": "olink",
    "nulisa": "nulisa",
    "legendplex": "legendplex",
    "elisa": "elisa",
}


def reader(name: str) -> Reader:
    """The reader of a format. Raises KeyError for one that does not exist."""
    return importlib.import_module(f"cytoshift.intake.instruments.{MODULES[name]}").READER


def recognise(content: Content) -> list[tuple[str, str]]:
    """Formats a file may be, each with the reason; more than one is for a person to decide."""
    found = [(name, reader(name).sniff(content)) for name in MODULES]
    return [(name, why) for name, why in found if why]


def read_instrument(content: Content, name: str, options: Options) -> Readout:
    """Read a file of the named format, or with "auto" of the one its content shows.

    Raises Problems with one clear line where no format fits, several do, or the file is not whole.
    """
    try:
        if name == "auto":
            found = recognise(content)
            if len(found) != 1:
                raise refuse(content.path, "", _undecided(content, found))
            name = found[0][0]
        return reader(name).read(content, options)
    except Unreadable as error:
        raise refuse(content.path, "", str(error)) from error


def _undecided(content: Content, found: list[tuple[str, str]]) -> str:
    if found:
        reasons = "; ".join(f"{name} ({why})" for name, why in found)
        return f"could be {reasons}; say which with `format`"
    if content.kind == "fcs":
        return (
            f"holds single events ({content.raw[:6].decode()}), not results; export the table of concentrations or "
            "populations from the analysis software and name that file"
        )
    legal = ", ".join(f"{name} ({reader(name).title})" for name in MODULES)
    return f"is no export that is known by its content; legal: {legal}; a plain table with a header is `format: table`"
