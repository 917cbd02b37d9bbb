# What do the figures show? Each kind is drawn from tables on disk; the rules belong to the report stage.
TABLES = {
    name: f"<results>/{{study}}/{folder}/{name}.{ending}"
    for folder, ending, names in (
        ("intake", "tsv", "names plates"),
        ("calibrate", "tsv", "curves standards agreement"),
        (
            "quality",
            "tsv",
            "samples replicates sample_map plate_review controls plate_map",
        ),
        ("quality", "parquet", "values"),
        ("normalize", "tsv", "plate_factors"),
        ("normalize", "parquet", "panel"),
        (
            "shift",
            "tsv",
            "shifts without_flagged arm_changes regression_to_mean decisions families reference_change",
        ),
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

for kind in DRAWN_FROM:

    rule:
        name:
            f"report_draw_{kind}"
        input:
            **{name: TABLES[name] for name in DRAWN_FROM[kind]},
        output:
            shown_figures(kind),
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


# One job for all figures of plates: most studies have few plates, and a job costs more than such a figure.
rule report_draw_plates:
    input:
        **{
            name: TABLES[name]
            for name in (
                "curves",
                "standards",
                "plate_map",
                "controls",
                "plate_review",
                "names",
            )
        },
    output:
        **{kind: shown_figures(kind) for kind in PLATE_FIGURES},
    log:
        "<logs>/{study}/report_draw_plates.log",
    benchmark:
        "<benchmarks>/{study}/report_draw_plates.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        library=library("figures"),
        plan=sections(FigurePlan),
    script:
        "../scripts/report_draw_plates.py"
