# Which public files are used, and are they the right ones? `snakemake public_data` fetches them all.
from cytoshift.sources.catalogue import read_catalogue

PUBLIC = read_catalogue(
    Path(workflow.current_basedir).parents[1] / "data/public/sources.yaml"
)


rule public_data:
    input:
        list(PUBLIC.paths()),
    localrule: True


rule sources_fetch:
    output:
        # Stays where it is when the job runs again: a study must not lose its data because the network is away.
        update("data/public/{study}/{file}"),
    log:
        "<logs>/sources_fetch/{study}/{file}.log",
    benchmark:
        "<benchmarks>/sources_fetch/{study}/{file}.tsv"
    wildcard_constraints:
        study="|".join(study.id for study in PUBLIC.studies),
        file="|".join(
            file.name.replace(".", r"\.")
            for study in PUBLIC.studies
            for file in study.files
        ),
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        file=lambda wildcards: PUBLIC.file(**wildcards).model_dump(),
    script:
        "../scripts/sources_fetch.py"
