"""Read the study's files into typed tables, every value with its file, row and column; or say every mistake at once."""

import json

from cytoshift import tables
from cytoshift.frames import write_table
from cytoshift.intake.read import read_study
from cytoshift.jobs import job, whole_file
from cytoshift.study.study import IntakePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    intake = read_study(IntakePlan.model_validate(snakemake.params.plan))
    names = [
        "samples",
        "measurements",
        "wells",
        "instrument_curves",
        "cells",
        "outcomes",
        "plates",
        "names",
        "findings",
    ]
    rows = {name: len(getattr(intake, name)) for name in names}
    for name in names:
        log.info("%s: %d rows", name, rows[name])
        with whole_file(snakemake.output[name]) as path:
            write_table(getattr(intake, name), tables.TABLES[name], path)
    with whole_file(snakemake.output.checked) as path:
        path.write_text(json.dumps({"files": intake.files, **rows}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
