# Reference numbers for the exact tests, by complete enumeration in plain R. Run in this folder: Rscript exact.R
# Written for reading, not for speed: every rearrangement is built and compared with the data.
options(digits = 17)
write_table <- function(frame, file) {
  for (column in names(frame)) if (is.double(frame[[column]])) frame[[column]] <- sprintf("%.17g", frame[[column]])
  write.table(frame, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
matrix_table <- function(values, file) {
  frame <- as.data.frame(values)
  names(frame) <- paste0("f", seq_len(ncol(values)))
  write_table(frame, file)
}
tie <- 1e-9 # ties count: compared with this share of the sum of absolute terms to spare

# ---- pairs: 8 subjects, 6 features; ties, zeros, equal absolute values, a missing pair, a large shift ----------------
set.seed(20261122)
u <- cbind(round(rnorm(8), 1), c(1, 1, -1, 2, 2, 0, 0, 3), c(1, 1, 1, 1, -1, 1, 1, 1), rnorm(8) + 2,
           c(rnorm(7) + 1, NA), rexp(8) - 0.2)
u[, 6] <- u[, 6] + 0.5 * u[, 4]
matrix_table(u, "pairs.tsv")

flips <- as.matrix(expand.grid(rep(list(c(1, -1)), 8)))
S <- function(u) colSums(u, na.rm = TRUE) / sqrt(colSums(u^2, na.rm = TRUE))
S_star <- t(apply(flips, 1, function(e) S(u * e)))
S_obs <- S(u)
room <- tie * colSums(abs(u), na.rm = TRUE) / sqrt(colSums(u^2, na.rm = TRUE))
share <- function(values, threshold) mean(values >= threshold)

p <- sapply(1:6, function(j) share(abs(S_star[, j]), abs(S_obs[j]) - room[j]))
single <- sapply(1:6, function(j) share(apply(abs(S_star), 1, max), abs(S_obs[j]) - room[j]))
order_down <- order(-abs(S_obs))
down <- numeric(6)
reached <- 0
for (i in 1:6) {
  j <- order_down[i]
  rest <- abs(S_star[, order_down[i:6], drop = FALSE])
  reached <- max(reached, share(apply(rest, 1, max), abs(S_obs[j]) - room[j]))
  down[j] <- reached
}

# The interval holds every delta that the test of (u - delta) keeps: bisection on its p-value, from the mean outwards.
# Ties are allowed less room here, because the room moves the limit itself.
p_shifted <- function(d, delta) {
  d <- d[!is.na(d)] - delta
  e <- as.matrix(expand.grid(rep(list(c(1, -1)), length(d))))
  mean(abs(e %*% d) >= abs(sum(d)) - 1e-13 * sum(abs(d)))
}
limit <- function(d, alpha, side) {
  inside <- mean(d, na.rm = TRUE)
  outside <- inside + side * 1000
  if (p_shifted(d, outside) > alpha) return(side * Inf)
  for (step in 1:100) {
    middle <- (inside + outside) / 2
    if (p_shifted(d, middle) > alpha) inside <- middle else outside <- middle
  }
  inside
}
write_table(data.frame(
  feature = paste0("f", 1:6), statistic = S_obs, p_value = p, single_step = single, step_down = down,
  low_95 = apply(u, 2, limit, 0.05, -1), high_95 = apply(u, 2, limit, 0.05, 1),
  low_99 = apply(u, 2, limit, 0.01, -1), high_99 = apply(u, 2, limit, 0.01, 1)
), "pairs_expected.tsv")

# ---- global directional test over the same pairs -----------------------------------------------------------------------
signs <- c(1, -1, 1, -1, 1, -1)
T_star <- S_star %*% signs
T_obs <- sum(signs * S_obs)
write_table(data.frame(
  statistic = T_obs, two_sided = share(abs(T_star), abs(T_obs) - sum(room)), one_sided = share(T_star, T_obs - sum(room))
), "global_expected.tsv")

# ---- arms: 5 + 4 and 3 + 2 subjects in two strata, one covariate, a missing outcome ---------------------------------
arm <- c(1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1)
site <- c(1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2)
age <- round(rnorm(14, 45, 9))
y <- matrix(rnorm(14 * 4), 14) + 0.03 * age
y[, 1] <- y[, 1] + 1.5 * arm
y[, 2] <- round(y[, 2], 1)
y[4, 3] <- NA
write_table(data.frame(arm = arm, site = site, age = age, as.data.frame(`colnames<-`(y, paste0("f", 1:4)))), "arms.tsv")
scores <- apply(y, 2, function(column) residuals(lm(column ~ age + factor(site), na.action = na.exclude)))
matrix_table(scores, "arms_scores.tsv")

z <- scores
for (s in 1:2) z[site == s, ] <- apply(z[site == s, ], 2, function(column) column - mean(column, na.rm = TRUE))
z[is.na(z)] <- 0
statistic <- function(a) {
  top <- 0
  variance <- 0
  for (s in 1:2) {
    i <- site == s
    n <- sum(i)
    top <- top + colSums((a[i] - mean(a[i])) * z[i, ])
    variance <- variance + sum(a[i]) * sum(1 - a[i]) / (n * (n - 1)) * colSums(z[i, ]^2)
  }
  top / sqrt(variance)
}
labels_of <- function(s) {
  apply(combn(sum(site == s), sum(arm[site == s])), 2, function(ones) replace(numeric(sum(site == s)), ones, 1))
}
first <- labels_of(1)
second <- labels_of(2)
L_star <- NULL
for (i in seq_len(ncol(first))) {
  for (k in seq_len(ncol(second))) L_star <- rbind(L_star, statistic(c(first[, i], second[, k])))
}
L_obs <- statistic(arm)
p_arms <- sapply(1:4, function(j) share(abs(L_star[, j]), abs(L_obs[j]) - 1e-9))
single_arms <- sapply(1:4, function(j) share(apply(abs(L_star), 1, max), abs(L_obs[j]) - 1e-9))
down_arms <- numeric(4)
reached <- 0
order_arms <- order(-abs(L_obs))
for (i in 1:4) {
  rest <- abs(L_star[, order_arms[i:4], drop = FALSE])
  reached <- max(reached, share(apply(rest, 1, max), abs(L_obs[order_arms[i]]) - 1e-9))
  down_arms[order_arms[i]] <- reached
}
write_table(data.frame(
  feature = paste0("f", 1:4), relabellings = nrow(L_star), statistic = L_obs, p_value = p_arms,
  single_step = single_arms, step_down = down_arms, global = share(abs(rowSums(L_star)), abs(sum(L_obs)) - 1e-9)
), "arms_expected.tsv")

# ---- Freedman-Lane statistic: partial correlation of arm and outcome, refitted after each permutation -----------------
orders <- rbind(1:14, t(replicate(20, sample(14))))
refit <- function(order) {
  fit <- lm(y[, c(1, 2, 4)] ~ age)
  permuted <- fitted(fit) + residuals(fit)[order, ]
  own <- residuals(lm(arm ~ age))
  rest <- residuals(lm(permuted ~ age))
  sqrt(14 - 2) * as.vector(cor(own, rest))
}
write_table(cbind(as.data.frame(orders), as.data.frame(`colnames<-`(t(apply(orders, 1, refit)), c("s1", "s2", "s4")))),
            "freedman_lane.tsv")

# ---- detection ---------------------------------------------------------------------------------------------------------
changes <- rbind(c(5, 1), c(0, 6), c(6, 0), c(3, 3), c(1, 0), c(12, 4))
mcnemar <- t(apply(changes, 1, function(k) {
  test <- binom.test(k[1], sum(k))
  c(k, k[1] / k[2], test$conf.int / (1 - test$conf.int), test$p.value)
}))
write_table(`names<-`(as.data.frame(mcnemar), c("gains", "losses", "odds_ratio", "low", "high", "p_value")), "mcnemar.tsv")

tables <- rbind(c(8, 2, 3, 9), c(5, 5, 5, 5), c(10, 0, 4, 6), c(0, 7, 5, 2), c(3, 4, 0, 6), c(6, 0, 0, 6), c(20, 4, 11, 13))
# fisher.test finds the odds ratio and its limits only to about 1e-4 (uniroot's default), so they are solved again here.
fisher <- t(apply(tables, 1, function(k) {
  test <- fisher.test(matrix(k, 2))
  x <- k[4]
  support <- max(0, k[3] + k[4] - k[1] - k[3]):min(k[3] + k[4], k[2] + k[4])
  density <- function(log_odds) {
    d <- dhyper(support, k[2] + k[4], k[1] + k[3], k[3] + k[4], log = TRUE) + support * log_odds
    exp(d - max(d)) / sum(exp(d - max(d)))
  }
  solve_for <- function(f) exp(uniroot(f, c(-40, 40), tol = 1e-14)$root)
  edge_low <- x == min(support)
  edge_high <- x == max(support)
  c(k,
    if (edge_low) 0 else if (edge_high) Inf else solve_for(function(b) sum(density(b) * support) - x),
    if (edge_low) 0 else solve_for(function(b) sum(density(b)[support >= x]) - 0.025),
    if (edge_high) Inf else solve_for(function(b) sum(density(b)[support <= x]) - 0.025),
    test$p.value, test$estimate, test$conf.int)
}))
write_table(`names<-`(as.data.frame(fisher), c("control_not", "control_detected", "target_not", "target_detected",
  "odds_ratio", "low", "high", "p_value", "r_odds_ratio", "r_low", "r_high")), "fisher.tsv")

# ---- adjustment --------------------------------------------------------------------------------------------------------
raw <- c(0.01, 0.04, 0.03, 0.04, NA, 0.5, 0.0002, 1, 0.9, 0.04999)
write_table(data.frame(p_value = raw, holm = p.adjust(replace(raw, is.na(raw), 1), "holm"),
                       benjamini_hochberg = p.adjust(raw, "BH")), "adjusted.tsv")
writeLines(R.version.string, "version.txt")
