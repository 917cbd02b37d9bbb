"""How does FlowJo's table editor write populations? One row per tube, headed by the path of its gates."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cytoshift.simulate.design import Fraction

DIGITS = 3


def write_flowjo(table: pd.DataFrame, fractions: Sequence[Fraction]) -> str:
    """Write percentages of their parents as a FlowJo table, with its rows Mean and SD at the end.

    Parameters: `table` (Sample, then one column per population in %); `fractions`, which say what lies in what.
    Returns the text of the file; an empty last column, as FlowJo leaves one.
    """
    names = [fraction.written for fraction in fractions]
    header = ["", *(f"{gate_path(name, fractions)} | Freq. of Parent" for name in names), ""]
    rows = [
        [f"{sample}.fcs", *map(_printed, values)] for sample, *values in table[["Sample", *names]].itertuples(False)
    ]
    rows += [["Mean", *map(_printed, table[names].mean())], ["SD", *map(_printed, table[names].std(ddof=1))]]
    return "".join(",".join(cells) + "\n" for cells in (header, *([*row, ""] for row in rows)))


def gate_path(name: str, fractions: Sequence[Fraction]) -> str:
    """The gates from the outermost to a population, as in "Lymphocytes/CD3+ T cells"."""
    parents = {fraction.written: fraction.parent for fraction in fractions}
    path = [name]
    while path[0] in parents:
        path.insert(0, parents[path[0]])
    path[0] = path[0].capitalize()
    return "/".join(path)


def _printed(value: float) -> str:
    return f"{value:.{DIGITS}g}"
