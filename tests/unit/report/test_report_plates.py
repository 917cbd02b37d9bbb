"""The plates' page: each plate with its figures and numbers, deaf to hostile names, honest where there is no plate."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from cytoshift.figures import controls, curves, plate_map, ranges
from cytoshift.figures.saving import save_figures
from cytoshift.frames import conform
from cytoshift.report.inputs import ReportTables
from cytoshift.report.plates import build_plates_page
from cytoshift.tables import FINDINGS, PLATE_REVIEW
from plate_frames import plate_tables
from report_tables import make_study, make_tables, plan_of

CAPTIONS = {
    "curves": "**Standard curves.** How to read them.",
    "plate_map": "**Plate map.**",
    "controls": "",
    "ranges": "",
}


def with_plates(**changes: pd.DataFrame) -> ReportTables:
    made = {name: table for name, table in plate_tables().items() if name in ReportTables.__dataclass_fields__}
    return dataclasses.replace(make_tables(), **(made | changes))


def drawn(tables: ReportTables, folder: Path) -> dict[str, Path]:
    plan = plan_of(make_study())
    save_figures(curves.draw(tables.curves, tables.standards, tables.names, plan), folder / "curves")
    save_figures(plate_map.draw(tables.plate_map, plan), folder / "plate_map")
    save_figures(controls.draw(tables.controls, tables.names, plan), folder / "controls")
    save_figures(ranges.draw(tables.plate_review, tables.names, plan), folder / "ranges")
    return {kind: folder / kind for kind in ("curves", "plate_map", "controls", "ranges")}


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page)).split())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    tables = with_plates()
    figures = drawn(tables, tmp_path_factory.mktemp("figures"))
    return build_plates_page(tables, make_study(), figures=figures, captions=CAPTIONS)


def test_every_plate_has_its_section_with_map_and_curves_in_the_order_people_count(page: str) -> None:
    assert re.findall(r"<h2>(Plate [^<]+)</h2>", page) == ["Plate P1", "Plate P2", "Plate P10"]
    assert page.count("<img ") == 3 * 2 + 2 + 1, "map and curves of each plate, two controls, one figure of ranges"


def test_a_standard_left_out_is_named_with_both_concentrations_and_the_reason(page: str) -> None:
    left_out = words(page).partition("Standards left out of the fit")[2][:200]
    assert "IL-6 Standard5 A5 98,765.43 98.76543 " in left_out
    assert "off its dilution series" in words(page)


def test_disagreement_with_the_instrument_is_explained_beside_its_analyte(page: str) -> None:
    assert "0.04, 0.31" in words(page)
    assert "the instrument's fit used a standard off its series" in words(page).replace("&#39;", "'")


def test_broken_rules_are_counted_per_plate_and_control(page: str) -> None:
    assert "P1 Control1 1-3s 6 IL-6, TNF-α, IL-1β, IFN-γ, IL-17A and MCP-1" in words(page)


def test_only_findings_about_plates_and_calibration_stand_here(tmp_path: Path) -> None:
    findings = conform(
        pd.DataFrame(
            {
                "stage": ["calibrate", "quality", "quality"],
                "check": ["standard_off_series", "edge_effect", "failed_sample"],
                "severity": "warning",
                "plate": ["", "P1", ""],
                "message": ["one standard", "one edge", "one sample"],
            }
        ),
        FINDINGS,
    )
    tables = with_plates(findings=findings)
    page = words(build_plates_page(tables, make_study(), figures={}, captions=CAPTIONS))
    assert "one standard" in page
    assert "one edge" in page
    assert "one sample" not in page


def test_a_study_of_tables_says_that_it_has_no_plates() -> None:
    page = build_plates_page(make_tables(), make_study(), figures={}, captions=CAPTIONS)
    assert "its values come from tables" in page
    assert "<nav" not in page


def test_names_of_plates_and_reasons_are_inert(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    tables = with_plates()
    renamed = {
        name: table.replace({"plate": {"P1": hostile}})
        for name in ("curves", "standards", "agreement", "plate_review", "controls", "plate_map", "plates")
        if (table := getattr(tables, name)) is not None
    }
    renamed["standards"]["reason"] = hostile
    tables = dataclasses.replace(tables, **renamed)
    page = build_plates_page(tables, make_study(), figures=drawn(tables, tmp_path), captions=CAPTIONS)
    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_simulated_plates_say_so() -> None:
    page = build_plates_page(with_plates(), make_study(origin="simulated"), figures={}, captions=CAPTIONS)
    assert "SIMULATED DATA" in words(page)


def test_plates_without_bead_counts_have_their_rows() -> None:
    tables = with_plates()
    review = tables.plate_review.assign(beads_min=float("nan"), low_bead_wells=pd.NA)
    tables = dataclasses.replace(tables, plate_review=conform(review, PLATE_REVIEW))
    page = words(build_plates_page(tables, make_study(), figures={}, captions=CAPTIONS))
    assert "Fewest beads –" not in page
    assert page.count("11.0 to 2,670") == 3 * 6
