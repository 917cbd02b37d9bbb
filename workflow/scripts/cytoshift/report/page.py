"""The report page: one file that needs nothing else, for people who read figures before tables."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cytoshift.figures.saving import safe_name
from cytoshift.figures.words import condition, contrast_label, planned_contrasts
from cytoshift.report import endpoints, limits, markers, methods, people, reliability
from cytoshift.report.answer import answer, verdict_words
from cytoshift.report.captions import read_captions
from cytoshift.report.embed import Album, Picture
from cytoshift.report.formats import count, plain_text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.naming import read_names
from cytoshift.report.provenance import short_checksums, software_versions
from cytoshift.report.regression import regression_words
from cytoshift.study.contrasts import concerned
from cytoshift.study.study import FigurePlan, Study, stage_sections

TEMPLATES = Path(__file__).with_name("templates")
MOST_FIGURES = 12
FEW, FIRST = 6, 4  # figures of a kind all shown at once; where there are more, the planned ones and these at least


def build_page(
    tables: ReportTables,
    study: Study,
    *,
    figures: Mapping[str, Path | str],
    captions: Mapping[str, str],
    inputs: Mapping[str, str],
    plan_sha256: str,
) -> str:
    """The page as HTML text.

    figures: folder of SVG files by kind of figure; captions: text of each kind's .rst caption; inputs: sha256 by path
    of the files read. Every text from the study or its data is escaped; scripts and styles are those of this package.
    """
    plan = FigurePlan.model_validate(stage_sections(study, FigurePlan))
    reply = answer(tables, study, plan)
    album = Album(figures)
    pictures = _pictures(album, reply.contrast, plan)
    flagged, names = limits.flagged_samples(tables), read_names(tables, plan)
    context = {
        "study": study,
        "condition": condition(study.disease),
        "answer": reply,
        "verdict": verdict_words(reply.verdict),
        "limits": limits.limits(reply.contrast, tables, study, plan),
        "design": limits.design_sentence(study, plan, reply.contrast),
        "captions": read_captions(captions),
        "pictures": pictures,
        "contrast_words": contrast_label(plan, reply.contrast),
        "people": people.people_sentence(tables),
        "times": people.visit_times(study),
        "attendance": people.attendance(tables, plan),
        "planned_exclusions": people.planned_exclusions(study),
        "exclusions": people.exclusions(tables, names),
        "lost_pairs": people.lost_pairs(tables, plan),
        "endpoints": endpoints.endpoint_views(tables, study, plan),
        "explored": endpoints.explored(tables, study, plan),
        "planned": endpoints.planned_and_not(tables, study),
        "marker_table": markers.marker_table(tables, plan),
        "markers": [
            (view, album.take("slopes", safe_name(view.feature))) for view in markers.marker_views(tables, study, plan)
        ],
        "control": markers.control_grid(tables, plan),
        "cells": markers.layer_grid(tables, plan, ("cell", "index")),
        "findings": reliability.finding_groups(tables.findings, names),
        "has_plates": not tables.plate_review.empty,
        "findings_sentence": reliability.findings_sentence(tables),
        "flagged": reliability.flagged_grid(flagged, names),
        "flagged_count": len(flagged),
        "without_flagged": reliability.without_flagged_grid(tables, plan, study),
        "regression": regression_words(tables, study, plan),
        "methods": methods.method_paragraphs(tables, study),
        "methods_used": methods.methods_used(tables, plan),
        "names": reliability.names_grid(tables),
        "inputs": short_checksums(inputs),
        "versions": software_versions(),
        "plan_sha256": plan_sha256,
    }
    context["left_out"] = [f"{count(number)} of {kind.replace('_', ' ')}" for kind, number in album.left_out().items()]
    return render(context)


def render(context: Mapping[str, Any], template: str = "page.html.j2") -> str:
    """Set a page's template with autoescape; style and script are inlined and named by their hash in the policy."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_inert,
    )
    own = {name: (TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")}
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_hash(own['page.css'])}'; script-src '{_hash(own['page.js'])}'"
    )
    return environment.get_template(template).render(
        **context, css=Markup(own["page.css"]), js=Markup(own["page.js"]), policy=Markup(policy)
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _inert(value: Any) -> Any:
    """Texts from data without control and direction characters; what the templates themselves produced stays."""
    return plain_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@dataclass(frozen=True)
class Plates:
    """Figures of one kind, each with its title: those to be seen at once, and those behind a click."""

    shown: list[tuple[Picture, str]]
    folded: list[tuple[Picture, str]]


def _pictures(album: Album, main: str, plan: FigurePlan) -> dict[str, Plates]:
    """The page's figures by place, planned contrasts first; the answer's forest before all, so that it is embedded."""
    order = [safe_name(contrast) for contrast in planned_contrasts(plan)]
    labels = dict(zip(order, (contrast_label(plan, contrast) for contrast in planned_contrasts(plan)), strict=True))
    scores = [f"{name}-differences" for name in order]
    labels |= {score: f"{labels[name]}: clinical scores" for score, name in zip(scores, order, strict=True)}
    planned = {
        safe_name(contrast.id)
        for endpoint in plan.endpoints
        if endpoint.tier != "exploratory"
        for contrast in concerned(endpoint, plan.contrasts)
    }

    def plates(found: list[Picture]) -> Plates:
        titled = [(picture, labels.get(picture.name, "")) for picture in found]
        if len(titled) <= FEW:
            return Plates(titled, [])
        lead = max(FIRST, sum(picture.name.removesuffix("-differences") in planned for picture, _ in titled))
        return Plates(titled[:lead], titled[lead:])

    first = album.take("forest", safe_name(main))
    places = {"answer": plates([first] if first else []), "flow": plates(album.rest("flow", MOST_FIGURES))}
    # Figures by contrast may be many: those that are few must not fall behind the budget they spend.
    for kind in ("pvalues", "trajectories", "cells", "missingness", "sample_map"):
        places[kind] = plates(album.rest(kind, MOST_FIGURES))
    places["scores"] = plates(album.those("forest", scores, MOST_FIGURES))
    for kind in ("volcano", "forest", "heatmap"):
        places[kind] = plates(album.those(kind, order, MOST_FIGURES))
    return places
