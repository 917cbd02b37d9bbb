"""Draw how many samples lie outside the measurable range."""

from cytoshift import tables
from cytoshift.figures.ranges import draw
from cytoshift.figures.saving import save_figures
from cytoshift.frames import read_table
from cytoshift.jobs import job, whole_folder
from cytoshift.study.study import FigurePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    with whole_folder(snakemake.output[0]) as folder:
        names = save_figures(draw(**read, plan=FigurePlan.model_validate(snakemake.params.plan)), folder)
    log.info("%d figures: %s", len(names), ", ".join(names))
