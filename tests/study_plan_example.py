"""A valid plan that uses most keys, and a way to make small mistakes in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

PLAN = """\
id: pilot
title: A pilot
origin: observed
design: parallel
randomised: true
strata: [site]
visits:
  - {id: baseline, time: 0, written: [V1]}
  - {id: week_8, time: 8}
  - {id: week_16, time: 16}
arms:
  - {id: placebo, control: true}
  - {id: ldn, dose_mg: 4.5}
  - {id: healthy, visits: [baseline]}
samples:
  file: data/samples.csv
  columns: {sample: sample_id, subject: patient, visit: visit, arm: arm, type: type, cohort: cohort}
  covariates: [site, {id: age, kind: number}]
cytokines:
  - id: luminex
    files: data/plates/*.csv
    shape: wide
    columns: {sample: Sample, well: Well, value: "{analyte} Conc."}
    limits: data/lod.csv
  - id: olink
    files: data/npx.csv
    shape: long
    columns: {sample: Sample, analyte: Assay, value: NPX}
    unit: NPX
cells:
  - id: cbc
    files: data/cbc.csv
    columns: {sample: Sample, value: "{population}"}
    unit: 10^9/L
outcomes:
  - id: fatigue
    file: data/fatigue.csv
    columns: {subject: patient, visit: visit, score: MFIS}
names:
  - {written: CSFCalc., is: gm_csf}
exclude:
  - {sample: S12, reason: haemolysed}
normalize: {plates: reference_samples}
indices:
  - {id: nlr, numerator: [neutrophils], denominator: [lymphocytes]}
contrasts:
  - {id: week_16, reference: baseline, target: week_16, arm: ldn, against: placebo, adjust: [age], method: ancova}
  - {id: within, reference: baseline, target: {mean: [week_8, week_16]}, arm: ldn, where: {cohort: 2021}}
  - {id: at_start, at: baseline, arm: ldn, against: healthy, method: welch_t}
  - {id: load, reference: baseline, each: {target: [week_8, week_16], arm: [ldn]}, against: placebo}
endpoints:
  - {id: top, tier: primary, contrasts: [week_16], features: [role:pro_inflammatory], direction: decrease, test: global}
  - {id: markers, tier: secondary, contrasts: [load.week_8.ldn], features: [il6@luminex, nlr], sides: two}
  - {id: everything, tier: exploratory, features: [all], except: ["layer:outcome"]}
alpha: 0.05
"""


def edited(*edits: tuple[str, str]) -> str:
    """The valid plan with each (old, new) replaced once. Raises ValueError when an old text is not in the plan."""
    text = PLAN
    for old, new in edits:
        if text.count(old) < 1:
            raise ValueError(f"not in the plan: {old!r}")
        text = text.replace(old, new, 1)
    return text


@dataclass(frozen=True)
class Mistake:
    """A few edits of the plan and the lines they must give."""

    name: str
    edits: list[tuple[str, str]]
    lines: list[str]


def mistakes(file: Path) -> Iterator[Mistake]:
    """The cases of a file of mistakes: [name], then `- old`, `+ new` and `> expected` lines."""
    for block in file.read_text(encoding="utf-8").split("\n\n")[1:]:
        name, *rows = block.strip("\n").split("\n")
        edits: list[tuple[str, str]] = []
        for sign, group in groupby((row for row in rows if row[0] in "-+"), key=lambda row: row[0]):
            text = "\n".join(row[2:] for row in group)
            if sign == "-":
                edits.append((text, ""))
            else:
                edits[-1] = (edits[-1][0], text)
        yield Mistake(name.strip("[]"), edits, [row[2:] for row in rows if row[0] == ">"])
