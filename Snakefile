# CytoShift: sources → intake → calibrate → quality → normalize → shift → report.
# `snakemake` runs the studies of config/config.yaml; `snakemake <study>` one of them;
# `snakemake check --config studies=my.yaml` reads a study and its files and says what was understood.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


pathvars:
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/intake.smk"
include: "workflow/rules/calibrate.smk"
include: "workflow/rules/quality.smk"
include: "workflow/rules/normalize.smk"
include: "workflow/rules/shift.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/sources.smk"


onsuccess:
    for path in finished_reports():
        print(f"report: {path}", file=sys.stderr)


localrules:
    all,
    check,
    public_data,


rule all:
    default_target: True
    input:
        [target for study in STUDIES for target in final_outputs(study)],


for study_id in STUDIES:

    rule:
        name:
            study_id
        input:
            final_outputs(study_id),
        localrule: True
