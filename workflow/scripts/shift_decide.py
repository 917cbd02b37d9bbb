"""Decide the planned endpoints, and only those, with family-wise error control."""

from cytoshift import tables
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.shift.study import decide_endpoints
from cytoshift.study.study import ShiftPlan

with job(snakemake.log[0], snakemake.params.library) as log:
    panel = read_table(snakemake.input.panel, tables.PANEL)
    samples = read_table(snakemake.input.samples, tables.SAMPLES)
    shifts = read_table(snakemake.input.shifts, tables.SHIFTS)
    result = decide_endpoints(panel, samples, shifts, ShiftPlan.model_validate(snakemake.params.plan))
    for name in ("decisions", "families"):
        frame = getattr(result, name)
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, tables.TABLES[name], path)
