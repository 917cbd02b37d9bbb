# Inputs of the moderation references, 6 decimals, empty = missing. Run in this folder: Rscript make_inputs.R
set.seed(20261123)

write_panel <- function(panel, file) {
  text <- ifelse(is.na(panel), "", sprintf("%.6f", panel))
  write.table(data.frame(feature = rownames(panel), text, check.names = FALSE), file, sep = "\t", quote = FALSE,
              row.names = FALSE)
}

# 16 subjects in two arms at three visits, three samples never taken; features of a higher level spread less.
samples <- expand.grid(visit = c("w0", "w8", "w16"), subject = sprintf("s%02d", 1:16), stringsAsFactors = FALSE)
samples$arm <- ifelse(as.integer(factor(samples$subject)) %% 2 == 0, "treated", "placebo")
samples$age <- rep(round(rnorm(16, 50, 9)), each = 3)
samples <- samples[-c(5, 21, 33), ]
samples$sample <- sprintf("a%02d", seq_len(nrow(samples)))
write.table(samples[c("sample", "subject", "visit", "arm", "age")], "samples.tsv", sep = "\t", quote = FALSE,
            row.names = FALSE)
features <- 60
level <- runif(features, 2, 12)
spread <- 1.4 * exp(-0.2 * level) * sqrt(6 / rchisq(features, 6))
spread[c(4, 40)] <- spread[c(4, 40)] * 6
panel <- t(sapply(seq_len(features), function(f) {
  between <- rnorm(16) * spread[f] * runif(1, 0, 1.6)
  level[f] + between[as.integer(factor(samples$subject))] + rnorm(nrow(samples)) * spread[f] +
    0.02 * (samples$age - 50) + 0.3 * (samples$visit == "w16") * (samples$arm == "treated")
}))
dimnames(panel) <- list(sprintf("f%02d", seq_len(features)), samples$sample)
panel[matrix(runif(length(panel)) < 0.05, features)] <- NA
panel[sort(sample(features, 12)), ] <- round(level[1:12] + 0.5 * matrix(rnorm(12 * nrow(samples)), 12), 6)   # complete
write_panel(panel, "panel.tsv")

# The same without a gap: every feature has the same samples.
complete <- matrix(rnorm(15 * nrow(samples)), 15) + matrix(rnorm(15 * 16), 15)[, as.integer(factor(samples$subject))]
dimnames(complete) <- list(sprintf("c%02d", 1:15), samples$sample)
write_panel(complete, "complete.tsv")

# Residual variances with their df and level, in sets: how many, how the level looks, and what is not learned from.
one_set <- function(set, n, level, df, prior_df, trend) {
  variance <- exp(trend(level)) * rchisq(n, df) / df
  if (is.finite(prior_df)) variance <- variance * prior_df / rchisq(n, prior_df)
  data.frame(set = set, variance = variance, df = df, level = level, use = 1)
}
bend <- function(level) 1 - 0.3 * level + 0.02 * level^2
sets <- list(
  few = one_set("few", 22, runif(22, 1, 9), rep(7, 22), 5, bend),
  many = one_set("many", 200, runif(200, 1, 9), sample(c(5, 7, 8), 200, TRUE), 8, bend),
  tied = one_set("tied", 80, round(runif(80, 1, 9)), rep(8, 80), 6, bend),
  alike = one_set("alike", 60, runif(60, 1, 9), rep(9, 60), Inf, bend),
  outlying = one_set("outlying", 120, rnorm(120, 5, 2), rep(7, 120), 20, bend),
  partly = one_set("partly", 100, runif(100, 1, 9), rep(7, 100), 6, bend))
sets$outlying$variance[c(3, 50, 77)] <- sets$outlying$variance[c(3, 50, 77)] * c(300, 80, 1e4)
sets$partly$use[c(2, 30, 64)] <- 0
sets$partly$level[c(2, 30)] <- c(0.2, 10.5)   # beyond those learned from
table <- do.call(rbind, sets)
table$variance <- sprintf("%.9g", table$variance)
table$level <- sprintf("%.6f", table$level)
write.table(table, "variances.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
