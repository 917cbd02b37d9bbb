"""Are the planned conclusions sayable: known contrasts, known features, a test and a correction that fit?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cytoshift.study.contrasts import Endpoint
from cytoshift.study.problem import did_you_mean
from cytoshift.study.problem_list import ProblemList, keyed
from cytoshift.study.study import Study
from cytoshift.vocabulary.names import all_analytes, all_populations, all_roles, find_analyte, find_population, make_id

_FEATURE = re.compile(r"([a-z0-9][a-z0-9_]*)(?:@(.+))?")
_LAYERS = {"cytokine": "cytokines", "cell": "cells", "index": "indices", "outcome": "outcomes"}


def check_endpoints(study: Study, found: ProblemList) -> None:
    """Note every mistake in `endpoints`."""
    contrasts: list[str] = []
    for contrast in study.contrasts:
        contrasts += [contrast.id, *(concrete.id for concrete in contrast.expanded())]
    for key, endpoint in keyed("endpoints", study.endpoints):
        for name, words in (("features", endpoint.features), ("except", endpoint.except_)):
            check_words(words, f"{key}.{name}", study, found)
        check_claim(key, endpoint, contrasts, found)


def check_claim(key: str, endpoint: Endpoint, contrasts: list[str], found: ProblemList) -> None:
    """Note what an endpoint cannot claim whatever its features: contrasts not named, a test that does not fit."""
    found.check_known(f"{key}.contrasts", endpoint.contrasts, contrasts, "a contrast")
    if endpoint.tier != "exploratory" and not endpoint.contrasts:
        listed = ", ".join(dict.fromkeys(contrasts))
        found.add(f"{key}.contrasts", f"is missing: a {endpoint.tier} endpoint names its contrasts; legal: {listed}")
    _check_test(key, endpoint, found)


def check_words(words: Iterable[str], key: str, study: Study, found: ProblemList) -> None:
    """Note every word that does not name features: ids, role:x, layer:x, source:x or all."""
    for word in dict.fromkeys(words):
        _check_word(word, key, study, found)


def check_feature(feature: str, key: str, study: Study, found: ProblemList) -> None:
    """Note a feature id that no feature can have; whether the data hold it is seen when they are read."""
    parts = _FEATURE.fullmatch(feature)
    if not parts:
        near = _id_of(feature) or (make_id(feature) if re.search("[A-Za-z0-9]", feature) else "")
        found.add(key, f"{feature!r} is not a feature id" + (f"; did you mean {near!r}?" if near else ""))
        return
    if parts[2] is not None:
        found.check_known(key, [parts[2]], study.source_ids(), "a source")
    known = "" if parts[1] in {*_own_features(study)} else _id_of(parts[1])
    if known and known != parts[1]:
        found.add(key, f"{feature!r} is another name of {known!r}; features go by their id; did you mean {known!r}?")


def _own_features(study: Study) -> Iterator[str]:
    """Ids of features that the plan itself makes."""
    yield from (index.id for index in study.indices)
    yield from (outcome.id for outcome in study.outcomes)


def _id_of(written: str) -> str:
    """Id of the analyte or population that a name stands for in the vocabulary, or nothing."""
    if written in {*(entry.id for entry in all_analytes()), *(entry.id for entry in all_populations())}:
        return written  # the usual case, without building the index of all spellings
    matches = [match for match in (find_analyte(written), find_population(written)) if match.how != "unknown"]
    return next((match.id for match in matches if match.id), "")


def _check_word(word: str, key: str, study: Study, found: ProblemList) -> None:
    sources = study.source_ids()
    kind, colon, value = word.partition(":")
    checks: dict[str, Callable[[], None]] = {
        "role": lambda: found.check_known(key, [value], all_roles(), "a role"),
        "source": lambda: found.check_known(key, [value], sources, "a source"),
        "layer": lambda: _check_layer(value, key, study, found),
    }
    if word == "all":
        return
    if not colon:
        check_feature(word, key, study, found)
    elif kind in checks:
        checks[kind]()
    else:
        legal = "a feature id, role:x, layer:x, source:x, all"
        found.add(key, f"{word!r} is not a way to name features; legal: {legal}{did_you_mean(kind, checks)}")


def _check_layer(layer: str, key: str, study: Study, found: ProblemList) -> None:
    if layer not in _LAYERS:
        found.add_unknown(key, layer, _LAYERS, "a layer")
    elif not getattr(study, _LAYERS[layer]):
        found.add(key, f"'layer:{layer}' has no features: the study has no `{_LAYERS[layer]}`")


def _check_test(key: str, endpoint: Endpoint, found: ProblemList) -> None:
    if endpoint.tier != "exploratory" and endpoint.correction == "benjamini_hochberg":
        found.add(
            f"{key}.correction",
            f"'benjamini_hochberg' does not control the error rate of a {endpoint.tier} endpoint; "
            "legal: max_t, max_t_single_step, holm",
        )
    if endpoint.test == "global" and endpoint.correction:
        found.add(f"{key}.correction", "has no effect: a global test is one test; leave it out")
    if endpoint.direction == "any" and endpoint.test == "global":
        found.add(f"{key}.direction", "a global test needs a planned direction; legal: decrease, increase")
    if endpoint.test == "each" and endpoint.sides == "one":
        found.add(
            f"{key}.sides", "'one' has no effect: tests of each feature are two-sided; legal with test: each: two"
        )
