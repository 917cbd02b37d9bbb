"""In which unit are the values: as a header says, or as their size suggests?"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from cytoshift.study.sources import CELL_UNITS
from cytoshift.vocabulary.names import all_populations

_CONCENTRATION = re.compile(
    r"(?<![a-z])((?:[pnuµμmf]?g|[pnuµμmf]?mol|[mkuµμ]?iu|[mk]?u))\s*(?:/|\s|_|\.|per)?\s*([mdunµμ]?l)(?![a-z])"
    r"|(?<![a-z])(npx|npq|[pnuµμ]m)(?![a-z])",
    re.IGNORECASE,
)
_PREFERRED = {"pg/ml": "pg/mL", "ng/ml": "ng/mL", "ug/ml": "ug/mL", "mg/l": "mg/L", "npx": "NPX", "npq": "NPQ"}
_CELLS = (
    (r"10\s*[\^*e]?\s*9\s*/?\s*_?l\b|⁹/l|\bg/l\b|/\s*nl\b|giga", "10^9/L"),
    (r"10\s*[\^*e]?\s*3\s*/?\s*_?(?:[uµμ]l|mm3|mm\^3)|³/[uµμ]l|\bk/[uµμ]l|thou", "10^3/uL"),
    (r"cells?\s*(?:/|per|_)\s*(?:[uµμ]l|mm3|mm³|mm\^3)|/\s*(?:[uµμ]l|mm3|mm³)|cells?_[uµμ]l", "cells/uL"),
    (r"%|percent|\bperc|pct|freq\b|freq\.", "%"),
    (r"fraction|proportion", "fraction"),
    (r"events?\b", "events"),
)
_WHITE_CELLS = ("leukocytes", "neutrophils", "lymphocytes", "monocytes", "granulocytes")


def concentration_unit(text: str) -> str | None:
    """The unit of a concentration that a header or cell holds, as a study file writes it; None where it holds none."""
    match = _CONCENTRATION.search(text)
    if match is None:
        return None
    if match[3]:
        return _PREFERRED.get(match[3].casefold(), match[3])
    amount, volume = match[1].replace("µ", "u").replace("μ", "u"), match[2].replace("µ", "u").replace("μ", "u")
    written = f"{amount}/{volume}"
    if written.casefold() in _PREFERRED:
        return _PREFERRED[written.casefold()]
    return f"{amount}/{volume[:-1]}L"


def cell_unit(text: str) -> str | None:
    """The unit of cell values that a header or cell holds, among those a study file knows; None where it holds none."""
    folded = text.casefold()
    for legal in CELL_UNITS:
        if folded.strip() == legal.casefold():
            return legal
    return next((unit for expression, unit in _CELLS if re.search(expression, folded)), None)


def guess_cell_unit(numbers: Mapping[str, np.ndarray]) -> tuple[str, str]:
    """The unit that the sizes of cell values suggest, and the reason in words.

    Parameters: `numbers`, per population id its values in the file's unit.
    """
    medians = {name: float(np.median(values)) for name, values in numbers.items() if len(values)}
    largest = max((float(values.max()) for values in numbers.values() if len(values)), default=0.0)
    differential = [medians[entry.id] for entry in all_populations() if entry.cbc_differential and entry.id in medians]
    leukocytes = medians.get("leukocytes", float("nan"))
    if len(differential) >= 3 and 85 <= sum(differential) <= 101 and not leukocytes < 50:
        return "%", "the differential adds up to about 100"
    white = [medians[name] for name in _WHITE_CELLS if name in medians]
    if white and max(white) >= 200:
        return "cells/uL", f"the median of the largest is {max(white):g}"
    if white or "platelets" in medians:
        return "10^9/L", "blood counts of this size"
    if largest <= 1:
        return "fraction", "no value is above 1"
    if largest <= 100:
        return "%", "no value is above 100"
    return "cells/uL", "values above 100"
