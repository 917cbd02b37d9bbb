"""Do the parts of a study file fit together? One list of mistakes for Snakemake's start, intake and `check`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from cytoshift.study.contrast_problems import check_contrasts
from cytoshift.study.data_problems import check_samples, check_sources
from cytoshift.study.endpoint_problems import check_endpoints, check_feature
from cytoshift.study.file_problems import check_files_exist
from cytoshift.study.lines import Lines
from cytoshift.study.problem import Problem, in_order
from cytoshift.study.problem_list import ProblemList, keyed
from cytoshift.study.selection_problems import check_selection
from cytoshift.study.settings import Arm, Visit
from cytoshift.study.study import Study, randomised_arms
from cytoshift.study.variation_problems import check_variation


def problems(
    study: Study,
    lines: Lines,
    path: Path | str,
    *,
    reserved: Collection[str] = (),
    check_files: bool = False,
    root: Path | str = ".",
) -> list[Problem]:
    """Every mistake that shows without opening a data file, in the order of the lines.

    Parameters: `study`, `lines` and `path` as `load_study` returns them; `reserved`, names that a study cannot have
    because a rule has them; `check_files`, whether to look for the files too, from the folder `root` on.
    Returns an empty list when there is none.
    """
    found = ProblemList(lines, str(path))
    if study.id in reserved:
        found.add("id", f"{study.id!r} is the name of a rule; choose another, e.g. '{study.id}-study'")
    _check_ids(study, found)
    _check_design(study, found)
    _check_randomised_arms(study, found)
    _check_written("visits", study.visits, found)
    _check_written("arms", study.arms, found)
    for key, arm in keyed("arms", study.arms):
        found.check_known(f"{key}.visits", arm.visits or [], [visit.id for visit in study.visits], "a visit")
    check_samples(study, found)
    check_sources(study, found)
    _check_names(study, found)
    _check_exclusions(study, found)
    _check_indices(study, found)
    check_contrasts(study, found)
    check_endpoints(study, found)
    check_variation(study, found)
    check_selection(study, found)
    if check_files:
        check_files_exist(study, found, Path(root))
    return in_order(found.found)


def _check_ids(study: Study, found: ProblemList) -> None:
    """Ids are unique where messages, columns and file names rely on it."""
    sources = [*keyed("cytokines", study.cytokines), *keyed("cells", study.cells), *keyed("outcomes", study.outcomes)]
    features = [*keyed("outcomes", study.outcomes), *keyed("indices", study.indices)]
    groups = [
        ("visit", keyed("visits", study.visits)),
        ("arm", keyed("arms", study.arms)),
        ("covariate", keyed("samples.covariates", study.samples.covariates)),
        ("source", sources),
        ("feature", features),
        ("contrast", keyed("contrasts", study.contrasts)),
        ("endpoint", keyed("endpoints", study.endpoints)),
    ]
    for what, entries in groups:
        first: dict[str, str] = {}
        for key, entry in entries:
            if entry.id in first:
                found.add(f"{key}.id", f"{entry.id!r} is the id of two {what}s; the other is {first[entry.id]}")
            first.setdefault(entry.id, key)
    for key, entry in features:
        if entry.id == "all":
            found.add(f"{key}.id", "'all' means every feature; choose another id")


def _check_design(study: Study, found: ProblemList) -> None:
    if not (study.cytokines or study.cells or study.outcomes):
        found.add("", "has no data; at least one of the keys cytokines, cells, outcomes is needed")
    arms = len(study.arms)
    if study.design == "single_arm" and arms > 1:
        found.add("design", f"'single_arm' with {arms} arms; legal with several arms: parallel, crossover")
    if study.design != "single_arm" and arms < 2:
        found.add("design", f"{study.design!r} needs two or more arms, `arms` has {arms}; with one arm: single_arm")
    if study.design != "single_arm" and study.randomised is None:
        what = "the order of conditions" if study.design == "crossover" else "the arms"
        found.add("randomised", f"is missing: were {what} randomised? legal: true, false")
    if study.design == "single_arm" and study.randomised:
        found.add("randomised", "is true, but single_arm has nothing to randomise; leave it out")
    if study.strata and study.randomised is False:
        found.add("strata", "are the strata of a randomisation, but `randomised` is false; leave one out")
    columns = study.samples.columns
    legal = [covariate.id for covariate in study.samples.covariates] + (["cohort"] if columns.cohort else [])
    found.check_known("strata", study.strata, legal, "a covariate of `samples`")
    controls = [(key, arm) for key, arm in keyed("arms", study.arms) if arm.control]
    for key, arm in controls[1:]:
        found.add(f"{key}.control", f"{arm.id!r} is a second control arm after {controls[0][1].id!r}; keep one")
    if study.normalize.plates == "reference_samples" and not columns.type:
        found.add(
            "normalize.plates",
            "'reference_samples' needs `samples.columns.type`, which says what tubes are bridge or pool samples",
        )


def _check_randomised_arms(study: Study, found: ProblemList) -> None:
    """An arm that says it was randomised needs a study that was, and a randomised study needs two such arms."""
    for key, arm in keyed("arms", study.arms):
        if arm.randomised and not study.randomised and (study.randomised is False or study.design == "single_arm"):
            found.add(f"{key}.randomised", f"{arm.id!r} cannot be randomised: the study is not; leave it out")
    if study.randomised and study.design != "single_arm" and len(study.arms) > 1:
        took_part = sorted(randomised_arms(study.arms, study.randomised, study.design))
        if len(took_part) < 2:
            named = ", ".join(took_part) or "none"
            found.add(
                "randomised",
                f"is true, but of the arms only these took part: {named} (in a parallel study an arm with `visits` "
                "does not, unless it says so); say `randomised: true` in the arms that did",
            )


def _check_written(section: str, entries: Iterable[Visit] | Iterable[Arm], found: ProblemList) -> None:
    """A way of writing belongs to one visit or arm only; the id and the label are ways of writing, too."""
    owner: dict[str, str] = {}
    for key, entry in keyed(section, list(entries)):
        forms = [("id", entry.id), *(("written", form) for form in entry.written)]
        forms += [("label", entry.label)] if entry.label else []
        for name, form in forms:
            if owner.setdefault(form.strip(), entry.id) != entry.id:
                found.add(f"{key}.{name}", f"{form!r} also means {owner[form.strip()]!r}; it can mean only one")


def _check_names(study: Study, found: ProblemList) -> None:
    meaning: dict[str, str] = {}
    for key, name in keyed("names", study.names):
        check_feature(name.is_, f"{key}.is", study, found)
        if meaning.setdefault(name.written, name.is_) != name.is_:
            found.add(f"{key}.written", f"{name.written!r} was already said to be {meaning[name.written]!r}")


def _check_exclusions(study: Study, found: ProblemList) -> None:
    for key, exclusion in keyed("exclude", study.exclude):
        given = exclusion.model_dump(exclude_none=True, exclude={"reason"})
        if not given:
            legal = ", ".join(name for name in type(exclusion).model_fields if name != "reason")
            found.add(key, f"does not say what to leave out; legal: {legal}")
        if exclusion.visit is not None:
            found.check_known(f"{key}.visit", [exclusion.visit], [visit.id for visit in study.visits], "a visit")
        if exclusion.source is not None:
            found.check_known(f"{key}.source", [exclusion.source], study.source_ids(), "a source")


def _check_indices(study: Study, found: ProblemList) -> None:
    indices = {index.id for index in study.indices}
    for key, index in keyed("indices", study.indices):
        for side in ("numerator", "denominator"):
            for feature in getattr(index, side):
                if feature in indices:
                    other = "itself" if feature == index.id else f"the index {feature!r}"
                    found.add(f"{key}.{side}", f"{index.id!r} is made of {other}; name the features it consists of")
                else:
                    check_feature(feature, f"{key}.{side}", study, found)
        for feature in sorted(set(index.numerator) & set(index.denominator)):
            found.add(f"{key}.denominator", f"{feature!r} stands above and below the line")
