# Which wells, plates, samples and pairs can be trusted?


rule quality_review:
    input:
        samples="<results>/{study}/intake/samples.parquet",
        measurements="<results>/{study}/calibrate/measurements.parquet",
        cells="<results>/{study}/intake/cells.parquet",
        outcomes="<results>/{study}/intake/outcomes.parquet",
        plates="<results>/{study}/intake/plates.tsv",
        names="<results>/{study}/intake/names.tsv",
    output:
        values=result("<results>/{study}/quality/values.parquet"),
        samples=result("<results>/{study}/quality/samples.tsv"),
        replicates=result("<results>/{study}/quality/replicates.tsv"),
        sample_map=result("<results>/{study}/quality/sample_map.tsv"),
        findings=result("<results>/{study}/quality/findings.tsv"),
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
    params:
        library=library("intake", "quality"),
        plan=sections(QualityPlan),
    script:
        "../scripts/quality_review.py"


rule quality_plates:
    input:
        measurements="<results>/{study}/calibrate/measurements.parquet",
        concentrations="<results>/{study}/calibrate/concentrations.parquet",
        curves="<results>/{study}/calibrate/curves.tsv",
        standards="<results>/{study}/calibrate/standards.tsv",
        wells="<results>/{study}/intake/wells.parquet",
        samples="<results>/{study}/intake/samples.parquet",
        plates="<results>/{study}/intake/plates.tsv",
    output:
        plate_review=result("<results>/{study}/quality/plate_review.tsv"),
        controls=result("<results>/{study}/quality/controls.tsv"),
        plate_map=result("<results>/{study}/quality/plate_map.tsv"),
        plate_findings=result("<results>/{study}/quality/plate_findings.tsv"),
    log:
        "<logs>/{study}/quality_plates.log",
    benchmark:
        "<benchmarks>/{study}/quality_plates.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        library=library("quality"),
        plan=sections(QualityPlan),
    script:
        "../scripts/quality_plates.py"
