"""What is a population called when a source holds it in several measures?"""

from __future__ import annotations

SUFFIX = {"count_per_ul": "", "fraction_of_parent": "_fraction", "events": "_events"}


def plain_id(feature: str, source: str, measure: str) -> str:
    """The population behind a feature, without its source and what tells its measure: treg of "treg_events@flow"."""
    return feature.removesuffix(f"@{source}").removesuffix(SUFFIX.get(measure, ""))
