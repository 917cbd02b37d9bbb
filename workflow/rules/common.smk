# Functions that the rules share; no rules.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.current_basedir).parent / "scripts"))

from cytoshift.jobs import library_digest
from cytoshift.study.opening import open_studies, study_files
from cytoshift.study.problem import Problems
from cytoshift.study.study import (
    CalibratePlan,
    FigurePlan,
    IntakePlan,
    NormalizePlan,
    QualityPlan,
    ShiftPlan,
    SubjectsPlan,
    stage_sections,
)

RESERVED = {"all", "check", "public_data"}
FIGURES = (
    "forest",
    "volcano",
    "heatmap",
    "slopes",
    "trajectories",
    "missingness",
    "cells",
    "flow",
    "pvalues",
    "sample_map",
)
PLATE_FIGURES = ("curves", "plate_map", "controls", "ranges")  # on the plates' page


def data_problems(study):
    """Mistakes in the data files; imported only when the study file has mistakes, so that one run shows them all."""
    from cytoshift.intake.read import read_study

    try:
        read_study(IntakePlan.model_validate(stage_sections(study, IntakePlan)))
    except Problems as problems:
        return problems.problems
    return []


try:
    # Which studies: ids (config/studies/<id>.yaml) or paths, one or a list.
    STUDIES = open_studies(
        config.get("studies", []), reserved=RESERVED, data_problems=data_problems
    )
except Problems as problems:
    raise WorkflowError(f"the study cannot be run as written\n{problems}") from None


wildcard_constraints:
    study="[a-z][a-z0-9-]*",


def final_outputs(study):
    """What a study's target asks for."""
    return [
        f"<results>/{study}/report/{name}"
        for name in ("report.html", "plates.html", "tables.xlsx", "manifest.json")
    ]


def finished_reports():
    """Report pages that exist, for the last line a person sees."""
    pages = (Path(f"results/{study}/report/report.html") for study in STUDIES)
    return [path for path in pages if path.exists()]


def result(path):
    """An output that is never empty, and that stays as it was, byte for byte, when the job that would renew it fails."""
    return update(ensure(path, non_empty=True))


def library(*folders):
    """Folders of the library that a job imports, with their digest; an edit there runs it again, others do not."""
    return {"folders": list(folders), "sha256": library_digest(*folders)}


def sections(stage_plan):
    """The part of the study file that a stage sees, as plain values."""

    def of_study(wildcards):
        return stage_sections(STUDIES[wildcards.study].study, stage_plan)

    return of_study


def data_files(wildcards):
    """Every file a study reads."""
    return study_files(STUDIES[wildcards.study].study)


def whole_plan(wildcards):
    """The whole study file as plain values: for the report alone, which any change of it may rerun."""
    return STUDIES[wildcards.study].study.model_dump(mode="json", by_alias=True)


def plan_sha256(wildcards):
    """Digest of the study file as understood."""
    return STUDIES[wildcards.study].digest


def captions():
    """Text of each kind of figure's caption, for the page; `snakemake --report` reads the same files."""
    folder = Path(workflow.current_basedir).parent / "report"
    return {
        kind: (folder / f"{kind}.rst").read_text(encoding="utf-8")
        for kind in (*FIGURES, *PLATE_FIGURES)
    }


def shown_figures(kind):
    """A folder of figures of one kind, with its caption in `snakemake --report`."""
    return report(
        directory(f"<results>/{{study}}/report/figures/{kind}"),
        patterns=["{figure}.svg"],
        caption=f"../report/{kind}.rst",
        category="{study}",
        subcategory=kind.replace("_", " "),
        labels={"figure": "{figure}"},
    )
