"""Collapse replicate wells, apply exclusions, and write down everything that looks wrong."""

from cytoshift import tables
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.quality.review import review
from cytoshift.study.study import QualityPlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    result = review(**read, plan=QualityPlan.model_validate(snakemake.params.plan))
    for name in ("values", "samples", "replicates", "sample_map", "findings"):
        frame = getattr(result, name)
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, tables.TABLES[name], path)
