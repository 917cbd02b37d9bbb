"""Does the plan say how far values vary when nothing happens in a way that can be used?"""

from __future__ import annotations

from cytoshift.study.endpoint_problems import check_words
from cytoshift.study.problem_list import ProblemList, keyed
from cytoshift.study.study import Study


def check_variation(study: Study, found: ProblemList) -> None:
    """Note every mistake in `variation`: unknown features or visits, nothing said, two answers, a CV without source."""
    visits = [visit.id for visit in study.visits]
    for key, entry in keyed("variation", study.variation):
        check_words(entry.features, f"{key}.features", study, found)
        found.check_known(f"{key}.visits", entry.visits, visits, "a visit")
        cited = entry.within_subject_cv is not None or entry.analytical_cv is not None
        if not cited and not entry.visits:
            found.add(key, "says nothing of how far values vary; legal: within_subject_cv, visits, analytical_cv")
        if entry.within_subject_cv is not None and entry.visits:
            found.add(f"{key}.visits", "stands beside `within_subject_cv`, which answers the same; leave one out")
        if entry.visits and len(set(entry.visits)) < 2:
            found.add(f"{key}.visits", f"names {len(set(entry.visits))} visit; variation shows between two or more")
        if cited and not entry.source:
            found.add(f"{key}.source", "is missing: where was the CV taken from?")
