"""Judge every plate: blanks, controls, curves, range, replicates and edges."""

from cytoshift import tables
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.quality.plate_review import review_plates
from cytoshift.study.study import QualityPlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    result = review_plates(**read, plan=QualityPlan.model_validate(snakemake.params.plan))
    for name, table in (
        ("plate_review", tables.PLATE_REVIEW),
        ("controls", tables.CONTROLS),
        ("plate_map", tables.PLATE_MAP),
        ("plate_findings", tables.FINDINGS),
    ):
        frame = getattr(result, name.replace("plate_findings", "findings"))
        log.info("%s: %d rows", name, len(frame))
        with whole_file(snakemake.output[name]) as path:
            write_table(frame, table, path)
