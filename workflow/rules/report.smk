# Can a person read it, and another repeat it?
TABLES = {
    name: f"<results>/{{study}}/{folder}/{name}.{ending}"
    for folder, ending, names in (
        ("intake", "tsv", "names"),
        ("quality", "tsv", "samples replicates sample_map"),
        ("quality", "parquet", "values"),
        ("normalize", "tsv", "plate_factors"),
        ("normalize", "parquet", "panel"),
        ("shift", "tsv", "shifts without_flagged arm_changes decisions families"),
        ("shift", "parquet", "pairs"),
    )
    for name in names.split()
}
# Which tables each kind of figure is drawn from.
DRAWN_FROM = {
    "forest": ("shifts", "decisions"),
    "volcano": ("shifts", "decisions"),
    "heatmap": ("pairs", "shifts", "decisions"),
    "slopes": ("pairs", "panel", "samples", "shifts", "decisions"),
    "trajectories": ("panel", "samples", "shifts", "decisions"),
    "missingness": ("values", "samples"),
    "cells": ("panel", "samples"),
    "flow": ("samples", "pairs"),
    "pvalues": ("shifts",),
    "sample_map": ("sample_map",),
}
# What the page and the workbook show: every table but the values themselves, and what each stage noticed.
SHOWN = {name: TABLES[name] for name in TABLES if name not in ("values", "panel")}
SHOWN["findings"] = [
    f"<results>/{{study}}/{stage}/findings.tsv"
    for stage in ("intake", "quality", "normalize", "shift")
]
FOLDERS = [f"<results>/{{study}}/report/figures/{kind}" for kind in FIGURES]
CODE = ("intake", "quality", "normalize", "shift", "figures", "report")

for kind in FIGURES:

    rule:
        name:
            f"report_draw_{kind}"
        input:
            **{name: TABLES[name] for name in DRAWN_FROM[kind]},
        output:
            report(
                directory(f"<results>/{{study}}/report/figures/{kind}"),
                patterns=["{figure}.svg"],
                caption=f"../report/{kind}.rst",
                category="{study}",
                subcategory=kind.replace("_", " "),
                labels={"figure": "{figure}"},
            ),
        log:
            f"<logs>/{{study}}/report_draw_{kind}.log",
        benchmark:
            f"<benchmarks>/{{study}}/report_draw_{kind}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=1500,
            runtime=20,
        params:
            kind=kind,
            library=library("figures"),
            plan=sections(FigurePlan),
        script:
            # Not an f-string: a script's path is read when the job runs, and the loop is over by then.
            "../scripts/report_draw_{params.kind}.py"


rule report_page:
    input:
        **SHOWN,
        checked="<results>/{study}/intake/checked.json",
        figures=FOLDERS,
    output:
        result("<results>/{study}/report/report.html"),
    log:
        "<logs>/{study}/report_page.log",
    benchmark:
        "<benchmarks>/{study}/report_page.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        library=library("figures", "report"),
        study=whole_plan,
        plan_sha256=plan_sha256,
        captions=captions(),
    script:
        "../scripts/report_page.py"


rule report_workbook:
    input:
        **SHOWN,
    output:
        result("<results>/{study}/report/tables.xlsx"),
    log:
        "<logs>/{study}/report_workbook.log",
    benchmark:
        "<benchmarks>/{study}/report_workbook.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        library=library("report"),
        study=whole_plan,
    script:
        "../scripts/report_workbook.py"


rule report_manifest:
    input:
        rules.intake_read.output,
        rules.quality_review.output,
        rules.normalize_panel.output,
        rules.shift_estimate.output,
        rules.shift_decide.output,
        rules.report_page.output,
        rules.report_workbook.output,
        FOLDERS,
        checked="<results>/{study}/intake/checked.json",
        families=TABLES["families"],
    output:
        result("<results>/{study}/report/manifest.json"),
    log:
        "<logs>/{study}/report_manifest.log",
    benchmark:
        "<benchmarks>/{study}/report_manifest.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        library=library("report"),
        code={stage: library_digest(stage) for stage in CODE},
        seed=lambda wildcards: STUDIES[wildcards.study].study.seed,
        plan_sha256=plan_sha256,
    script:
        "../scripts/report_manifest.py"
