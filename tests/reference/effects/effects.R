# Effect sizes and reference change values. Rscript effects.R, in this folder.
options(digits = 17)
write_table <- function(frame, name) {
  write.table(format(frame, digits = 17, trim = TRUE), name, sep = "\t", quote = FALSE, row.names = FALSE)
}

# Limits of a noncentrality: the ncp under which an observed t is the upper and the lower 2.5 % point.
ncp_limit <- function(t, df, p) {
  uniroot(function(ncp) pt(t, df, ncp) - p, t + c(-5, 5) * (1 + abs(t) / sqrt(df)), tol = 1e-13, extendInt = "yes")$root
}
grid <- expand.grid(t = c(-6.5, -2.3, -0.4, 0, 0.7, 1.96, 4.2, 11), df = c(2, 4, 7, 11, 19, 39))
grid$low <- mapply(ncp_limit, grid$t, grid$df, 0.975)
grid$high <- mapply(ncp_limit, grid$t, grid$df, 0.025)
write_table(grid, "noncentrality.tsv")

# Hedges' J: exact by gamma functions, and the mean of sqrt(df / chi-square) whose inverse it is, by quadrature.
df <- c(2, 3, 5, 8, 14, 29, 120)
exact <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)
inverse_mean <- sapply(df, function(k) {
  1 / integrate(function(s) 2 * s * sqrt(k) / s * dchisq(s^2, k), 0, Inf, rel.tol = 1e-12)$value
})
write_table(data.frame(df = df, j = exact, j_by_quadrature = inverse_mean), "hedges.tsv")

# Complete pairs: d_av by Cumming's formula, its limits, and the ML fit of the pair model with one spread (nlminb).
set.seed(20261123)
sizes <- c(6, 8, 12, 20)
pairs <- do.call(rbind, lapply(seq_along(sizes), function(k) {
  n <- sizes[k]
  subject <- rnorm(n, 3, 1)
  data.frame(set = k, reference = subject + rnorm(n, 0, 0.5), target = subject + rnorm(n, 0.3 * k, 0.5 + 0.1 * k))
}))
write_table(pairs, "pairs.tsv")
fit <- function(x, y) {
  n <- length(x)
  loss <- function(p) {
    sd <- exp(p[3]); rho <- tanh(p[4])
    a <- (x - p[1] + p[2] / 2) / sd
    b <- (y - p[1] - p[2] / 2) / sd
    n * (2 * p[3] + log(1 - rho^2) / 2) + sum(a^2 - 2 * rho * a * b + b^2) / (2 * (1 - rho^2))
  }
  start <- c(mean(c(x, y)), mean(y - x), log(sd(c(x, y))), atanh(cor(x, y)))
  nlminb(start, loss, control = list(rel.tol = 1e-15, x.tol = 1e-12, iter.max = 1000, eval.max = 2000))$par
}
effects <- do.call(rbind, lapply(split(pairs, pairs$set), function(part) {
  x <- part$reference; y <- part$target; n <- length(x)
  average <- sqrt((var(x) + var(y)) / 2)
  t <- mean(y - x) / sd(y - x) * sqrt(n)
  j <- exp(lgamma((n - 1) / 2) - lgamma((n - 2) / 2)) / sqrt((n - 1) / 2)
  factor <- sd(y - x) / average / sqrt(n)
  ml <- fit(x, y)
  data.frame(set = part$set[1], n = n, d_av = j * mean(y - x) / average,
             low = factor * ncp_limit(t, n - 1, 0.975), high = factor * ncp_limit(t, n - 1, 0.025),
             ml_estimate = ml[2], ml_sd = exp(ml[3]), baseline_sd = sd(x))
}))
write_table(effects, "effects.tsv")

# Between-run variance: residual mean square of a one-way layout with one mean per control (log2).
controls <- data.frame(control = rep(c("low", "high", "kit"), c(5, 5, 3)), plate = c(1:5, 1:5, 1:3))
controls$value <- round(c(low = 3, high = 9, kit = 6)[controls$control] + rnorm(13, 0, 0.2), 6)
write_table(controls, "controls.tsv")
between <- summary(lm(value ~ control, controls))

# Within-subject variance: residual mean square of subject + visit; at two visits half the variance of the changes.
visits <- expand.grid(subject = 1:9, visit = 1:3)
visits$value <- round(rnorm(9, 5, 1)[visits$subject] + c(0, 0.4, 0.1)[visits$visit] + rnorm(27, 0, 0.5), 6)
write_table(visits, "visits.tsv")
residual_ms <- function(frame) summary(lm(value ~ factor(subject) + factor(visit), frame))
three <- residual_ms(visits)
two <- residual_ms(visits[visits$visit < 3, ])
change <- with(visits, value[visit == 2] - value[visit == 1])
stopifnot(abs(two$sigma^2 - var(change) / 2) < 1e-12)

natural <- log(2)
sigma_a <- between$sigma * natural
total <- two$sigma * natural
sigma_i <- sqrt(max(total^2 - sigma_a^2, 0))
cited <- sqrt(log(1 + 0.25^2))
limits <- function(sigma) exp(c(-1, 1) * 1.96 * sqrt(2) * sigma)
write_table(data.frame(
  quantity = c("between_run_variance", "between_run_df", "within_two_variance", "within_two_df", "within_three_variance",
               "within_three_df", "sigma_analytical", "sigma_within", "sigma_cited", "low", "high", "low_cited",
               "high_cited", "low_analytical", "high_analytical"),
  value = c(between$sigma^2, between$df[2], two$sigma^2, two$df[2], three$sigma^2, three$df[2], sigma_a, sigma_i, cited,
            limits(sqrt(sigma_a^2 + sigma_i^2)), limits(sqrt(sigma_a^2 + cited^2)), limits(sigma_a))
), "change_limits.tsv")

# Centred log-ratios of four shares of one parent, and the paired t of their changes; ANCOVA in two arms.
n <- 12
shares <- function() { x <- matrix(rgamma(n * 4, c(8, 4, 2, 1) * rep(runif(n, 0.8, 1.2), each = 4)), n, byrow = TRUE)
  0.9 * x / rowSums(x) }
before <- round(shares(), 6)
after <- round(shares() * matrix(c(0.8, 1, 1.1, 1.4), n, 4, byrow = TRUE), 6)
arm <- rep(0:1, n / 2)
clr <- function(p) log(p) - rowMeans(log(p))
parts <- data.frame(subject = rep(1:n, 8), arm = rep(arm, 8), visit = rep(c("v1", "v2"), each = n * 4),
                    part = rep(rep(c("naive", "memory", "effector", "temra"), each = n), 2),
                    share = c(before, after), clr = c(clr(before), clr(after)))
write_table(parts, "parts.tsv")
rows <- lapply(1:4, function(k) {
  x <- clr(before)[, k]; y <- clr(after)[, k]
  paired <- t.test(y, x, paired = TRUE)
  arms <- summary(lm(y ~ x + arm))$coefficients["arm", ]
  data.frame(part = c("naive", "memory", "effector", "temra")[k], paired_estimate = mean(y - x),
             paired_p = paired$p.value, arm_estimate = arms[1], arm_p = arms[4])
})
write_table(do.call(rbind, rows), "parts_expected.tsv")

writeLines(R.version.string, "version.txt")
