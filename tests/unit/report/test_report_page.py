"""The page: whole, inert, light, and honest about what it does not show."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cytoshift.report.inputs import ReportTables
from cytoshift.report.page import build_page
from cytoshift.study.study import Study
from report_tables import (
    PRIMARY,
    decision_row,
    family_row,
    finding_row,
    make_study,
    make_tables,
    shift_row,
    single_arm,
)  # fmt: skip

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></script><x-hostile>",
    "=cmd|' /C calc'!A0",
    "../x",
    "javascript:alert(1)",
    "abc\u202ecba\u200b",
    "{{ 7 * 7 }}{% raw %}",
    "long" + "n" * 3000,
]
EVERYTHING = {"id": "everything", "tier": "exploratory", "features": ["all"]}
VOID = {"meta", "img", "br", "link", "input"}


@dataclass
class Page(HTMLParser):
    """What a browser would see of a page."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    inside: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.mismatched.append(tag)

    def handle_data(self, data: str) -> None:
        kind = self.open[-1] if self.open and self.open[-1] in ("script", "style", "title", "h1") else "text"
        self.inside.setdefault(kind, []).append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(text for kind in ("text", "h1") for text in self.inside.get(kind, [])).split())


def built(tables: ReportTables, study: Study, figures: Mapping[str, Path] | None = None, **more: Any) -> str:
    given: dict[str, Any] = {"captions": {"forest": "**How** to read it."}, "inputs": {"data/x.csv": "ab" * 32}}
    return build_page(tables, study, figures=figures or {}, plan_sha256="cd" * 32, **(given | more))


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


@pytest.fixture
def figures(tmp_path: Path) -> dict[str, Path]:
    files = {
        "forest": ["week_16", "week_16-differences"],
        "slopes": ["il6", "tnf"],
        "flow": ["flow"],
        "cells": ["counts"],
    }
    for kind, names in files.items():
        (tmp_path / kind).mkdir()
        for name in names:
            (tmp_path / kind / f"{name}.svg").write_text(f"<svg><text>{kind}</text></svg>")
    return {kind: tmp_path / kind for kind in files}


@pytest.fixture(scope="module")
def plain() -> Page:
    return parsed(built(make_tables(), make_study()))


def test_the_page_is_whole_and_needs_nothing_else(figures: dict[str, Path]) -> None:
    html = built(make_tables(), make_study(), figures)
    page = parsed(html)
    assert html.startswith("<!doctype html>")
    assert page.mismatched == []
    assert page.open == []
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert [one for one in addresses if not one.startswith(("#", "data:image/svg+xml;base64,"))] == []
    assert not re.search(r"url\(|@import|https?://", html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {one[1:] for one in addresses if one.startswith("#")} <= set(ids)


def test_the_policy_names_exactly_the_style_and_script_on_the_page(plain: Page) -> None:
    page = plain
    policy = next(tag["content"] for tag in page.all("meta") if tag.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        content = "".join(page.inside[kind])
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not [name for _, attributes in page.tags for name in attributes if name == "style" or name.startswith("on")]


def test_question_answer_limits_and_figure_come_first(figures: dict[str, Path]) -> None:
    html = built(make_tables(), make_study(), figures)
    page = parsed(html)
    answer = html.partition('id="answer"')[2].partition("</section>")[0]
    assert "Did inflammation (2 markers) fall more with LDN than with placebo" in answer
    assert "shifted downwards with LDN relative to placebo" in answer
    assert "arms were randomised" in answer
    assert "How to read it." in answer
    assert next(image["alt"] for image in page.all("img")) == (
        "Shift of each feature with its interval: week 16 vs baseline, LDN vs placebo"
    )
    assert all(image["alt"] for image in page.all("img"))
    assert len(page.all("img")) == 5  # no cells were measured, so there is no place for their figure
    assert re.findall(r"<h([1-6])", html)[0] == "1"


def test_tables_scroll_in_their_own_box_and_have_headings() -> None:
    html = built(make_tables(findings=[finding_row("x")]), make_study())
    page = parsed(html)
    assert len(page.all("table")) >= 6
    assert html.count("<table") == len(re.findall(r'<div class="scroll[^>]*tabindex="0">\s*<table', html))
    assert all(heading.get("scope") == "col" for heading in page.all("th"))


def test_simulated_data_say_so_on_screen_and_on_every_printed_page(plain: Page) -> None:
    html = built(make_tables(), make_study(origin="simulated"))
    page = parsed(html)
    assert "SIMULATED DATA" in page.text
    assert "(SIMULATED DATA)" in "".join(page.inside["title"])
    assert page.all("body")[0]["class"] == "simulated"
    assert re.search(r'@page simulated \{[^}]*content: "SIMULATED DATA"', "".join(page.inside["style"]))
    assert "Simulated" not in plain.text
    assert plain.all("body")[0]["class"] == "observed"


def hostile_tables(text: str) -> ReportTables:
    tables = make_tables(
        shifts=[shift_row(name, label=text, as_written=text, note=text) for name in ("il6", "tnf")],
        findings=[finding_row("replicate_cv", message=text, sample=text, plate=text, numbers=f"{text}=1", action=action)
                  for action in ("flagged", "excluded")],
        pairs=[{"contrast": "week_16", "feature": "il6", "subject": text, "used": False, "reason": text}],
        names=[{"source": "msd", "written": text, "feature": "x", "label": text, "how": "unknown", "suggestion": text}],
        families=[family_row(decided_by=text, correction=text)],
        without_flagged=[shift_row("il6", note=text)],
    )  # fmt: skip
    samples = pd.DataFrame([{"sample": text, "subject": text, "visit": "baseline", "arm": "ldn", "type": "sample",
                             "kept": "no", "left_out": text, "flags": text}])  # fmt: skip
    return ReportTables(
        **{name: getattr(tables, name) for name in ReportTables.__dataclass_fields__} | {"samples": samples}
    )


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:14] for text in HOSTILE])
def test_hostile_texts_are_shown_and_do_nothing(text: str, plain: Page) -> None:
    study = make_study(
        title=text[:1990], disease=text[:1990], intervention=text[:1990], citation=text[:1990],
        exclude=[{"sample": text, "reason": text[:1990]}],
        arms=[{"id": "placebo", "control": True, "label": text[:1990]}, {"id": "ldn", "label": text[:1990]}],
    )  # fmt: skip
    html = built(hostile_tables(text), study, captions={"forest": text}, inputs={f"data/{text}.csv": "00"})
    page = parsed(html)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"strong", "h4", "span", "dl", "dt", "dd"}
    assert len(page.all("script")) == 1
    assert page.inside["script"] == plain.inside["script"]
    assert page.mismatched == []
    assert page.open == []
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert [a["href"] for a in page.all("a") if not a["href"].startswith("#")] == []
    assert " ".join(text.split())[:1990] in page.text
    # a text that turns the writing direction ends it as well
    assert "\u202e" not in re.sub("\u2068[^\u2069]*\u2069", "", html)


def test_a_study_of_thousands_of_proteins_stays_light_and_says_what_it_leaves_out() -> None:
    features = [f"p{place:04d}" for place in range(3000)]
    shifts = [
        shift_row(name, contrast=contrast, label=f"Protein {name}", p_value=(place + 1) / 3001)
        for contrast in ("week_16", "week_8")
        for place, name in enumerate(features)
    ]
    contrasts = [
        {"id": name, "reference": "baseline", "target": name, "arm": "ldn", "against": "placebo"}
        for name in ("week_16", "week_8")
    ]
    study = make_study(visits=["baseline", "week_8", "week_16"], contrasts=contrasts)
    tables = make_tables(shifts=shifts, decisions=[decision_row("p0000")], families=[family_row(features="p0000")])
    html = built(tables, study)
    assert len(html.encode()) < 2_000_000
    assert "1,200 of 6,000 estimates shown" in html
    assert html.count('<article class="marker"') == 60


def test_a_study_without_anything_still_has_a_page() -> None:
    nothing = make_tables(
        shifts=[], families=[], decisions=[], samples=[], pairs=[], arm_changes=[], names=[]
    )  # fmt: skip
    page = parsed(built(nothing, single_arm(), captions={}, inputs={}))
    assert "exploratory study" in page.text
    assert "No marker has an estimate." in page.text
    assert "No check found anything to report." in page.text


def test_the_single_arm_is_called_an_association_and_regression_to_the_mean_is_named() -> None:
    text = parsed(built(make_tables(arm_changes=[]), single_arm())).text
    assert "was associated with" in text
    assert "One arm and no control" in text
    assert "Regression to the mean is not quantifiable here" in text
    assert "What the comparison arm did" not in text


def test_without_the_flagged_samples_a_change_of_side_is_said() -> None:
    tables = hostile_tables("outlier")
    again = make_tables(without_flagged=[shift_row("il6", estimate=0.1, p_value=0.4)]).without_flagged
    fields = {name: getattr(tables, name) for name in ReportTables.__dataclass_fields__} | {"without_flagged": again}
    text = parsed(built(ReportTables(**fields), make_study())).text
    assert "changes sign" in text
    assert "1 sample was flagged and kept" in text


def test_a_member_of_a_global_test_has_no_decision_of_its_own() -> None:
    html = built(make_tables(), make_study())
    table = html.partition('id="markers"')[2].partition("</table>")[0]
    assert table.count("Primary: decided as a whole") == 2
    assert "shift shown" not in table


def test_the_same_study_gives_the_same_page() -> None:
    assert built(make_tables(), make_study()) == built(make_tables(), make_study())


def test_figures_that_are_not_on_the_page_are_counted(tmp_path: Path) -> None:
    names = [f"week_{place}" for place in range(20)]
    contrasts = [
        {"id": name, "reference": "baseline", "target": "week_16", "arm": "ldn", "against": "placebo"} for name in names
    ]
    for name in names:
        (tmp_path / f"{name}.svg").write_text("<svg/>")
    study = make_study(contrasts=contrasts, endpoints=[{"id": "x", "tier": "exploratory", "features": ["all"]}])
    tables = make_tables(shifts=[shift_row(contrast="week_0")], families=[], decisions=[])
    text = parsed(built(tables, study, {"forest": tmp_path})).text
    assert "Figures not on this page, in the folder report/figures: 7 of forest." in text


def many_contrasts(count: int, planned: Sequence[str] = ()) -> Study:
    names = [f"week_{place}" for place in range(count)]
    contrasts = [
        {"id": name, "label": f"contrast {name}", "reference": "baseline", "target": "week_16", "arm": "ldn",
         "against": "placebo"} for name in names
    ]  # fmt: skip
    endpoints = [PRIMARY | {"contrasts": list(planned)}] if planned else []
    return make_study(contrasts=contrasts, endpoints=[*endpoints, EVERYTHING])


@pytest.mark.parametrize(("count", "planned", "shown"), [(6, [], 5), (9, [], 4), (9, [7, 8], 4), (20, range(6), 5)])
def test_figures_of_many_contrasts_are_folded_planned_ones_stay(
    tmp_path: Path, count: int, planned: Sequence[int], shown: int
) -> None:
    study = many_contrasts(count, [f"week_{place}" for place in planned])
    for contrast in study.contrasts:
        (tmp_path / f"{contrast.id}.svg").write_text("<svg/>")
    first = f"week_{[*planned, 0][0]}"
    tables = make_tables(
        shifts=[shift_row(contrast=first)], decisions=[], families=[family_row(contrast=first)] if planned else []
    )
    html = built(tables, study, {"forest": tmp_path})
    section = html.partition('id="endpoints"')[2].partition("</section>")[0]
    seen, _, folded = section.partition("<details")
    assert seen.count("<img") == shown
    assert all(f'contrast week_{place}"' in seen for place in [*planned][1:6])
    assert folded.count("<img") == min(12, count - 1) - shown
    assert ("more: shift of each feature" in folded) == (count > 7)


def test_a_long_list_of_lost_pairs_is_folded() -> None:
    def page(reasons: int) -> str:
        rows = [
            {"contrast": "week_16", "feature": "il6", "subject": "P1", "used": False, "reason": f"reason {place}"}
            for place in range(reasons)
        ]
        html = built(make_tables(pairs=rows), make_study())
        return html.partition("<h3>Pairs that could not be used</h3>")[2].partition("</section>")[0]

    assert "<details" not in page(12)
    assert "Reasons by contrast: 13 rows" in page(13)
    assert page(13).count("<tr>") == 14


def test_the_methods_name_the_test_its_meaning_and_the_bias_of_stand_ins() -> None:
    shifts = [shift_row("il6"), shift_row("tnf", method="detection_arms", p_method="fisher_exact", ci_method="")]
    methods = parsed(built(make_tables(shifts=shifts), make_study()).partition('id="methods"')[2]).text
    for words in (
        "in the tests it enters the likelihood as the interval it is",
        "calibrated so that without non-detects it is the t test itself",
        "global decrease test of 2 features by 9,999 sign flips",
        "Exact tests of single rows: Fisher's exact.",
        "exchanges before and after in every combination of subjects",
        "whose values changed at all or differ",
        "which is more than equal means: a change of spread alone can reject as well",
        "The smallest adjusted p-value that the planned tests could have given here",
        "The values after plates were aligned are taken as given",
        "The moderated t needs at least 20 features of one layer",
        "not called one where the file itself writes non-detects for that analyte and plate",
    ):
        assert words in methods, words
    halved = parsed(built(make_tables(), make_study(limits={"policy": "limit_over_sqrt2"}))).text
    assert "limit/√2 stands in for a non-detect. Any such stand-in is biased" in halved
    dropped = parsed(built(make_tables(), make_study(limits={"policy": "drop"})).partition('id="methods"')[2]).text
    assert "Leaving them out is biased: the values that remain are the higher ones" in dropped


def test_confounding_of_another_contrast_is_said_on_the_first_screen() -> None:
    within = {"id": "week_16", "reference": "baseline", "target": "week_16", "arm": "ldn"}
    at_start = {"id": "at_start", "label": "start", "at": "baseline", "arm": "ldn", "against": "placebo"}
    finding = finding_row("plate_confounded_with_arm", numbers="subjects_on_one_plate=20; subjects=20")
    html = built(make_tables(findings=[finding]), make_study(contrasts=[within, at_start]))
    answer = html.partition('id="answer"')[2].partition("</section>")[0]
    assert "Elsewhere on this page, “start” cannot be told from a difference between plates or runs." in answer
    assert "was associated with" in answer


def test_a_finding_says_what_it_is_about() -> None:
    findings = [
        finding_row("depends_on_assumption", message="they disagree", feature="il6", contrast="week_16", stage="shift"),
        finding_row("unit_slip", message="IL-6 of P1 is 1,000 times off", feature="il6", subject="P1", severity="note"),
    ]
    html = built(make_tables(findings=findings), make_study())
    quality = " ".join(parsed(html.partition('id="quality"')[2].partition("</section>")[0]).text.split())
    assert "IL-6, week 16 vs baseline, LDN vs placebo: they disagree" in quality
    assert ": IL-6 of P1 is 1,000 times off" not in quality
    assert quality.index("they disagree") < quality.index("1,000 times off")
