# Reference numbers for dose trends, from lm, anova and complete enumeration in base R. Run in this folder: Rscript dose.R
# Written for reading, not for speed: every way to hand out the doses is built and compared with the data.
options(digits = 17)
write_table <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) {
      frame[[column]] <- ifelse(is.na(frame[[column]]), "", sprintf("%.17g", frame[[column]]))
    }
  }
  write.table(frame, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
set.seed(20261123)

# ---- estimates: 34 subjects, 4 doses of unequal size, two sites, 6 features --------------------------------------------
dose <- c(rep(0, 10), rep(1.5, 7), rep(3, 9), rep(4.5, 8))
site <- rep(c(0, 1), 17)
age <- round(rnorm(34, 45, 9))
features <- paste0("f", 1:6)
before <- matrix(rnorm(34 * 6, 6, 1.5), 34, dimnames = list(NULL, features))
after <- 0.6 * before + 0.02 * age + 0.3 * site + matrix(rnorm(34 * 6, 0, 0.8), 34)
after[, 1] <- after[, 1] - 0.3 * dose                       # a straight line
after[, 2] <- after[, 2] + 1.2 * (dose == 1.5)              # a hump
after[, 3] <- after[, 3] * 1000                             # another size
after[c(2, 12, 20), 4] <- NA                                # missing values
after[dose == 4.5, 5] <- NA                                 # nobody at the highest dose
before[c(1, 30), 5] <- NA
after[dose == 1.5 | dose == 3, 6] <- NA                     # two doses only
age[7] <- NA
subjects <- data.frame(dose = dose, site = site, age = age)
write_table(cbind(subjects, setNames(as.data.frame(before), paste0("before_", features)),
                  setNames(as.data.frame(after), paste0("after_", features))), "subjects.tsv")

# The line, and the same with a mean for each dose instead.
answer <- function(model, feature, y, x = NULL) {
  data <- data.frame(y = y, dose = dose, site = site, age = age)
  terms <- c(if (!is.null(x)) "x", if (model != "values") c("age", "site"))
  if (!is.null(x)) data$x <- x
  data <- na.omit(data[, c("y", "dose", terms)])
  line <- lm(reformulate(c(terms, "dose"), "y"), data)
  means <- lm(reformulate(c(terms, "factor(dose)"), "y"), data)
  row <- coef(summary(line))["dose", ]
  limits <- confint(line)["dose", ]
  bend <- anova(line, means)
  data.frame(model = model, feature = feature, n = nrow(data), estimate = row[1], se = row[2], df = df.residual(line),
             ci_low = limits[1], ci_high = limits[2], statistic = row[3], p_value = row[4], bend_f = bend$F[2],
             bend_df = bend$Df[2], bend_residual_df = bend$Res.Df[2], bend_p = bend$`Pr(>F)`[2])
}
rows <- NULL
for (f in features) {
  rows <- rbind(rows, answer("ancova", f, after[, f], before[, f]), answer("change", f, after[, f] - before[, f]),
                answer("values", f, after[, f]))
}
rows[is.na(rows$bend_f), c("bend_f", "bend_df", "bend_residual_df", "bend_p")] <- NA
write_table(rows, "estimates_expected.tsv")

# ---- exact test: 5 + 4 subjects in two strata; half of a column at one value, ties, a missing outcome -----------------
dose <- c(0, 1.5, 0, 3, 4.5, 1.5, 4.5, 0, 1.5)
site <- c(1, 1, 1, 1, 1, 2, 2, 2, 2)
age <- c(41, 52, 38, 47, 60, 33, 45, 51, 44)
y <- matrix(rnorm(9 * 4), 9, dimnames = list(NULL, paste0("f", 1:4))) + 0.02 * age
y[, 1] <- y[, 1] + 0.6 * dose
y[, 2] <- pmax(round(y[, 2], 1), median(y[, 2]))            # half of the values at the limit
y[c(3, 8), 3] <- NA
write_table(cbind(data.frame(dose = dose, site = site, age = age), as.data.frame(y)), "allocation.tsv")
u <- apply(y, 2, function(column) residuals(lm(column ~ age + factor(site), na.action = na.exclude)))

orders <- function(x) {                                     # every order of x, repeated ones once
  if (length(x) == 1) return(matrix(x))
  unique(do.call(rbind, lapply(seq_along(x), function(i) cbind(x[i], orders(x[-i])))))
}
statistic <- function(x) {                                  # sum of (x - mean) u over its permutation SD, stratum by stratum
  sapply(colnames(u), function(f) {
    top <- 0
    variance <- 0
    for (s in 1:2) {
      z <- u[site == s, f] - mean(u[site == s, f], na.rm = TRUE)
      z[is.na(z)] <- 0
      centred <- x[site == s] - mean(x[site == s])
      top <- top + sum(centred * z)
      variance <- variance + sum(centred^2) * sum(z^2) / (length(z) - 1)
    }
    top / sqrt(variance)
  })
}
first <- orders(dose[site == 1])
second <- orders(dose[site == 2])
every <- NULL
for (i in seq_len(nrow(first))) for (k in seq_len(nrow(second))) every <- rbind(every, statistic(c(first[i, ], second[k, ])))
seen <- statistic(dose)
share <- function(values, threshold) mean(values >= threshold - 1e-9)
largest <- apply(abs(every), 1, max)
down <- numeric(4)
reached <- 0
ranked <- order(-abs(seen))
for (i in 1:4) {
  rest <- apply(abs(every[, ranked[i:4], drop = FALSE]), 1, max)
  reached <- max(reached, share(rest, abs(seen[ranked[i]])))
  down[ranked[i]] <- reached
}
write_table(data.frame(
  feature = colnames(u), rearrangements = nrow(every), statistic = seen,
  p_value = sapply(1:4, function(j) share(abs(every[, j]), abs(seen[j]))),
  single_step = sapply(1:4, function(j) share(largest, abs(seen[j]))), step_down = down,
  global = share(abs(rowSums(every)), abs(sum(seen)))
), "allocation_expected.tsv")
writeLines(R.version.string, "version.txt")
