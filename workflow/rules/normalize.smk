# What is comparable across plates and samples?


rule normalize_panel:
    input:
        values="<results>/{study}/quality/values.parquet",
        samples="<results>/{study}/quality/samples.tsv",
    output:
        panel=ensure("<results>/{study}/normalize/panel.parquet", non_empty=True),
        plate_factors=ensure(
            "<results>/{study}/normalize/plate_factors.tsv", non_empty=True
        ),
        findings=ensure("<results>/{study}/normalize/findings.tsv", non_empty=True),
    params:
        library=library("normalize"),
        plan=sections(NormalizePlan),
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
    script:
        "../scripts/normalize_panel.py"
