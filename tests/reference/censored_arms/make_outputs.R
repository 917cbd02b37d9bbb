# Maximum likelihood of pairs.tsv with mvtnorm, least squares with lm. Run in this folder: Rscript make_outputs.R
# Parameters are on working scales: coefficients, log standard deviations, artanh of the correlation.
library(mvtnorm)
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261204)
STARTS <- 4

# P(X <= h, Y <= k); TVPACK takes no rectangle with ends on both sides, so corners are added up.
quadrant <- function(h, k, rho) {
  if (h == -Inf || k == -Inf) return(0)
  if (h == Inf) return(pnorm(k))
  if (k == Inf) return(pnorm(h))
  pmvnorm(upper = c(h, k), corr = matrix(c(1, rho, rho, 1), 2), algorithm = TVPACK(abseps = 1e-15))[1]
}
rectangle <- function(a, b, c, d, rho) {
  quadrant(b, d, rho) - quadrant(a, d, rho) - quadrant(b, c, rho) + quadrant(a, c, rho)
}

# `data`: limits; m1, m2: a mean for each subject.
log_likelihood <- function(data, m1, m2, s1, s2, rho) {
  covariance <- matrix(c(s1^2, rho * s1 * s2, rho * s1 * s2, s2^2), 2)
  given <- function(value, m_known, s_known, m, s, lower, upper) {
    mean <- m + rho * s / s_known * (value - m_known)
    sd <- s * sqrt(1 - rho^2)
    sum(dnorm(value, m_known, s_known, log = TRUE) + log(pnorm(upper, mean, sd) - pnorm(lower, mean, sd)))
  }
  known_1 <- data[, 1] == data[, 2]
  known_2 <- data[, 3] == data[, 4]
  total <- 0
  both <- known_1 & known_2
  if (any(both)) total <- total + sum(dmvnorm(data[both, c(1, 3), drop = FALSE] - cbind(m1, m2)[both, , drop = FALSE],
                                              c(0, 0), covariance, log = TRUE))
  first <- known_1 & !known_2
  second <- !known_1 & known_2
  total <- total + given(data[first, 1], m1[first], s1, m2[first], s2, data[first, 3], data[first, 4])
  total <- total + given(data[second, 3], m2[second], s2, m1[second], s1, data[second, 1], data[second, 2])
  for (i in which(!known_1 & !known_2)) {
    ends <- (data[i, ] - c(m1[i], m1[i], m2[i], m2[i])) / c(s1, s1, s2, s2)
    total <- total + log(rectangle(ends[1], ends[2], ends[3], ends[4], rho))
  }
  total
}

# (a, b) of intercept and age, alpha, delta, log standard deviations, artanh of the correlation.
models <- list(
  ancova = function(w) c(w[1:4], 0, w[5:8]),
  ancova_null = function(w) c(w[1:4], 0, 0, w[5:7]),
  change = function(w) w,
  change_null = function(w) c(w[1:5], 0, w[6:8])
)
size <- c(ancova = 8, ancova_null = 7, change = 9, change_null = 8)

best_fit <- function(set, model) {
  data <- as.matrix(set[c("reference_lower", "reference_upper", "target_lower", "target_upper")])
  age <- (set$age - 45) / 10
  target <- function(w) {
    p <- models[[model]](w)
    m1 <- p[1] + p[2] * age + p[5] * set$exposure
    m2 <- p[3] + p[4] * age + (p[5] + p[6]) * set$exposure
    value <- suppressWarnings(-log_likelihood(data, m1, m2, exp(p[7]), exp(p[8]), tanh(p[9])))
    if (is.finite(value)) value else 1e8
  }
  best <- NULL
  for (start in seq_len(STARTS)) {
    effects <- size[[model]] - 7
    guess <- c(4 + rnorm(1), rnorm(1, 0, 0.3), 4 + rnorm(1), rnorm(1, 0, 0.3), rnorm(effects, 0, 0.5), rnorm(2, 0.4, 0.3), rnorm(1, 0.5, 0.4))
    fit <- nlminb(guess, target, control = list(rel.tol = 1e-14, x.tol = 1e-12, eval.max = 4000, iter.max = 2000))
    if (is.null(best) || fit$objective < best$objective) best <- fit
  }
  for (again in 1:2) {
    fit <- optim(best$par, target, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000, ndeps = rep(1e-5, size[[model]])))
    if (fit$value < best$objective) best <- list(par = fit$par, objective = fit$value)
  }
  p <- models[[model]](best$par)
  data.frame(model = model, log_likelihood = -best$objective, alpha = p[5], delta = p[6], sd_reference = exp(p[7]),
             sd_target = exp(p[8]), correlation = tanh(p[9]))
}

pairs <- read.delim("pairs.tsv")
sets <- split(pairs, factor(pairs$set, unique(pairs$set)))
known <- vapply(sets, function(set) all(set$reference_lower == set$reference_upper & set$target_lower == set$target_upper), TRUE)

fits <- do.call(rbind, lapply(names(sets)[!known], function(name) {
  cbind(set = name, do.call(rbind, lapply(names(models), function(model) best_fit(sets[[name]], model))))
}))
numbers <- vapply(fits, is.numeric, TRUE)
fits[numbers] <- lapply(fits[numbers], signif, 12)
write.table(fits, "fits.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

# Without non-detects: least squares.
least_squares <- do.call(rbind, lapply(names(sets)[known], function(name) {
  set <- sets[[name]]
  row <- function(question, model) {
    limits <- confint(model)["exposure", ]
    found <- summary(model)$coefficients["exposure", ]
    data.frame(set = name, question = question, estimate = found[[1]], se = found[[2]], df = model$df.residual,
               statistic = found[[3]], p_value = found[[4]], ci_low = limits[[1]], ci_high = limits[[2]])
  }
  rbind(row("ancova", lm(target_lower ~ reference_lower + age + exposure, set)),
        row("change", lm(target_lower - reference_lower ~ age + exposure, set)))
}))
least_squares[-(1:2)] <- lapply(least_squares[-(1:2)], signif, 15)
write.table(least_squares, "least_squares.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

writeLines(c(R.version.string, paste("mvtnorm", packageVersion("mvtnorm"))), "version.txt")
