# The best 4PL and 5PL through standards.tsv, from many starts. Run in this folder: Rscript make_outputs.R
# Least squares by nlminb on working parameters ln a, ln(d - a), ln b, ln c, ln g, in the box README.md states.
library(numDeriv)
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261124)
STARTS <- 150

log_response <- function(x, w) {
  odds <- (x * exp(-w[4]))^exp(w[3])
  log(exp(w[1]) - exp(w[2]) * expm1(-exp(w[5]) * log1p(odds)))
}

box <- function(data, model) {
  bottom <- log(min(data$signal)); top <- log(max(data$signal))
  g <- if (model == "5pl") log(c(0.02, 50)) else c(0, 0)
  list(lower = c(bottom + log(1e-9), top + log(1e-4), log(0.05), -500, g[1]),
       upper = c(top, top + log(1e8), log(30), 500, g[2]))
}

best_fit <- function(data, model) {
  limits <- box(data, model)
  target <- function(w) {
    value <- sum(data$weight * (log(data$signal) - log_response(data$concentration, w))^2)
    if (is.finite(value)) value else 1e10
  }
  positive <- data$concentration[data$concentration > 0]
  ends <- log(range(data$signal))
  best <- NULL
  for (start in seq_len(STARTS)) {
    guess <- c(ends[1] + log(runif(1, 0.2, 1)), ends[2] + runif(1, -0.5, 4), runif(1, -0.7, 1.2),
               runif(1, log(min(positive)), log(max(positive)) + 3), if (model == "5pl") runif(1, -2.5, 2.5) else 0)
    guess <- pmin(pmax(guess, limits$lower), limits$upper)
    fit <- nlminb(guess, target, lower = limits$lower, upper = limits$upper,
                  control = list(rel.tol = 1e-12, x.tol = 1e-10, eval.max = 2000, iter.max = 1000))
    if (is.null(best) || fit$objective < best$objective) best <- fit
  }
  for (again in 1:3) {
    gradient <- function(w) {
      jacobian <- jacobian(function(v) log_response(data$concentration, v), w)
      -2 * as.vector(t(jacobian) %*% (data$weight * (log(data$signal) - log_response(data$concentration, w))))
    }
    polished <- nlminb(best$par, target, gradient, lower = limits$lower, upper = limits$upper,
                       control = list(rel.tol = 1e-15, x.tol = 1e-14, eval.max = 5000, iter.max = 5000))
    if (polished$objective <= best$objective) best <- polished
  }
  free <- best$par > limits$lower + 1e-6 & best$par < limits$upper - 1e-6
  list(w = best$par, sse = best$objective, free = free)
}

summary_of <- function(data, model) {
  fit <- best_fit(data, model)
  wells <- nrow(data); df <- wells - ifelse(model == "5pl", 5, 4)
  jacobian <- jacobian(function(w) log_response(data$concentration, w), fit$w)[, fit$free, drop = FALSE]
  information <- t(jacobian) %*% (data$weight * jacobian)
  scaled <- information / sqrt(outer(diag(information), diag(information)))
  values <- eigen(scaled, symmetric = TRUE, only.values = TRUE)$values
  condition <- max(values) / min(values)
  sd <- sqrt(fit$sse / df)
  covariance <- matrix(0, 5, 5)
  if (condition < 1e10) covariance[fit$free, fit$free] <- sd^2 * solve(information, tol = 1e-18)
  k <- wells - df + 1
  aicc <- wells * log(fit$sse / wells) + 2 * k + 2 * k * (k + 1) / (wells - k - 1)
  p <- exp(fit$w)
  list(fit = fit, df = df, sd = sd, covariance = covariance, condition = condition,
       row = data.frame(model = model, sse = fit$sse, df = df, aicc = aicc, condition = condition, free = sum(fit$free),
                        a = p[1], b = p[3], c = p[4], d = p[1] + p[2], g = p[5]))
}

# Where `edge` first changes sign on the way from `from` to `to`: the band may widen again farther out.
first_crossing <- function(edge, from, to) {
  steps <- seq(from, to, length.out = 60)
  signs <- sign(vapply(steps, edge, 0))
  change <- which(signs != signs[1])[1]
  if (is.na(change)) NA else uniroot(edge, sort(steps[change - 1:0]), tol = 1e-12)$root
}

# Signals half a step between the standards, read by root finding, with the interval that inverts the prediction band.
readings <- function(data, model, result) {
  positive <- range(data$concentration[data$concentration > 0])
  f <- function(t) log_response(exp(t), result$fit$w)
  half <- function(t, wells) {
    j <- grad_at(t, result$fit$w)
    qt(0.975, result$df) * sqrt(as.vector(j %*% result$covariance %*% j) + result$sd^2 / wells)
  }
  grad_at <- function(t, w) vapply(1:5, function(place) {
    h <- replace(numeric(5), place, 1e-4)
    at <- function(times) log_response(exp(t), w + times * h)
    (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / 12e-4
  }, 0)
  ends <- log(positive)
  out <- NULL
  for (share in seq(0.05, 0.95, by = 0.15)) for (wells in 1:2) {
    y <- f(ends[1] + share * diff(ends))
    y <- round(exp(y), 3)
    if (log(y) <= f(-700) || log(y) >= log(exp(result$fit$w[1]) + exp(result$fit$w[2]))) next
    x <- uniroot(function(t) f(t) - log(y), ends + c(-4, 4), tol = 1e-13)$root
    slope <- (f(x + 1e-4) - f(x - 1e-4)) / 2e-4
    upper_edge <- function(t) f(t) + half(t, wells) - log(y)
    lower_edge <- function(t) f(t) - half(t, wells) - log(y)
    low <- first_crossing(upper_edge, x, ends[1] - 3)
    high <- first_crossing(lower_edge, x, ends[2] + 3)
    se <- half(x, wells) / qt(0.975, result$df) / slope / log(2)
    out <- rbind(out, data.frame(model = model, signal = y, wells = wells, concentration = exp(x), se_log2 = se,
                                 low = exp(low), high = exp(high)))
  }
  out
}

standards <- read.delim("standards.tsv")
curves <- NULL; read <- NULL
for (name in unique(standards$curve)) {
  data <- standards[standards$curve == name, ]
  for (model in c("4pl", "5pl")) {
    result <- summary_of(data, model)
    curves <- rbind(curves, cbind(curve = name, result$row))
    if (result$condition < 1e8) read <- rbind(read, cbind(curve = name, readings(data, model, result)))
  }
}
number <- function(table) {
  for (column in names(table)) if (is.double(table[[column]])) table[[column]] <- sprintf("%.12g", table[[column]])
  table
}
write.table(number(curves), "curves.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
write.table(number(read), "readings.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
writeLines(c(R.version.string, paste("numDeriv", packageVersion("numDeriv"))), "version.txt")
