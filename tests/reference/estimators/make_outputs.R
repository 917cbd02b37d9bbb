# Answers of R to the dataset in inputs/, 17 significant digits. Run in this folder: Rscript make_outputs.R
suppressMessages({library(limma); library(coin); library(sandwich)})

read_panel <- function(file) as.matrix(read.delim(file.path("inputs", file), row.names = 1, check.names = FALSE))
write_rows <- function(rows, file) {
  table <- do.call(rbind, lapply(rows, as.data.frame))
  for (name in setdiff(names(table), "feature")) {
    table[[name]] <- ifelse(is.na(table[[name]]), "", sprintf("%.17g", as.numeric(table[[name]])))
  }
  write.table(table, file.path("outputs", file), sep = "\t", quote = FALSE, row.names = FALSE)
}
each_feature <- function(panel, answer, file) {
  write_rows(lapply(rownames(panel), function(feature) c(list(feature = feature), answer(feature))), file)
}
t_row <- function(test) {
  list(estimate = if (length(test$estimate) == 2) -diff(test$estimate) else test$estimate, se = test$stderr,
       df = test$parameter, ci_low = test$conf.int[1], ci_high = test$conf.int[2], statistic = test$statistic,
       p_value = test$p.value)
}
clean <- function(values) as.numeric(na.omit(round(values, 9)))   # inputs have 6 decimals: drops what 0.3 - 0.1 leaves

before <- read_panel("pairs_reference.tsv")
after <- read_panel("pairs_target.tsv")
change <- after - before
each_feature(change, function(f) t_row(t.test(after[f, ], before[f, ], paired = TRUE)), "paired_t.tsv")

limma_rows <- function(fit, file, coefficient) {
  rows <- lapply(seq_len(nrow(fit)), function(i) list(
    feature = rownames(fit)[i], estimate = fit$coefficients[i, coefficient],
    se = fit$stdev.unscaled[i, coefficient] * sqrt(fit$s2.post[i]), df = fit$df.total[i],
    statistic = fit$t[i, coefficient], p_value = fit$p.value[i, coefficient], prior_variance = fit$s2.prior,
    prior_df = rep_len(fit$df.prior, nrow(fit))[i]))
  write_rows(rows, file)
}
paired_fit <- lmFit(change, cbind(change = rep(1, ncol(change))))
limma_rows(eBayes(paired_fit), "limma_paired.tsv", "change")
limma_rows(eBayes(paired_fit, robust = TRUE), "limma_paired_robust.tsv", "change")

exact_signed_rank <- function(d) {
  test <- wilcoxsign_test(d ~ rep(0, length(d)), distribution = "exact", zero.method = "Pratt")
  list(statistic = statistic(test), p_value = pvalue(test))
}
walsh <- function(d) (outer(d, d, "+") / 2)[upper.tri(diag(length(d)), diag = TRUE)]
each_feature(change, function(f) {
  d <- clean(change[f, ])
  limits <- c(NA, NA)
  coverage <- NA
  if (!any(d == 0) && !any(duplicated(abs(d))) && !any(duplicated(round(walsh(d), 9)))) {
    k <- qsignrank(0.025, length(d))
    limits <- wilcox.test(d, conf.int = TRUE, exact = TRUE)$conf.int
    coverage <- 1 - 2 * psignrank(k - 1, length(d))
  }
  ranks <- rank(abs(d)) * (d != 0)
  c(exact_signed_rank(d), list(estimate = median(walsh(d)), ci_low = limits[1], ci_high = limits[2],
    coverage = coverage, rank_biserial = sum(ranks * sign(d)) / sum(ranks)))
}, "signed_rank.tsv")
many <- read_panel("many_changes.tsv")
each_feature(many, function(f) {
  d <- clean(many[f, ])
  test <- wilcoxsign_test(d ~ rep(0, length(d)), distribution = "asymptotic", zero.method = "Pratt")
  list(statistic = statistic(test), p_value = pvalue(test), estimate = median(walsh(d)))
}, "signed_rank_asymptotic.tsv")

# Cumming 2012 for d_av and J; Algina & Keselman 2003 for its interval, by root finding on pt().
ncp_limit <- function(t, df, p) uniroot(function(ncp) pt(t, df, ncp) - p, t + c(-30, 30), tol = 1e-13)$root
each_feature(change, function(f) {
  ok <- !is.na(change[f, ])
  x <- before[f, ok]
  y <- after[f, ok]
  n <- sum(ok)
  average <- sqrt((var(x) + var(y)) / 2)
  t <- mean(y - x) / sd(y - x) * sqrt(n)
  factor <- sd(y - x) / average / sqrt(n)
  j <- exp(lgamma((n - 1) / 2) - lgamma((n - 2) / 2)) / sqrt((n - 1) / 2)
  list(estimate = j * mean(y - x) / average, ci_low = factor * ncp_limit(t, n - 1, 0.975),
       ci_high = factor * ncp_limit(t, n - 1, 0.025))
}, "paired_effect.tsv")

baseline <- read_panel("arms_baseline.tsv")
followup <- read_panel("arms_followup.tsv")
subjects <- read.delim("inputs/arms_subjects.tsv")
target <- subjects$arm == 1
each_feature(followup, function(f) t_row(t.test(followup[f, target], followup[f, !target], var.equal = TRUE)), "student_t.tsv")
each_feature(followup, function(f) t_row(t.test(followup[f, target], followup[f, !target])), "welch_t.tsv")

lm_row <- function(fit, covariance = vcov(fit)) {
  estimate <- coef(fit)[["arm"]]
  se <- sqrt(covariance["arm", "arm"])
  half <- qt(0.975, fit$df.residual) * se
  list(estimate = estimate, se = se, df = fit$df.residual, ci_low = estimate - half, ci_high = estimate + half,
       statistic = estimate / se, p_value = 2 * pt(-abs(estimate / se), fit$df.residual))
}
ancova <- function(f) lm(y ~ x + age + site_b + site_c + arm, cbind(subjects, y = followup[f, ], x = baseline[f, ]))
each_feature(followup, function(f) lm_row(ancova(f)), "ancova.tsv")
each_feature(followup, function(f) lm_row(ancova(f), vcovHC(ancova(f), type = "HC3")), "ancova_hc3.tsv")
each_feature(followup, function(f) {
  lm_row(lm(y ~ age + arm, cbind(subjects, y = followup[f, ] - baseline[f, ])))
}, "adjusted_change.tsv")

complete <- !is.na(subjects$age)
design <- model.matrix(~ age + site_b + site_c + arm, subjects)
limma_rows(eBayes(lmFit(followup[, complete], design)), "limma_arms.tsv", "arm")

each_feature(followup, function(f) {
  x <- clean(followup[f, target])
  y <- clean(followup[f, !target])
  test <- wilcox_test(c(x, y) ~ factor(rep(c("t", "r"), c(length(x), length(y))), c("t", "r")), distribution = "exact")
  limits <- c(NA, NA)
  coverage <- NA
  if (!any(duplicated(c(x, y)))) {
    k <- qwilcox(0.025, length(x), length(y))
    limits <- wilcox.test(x, y, conf.int = TRUE, exact = TRUE)$conf.int
    coverage <- 1 - 2 * pwilcox(k - 1, length(x), length(y))
  }
  list(statistic = statistic(test), p_value = pvalue(test), estimate = median(outer(x, y, "-")), ci_low = limits[1],
       ci_high = limits[2], coverage = coverage)
}, "rank_sum.tsv")
half <- rep(1:0, each = 30)
each_feature(many, function(f) {
  test <- wilcox_test(clean(many[f, ]) ~ factor(half, 1:0), distribution = "asymptotic")
  list(statistic = statistic(test), p_value = pvalue(test))
}, "rank_sum_asymptotic.tsv")

variances <- read_panel("variances.tsv")
rows <- list()
for (set in setdiff(rownames(variances), "df")) for (robust in c(FALSE, TRUE)) {
  squeezed <- squeezeVar(variances[set, ], variances["df", ], robust = robust)
  rows <- c(rows, lapply(colnames(variances), function(v) list(
    feature = paste(set, v, sep = "."), robust = 1 * robust, prior_variance = squeezed$var.prior,
    prior_df = rep_len(squeezed$df.prior, 60)[match(v, colnames(variances))], squeezed = squeezed$var.post[v])))
}
write_rows(rows, "squeezed_variances.tsv")

power_rows <- list()
for (n in c(3, 6, 8, 12, 24, 60)) for (power in c(0.8, 0.9)) {
  for (type in c("paired", "two.sample")) {
    delta <- power.t.test(n = n, sd = 1.7, power = power, type = type, tol = 1e-13)$delta
    power_rows <- c(power_rows, list(list(feature = type, n = n, n_reference = n, power = power, delta = delta)))
  }
}
unequal <- function(n1, n0, power) {
  df <- n1 + n0 - 2
  miss <- function(delta) pt(qt(0.975, df), df, delta / 1.7 / sqrt(1 / n1 + 1 / n0), lower.tail = FALSE) - power
  uniroot(miss, c(0, 100), tol = 1e-13)$root
}
power_rows <- c(power_rows, list(
  list(feature = "two.sample", n = 14, n_reference = 11, power = 0.8, delta = unequal(14, 11, 0.8)),
  list(feature = "two.sample", n = 5, n_reference = 15, power = 0.8, delta = unequal(5, 15, 0.8))))
write_rows(power_rows, "detectable_difference.tsv")
