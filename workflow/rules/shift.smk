# Did it move, and how sure are we?


rule shift_estimate:
    input:
        panel="<results>/{study}/normalize/panel.parquet",
        samples="<results>/{study}/quality/samples.tsv",
    output:
        shifts=ensure("<results>/{study}/shift/shifts.tsv", non_empty=True),
        without_flagged=ensure(
            "<results>/{study}/shift/without_flagged.tsv", non_empty=True
        ),
        pairs=ensure("<results>/{study}/shift/pairs.parquet", non_empty=True),
        arm_changes=ensure("<results>/{study}/shift/arm_changes.tsv", non_empty=True),
        findings=ensure("<results>/{study}/shift/findings.tsv", non_empty=True),
    params:
        library=library("shift"),
        plan=sections(ShiftPlan),
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
    script:
        "../scripts/shift_estimate.py"


rule shift_decide:
    input:
        panel="<results>/{study}/normalize/panel.parquet",
        samples="<results>/{study}/quality/samples.tsv",
        shifts="<results>/{study}/shift/shifts.tsv",
    output:
        decisions=ensure("<results>/{study}/shift/decisions.tsv", non_empty=True),
        families=ensure("<results>/{study}/shift/families.tsv", non_empty=True),
    params:
        library=library("shift"),
        plan=sections(ShiftPlan),
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
    script:
        "../scripts/shift_decide.py"
