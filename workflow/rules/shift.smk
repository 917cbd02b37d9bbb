# Did it move, and how sure are we?


rule shift_estimate:
    input:
        panel="<results>/{study}/normalize/panel.parquet",
        samples="<results>/{study}/quality/samples.tsv",
    output:
        shifts=result("<results>/{study}/shift/shifts.tsv"),
        without_flagged=result("<results>/{study}/shift/without_flagged.tsv"),
        pairs=result("<results>/{study}/shift/pairs.parquet"),
        arm_changes=result("<results>/{study}/shift/arm_changes.tsv"),
        regression_to_mean=result("<results>/{study}/shift/regression_to_mean.tsv"),
        findings=result("<results>/{study}/shift/findings.tsv"),
    log:
        "<logs>/{study}/shift_estimate.log",
    benchmark:
        "<benchmarks>/{study}/shift_estimate.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        library=library("shift"),
        plan=sections(ShiftPlan),
    script:
        "../scripts/shift_estimate.py"


rule shift_decide:
    input:
        panel="<results>/{study}/normalize/panel.parquet",
        samples="<results>/{study}/quality/samples.tsv",
        shifts="<results>/{study}/shift/shifts.tsv",
    output:
        decisions=result("<results>/{study}/shift/decisions.tsv"),
        families=result("<results>/{study}/shift/families.tsv"),
    log:
        "<logs>/{study}/shift_decide.log",
    benchmark:
        "<benchmarks>/{study}/shift_decide.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        library=library("shift"),
        plan=sections(ShiftPlan),
    script:
        "../scripts/shift_decide.py"


rule shift_compare_subjects:
    input:
        panel="<results>/{study}/normalize/panel.parquet",
        samples="<results>/{study}/quality/samples.tsv",
        pairs="<results>/{study}/shift/pairs.parquet",
        controls="<results>/{study}/quality/controls.tsv",
        replicates="<results>/{study}/quality/replicates.tsv",
        plate_factors="<results>/{study}/normalize/plate_factors.tsv",
    output:
        result("<results>/{study}/shift/reference_change.tsv"),
    log:
        "<logs>/{study}/shift_compare_subjects.log",
    benchmark:
        "<benchmarks>/{study}/shift_compare_subjects.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        library=library("quality", "normalize", "shift"),
        plan=sections(SubjectsPlan),
    script:
        "../scripts/shift_compare_subjects.py"
