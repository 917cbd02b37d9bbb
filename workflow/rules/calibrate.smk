# What concentration does this signal mean?


rule calibrate_fit:
    input:
        measurements="<results>/{study}/intake/measurements.parquet",
        wells="<results>/{study}/intake/wells.parquet",
        instrument_curves="<results>/{study}/intake/instrument_curves.tsv",
    output:
        measurements=result("<results>/{study}/calibrate/measurements.parquet"),
        curves=result("<results>/{study}/calibrate/curves.tsv"),
        standards=result("<results>/{study}/calibrate/standards.tsv"),
        concentrations=result("<results>/{study}/calibrate/concentrations.parquet"),
        agreement=result("<results>/{study}/calibrate/agreement.tsv"),
        findings=result("<results>/{study}/calibrate/findings.tsv"),
    log:
        "<logs>/{study}/calibrate_fit.log",
    benchmark:
        "<benchmarks>/{study}/calibrate_fit.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        library=library("calibrate"),
        plan=sections(CalibratePlan),
    script:
        "../scripts/calibrate_fit.py"
