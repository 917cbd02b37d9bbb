"""Text that means harm, or was never meant to be read by a machine, in every field of a study: it comes out inert."""

import base64
import csv
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from checkouts import ROOT, Checkout, copy_workflow
from cytoshift.frames import read_table
from cytoshift.study.loading import load_study
from cytoshift.study.problems import problems
from cytoshift.tables import TABLES

pytestmark = pytest.mark.workflow

TEXTS = [
    "<script>alert(1)</script>",
    "<x-hostile onclick=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "</style></script><x-hostile>",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-2+3",
    "@SUM(1+1)*cmd",
    "../x",
    "a\"b'c",
    "$\\frac$ $",
    "abc\u202ecba",
    "long " + "n" * 300,
    "\N{TEST TUBE} tube",
    "{{ 7 * 7 }}{% if %}",
    "[/bold] [link=http://example.org]y",
    "two\nlines",
]
# A study file holds no carriage returns, but a spreadsheet may.
IN_DATA = [*TEXTS, "two\rreturns"]
# A lone carriage return would break the row of a .tsv; intake reads it as a space.
READ = {text.replace("\r", " ") for text in IN_DATA}
ODD_NAME = '=cmd|\' <x-hostile> $\\frac$ \N{TEST TUBE} "q" a,b .csv'
TEMPLATES = ROOT / "workflow" / "scripts" / "cytoshift" / "report" / "templates"
OWN_ADDRESS = r"#|data:image/(png|svg\+xml)|https://|(report|plates)\.html(#|$)"
XLSX = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def long_rows(samples: Iterable[str], name: str, features: dict[str, float], generator: np.random.Generator) -> list:
    return [
        {"tube": sample, name: feature, "value": f"{level * 2 ** generator.normal(0, 0.5):.4g}"}
        for sample in samples
        for feature, level in features.items()
    ]


def write_data(folder: Path) -> None:
    """Nineteen subjects in two arms, at two visits, on two plates; every text in the files is one of `IN_DATA`."""
    generator = np.random.default_rng(7)
    folder.mkdir(parents=True)
    samples = [
        {
            "tube": f"{text} {visit}",
            "who": text,
            "when": f"{TEXTS[visit]} visit",
            "arm": f"{TEXTS[number % 2]} arm",
            "site": TEXTS[number // 2 % 3],
            "cohort": TEXTS[number // 3 % 2],
            "specimen": TEXTS[5],
        }
        for number, text in enumerate(IN_DATA)
        for visit in (0, 1)
    ]
    pd.DataFrame(samples).to_csv(folder / "samples.csv", index=False, quoting=csv.QUOTE_ALL)
    tubes = [sample["tube"] for sample in samples]
    cytokines = long_rows(tubes, "analyte", dict.fromkeys(IN_DATA, 20.0), generator)
    for place, row in enumerate(cytokines):
        row["plate"] = f"{TEXTS[place // len(IN_DATA) // 4 % 2]} plate"
        row["value"] = "<5" if float(row["value"]) < 12 else row["value"]
    pd.DataFrame(cytokines).to_csv(folder / ODD_NAME, index=False, quoting=csv.QUOTE_ALL)
    counts = long_rows(tubes, "cell", {"Neutrophils": 4.0, "Lymphocytes": 2.0, TEXTS[1]: 1.0}, generator)
    pd.DataFrame(counts).to_csv(folder / "counts.csv", index=False, quoting=csv.QUOTE_ALL)
    scores = [
        {"who": sample["who"], "when": sample["when"], TEXTS[0]: 30 + place} for place, sample in enumerate(samples)
    ]
    pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False, quoting=csv.QUOTE_ALL)


def hostile_plan(folder: str) -> dict[str, object]:
    text = cycle(TEXTS)
    everything = " ".join(TEXTS)
    return {
        "id": "hostile",
        "title": everything,
        "origin": "simulated",
        "disease": everything,
        "intervention": everything,
        "citation": everything,
        "design": "parallel",
        "randomised": True,
        "strata": ["site"],
        "time_unit": "$\\frac$ <x-hostile>",
        "visits": [
            {"id": "before", "time": 0, "label": TEXTS[12], "written": [f"{TEXTS[0]} visit"]},
            {"id": "after", "time": 1, "label": TEXTS[5], "written": [f"{TEXTS[1]} visit"]},
        ],
        "arms": [
            {"id": "control", "control": True, "label": TEXTS[13], "written": [f"{TEXTS[0]} arm"]},
            {"id": "treated", "label": TEXTS[11], "written": [f"{TEXTS[1]} arm"]},
        ],
        "samples": {
            "file": f"{folder}/samples.csv",
            "columns": {
                "sample": "tube",
                "subject": "who",
                "visit": "when",
                "arm": "arm",
                "cohort": "cohort",
                "specimen": "specimen",
            },
            "covariates": ["site"],
        },
        "cytokines": [
            {
                "id": "panel",
                "files": f"{folder}/*cmd*.csv",
                "shape": "long",
                "columns": {"sample": "tube", "analyte": "analyte", "value": "value", "plate": "plate"},
                "unit": "<x-hostile>/mL",
            }
        ],
        "cells": [
            {
                "id": "cbc",
                "files": f"{folder}/counts.csv",
                "shape": "long",
                "columns": {"sample": "tube", "population": "cell", "value": "value"},
            }
        ],
        "outcomes": [
            {
                "id": "score",
                "file": f"{folder}/scores.csv",
                "label": TEXTS[0],
                "questionnaire": TEXTS[11],
                "columns": {"subject": "who", "visit": "when", "score": TEXTS[0]},
            }
        ],
        "names": [{"written": TEXTS[0], "is": "il6"}, {"written": TEXTS[11], "is": "tnf"}],
        "exclude": [
            {"sample": f"{TEXTS[5]} 1", "reason": TEXTS[0]},
            {"plate": f"{TEXTS[0]} plate", "analyte": "tnf", "sample": f"{TEXTS[0]} 0", "reason": TEXTS[5]},
        ],
        "indices": [
            {"id": "nlr", "label": TEXTS[2], "numerator": ["neutrophils"], "denominator": ["lymphocytes"]},
        ],
        "contrasts": [
            {
                "id": "change",
                "label": TEXTS[1],
                "reference": "before",
                "target": "after",
                "arm": "treated",
                "against": "control",
            },
            {"id": "within", "label": TEXTS[11], "reference": "before", "target": "after", "arm": "treated"},
        ],
        "endpoints": [
            {
                "id": "planned",
                "label": next(text),
                "tier": "primary",
                "contrasts": ["change"],
                "features": ["il6", "tnf"],
            },
            {"id": "everything", "label": TEXTS[11], "tier": "exploratory", "features": ["all"]},
        ],
    }


@dataclass(frozen=True)
class Run:
    """The hostile study, run once; what the folder above and the checkout held before."""

    checkout: Checkout
    before: frozenset[str]
    said_by_check: str

    @property
    def study(self) -> Path:
        """Its results."""
        return self.checkout.folder / "results" / "hostile"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("hostile") / "inside" / "checkout"
    copy_workflow(folder)
    write_data(folder / "data" / "hostile")
    plan = folder / "hostile.yaml"
    plan.write_text(yaml.safe_dump(hostile_plan("data/hostile"), sort_keys=False), encoding="utf-8")
    checkout = Checkout(folder)
    before = frozenset(files_below(folder.parents[1]))
    checked = checkout.snakemake("check", "--config", "studies=hostile.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    finished = checkout.snakemake("hostile", "--config", "studies=hostile.yaml")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return Run(checkout, before, checked.stdout)


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


@dataclass
class Page(HTMLParser):
    """Tags, attributes, texts and scripts of a page, as a browser would see them."""

    tags: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str, str]] = field(default_factory=set)
    scripts: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name, value or "") for name, value in attrs}
        self._inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append((dict(attrs).get("type") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            kind, text = self.scripts.pop()
            self.scripts.append((kind, text + data))
        elif not self._inside:
            self.texts.append(data)


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    return parsed(run, "report.html")


@pytest.fixture(scope="module")
def plates(run: Run) -> Page:
    return parsed(run, "plates.html")


def parsed(run: Run, name: str) -> Page:
    page = Page()
    page.feed((run.study / "report" / name).read_text(encoding="utf-8"))
    page.close()
    return page


@pytest.mark.parametrize("name", ["page", "plates"])
def test_no_element_of_a_page_comes_from_the_data(name: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(name)
    own = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.rglob("*")) if path.is_file())
    foreign = [text for kind, text in page.scripts if kind != "application/json" and text.strip() not in own]
    assert foreign == []
    assert all("</" not in text for _, text in page.scripts)
    assert {tag for tag in page.tags if "-" in tag or tag in ("iframe", "object", "embed", "base", "form")} == set()
    assert {"html", "body", "table"} <= page.tags


@pytest.mark.parametrize("name", ["page", "plates"])
def test_no_attribute_of_a_page_runs_anything(name: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(name)
    assert [found for found in page.attributes if found[1].startswith("on")] == []
    addresses = {value for _, name, value in page.attributes if name in ("src", "href", "xlink:href", "action")}
    assert [address for address in addresses if not re.match(OWN_ADDRESS, address)] == []


def test_no_picture_runs_anything(run: Run, page: Page) -> None:
    addresses = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    embedded = [base64.b64decode(address.partition(",")[2]) for address in addresses if "svg" in address]
    pictures = [*embedded, *(path.read_bytes() for path in sorted(run.study.rglob("*.svg")))]
    assert len(pictures) > 20
    for picture in pictures:
        for element in ElementTree.fromstring(picture).iter():
            tag = element.tag.rpartition("}")[2]
            assert tag not in ("script", "foreignObject", "a", "x-hostile")
            assert not [name for name in element.attrib if name.startswith("on")]
            links = {value for name, value in element.attrib.items() if name.rpartition("}")[2] == "href"}
            assert all(re.match("#|data:image/png;", link) for link in links)


def test_the_page_shows_the_names_as_they_are(page: Page) -> None:
    shown = " ".join(" ".join(page.texts).split())
    missing = [text for text in TEXTS if " ".join(text.split()) not in shown]
    assert missing == []
    assert "49" not in "".join(page.texts).partition("{{")[2][:10]


def test_ids_survive_every_table(run: Run) -> None:
    for place in ("quality/samples.tsv", "intake/samples.parquet"):
        table = read_table(run.study / place, TABLES["samples"])
        assert set(table["subject"]) == READ, place
    pairs = read_table(run.study / "shift" / "pairs.parquet", TABLES["pairs"])
    assert set(pairs["subject"]) == READ
    names = read_table(run.study / "intake" / "names.tsv", TABLES["names"])
    assert set(names.loc[names["layer"] == "cytokine", "written"]) == READ
    assert len(set(names.loc[names["layer"] == "cytokine", "feature"])) == len(IN_DATA)


def test_the_workbook_holds_no_formula_link_or_macro(run: Run) -> None:
    with zipfile.ZipFile(run.study / "report" / "tables.xlsx") as workbook:
        names = workbook.namelist()
        assert [name for name in names if re.search("external|macro|vba|drawing|embedding", name, re.IGNORECASE)] == []
        strings = ElementTree.fromstring(workbook.read("xl/sharedStrings.xml"))
        texts = ["".join(node.itertext()) for node in strings.iter(f"{XLSX}si")]
        sheets = [name for name in names if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) >= 3
        for name in sheets:
            sheet = ElementTree.fromstring(workbook.read(name))
            assert sheet.find(f".//{XLSX}f") is None, f"{name} holds a formula"
            assert sheet.find(f".//{XLSX}hyperlink") is None, f"{name} holds a link"
            # a shared string is text whatever it starts with; any other kind of cell must hold a number
            kinds = {cell.get("t", "n") for cell in sheet.iter(f"{XLSX}c")}
            assert kinds <= {"s", "n", "b"}, f"{name} holds cells of kind {kinds}"
    assert TEXTS[5] in texts


def test_nothing_is_written_outside_the_results_and_every_name_is_plain(run: Run) -> None:
    top = run.checkout.folder.parents[1]
    inside = run.checkout.folder.relative_to(top).as_posix()
    new = {name.removeprefix(f"{inside}/") for name in files_below(top) - run.before}
    allowed = ("results/hostile/", "results/logs/", "results/benchmarks/", ".snakemake/")
    # bytecode appears beside the package
    assert [name for name in new if not name.startswith(allowed) and "__pycache__" not in name] == []
    results = {name.removeprefix("results/") for name in new if name.startswith("results/")}
    assert len(results) > 20
    parts = {part for name in results for part in name.split("/")}
    assert [part for part in parts if not re.fullmatch(r"[A-Za-z0-9._@-]{1,120}", part)] == []


def test_braces_in_a_files_name_are_refused_in_plain_words(tmp_path: Path) -> None:
    write_data(tmp_path / "data")
    (tmp_path / "data" / ODD_NAME).rename(tmp_path / "data" / "cmd {x}.csv")
    plan = tmp_path / "hostile.yaml"
    plan.write_text(yaml.safe_dump(hostile_plan("data")), encoding="utf-8")
    loaded = load_study(plan)
    found = problems(loaded.study, loaded.lines, loaded.path, check_files=True, root=tmp_path)
    assert len(found) == 1
    assert "'data/cmd {x}.csv' has braces in its name" in str(found[0])


def test_check_prints_the_names_as_they_are(run: Run) -> None:
    shown = "".join(run.said_by_check.split())
    for text in ("<script>alert(1)</script>", "[/bold] [link=http://example.org]y", "=cmd|' /C calc'!A0"):
        assert "".join(text.split()) in shown
    assert "\x1b]8" not in run.said_by_check
