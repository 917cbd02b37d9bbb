# The small dataset behind every number in outputs/: log2 values with missing values, ties, zeros and outliers.
# Run in this folder: Rscript make_inputs.R
set.seed(20261122)

write_panel <- function(panel, file) {
  text <- ifelse(is.na(panel), "", sprintf("%.6f", panel))
  table <- data.frame(feature = rownames(panel), text, check.names = FALSE)
  write.table(table, file.path("inputs", file), sep = "\t", quote = FALSE, row.names = FALSE)
}
named <- function(panel, prefix) {
  dimnames(panel) <- list(sprintf("f%02d", seq_len(nrow(panel))), sprintf("%s%02d", prefix, seq_len(ncol(panel))))
  panel
}
lose <- function(panel, share) {
  panel[matrix(runif(length(panel)) < share, nrow(panel))] <- NA
  panel
}

features <- 48
coarse <- 33:48                       # as counts and low cytokines are: one decimal, so ties and zero changes
spread <- sqrt(0.25 * 4 / rchisq(features, 4))
spread[c(5, 17)] <- c(6, 9)           # two outlying variances for the robust prior

pairs <- 9
level <- matrix(rnorm(features, 6, 3), features, pairs)
subject <- matrix(rnorm(features * pairs), features)
before <- level + subject + spread * matrix(rnorm(features * pairs), features)
after <- level + 0.4 + subject + spread * matrix(rnorm(features * pairs), features)
after[33:36, 1:2] <- before[33:36, 1:2]
before[coarse, ] <- round(before[coarse, ], 1)
after[coarse, ] <- round(after[coarse, ], 1)
write_panel(lose(named(before, "s"), 0.05), "pairs_reference.tsv")
write_panel(lose(named(after, "s"), 0.05), "pairs_target.tsv")

many <- matrix(rnorm(4 * 60, 0.2), 4)
many[3:4, ] <- round(many[3:4, ], 1)
write_panel(named(many, "s"), "many_changes.tsv")

arms <- rep(1:0, c(14, 11))
subjects <- length(arms)
baseline <- matrix(rnorm(features, 6, 3), features, subjects) + matrix(rnorm(features * subjects), features)
age <- round(runif(subjects, 22, 60))
site <- sample(c("a", "b", "c"), subjects, replace = TRUE)
followup <- 2 + 0.6 * baseline + 0.02 * matrix(age, features, subjects, byrow = TRUE) +
  0.5 * matrix(arms, features, subjects, byrow = TRUE) +
  matrix(spread, features, subjects) * matrix(rep(1 + arms, each = features), features) *
    matrix(rnorm(features * subjects), features)
baseline[coarse, ] <- round(baseline[coarse, ], 1)
followup[coarse, ] <- round(followup[coarse, ], 1)
write_panel(lose(named(baseline, "p"), 0.04), "arms_baseline.tsv")
write_panel(lose(named(followup, "p"), 0.06), "arms_followup.tsv")
age[8] <- NA
subject_table <- data.frame(subject = sprintf("p%02d", seq_len(subjects)), arm = arms,
                            age = ifelse(is.na(age), "", age), site_b = 1 * (site == "b"), site_c = 1 * (site == "c"))
write.table(subject_table, "inputs/arms_subjects.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

df <- sample(c(5, 7, 8), 60, replace = TRUE)
variances <- rbind(spread = 0.3 * rchisq(60, df) / df * 5 / rchisq(60, 5),
                   alike = 0.3 * rchisq(60, df) / df,
                   outlying = 0.3 * rchisq(60, df) / df * 8 / rchisq(60, 8),
                   alike_but_one = 0.3 * rchisq(60, df) / df,
                   narrow_but_one = 0.3 * (rchisq(60, df) / df)^0.7, df = df)
variances["outlying", c(3, 4, 50)] <- c(20, 45, 200)
variances["alike_but_one", 7] <- 60
variances["narrow_but_one", 9] <- 3
colnames(variances) <- sprintf("v%02d", 1:60)
write_panel(variances, "variances.tsv")
