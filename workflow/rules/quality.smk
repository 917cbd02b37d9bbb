# Which wells, plates, samples and pairs can be trusted?


rule quality_review:
    input:
        samples="<results>/{study}/intake/samples.parquet",
        measurements="<results>/{study}/intake/measurements.parquet",
        cells="<results>/{study}/intake/cells.parquet",
        outcomes="<results>/{study}/intake/outcomes.parquet",
        plates="<results>/{study}/intake/plates.tsv",
        names="<results>/{study}/intake/names.tsv",
    output:
        values=ensure("<results>/{study}/quality/values.parquet", non_empty=True),
        samples=ensure("<results>/{study}/quality/samples.tsv", non_empty=True),
        replicates=ensure("<results>/{study}/quality/replicates.tsv", non_empty=True),
        sample_map=ensure("<results>/{study}/quality/sample_map.tsv", non_empty=True),
        findings=ensure("<results>/{study}/quality/findings.tsv", non_empty=True),
    params:
        library=library("quality"),
        plan=sections(QualityPlan),
    log:
        "<logs>/{study}/quality_review.log",
    benchmark:
        "<benchmarks>/{study}/quality_review.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    script:
        "../scripts/quality_review.py"
