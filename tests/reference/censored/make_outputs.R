# Maximum likelihood of pairs.tsv with mvtnorm, of wide.tsv with survival. Run in this folder: Rscript make_outputs.R
# Parameters are on working scales: means, log standard deviations, artanh of the correlation.
library(mvtnorm)
library(survival)
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261126)
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

# Pairs known at both visits, at one of them, and at neither.
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
  if (any(known_1 & known_2)) {
    both <- data[known_1 & known_2, c(1, 3), drop = FALSE]
    total <- total + sum(dmvnorm(both, c(m1, m2), covariance, log = TRUE))
  }
  first <- data[known_1 & !known_2, , drop = FALSE]
  second <- data[!known_1 & known_2, , drop = FALSE]
  total <- total + given(first[, 1], m1, s1, m2, s2, first[, 3], first[, 4])
  total <- total + given(second[, 3], m2, s2, m1, s1, second[, 1], second[, 2])
  neither <- data[!known_1 & !known_2, , drop = FALSE]
  for (i in seq_len(nrow(neither))) {
    ends <- (neither[i, ] - c(m1, m1, m2, m2)) / c(s1, s1, s2, s2)
    total <- total + log(rectangle(ends[1], ends[2], ends[3], ends[4], rho))
  }
  total
}

models <- list(
  full = function(w) c(w[1] - w[2] / 2, w[1] + w[2] / 2, exp(w[3]), exp(w[3]), tanh(w[4])),
  null = function(w) c(w[1], w[1], exp(w[2]), exp(w[2]), tanh(w[3])),
  unequal = function(w) c(w[1] - w[2] / 2, w[1] + w[2] / 2, exp(w[3] - w[5] / 2), exp(w[3] + w[5] / 2), tanh(w[4]))
)
size <- c(full = 4, null = 3, unequal = 5)

best_fit <- function(data, model) {
  target <- function(w) {
    p <- models[[model]](w)
    value <- suppressWarnings(-log_likelihood(data, p[1], p[2], p[3], p[4], p[5]))
    if (is.finite(value)) value else 1e8
  }
  centre <- mean(data[, c(2, 4)][is.finite(data[, c(2, 4)])])
  best <- NULL
  for (start in seq_len(STARTS)) {
    guess <- c(centre + rnorm(1), if (model != "null") rnorm(1), rnorm(1, 0.3, 0.3), rnorm(1, 0.5, 0.5), if (model == "unequal") 0)
    fit <- nlminb(guess, target, control = list(rel.tol = 1e-14, x.tol = 1e-12, eval.max = 4000, iter.max = 2000))
    if (is.null(best) || fit$objective < best$objective) best <- fit
  }
  for (again in 1:2) {
    fit <- optim(best$par, target, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000, ndeps = rep(1e-5, size[[model]])))
    if (fit$value < best$objective) best <- list(par = fit$par, objective = fit$value)
  }
  p <- models[[model]](best$par)
  data.frame(model = model, log_likelihood = -best$objective, mean_reference = p[1], mean_target = p[2],
             sd_reference = p[3], sd_target = p[4], correlation = p[5])
}

pairs <- read.delim("pairs.tsv")
fits <- do.call(rbind, lapply(unique(pairs$set), function(name) {
  data <- as.matrix(pairs[pairs$set == name, -(1:2)])
  cbind(set = name, do.call(rbind, lapply(names(models), function(model) best_fit(data, model))))
}))
numbers <- vapply(fits, is.numeric, TRUE)
fits[numbers] <- lapply(fits[numbers], signif, 12)
write.table(fits, "fits.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

wide <- read.delim("wide.tsv")
regressions <- do.call(rbind, lapply(unique(wide$set), function(number) {
  data <- wide[wide$set == number, ]
  lower <- data$target_lower - data$reference_upper
  upper <- data$target_upper - data$reference_lower
  changes <- Surv(ifelse(is.finite(lower), lower, NA), ifelse(is.finite(upper), upper, NA), type = "interval2")
  control <- survreg.control(rel.tolerance = 1e-12)
  full <- survreg(changes ~ 1, dist = "gaussian", control = control)
  null <- optimize(function(s) {
    exact <- lower == upper
    sum(dnorm(lower[exact], 0, s, log = TRUE)) + sum(log(pnorm(upper[!exact], 0, s) - pnorm(lower[!exact], 0, s)))
  }, c(0.01, 20), maximum = TRUE, tol = 1e-10)
  data.frame(set = number, estimate = coef(full)[[1]], sd = full$scale, ratio = 2 * (full$loglik[2] - null$objective))
}))
regressions[-1] <- lapply(regressions[-1], signif, 12)
write.table(regressions, "regressions.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

# The bivariate normal itself.
points <- expand.grid(h = c(-6, -2.5, -1, 0, 0.7, 3), k = c(-4, -1.5, 0, 1, 2.5),
                      rho = c(-0.999999, -0.99, -0.95, -0.9, -0.4, 0, 0.2, 0.8, 0.93, 0.97, 0.9999))
points$probability <- mapply(quadrant, points$h, points$k, points$rho)
points$probability <- signif(points$probability, 15)
write.table(points, "quadrants.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

writeLines(c(R.version.string, paste("mvtnorm", packageVersion("mvtnorm")), paste("survival", packageVersion("survival"))), "version.txt")
