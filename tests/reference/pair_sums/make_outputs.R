# Sums of changes of values.tsv with mvtnorm and numDeriv, of known values by t.test. Run in this folder: Rscript
# make_outputs.R. Parameters are the mean, the change, the log standard deviation and the artanh of the correlation.
library(mvtnorm)
library(numDeriv)
library(parallel)
suppressWarnings(RNGversion("4.2.0"))
RNGkind("L'Ecuyer-CMRG")
set.seed(20261204)
STARTS <- 4
LEVEL <- 0.95

# P(X <= h, Y <= k); TVPACK takes no rectangle with ends on both sides, so corners are added up.
quadrant <- function(h, k, rho) {
  if (h == -Inf || k == -Inf) return(0)
  if (h == Inf) return(pnorm(k))
  if (k == Inf) return(pnorm(h))
  pmvnorm(upper = c(h, k), corr = matrix(c(1, rho, rho, 1), 2), algorithm = TVPACK(abseps = 1e-15))[1]
}
quadrants <- function(h, k, rho) as.numeric(mapply(quadrant, h, k, rho))
between <- function(lower, upper, mean, sd) {
  above <- pnorm(lower, mean, sd, lower.tail = FALSE, log.p = TRUE)
  below <- pnorm(upper, mean, sd, log.p = TRUE)
  ifelse(lower == -Inf, below, ifelse(upper == Inf, above, log(pnorm(upper, mean, sd) - pnorm(lower, mean, sd))))
}

# Log-likelihood of every pair as a function of the parameters: pairs known at both visits, at one, and at neither.
# `limits` has those of the reference, then of the target.
likelihood_of <- function(limits) {
  known_1 <- limits[, 1] == limits[, 2]
  known_2 <- limits[, 3] == limits[, 4]
  neither <- which(!known_1 & !known_2)
  key <- apply(limits[neither, , drop = FALSE], 1, paste, collapse = " ")
  different <- neither[!duplicated(key)]  # one limit for all: one probability for all
  place <- match(key, unique(key))
  half <- function(w, rows, a, b) {
    m <- w[1] + c(-1, 1) * w[2] / 2
    s <- exp(w[3])
    rho <- tanh(w[4])
    value <- limits[rows, 2 * a]
    given <- between(limits[rows, 2 * b - 1], limits[rows, 2 * b], m[b] + rho * (value - m[a]), s * sqrt(1 - rho^2))
    dnorm(value, m[a], s, log = TRUE) + given
  }
  function(w) {
    m <- w[1] + c(-1, 1) * w[2] / 2
    s <- exp(w[3])
    rho <- tanh(w[4])
    value <- numeric(nrow(limits))
    both <- known_1 & known_2
    value[both] <- dmvnorm(limits[both, c(1, 3), drop = FALSE], m, s^2 * matrix(c(1, rho, rho, 1), 2), log = TRUE)
    value[known_1 & !known_2] <- half(w, known_1 & !known_2, 1, 2)
    value[known_2 & !known_1] <- half(w, known_2 & !known_1, 2, 1)
    z <- t((t(limits[different, , drop = FALSE]) - rep(m, each = 2)) / s)
    inside <- quadrants(z[, 2], z[, 4], rho) - quadrants(z[, 1], z[, 4], rho) -
      quadrants(z[, 2], z[, 3], rho) + quadrants(z[, 1], z[, 3], rho)
    value[neither] <- log(inside)[place]
    value
  }
}

# numDeriv's steps are relative to the parameter, useless near 0: parameters are moved to 1 before it sees them.
moved <- function(f, at) function(v) f(at + v - 1)
gradients_at <- function(f, at) jacobian(moved(f, at), rep(1, length(at)), method.args = list(d = 0.01))
hessian_at <- function(f, at) hessian(moved(f, at), rep(1, length(at)), method.args = list(d = 0.05))

# Best of several searches, then Newton steps; the change is 0 unless it is free.
best_fit <- function(data, free) {
  likelihood <- likelihood_of(data)
  fill <- function(w) replace(numeric(4), free, w)
  total <- function(w) sum(likelihood(fill(w)))
  target <- function(w) {
    value <- suppressWarnings(-total(w))
    if (is.finite(value)) value else 1e8
  }
  centre <- mean(data[is.finite(data)])
  best <- NULL
  for (start in seq_len(STARTS)) {
    guess <- c(centre + rnorm(1), rnorm(1), rnorm(1, 0.3, 0.3), rnorm(1, 0.5, 0.5))[free]
    fit <- nlminb(guess, target, control = list(rel.tol = 1e-11, eval.max = 2000, iter.max = 1000))
    if (is.null(best) || fit$objective < best$objective) best <- fit
  }
  w <- best$par
  for (again in 1:2) w <- w - solve(hessian_at(total, w), drop(gradients_at(total, w)))
  stopifnot(abs(total(w) + best$objective) < 1e-6, max(abs(gradients_at(total, w))) < 1e-7)
  list(w = fill(w), hessian = hessian_at(total, w))
}

# What each pair adds to the estimate of the change.
influences <- function(data, fit) {
  gradients <- gradients_at(likelihood_of(data), fit$w)
  drop(gradients %*% solve(-fit$hessian)[, 2])
}

# Both members judged by the larger of their lower limits, and by the smaller of their upper ones.
recensor <- function(limits) {
  low <- limits[c(2, 4)][limits[c(1, 3)] == -Inf]
  high <- limits[c(1, 3)][limits[c(2, 4)] == Inf]
  floor <- if (length(low)) max(low) else -Inf
  ceiling <- if (length(high)) min(high) else Inf
  if (floor >= ceiling) return(limits)
  for (member in 1:2) {
    ends <- 2 * member - 1:0
    if (limits[ends[2]] <= floor) limits[ends] <- c(-Inf, floor)
    else if (limits[ends[1]] >= ceiling) limits[ends] <- c(ceiling, Inf)
  }
  limits
}

# Slopes of the pairs' log-likelihoods in the change where there is none, over the sum of their squares.
scores_of <- function(data) {
  w <- best_fit(data, c(1, 3, 4))$w
  likelihood <- likelihood_of(data)
  u <- drop(gradients_at(function(change) likelihood(replace(w, 2, change)), 0))
  u / sum(u^2)
}

t_row <- function(estimate, se, n) {
  t <- estimate / se
  half <- qt(1 - (1 - LEVEL) / 2, n - 1) * se
  data.frame(estimate = estimate, se = se, df = n - 1, statistic = t, p_value = 2 * pt(-abs(t), n - 1),
             ci_low = estimate - half, ci_high = estimate + half)
}
p_of_scores <- function(scores, n) {
  S <- sum(scores) / sqrt(sum(scores^2))
  2 * pt(-abs(S) * sqrt((n - 1) / (n - S^2)), n - 1)
}

values <- read.delim("values.tsv")
sums <- read.delim("sums.tsv")

answer <- function(name) {
  data <- values[values$set == name, ]
  parts <- sums[sums$kind == data$kind[1], ]
  side <- function(visit) as.matrix(data[data$visit == visit, c("lower", "upper")])
  pairs <- lapply(seq_len(nrow(parts)), function(k) unname(cbind(side(parts$reference[k]), side(parts$target[k]))))
  complete <- which(complete.cases(do.call(cbind, pairs)))
  pairs <- lapply(pairs, function(part) part[complete, , drop = FALSE])
  weighted <- function(parts_of_subjects) drop(do.call(cbind, parts_of_subjects) %*% parts$weight)
  if (all(do.call(cbind, lapply(pairs, function(part) part[, c(1, 3)] == part[, c(2, 4)])))) {
    change <- weighted(lapply(pairs, function(part) part[, 3] - part[, 1]))
    test <- t.test(change)
    row <- data.frame(estimate = test$estimate[[1]], se = test$stderr, df = test$parameter[[1]],
                      statistic = test$statistic[[1]], p_value = test$p.value,
                      ci_low = test$conf.int[1], ci_high = test$conf.int[2], sd = NA, p_of_scores = NA)
    scores <- change / length(change)
  } else {
    # Subjects nothing is known of count as half: in the fits by the limits as written, in the t of the scores as judged.
    judged <- lapply(pairs, function(part) t(apply(part, 1, recensor)))
    nothing <- lapply(judged, function(part) part[, 1] < part[, 2] & part[, 1] == part[, 3] & part[, 2] == part[, 4])
    n_of_scores <- length(complete) - 0.5 * sum(Reduce(`&`, nothing))
    hidden <- lapply(pairs, function(part) part[, 1] < part[, 2] & part[, 3] < part[, 4])
    n <- length(complete) - 0.5 * sum(Reduce(`&`, hidden))
    scores <- weighted(lapply(judged, scores_of))
    told <- function(side) any(is.finite(rowSums(side)))
    finite <- all(vapply(pairs, function(part) told(part[, 1:2]) && told(part[, 3:4]), TRUE))
    if (finite) {
      fits <- lapply(pairs, best_fit, free = 1:4)
      influence <- weighted(Map(influences, pairs, fits))
      estimate <- sum(parts$weight * vapply(fits, function(fit) fit$w[2], 0))
      row <- t_row(estimate, sqrt(n / (n - 1) * sum(influence^2)), n)
      row$sd <- sqrt(mean(exp(2 * vapply(fits, function(fit) fit$w[3], 0))))
    } else {
      row <- cbind(t_row(NA, NA, n_of_scores), sd = NA)
    }
    row$p_of_scores <- p_of_scores(scores, n_of_scores)
  }
  list(changes = cbind(set = name, row),
       scores = data.frame(set = name, subject = data$subject[complete], score = scores))
}

answers <- mclapply(unique(values$set), answer, mc.cores = 2)
stopifnot(!vapply(answers, inherits, TRUE, "try-error"))
written <- function(what) {
  table <- do.call(rbind, lapply(answers, `[[`, what))
  numbers <- vapply(table, is.numeric, TRUE)
  table[numbers] <- lapply(table[numbers], signif, 12)
  write.table(table, paste0(what, ".tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
}
written("changes")
written("scores")
packages <- c("mvtnorm", "numDeriv")
versions <- vapply(packages, function(name) format(packageVersion(name)), "")
writeLines(c(R.version.string, paste(packages, versions)), "version.txt")
