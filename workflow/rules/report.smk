# Can a person read it, and another repeat it?
# What the page and the workbook show: every table but the values themselves, and what each stage noticed.
SHOWN = {name: TABLES[name] for name in TABLES if name not in ("values", "panel")}
SHOWN["findings"] = [
    f"<results>/{{study}}/{name}.tsv"
    for name in (
        "intake/findings",
        "calibrate/findings",
        "quality/plate_findings",
        "quality/findings",
        "normalize/findings",
        "shift/findings",
    )
]
FOLDERS = {
    kind: f"<results>/{{study}}/report/figures/{kind}"
    for kind in (*FIGURES, *PLATE_FIGURES)
}
CODE = ("intake", "calibrate", "quality", "normalize", "shift", "figures", "report")


rule report_page:
    input:
        **SHOWN,
        checked="<results>/{study}/intake/checked.json",
        figures=[FOLDERS[kind] for kind in FIGURES],
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


rule report_plates:
    input:
        **SHOWN,
        figures=[FOLDERS[kind] for kind in PLATE_FIGURES],
    output:
        result("<results>/{study}/report/plates.html"),
    log:
        "<logs>/{study}/report_plates.log",
    benchmark:
        "<benchmarks>/{study}/report_plates.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        library=library("figures", "report"),
        study=whole_plan,
        captions=captions(),
    script:
        "../scripts/report_plates.py"


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
        rules.calibrate_fit.output,
        rules.quality_plates.output,
        rules.quality_review.output,
        rules.normalize_panel.output,
        rules.shift_estimate.output,
        rules.shift_decide.output,
        rules.shift_compare_subjects.output,
        rules.report_page.output,
        rules.report_plates.output,
        rules.report_workbook.output,
        list(FOLDERS.values()),
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
