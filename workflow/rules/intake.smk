# What exactly do the files say?


rule check:
    input:
        [path for loaded in STUDIES.values() for path in study_files(loaded.study)],
    # Neither an output nor a benchmark, which Snakemake would take for a result, and a second check for done.
    log:
        "<logs>/check.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        library=library(
            "check.py", "intake", "calibrate", "quality", "normalize", "shift"
        ),
        studies={name: loaded.path for name, loaded in STUDIES.items()},
    script:
        "../scripts/check.py"


rule intake_read:
    input:
        data_files,
    output:
        checked=result("<results>/{study}/intake/checked.json"),
        samples=result("<results>/{study}/intake/samples.parquet"),
        measurements=result("<results>/{study}/intake/measurements.parquet"),
        wells=result("<results>/{study}/intake/wells.parquet"),
        instrument_curves=result("<results>/{study}/intake/instrument_curves.tsv"),
        cells=result("<results>/{study}/intake/cells.parquet"),
        outcomes=result("<results>/{study}/intake/outcomes.parquet"),
        plates=result("<results>/{study}/intake/plates.tsv"),
        names=result("<results>/{study}/intake/names.tsv"),
        findings=result("<results>/{study}/intake/findings.tsv"),
    log:
        "<logs>/{study}/intake_read.log",
    benchmark:
        "<benchmarks>/{study}/intake_read.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        library=library("intake"),
        plan=sections(IntakePlan),
    script:
        "../scripts/intake_read.py"
