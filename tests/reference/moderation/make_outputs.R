# limma's answers to the inputs, 17 significant digits. Run in this folder: Rscript make_outputs.R
suppressMessages({library(limma); library(statmod)})

read_panel <- function(file) as.matrix(read.delim(file, row.names = 1, check.names = FALSE))
write_rows <- function(table, file) {
  for (name in names(table)[sapply(table, is.numeric)]) {
    table[[name]] <- ifelse(is.na(table[[name]]), "", sprintf("%.17g", table[[name]]))
  }
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
samples <- read.delim("samples.tsv")
panel <- read_panel("panel.tsv")
complete <- read_panel("complete.tsv")
kinds <- list(plain = c(FALSE, FALSE), robust = c(FALSE, TRUE), trend = c(TRUE, FALSE), trend_robust = c(TRUE, TRUE))

# Correlation within subjects: limma's, and the same with statmod's search carried to its end.
cell <- factor(paste(samples$visit, samples$arm), c(outer(c("w0", "w8", "w16"), c("placebo", "treated"), paste)))
design <- cbind(model.matrix(~ 0 + cell), age = samples$age - mean(samples$age))
to_the_end <- function(values, design) {
  apply(values, 1, function(y) {
    o <- is.finite(y)
    z <- model.matrix(~ 0 + factor(samples$subject[o]))
    fit <- suppressWarnings(mixedModel2Fit(y[o], design[o, ], z, only.varcomp = TRUE, tol = 1e-15, maxit = 500))
    fit$varcomp[2] / sum(fit$varcomp)
  })
}
correlations <- function(values, name, design) {
  found <- duplicateCorrelation(values, design, block = samples$subject)
  best <- pmin(pmax(to_the_end(values, design), -1 / 2 + 0.01), 0.99)
  rbind(
    data.frame(panel = name, feature = rownames(values), limma = tanh(found$atanh.correlations), best = best),
    data.frame(panel = name, feature = "consensus", limma = found$consensus.correlation,
               best = tanh(mean(atanh(best), trim = 0.15))))
}
visits <- model.matrix(~ factor(samples$visit))
write_rows(rbind(correlations(panel, "panel", design), correlations(complete, "complete", visits)), "correlations.tsv")

# Effects given the correlation. A contrast is made a coefficient of its own: contrasts.fit is not exact with gaps.
contrasts <- list(change = c(0, 0, 0, -1, 1, 0, 0), difference = c(1, 0, -1, -1, 0, 1, 0), at = c(0, -1, 0, 0, 1, 0, 0))
as_coefficient <- function(design, contrast) {
  rows <- diag(length(contrast))
  rows[which(contrast != 0)[1], ] <- contrast
  turned <- design %*% solve(rows)
  colnames(turned) <- paste0("x", seq_along(contrast))
  list(design = turned, at = which(contrast != 0)[1])
}
answer <- function(fit, at, labels) {
  data.frame(labels, feature = rownames(fit$coefficients), estimate = fit$coefficients[, at],
             se = fit$stdev.unscaled[, at] * sqrt(fit$s2.post), df = fit$df.total, statistic = fit$t[, at],
             p_value = fit$p.value[, at], variance = fit$sigma^2, prior_variance = rep_len(fit$s2.prior, nrow(fit)),
             prior_df = rep_len(fit$df.prior, nrow(fit)))
}
consensus <- duplicateCorrelation(panel, design, block = samples$subject)$consensus.correlation
rows <- list()
for (name in names(contrasts)) {
  turned <- as_coefficient(design, contrasts[[name]])
  fit <- lmFit(panel, turned$design, block = samples$subject, correlation = consensus)
  for (kind in names(kinds)) {
    squeezed <- eBayes(fit, trend = kinds[[kind]][1], robust = kinds[[kind]][2])
    rows <- c(rows, list(answer(squeezed, turned$at, list(contrast = name, kind = kind))))
  }
}
write_rows(do.call(rbind, rows), "blocked.tsv")

# Changes of the treated subjects from w0 to w16, the prior along the mean level of both visits.
treated <- unique(samples$subject[samples$arm == "treated"])
column <- function(subject, visit) {
  at <- which(samples$subject == subject & samples$visit == visit)
  if (length(at)) panel[, at] else rep(NA_real_, nrow(panel))
}
before <- sapply(treated, column, "w0")
after <- sapply(treated, column, "w16")
change <- after - before
level <- rowMeans(cbind(before, after), na.rm = TRUE)
fit <- lmFit(change, cbind(change = rep(1, ncol(change))))
rows <- lapply(names(kinds), function(kind) {
  along <- if (kinds[[kind]][1]) level else FALSE
  answer(eBayes(fit, trend = along, robust = kinds[[kind]][2]), 1, list(kind = kind))
})
write_rows(do.call(rbind, rows), "paired.tsv")

variances <- read.delim("variances.tsv")
rows <- list()
for (set in unique(variances$set)) for (robust in c(FALSE, TRUE)) {
  given <- variances[variances$set == set, ]
  learned <- ifelse(given$use == 1, given$variance, NA)
  squeezed <- squeezeVar(learned, given$df, covariate = given$level, robust = robust)
  rows <- c(rows, list(data.frame(set = set, robust = 1 * robust, row = seq_len(nrow(given)),
                                  prior_variance = squeezed$var.prior,
                                  prior_df = rep_len(squeezed$df.prior, nrow(given)))))
}
write_rows(do.call(rbind, rows), "priors.tsv")

writeLines(c(R.version.string, paste("limma", packageVersion("limma")), paste("statmod", packageVersion("statmod"))),
           "version.txt")
