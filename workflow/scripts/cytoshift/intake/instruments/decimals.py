"""Which decimal sign do the numbers of an instrument's file have, and may a full stop group thousands instead?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cytoshift.intake.instruments.readout import Decimal, refuse
from cytoshift.intake.values import find_decimal, stop_that_may_group


def decimal_sign(
    path: str, texts: Iterable[str], declared: Decimal | None, place: Callable[[str], str] = repr
) -> Decimal:
    """The decimal sign of all numbers of a file.

    Parameters: `texts`, the number cells that are text (numbers of a workbook have a full stop whatever it shows);
    `place`, where a text stands in the file, for the message.
    Raises Problems where the only full stops stand before exactly three digits: 1.234 may then mean 1234.
    """
    if declared:
        return declared
    cells = list(texts)
    if "," in "".join(cells) and find_decimal(cells, None) == ",":
        return ","
    unclear = stop_that_may_group(cells)
    if unclear:
        key = place(unclear)
        said = "" if repr(unclear) in key else f"{unclear!r} "
        message = f'{said}may mean {unclear} or {unclear.replace(".", "")}; declare decimal: "." or write it without a'
        raise refuse(path, key, message + " thousands separator")
    return "."
