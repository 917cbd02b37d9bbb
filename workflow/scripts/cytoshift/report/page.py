"""The report page: one file that needs nothing else, for people who read figures before tables."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cytoshift.figures.saving import safe_name
from cytoshift.figures.words import concrete_contrasts, contrast_label
from cytoshift.report import endpoints, limits, markers, methods, people, reliability
from cytoshift.report.answer import answer, verdict_words
from cytoshift.report.captions import read_captions
from cytoshift.report.embed import Album, Picture
from cytoshift.report.formats import count, plain_text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.provenance import short_checksums, software_versions
from cytoshift.study.study import FigurePlan, Study, stage_sections

TEMPLATES = Path(__file__).with_name("templates")
MOST_FIGURES = 12


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
    flagged = limits.flagged_samples(tables)
    context = {
        "study": study,
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
        "exclusions": people.exclusions(tables),
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
        "findings": reliability.finding_groups(tables, plan),
        "findings_sentence": reliability.findings_sentence(tables),
        "flagged": reliability.flagged_grid(flagged),
        "flagged_count": len(flagged),
        "without_flagged": reliability.without_flagged_grid(tables, plan, study),
        "regression": limits.REGRESSION,
        "methods": methods.method_paragraphs(tables, study),
        "methods_used": methods.methods_used(tables, plan),
        "names": reliability.names_grid(tables),
        "inputs": short_checksums(inputs),
        "versions": software_versions(),
        "plan_sha256": plan_sha256,
    }
    context["left_out"] = [f"{count(number)} of {kind.replace('_', ' ')}" for kind, number in album.left_out().items()]
    return render(context)


def render(context: Mapping[str, Any]) -> str:
    """Set the page's template with autoescape; style and script are inlined and named by their hash in the policy."""
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
    return environment.get_template("page.html.j2").render(
        **context, css=Markup(own["page.css"]), js=Markup(own["page.js"]), policy=Markup(policy)
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _inert(value: Any) -> Any:
    """Texts from data without control and direction characters; what the templates themselves produced stays."""
    return plain_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _pictures(album: Album, main: str, plan: FigurePlan) -> dict[str, list[tuple[Picture, str]]]:
    """The page's figures by place, each with its title; the answer's forest first, so that it is always embedded."""
    labels = {safe_name(contrast): contrast_label(plan, contrast) for contrast in concrete_contrasts(plan)}
    labels |= {f"{name}-differences": f"{label}: clinical scores" for name, label in list(labels.items())}

    def titled(found: list[Picture]) -> list[tuple[Picture, str]]:
        return [(picture, labels.get(picture.name, "")) for picture in found]

    first = album.take("forest", safe_name(main))
    places = {"answer": titled([first] if first else [])}
    for kind in (
        "flow",
        "volcano",
        "pvalues",
        "forest",
        "heatmap",
        "trajectories",
        "cells",
        "missingness",
        "sample_map",
    ):
        places[kind] = titled(album.rest(kind, MOST_FIGURES))
    scores = [pair for pair in places["forest"] if pair[0].name.endswith("-differences")]
    return places | {"scores": scores, "forest": [pair for pair in places["forest"] if pair not in scores]}
