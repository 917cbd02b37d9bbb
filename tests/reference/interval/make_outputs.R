# Interval-censored regression of values.tsv with survival. Run in this folder: Rscript make_outputs.R
library(survival)
LEVEL <- 0.95
control <- survreg.control(rel.tolerance = 1e-14, maxiter = 200)
open <- function(limit) ifelse(is.finite(limit), limit, NA)

fit <- function(data, terms, by = 0) {
  data$by <- by * data$exposure
  formula <- as.formula(paste("Surv(open(lower), open(upper), type = 'interval2') ~ offset(by) +", terms))
  survreg(formula, data, dist = "gaussian", control = control)
}

values <- read.delim("values.tsv")
models <- c(none = "1", age = "age", age_plate = "age + factor(plate)")
fits <- NULL
scores <- NULL
for (name in unique(values$set)) {
  data <- values[values$set == name, ]
  for (model in names(models)) {
    if (model == "age_plate" && length(unique(data$plate)) == 1) next
    full <- fit(data, paste(models[model], "+ exposure"))
    null <- fit(data, models[model])
    n <- nrow(data)
    rank <- length(coef(full))
    top <- full$loglik[2]
    ratio <- 2 * (top - null$loglik[2])
    se <- sqrt(vcov(full)["exposure", "exposure"])
    # The calibrated likelihood ratio, and the coefficients at which it reaches the quantile of t.
    size <- function(ratio) sqrt((n - rank) * expm1(max(ratio, 0) / n))
    quantile <- qt(1 - (1 - LEVEL) / 2, n - rank)
    gap <- function(by) size(2 * (top - fit(data, models[model], by)$loglik[2])) - quantile
    estimate <- coef(full)[["exposure"]]
    limit <- function(side) {
      far <- estimate + side * c(0.1, 12) * se
      uniroot(gap, sort(far), tol = 1e-12)$root
    }
    fits <- rbind(fits, data.frame(
      set = name, model, estimate, sd = full$scale, se_ml = se, log_likelihood = top,
      null_log_likelihood = null$loglik[2], ratio, p_value = 2 * pt(-size(ratio), n - rank),
      ci_low = limit(-1), ci_high = limit(1)
    ))
    # d log L / d mean of each subject at the fit without exposure.
    slope <- residuals(null, type = "matrix")[, "dg"]
    scores <- rbind(scores, data.frame(set = name, model, subject = data$subject, score = slope))
  }
}
# A mean alone, against a mean of 0: differences known between limits.
means <- do.call(rbind, lapply(unique(values$set), function(name) {
  data <- values[values$set == name, ]
  lower <- data$lower - 4
  upper <- data$upper - 4
  exact <- lower == upper
  n <- length(lower)
  full <- survreg(Surv(open(lower), open(upper), type = "interval2") ~ 1, dist = "gaussian", control = control)
  at <- function(mean) {
    value <- function(s) {
      sum(dnorm(lower[exact], mean, exp(s), log = TRUE)) +
        sum(log(pnorm(upper[!exact], mean, exp(s)) - pnorm(lower[!exact], mean, exp(s))))
    }
    optimize(value, log(full$scale) + c(-1, 3), maximum = TRUE, tol = 1e-9)$objective
  }
  gap <- function(mean) {
    sqrt((n - 1) * expm1(max(2 * (full$loglik[2] - at(mean)), 0) / n)) - qt(1 - (1 - LEVEL) / 2, n - 1)
  }
  estimate <- coef(full)[[1]]
  limit <- function(side) {
    uniroot(gap, sort(estimate + side * c(0.1, 8) * full$scale / sqrt(sum(exact) + 1)), tol = 1e-12)$root
  }
  data.frame(set = name, estimate, sd = full$scale, ratio = 2 * (full$loglik[2] - at(0)),
             ci_low = limit(-1), ci_high = limit(1))
}))
least_squares <- do.call(rbind, lapply(c("n12", "n24_plates", "n24_dose"), function(name) {
  data <- values[values$set == name, ]
  fitted <- lm(lower ~ age + exposure, data)
  row <- summary(fitted)$coefficients["exposure", ]
  limits <- confint(fitted)["exposure", ]
  data.frame(set = name, estimate = row[[1]], se = row[[2]], statistic = row[[3]], p_value = row[[4]],
             ci_low = limits[[1]], ci_high = limits[[2]], residual_variance = sigma(fitted)^2)
}))
save <- function(table, file) {
  numbers <- vapply(table, is.double, TRUE)
  table[numbers] <- lapply(table[numbers], signif, 12)
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
save(fits, "fits.tsv")
save(scores, "scores.tsv")
save(means, "means.tsv")
save(least_squares, "least_squares.tsv")
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "version.txt")
