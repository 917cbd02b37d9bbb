"""Read the study's files into typed tables; every value keeps its file, row and column."""

from cytoshift import tables
from cytoshift.frames import write_table
from cytoshift.intake.read import read_study
from cytoshift.jobs import job, whole_file
from cytoshift.study.study import IntakePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    intake = read_study(IntakePlan.model_validate(snakemake.params.plan))
    for name in ("samples", "measurements", "cells", "outcomes", "plates", "names", "findings"):
        frame = getattr(intake, name)
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, tables.TABLES[name], path)
