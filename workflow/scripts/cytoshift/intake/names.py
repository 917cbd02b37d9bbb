"""What does each name in the files mean, and by which rule was it read?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cytoshift.frames import conform
from cytoshift.intake.notebook import Notebook
from cytoshift.study.problem import did_you_mean
from cytoshift.study.settings import Name
from cytoshift.tables import NAMES
from cytoshift.vocabulary.names import (
    analyte,
    find_analyte,
    find_population,
    make_id,
    normalize_name,
    population,
)

Layer = Literal["cytokine", "cell"]


@dataclass(frozen=True)
class Feature:
    """What a written name was read as."""

    id: str
    label: str
    how: str
    suggestion: str


class NameBook:
    """Reads names by the plan's `names`, then the vocabulary; an unknown name gets an id of its own."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._planned = {_tidy(name.written): name.is_ for name in names}
        self._written = {_tidy(name.written): name.written for name in names}
        self._used: set[str] = set()
        self._rows: dict[tuple[str, str, str], dict[str, str]] = {}
        self._read: dict[tuple[str, Layer], Feature] = {}

    def find(self, written: str, layer: Layer) -> Feature:
        """What a name means; a name that only resembles a known one is unknown, with a suggestion."""
        if (written, layer) not in self._read:
            self._read[written, layer] = self._find(written, layer)
        return self._read[written, layer]

    def _find(self, written: str, layer: Layer) -> Feature:
        planned = self._planned.get(_tidy(written))
        if planned is not None:
            self._used.add(_tidy(written))
            return Feature(planned, _label(planned, layer), "plan", "")
        match = find_analyte(written) if layer == "cytokine" else find_population(written)
        if match.id is None:
            return Feature(make_id(written), written, "unknown", match.suggestion or "")
        return Feature(match.id, match.label or written, match.how, "")

    def companion_key(self, written: str, layer: Layer) -> str:
        """Equal for two spellings of one name, known or not ("IL-17 A" and "IL-17A")."""
        feature = self.find(written, layer)
        return normalize_name(written) if feature.how == "unknown" else feature.id

    def note(self, source: str, layer: Layer, written: str, feature: Feature) -> None:
        """Keep how a name of a source was read."""
        row = {"source": source, "layer": layer, "written": written, "feature": feature.id, "label": feature.label}
        self._rows[source, layer, written] = {**row, "how": feature.how, "suggestion": feature.suggestion}

    def table(self) -> pd.DataFrame:
        """How every name was read, in the order of the files."""
        return conform(pd.DataFrame(list(self._rows.values())), NAMES)

    def report(self, notebook: Notebook) -> None:
        """Note unknown names as findings, and names of the plan that no file has as problems."""
        for row in self._rows.values():
            if row["how"] == "unknown":
                hint = f"; it resembles {row['suggestion']!r}, which `names` can apply" if row["suggestion"] else ""
                notebook.finding(
                    "unknown_name",
                    f"{row['written']!r} of {row['source']} is in no vocabulary and is kept under its own name{hint}.",
                    severity="warning" if row["suggestion"] else "note",
                    action="flagged" if row["suggestion"] else "nothing",
                    feature=row["feature"],
                )
        written = [row["written"] for row in self._rows.values()]
        for tidy, name in self._written.items():
            if tidy not in self._used and not notebook.unread:
                message = f"no file has the name {name!r}{did_you_mean(name, written)}"
                notebook.problem("study file", "names", message)


def _tidy(written: str) -> str:
    return "".join(written.split())


def _label(feature_id: str, layer: Layer) -> str:
    try:
        return analyte(feature_id).label if layer == "cytokine" else population(feature_id).label
    except KeyError:  # the plan may name what no vocabulary knows
        return feature_id
