# What is comparable across plates and samples?


rule normalize_panel:
    input:
        values="<results>/{study}/quality/values.parquet",
        samples="<results>/{study}/quality/samples.tsv",
    output:
        panel=result("<results>/{study}/normalize/panel.parquet"),
        plate_factors=result("<results>/{study}/normalize/plate_factors.tsv"),
        findings=result("<results>/{study}/normalize/findings.tsv"),
    log:
        "<logs>/{study}/normalize_panel.log",
    benchmark:
        "<benchmarks>/{study}/normalize_panel.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        library=library("quality", "normalize"),
        plan=sections(NormalizePlan),
    script:
        "../scripts/normalize_panel.py"
