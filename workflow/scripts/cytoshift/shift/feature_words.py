"""Which features do the words of a plan name: ids, role:x, layer:x, source:x, all?"""

from __future__ import annotations

import pandas as pd


def features_named(words: list[str], rows: pd.DataFrame) -> pd.Series:
    """The union of what the words name, true by row; `rows` has columns feature, roles, layer and source."""
    chosen = pd.Series(False, index=rows.index)
    plain = rows["feature"].str.split("@").str[0]
    for word in words:
        kind, _, value = word.partition(":")
        if word == "all":
            chosen |= True
        elif kind == "role" and value:
            chosen |= rows["roles"].str.split(",").map(lambda roles, value=value: value in roles)
        elif kind in ("layer", "source") and value:
            chosen |= rows[kind] == value
        else:
            chosen |= (rows["feature"] == word) | (plain == word)
    return chosen
