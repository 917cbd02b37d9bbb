# What exactly do the files say?


rule check:
    input:
        [
            path
            for loaded in STUDIES.values()
            for path in study_files(loaded.study)
        ],
    params:
        library=library("check.py", "intake", "quality", "normalize", "shift"),
        studies={name: loaded.path for name, loaded in STUDIES.items()},
    log:
        "<logs>/check.log",
    benchmark:
        "<benchmarks>/check.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/check.py"


rule intake_check:
    input:
        data_files,
    output:
        ensure("<results>/{study}/intake/checked.json", non_empty=True),
    params:
        library=library("intake"),
        plan=sections(IntakePlan),
    log:
        "<logs>/{study}/intake_check.log",
    benchmark:
        "<benchmarks>/{study}/intake_check.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    script:
        "../scripts/intake_check.py"


rule intake_read:
    input:
        data_files,
        checked="<results>/{study}/intake/checked.json",
    output:
        samples=ensure("<results>/{study}/intake/samples.parquet", non_empty=True),
        measurements=ensure(
            "<results>/{study}/intake/measurements.parquet", non_empty=True
        ),
        cells=ensure("<results>/{study}/intake/cells.parquet", non_empty=True),
        outcomes=ensure("<results>/{study}/intake/outcomes.parquet", non_empty=True),
        plates=ensure("<results>/{study}/intake/plates.tsv", non_empty=True),
        names=ensure("<results>/{study}/intake/names.tsv", non_empty=True),
        findings=ensure("<results>/{study}/intake/findings.tsv", non_empty=True),
    params:
        library=library("intake"),
        plan=sections(IntakePlan),
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
    script:
        "../scripts/intake_read.py"
