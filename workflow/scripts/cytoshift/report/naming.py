"""How are the ids in a message said to a reader? By the labels that the tables and the plan give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cytoshift.figures.words import arm_label, concrete_contrasts, contrast_label, feature_labels, visit_label
from cytoshift.report.grids import records
from cytoshift.report.inputs import ReportTables
from cytoshift.study.study import FigurePlan

# A word that stands by itself: not inside quotation marks (a file's own spelling), a path or a longer name.
_WORD = re.compile(r"(?<![\w./\\'\"@|-])\w[\w.|@]*(?<!\.)(?![\w/\\'\"@|-])")


@dataclass(frozen=True)
class Names:
    """Labels by id: `features`, `contrasts`, `visits`, `arms`, and `samples` whose id was put together by the program.

    Visits and arms called by an ordinary word ('rest', 'before') are left alone: the word may be meant.
    """

    features: Mapping[str, str]
    contrasts: Mapping[str, str]
    visits: Mapping[str, str]
    arms: Mapping[str, str]
    samples: Mapping[str, str]

    def say(self, message: str) -> str:
        """A message with labels in place of ids."""
        return _WORD.sub(lambda word: self._label(word.group()), message)

    def finding(self, row: Any) -> str:
        """The message of a row of findings; an id it was found in is replaced even where it is no single word."""
        message = str(row.message)
        if row.sample in self.samples:
            message = message.replace(row.sample, self.samples[row.sample])
        return self.say(message)

    def sample(self, sample: str) -> str:
        """A sample as pages call it: its id, or subject, visit and arm where the program made the id of them."""
        return self.samples.get(sample, sample)

    def _label(self, word: str) -> str:
        for labels in (self.features, self.contrasts, self.samples):
            if word in labels:
                return labels[word]
        if re.search(r"[\d_]", word):
            for labels in (self.visits, self.arms):
                if word in labels:
                    return labels[word]
        return word


def read_names(tables: ReportTables, plan: FigurePlan) -> Names:
    """The labels of a study's features, contrasts, visits, arms and composed sample ids."""
    known = tables.names[(tables.names["label"] != "") & (tables.names["how"] != "unknown")]
    features = {**dict(zip(known["feature"], known["label"], strict=True)), **feature_labels(tables.shifts)}
    samples = {
        row.sample: ", ".join(
            part for part in (row.subject, visit_label(plan, row.visit), arm_label(plan, row.arm) if row.arm else "")
            if part
        )
        for row in records(tables.samples[tables.samples["sample"].str.contains("|", regex=False)])
    }  # fmt: skip
    return Names(
        features,
        {contrast: contrast_label(plan, contrast) for contrast in concrete_contrasts(plan)},
        {visit.id: visit_label(plan, visit.id) for visit in plan.visits},
        {arm.id: arm_label(plan, arm.id) for arm in plan.arms},
        samples,
    )
