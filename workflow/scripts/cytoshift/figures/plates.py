"""What do the figures of plates have in common: names, labels, and the order of plates?"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from cytoshift.figures.series import natural


def labels_of(names: pd.DataFrame) -> dict[str, str]:
    """How pages write each analyte, by its id."""
    mine = names[names["layer"] == "cytokine"].drop_duplicates("feature")
    return {feature: label or feature for feature, label in zip(mine["feature"], mine["label"], strict=True)}


def natural_plates(plates: Iterable[str]) -> list[str]:
    """Each plate once, P2 before P10."""
    return sorted(dict.fromkeys(map(str, plates)), key=natural)


def figure_name(source: str, plate: str) -> str:
    """Name of a plate's figure: `luminex-P1`, or the source alone where the plate has no name."""
    return f"{source}-{plate}" if plate else source
