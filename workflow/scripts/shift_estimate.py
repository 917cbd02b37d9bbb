"""Estimate every contrast for every feature at once."""

from cytoshift import tables
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.shift.study import estimate_shifts
from cytoshift.study.study import ShiftPlan

with job(snakemake.log[0], snakemake.params.library) as log:
    panel = read_table(snakemake.input.panel, tables.PANEL)
    samples = read_table(snakemake.input.samples, tables.SAMPLES)
    result = estimate_shifts(panel, samples, ShiftPlan.model_validate(snakemake.params.plan))
    for name in ("shifts", "without_flagged", "pairs", "arm_changes", "regression_to_mean", "findings"):
        frame = getattr(result, name)
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, tables.TABLES.get(name, tables.SHIFTS), path)
