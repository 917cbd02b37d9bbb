"""What did the plan decide about a feature, and how does its marker say so on every figure?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from cytoshift.figures.sheet import Entry

REJECTED, NOT_REJECTED, TOGETHER, UNPLANNED = "rejected", "not_rejected", "together", "unplanned"
WORDS = {
    REJECTED: "planned, rejected at the plan's alpha",
    NOT_REJECTED: "planned, not rejected",
    TOGETHER: "planned, decided together as a whole",
    UNPLANNED: "not planned: no decision",
}
TOGETHER_NOTE = "Half-filled: the plan decides about these markers together, so nothing is decided about a single one."
_AS_A_WHOLE = "decided for the endpoint as a whole"


def standings(rows: pd.DataFrame) -> pd.Series:
    """How each row stands: one of the keys of WORDS.

    rows: planned, decision and note of the decisions table. A row of a global test has no decision of its own: its
    note says that the endpoint was decided as a whole.
    """
    standing = pd.Series(UNPLANNED, index=rows.index, dtype=object)
    planned = rows["planned"].astype(bool)
    whole = (rows["decision"] == "none") & rows["note"].fillna("").astype(str).str.startswith(_AS_A_WHOLE)
    standing[planned] = NOT_REJECTED
    standing[planned & whole] = TOGETHER
    standing[planned & (rows["decision"] == "rejected")] = REJECTED
    return standing


def look(standing: str, colour: str) -> dict[str, Any]:
    """Line2D properties of a standing's marker: filled, open or half-filled circle; a small open diamond unplanned."""
    small = standing == UNPLANNED
    properties: dict[str, Any] = {
        "marker": "D" if small else "o", "markersize": 3.5 if small else 5.5, "markeredgecolor": colour,
        "markerfacecolor": colour if standing in (REJECTED, TOGETHER) else "white", "markeredgewidth": 1.1,
    }  # fmt: skip
    if standing == TOGETHER:
        properties |= {"fillstyle": "left", "markerfacecoloralt": "white"}
    return properties


def entries(present: Collection[str], colours: dict[str, str]) -> list[Entry]:
    """Legend entries of the standings in `present`, in the order of WORDS; colours: by standing."""
    return [
        Entry(words, {"color": colours[standing], **look(standing, colours[standing])})
        for standing, words in WORDS.items() if standing in present
    ]  # fmt: skip
