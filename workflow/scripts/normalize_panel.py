"""Put every value on the analysis scale and make plates comparable."""

from cytoshift import tables
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.normalize.panel import normalize
from cytoshift.study.study import NormalizePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    result = normalize(**read, plan=NormalizePlan.model_validate(snakemake.params.plan))
    for name in ("panel", "plate_factors", "findings"):
        frame = getattr(result, name)
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, tables.TABLES[name], path)
