"""Draw each plate: its standard curves and its map, the controls over the plates, and who lies outside the range."""

from cytoshift import tables
from cytoshift.figures import controls, curves, plate_map, ranges
from cytoshift.figures.saving import save_figures
from cytoshift.frames import read_table
from cytoshift.jobs import job, whole_folder
from cytoshift.study.study import FigurePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    plan = FigurePlan.model_validate(snakemake.params.plan)
    drawn = {
        "curves": curves.draw(read["curves"], read["standards"], read["names"], plan),
        "plate_map": plate_map.draw(read["plate_map"], plan),
        "controls": controls.draw(read["controls"], read["names"], plan),
        "ranges": ranges.draw(read["plate_review"], read["names"], plan),
    }
    for kind, figures in drawn.items():
        with whole_folder(snakemake.output[kind]) as folder:
            log.info("%s: %s", kind, ", ".join(save_figures(figures, folder)))
