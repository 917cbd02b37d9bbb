"""Can every value be given to a sample: columns of the sample sheet and the sources, patterns, shapes and units?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cytoshift.study.problem import did_you_mean
from cytoshift.study.problem_list import ProblemList, keyed
from cytoshift.study.sources import (
    CellColumns,
    CellSource,
    CytokineColumns,
    CytokineSource,
    OutcomeColumns,
    OutcomeSource,
    SubjectColumns,
)
from cytoshift.study.study import Study
from cytoshift.tables import SAMPLES

_BRACES = re.compile(r"\{([^{}]*)\}")
_PATTERN_PARTS = ("subject", "visit", "arm")
_LOGARITHMIC_UNITS = ("NPX", "NPQ")


def check_samples(study: Study, found: ProblemList) -> None:
    """Note every mistake in `samples`."""
    samples = study.samples
    if bool(samples.file) == bool(samples.from_):
        state = "has both `file` and `from`; keep one" if samples.file else "does not say who was measured when"
        found.add("samples", f"{state}; legal: `file` (a sample sheet), or `from` (sources that say it themselves)")
    if samples.file and len(study.arms) > 1 and not samples.columns.arm:
        found.add("samples.columns.arm", "is missing: the study has several arms, so the sheet must say which")
    if samples.pattern is not None:
        _check_pattern(samples.pattern, study, found)
    sources = {source.id: (key, source) for key, source in _tables(study)}
    for id_ in dict.fromkeys(samples.from_):
        if id_ not in sources:
            found.add_unknown("samples.from", id_, sources, "a source of cytokines or cells")
        elif not samples.file:
            key, source = sources[id_]
            if source.format != "table":
                _check_names_people(key, source, study, found)
            elif source.columns is not None:
                _check_says_who(key, source.columns, study, found)
    for key, covariate in keyed("samples.covariates", samples.covariates):
        if covariate.id in SAMPLES.names() or covariate.id == "plate":
            found.add(f"{key}.id", f"{covariate.id!r} already has a meaning; choose another id and give its `column`")


def check_sources(study: Study, found: ProblemList) -> None:
    """Note every mistake in `cytokines`, `cells` and `outcomes`."""
    for key, source in _tables(study):
        _check_format(key, source, found)
        if source.format == "table" and source.columns is not None:
            _check_shape(key, source, found)
            if source.id not in study.samples.from_:
                _check_linked(key, source, source.columns, study, found)
        if isinstance(source, CytokineSource):
            unit = source.unit.upper()
            if unit in _LOGARITHMIC_UNITS and source.unit != unit:
                found.add(f"{key}.unit", f"{source.unit!r} is written {unit!r}")
    for key, outcome in keyed("outcomes", study.outcomes):
        _check_linked(key, outcome, outcome.columns, study, found)


def _tables(study: Study) -> Sequence[tuple[str, CytokineSource | CellSource]]:
    return [*keyed("cytokines", study.cytokines), *keyed("cells", study.cells)]


def _check_pattern(pattern: str, study: Study, found: ProblemList) -> None:
    parts, key = _BRACES.findall(pattern), "samples.pattern"
    if not study.samples.from_:
        found.add(key, "has no effect with a sample sheet; it goes with `from`")
    for part in parts:
        if part not in _PATTERN_PARTS:
            found.add_unknown(key, f"{{{part}}}", [f"{{{name}}}" for name in _PATTERN_PARTS], "a part of a sample id")
    if not {"subject", "visit"} <= set(parts) and set(parts) <= set(_PATTERN_PARTS):
        found.add(key, f"{pattern!r} must hold {{subject}} and {{visit}}")
    if len(set(parts)) < len(parts):
        found.add(key, f"{pattern!r} names a part twice")
    if "}{" in pattern:
        found.add(key, f"{pattern!r} has nothing between two parts, so that an id could be read in several ways")
    if "{" in _BRACES.sub("", pattern) or "}" in _BRACES.sub("", pattern):
        found.add(key, f"{pattern!r} has a brace without its partner")


def _check_says_who(key: str, columns: SubjectColumns, study: Study, found: ProblemList) -> None:
    """A source that stands in for a sample sheet says subject, visit and, with several arms, arm."""
    pattern = study.samples.pattern
    if pattern is not None and not columns.sample:
        found.add(f"{key}.columns.sample", "is missing: `samples.pattern` takes the sample id apart")
    parts = _BRACES.findall(pattern) if pattern else []
    needed = ["subject", "visit"] if pattern is None else []
    needed += ["arm"] if len(study.arms) > 1 and "arm" not in parts else []
    lacking = [name for name in needed if not getattr(columns, name)]
    if lacking:
        listed = ", ".join(f"`{name}`" for name in lacking)
        found.add(f"{key}.columns", f"lack {listed}, which `samples.from` takes from this source")


def _check_linked(
    key: str,
    source: CytokineSource | CellSource | OutcomeSource,
    columns: CytokineColumns | CellColumns | OutcomeColumns,
    study: Study,
    found: ProblemList,
) -> None:
    """Each row says whose it is: by sample, by subject and visit, or by its well on a plate with a layout."""
    if columns.sample:
        return
    if isinstance(source, CytokineSource) and source.plates and getattr(columns, "well", None):
        return
    if not (columns.subject and columns.visit):
        found.add(f"{key}.columns", "do not say whose a row is; legal: `sample`, or `subject` and `visit`")
    elif study.design == "crossover" and not columns.arm:
        found.add(f"{key}.columns.arm", "is missing: in a crossover a subject has a visit once per arm")


def _check_names_people(key: str, source: CytokineSource | CellSource, study: Study, found: ProblemList) -> None:
    """An instrument's file names samples; who was measured when must be in those names, or in a sample sheet."""
    if study.samples.pattern is None:
        found.add(
            "samples.pattern",
            f"is missing: files of {source.id} ({source.format}) name samples only; say how a name is composed, e.g. "
            '"{subject}-{visit}", or give a sample sheet with `file`',
        )
    elif len(study.arms) > 1 and "{arm}" not in study.samples.pattern:
        found.add("samples.pattern", "does not hold {arm}, and the study has several arms; or give a sample sheet")


def _check_format(key: str, source: CytokineSource | CellSource, found: ProblemList) -> None:
    """A table needs `columns`; instruments' files have their own, and only they have curves to fit."""
    if source.format == "table":
        if source.columns is None:
            files = "flowjo" if isinstance(source, CellSource) else "xponent, msd, olink"
            found.add(
                f"{key}.columns",
                "is missing: `format: table` needs to be told what its columns hold; files of an instrument say their "
                f"`format` instead ({files} …, or auto)",
            )
        if isinstance(source, CytokineSource) and source.concentration is not None:
            found.add(
                f"{key}.concentration", "has no effect with `format: table`, whose values are final; leave it out"
            )
        return
    hints = {"where": "; samples and wells are left out with `exclude`"}
    for name in ("columns", "where", "shape"):
        if name in source.model_fields_set:
            message = f"is for tables and has no effect with `format: {source.format}`; leave it out"
            found.add(f"{key}.{name}", message + hints.get(name, ""))


def _check_shape(key: str, source: CytokineSource | CellSource, found: ProblemList) -> None:
    feature = "analyte" if isinstance(source, CytokineSource) else "population"
    column = getattr(source.columns, feature)
    patterns = {
        name: text
        for name in ("value", "lower", "upper", "mean", "cv")
        if (text := getattr(source.columns, name, None)) is not None
    }
    brace = f"{{{feature}}}"
    if source.shape == "long":
        if not column:
            found.add(f"{key}.columns.{feature}", f"is missing: a long table has a column of {feature} names")
        for name, text in patterns.items():
            if brace in text:
                found.add(f"{key}.columns.{name}", f"{text!r} is a pattern of wide tables; `shape` is long")
        return
    if column:
        found.add(f"{key}.columns.{feature}", f"is for long tables; `shape` is wide and `value` holds {brace}")
    if brace not in patterns["value"]:
        meant = did_you_mean("".join(_BRACES.findall(patterns["value"])), [feature]).replace(feature, brace)
        found.add(f"{key}.columns.value", f"{patterns['value']!r} does not hold {brace}, as wide tables need{meant}")
    for name, text in patterns.items():
        if text.count(brace) > 1:
            found.add(f"{key}.columns.{name}", f"{text!r} holds {brace} twice")
