"""Fit standard curves again, audit standards and controls, and choose where each concentration comes from."""

from cytoshift import tables
from cytoshift.calibrate.study import calibrate_study
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.study.study import CalibratePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    result = calibrate_study(**read, plan=CalibratePlan.model_validate(snakemake.params.plan))
    for name in ("measurements", "curves", "standards", "concentrations", "agreement", "findings"):
        frame = getattr(result, name)
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, tables.TABLES[name], path)
