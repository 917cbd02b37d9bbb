# Reference numbers for crossover studies. Run in this folder: Rscript crossover.R
# stats::lm and t.test (within the subject), lmerTest (mixed models), coin and complete enumeration (exact tests).
suppressMessages({
  library(lmerTest)
  library(coin)
})
options(digits = 17)
write_table <- function(frame, file) {
  for (column in names(frame)) if (is.double(frame[[column]])) frame[[column]] <- sprintf("%.15g", frame[[column]])
  write.table(frame, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
# As in ../mixed/mixed.R: lmer's default tolerances are too wide, and Newton's method takes the last steps.
polished <- function(fn, par, lower, upper, control) {
  found <- nloptwrap(par, fn, lower, upper, control)
  if (length(par) > 1 && all(found$par > 1e-3)) for (step in 1:3) {
    found$par <- found$par - solve(numDeriv::hessian(fn, found$par), numDeriv::grad(fn, found$par))
  }
  found$fval <- fn(found$par)
  found
}
tight <- lmerControl(optimizer = polished, optCtrl = list(xtol_abs = 1e-14, ftol_abs = 1e-14, maxeval = 1e5),
                     check.conv.singular = "ignore", check.conv.grad = "ignore", check.conv.hess = "ignore")
ratio_of <- function(model) {
  parts <- as.data.frame(VarCorr(model))
  min(parts$vcov[parts$grp != "Residual"]) / parts$vcov[parts$grp == "Residual"]
}

# ---- studies: sequences as words, one letter per period ----------------------------------------------------------------
set.seed(20261130)
study_of <- function(sequences, features, missing) {
  n <- length(sequences)
  periods <- nchar(sequences[1])
  study <- expand.grid(period = seq_len(periods), subject = sprintf("s%02d", seq_len(n)), stringsAsFactors = FALSE)
  who <- as.integer(factor(study$subject))
  study$sequence <- sequences[who]
  study$condition <- substr(study$sequence, study$period, study$period)
  study$site <- ifelse(who %% 2 == 1, "north", "south")
  for (j in seq_len(features)) {
    study[[paste0("f", j)]] <- round(5 + rnorm(n)[who] * c(1.5, 0.8, 1.2, 2)[j] + 0.4 * study$period +
      0.7 * (study$condition == "A") - 0.3 * (study$condition == "C") + rnorm(nrow(study), sd = 0.6), 3)
  }
  for (j in missing) study[[paste0("f", j)]][sample(nrow(study), 3)] <- NA
  study
}
two <- study_of(c("AB", "BA", "BA", "AB", "AB", "BA", "AB", "AB", "BA", "BA", "AB"), 4, 4)
williams <- study_of(sample(rep(c("ABC", "ACB", "BAC", "BCA", "CAB", "CBA"), 2)), 4, 3:4)
latin <- study_of(sample(rep(c("ABC", "BCA", "CAB"), c(3, 2, 2))), 4, 4)
# Detected or not, as a feature of its own.
two$d1 <- c(0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1)
studies <- list(two = two, williams = williams, latin = latin)
for (name in names(studies)) write_table(studies[[name]], paste0(name, ".tsv"))

# ---- effect of A against B within the subject, adjusted for period; carry-over -----------------------------------------
effects <- carry <- NULL
wide <- function(study, feature, condition) {
  part <- study[study$condition == condition, ]
  part <- part[order(part$subject), ]
  data.frame(subject = part$subject, period = part$period, value = part[[feature]], site = part$site)
}
for (name in names(studies)) for (feature in paste0("f", 1:4)) {
  study <- studies[[name]]
  study$y <- study[[feature]]
  a <- wide(study, feature, "A")
  b <- wide(study, feature, "B")
  X <- sapply(sort(unique(study$period))[-1], function(p) (a$period == p) - (b$period == p))
  row <- function(oracle, numbers) data.frame(study = name, feature = feature, oracle = oracle, estimate = numbers[1],
                                              se = numbers[2], df = numbers[3], p_value = numbers[4])
  model <- summary(lm(a$value - b$value ~ X))
  effects <- rbind(effects, row("lm_differences", c(coef(model)[1, 1:2], model$df[2], coef(model)[1, 4])))
  # The same from the values of pairs, with a coefficient for every subject.
  pairs <- a$subject[!is.na(a$value) & !is.na(b$value)]
  part <- study[study$condition %in% c("A", "B") & study$subject %in% pairs, ]
  part$treatment <- (part$condition == "A") + 0
  model <- summary(lm(y ~ treatment + subject + factor(period), part))
  effects <- rbind(effects, row("lm_values", c(coef(model)["treatment", 1:2], model$df[2], coef(model)["treatment", 4])))
  if (name == "two" && feature != "f4") {
    model <- suppressMessages(lmerTest::lmer(y ~ sequence + factor(period) + treatment + (1 | subject), part, control = tight))
    numbers <- coef(summary(model))["treatment", c("Estimate", "Std. Error", "df", "Pr(>|t|)")]
    effects <- rbind(effects, row("lmerTest", numbers))
  }
  first <- a$period < b$period
  sums <- a$value + b$value
  both <- paste(pmin(a$period, b$period), pmax(a$period, b$period))
  if (name != "latin") { # there no two subjects have both orders in the same periods
    model <- if (name == "two") summary(lm(sums ~ first)) else summary(lm(sums ~ both + first))
    carry <- rbind(carry, row("lm", c(coef(model)["firstTRUE", 1:2], model$df[2], coef(model)["firstTRUE", 4])))
    if (name == "two") {
      test <- t.test(sums[first], sums[!first], var.equal = TRUE)
      carry <- rbind(carry, row("t.test", c(-diff(test$estimate), test$stderr, test$parameter, test$p.value)))
    }
  }
}
write_table(effects, "effects_expected.tsv")
write_table(carry, "carry_over_expected.tsv")

# ---- all conditions in one mixed model ---------------------------------------------------------------------------------
models <- NULL
note_model <- function(name, feature, model, contrasts) for (which in names(contrasts)) {
  numbers <- contest1D(model, contrasts[[which]], ddf = "Satterthwaite")
  models <<- rbind(models, data.frame(
    study = name, feature = feature, contrast = which, ratio = ratio_of(model),
    estimate = sum(contrasts[[which]] * fixef(model)), se = numbers[["Std. Error"]], df = numbers[["df"]],
    p_value = numbers[["Pr(>|t|)"]]))
}
for (name in names(studies)) for (feature in paste0("f", 1:4)) {
  study <- studies[[name]]
  study$y <- study[[feature]]
  study$condition <- relevel(factor(study$condition), "B")
  model <- suppressMessages(lmerTest::lmer(y ~ condition + factor(period) + sequence + (1 | subject), study, control = tight))
  one <- function(term, sign = 1) sign * (names(fixef(model)) == term)
  note_model(name, feature, model, if (name == "two") list("A-B" = one("conditionA")) else
    list("A-B" = one("conditionA"), "A-C" = one("conditionA") - one("conditionC")))
}
# Two periods of three visits each: (1 | subject/period).
visits <- expand.grid(visit = c("h0", "h2", "h6"), period = 1:2, subject = sprintf("s%02d", 1:12), stringsAsFactors = FALSE)
who <- as.integer(factor(visits$subject))
visits$sequence <- ifelse(who %% 2 == 1, "AB", "BA")
visits$condition <- substr(visits$sequence, visits$period, visits$period)
for (j in 1:3) {
  visits[[paste0("f", j)]] <- round(4 + rnorm(12)[who] * c(1.5, 1, 0.8)[j] + 0.3 * visits$period +
    (rnorm(24) * c(0.8, 0.6, 1)[j])[as.integer(interaction(who, visits$period))] +
    0.5 * (visits$visit == "h6") * (visits$condition == "A") + rnorm(nrow(visits), sd = 0.6), 4)
}
visits$f2[c(4, 31, 50)] <- NA
write_table(visits, "visits.tsv")
cell <- function(v, c) (visits$visit == v & visits$condition == c) + 0
visits$X <- cbind(cell("h0", "A"), cell("h0", "B"), cell("h2", "A"), cell("h2", "B"), cell("h6", "A"), cell("h6", "B"),
                  visits$period - 1.5, (visits$sequence == "BA") - 0.5)
for (feature in paste0("f", 1:3)) {
  visits$y <- visits[[feature]]
  model <- suppressMessages(lmerTest::lmer(y ~ 0 + X + (1 | subject / period), visits, control = tight))
  note_model("visits", feature, model, list("h6-h0" = c(-1, 1, 0, 0, 1, -1, 0, 0), "h6" = c(0, 0, 0, 0, 1, -1, 0, 0)))
}
write_table(models, "models_expected.tsv")

# ---- exact tests by complete enumeration, ties counted -----------------------------------------------------------------
arrangements <- function(labels) { # every different order of the labels, one per row
  if (length(labels) == 1) return(matrix(labels))
  do.call(rbind, lapply(unique(labels), function(first) {
    cbind(first, arrangements(labels[-match(first, labels)]), deparse.level = 0)
  }))
}
within_strata <- function(labels, strata) { # the same within every stratum
  ways <- lapply(unique(strata), function(s) arrangements(labels[strata == s]))
  index <- as.matrix(expand.grid(lapply(ways, function(w) seq_len(nrow(w)))))
  found <- matrix(labels, nrow(index), length(labels), byrow = TRUE)
  for (k in seq_along(ways)) found[, strata == unique(strata)[k]] <- ways[[k]][index[, k], ]
  found
}
exact <- NULL
note_exact <- function(test, features, all_S, S) {
  standard <- sqrt(rowMeans(all_S^2) - rowMeans(all_S)^2)
  all_S <- (all_S - rowMeans(all_S)) / standard
  S <- (S - S_mean) / standard
  reached <- function(values, s) mean(values >= s - 1e-9)
  largest <- apply(abs(all_S), 2, max)
  single <- sapply(abs(S), function(s) reached(largest, s))
  order_S <- order(abs(S))
  down <- sapply(seq_along(S), function(k) reached(apply(abs(all_S[order_S[1:k], , drop = FALSE]), 2, max), abs(S[order_S[k]])))
  down <- rev(cummax(rev(down)))[order(order_S)]
  total <- colSums(all_S)
  exact <<- rbind(exact, data.frame(
    test = test, feature = features, redistributions = ncol(all_S), statistic = S,
    p_value = sapply(seq_along(S), function(k) reached(abs(all_S[k, ]), abs(S[k]))),
    single_step = single, step_down = down, all_together = reached(abs(total), abs(sum(S)))))
}
differences <- function(study, features) { # later - earlier period of A and B, 0 for a missing pair after centring
  a <- lapply(features, function(f) wide(study, f, "A"))
  b <- lapply(features, function(f) wide(study, f, "B"))
  late <- a[[1]]$period > b[[1]]$period
  both <- paste(pmin(a[[1]]$period, b[[1]]$period), pmax(a[[1]]$period, b[[1]]$period))
  list(u = mapply(function(x, y) ifelse(late, 1, -1) * (x$value - y$value), a, b), late = late, both = both, site = a[[1]]$site)
}
centred <- function(u, strata) apply(u, 2, function(v) {
  v <- v - ave(v, strata, FUN = function(w) mean(w, na.rm = TRUE))
  ifelse(is.na(v), 0, v)
})
order_tests <- function(test, study, features, by_site) {
  d <- differences(study, features)
  strata <- if (by_site) paste(d$site, d$both) else d$both
  u <- centred(d$u, strata)
  every <- within_strata(d$late, strata)
  all_S <- t(every %*% u)
  S_mean <<- rowMeans(all_S)
  note_exact(test, features, all_S, as.vector(d$late %*% u))
}
order_tests("order_two", two, c("f1", "f2", "f3", "f4", "d1"), FALSE)
order_tests("order_two_by_site", two, c("f1", "f2", "f3", "f4", "d1"), TRUE)
order_tests("order_williams", williams, paste0("f", 1:4), FALSE)

# Whole sequences: the values of each period stay, the sequences move. A subject adds value in A's period - value in B's.
sequence_tests <- function(test, study, features) {
  values <- lapply(features, function(f) matrix(study[[f]], ncol = max(study$period), byrow = TRUE))
  own <- study$sequence[study$period == 1]
  place <- function(s, condition) regexpr(condition, s)[1]
  every <- arrangements(own)
  adds <- lapply(values, function(v) sapply(unique(own), function(s) {
    d <- v[, place(s, "A")] - v[, place(s, "B")]
    d <- d - mean(d, na.rm = TRUE)
    ifelse(is.na(d), 0, d)
  }))
  T_of <- function(sequences) sapply(adds, function(d) sum(d[cbind(seq_along(sequences), match(sequences, unique(own)))]))
  all_T <- apply(every, 1, T_of)
  S_mean <<- rowMeans(all_T)
  note_exact(test, features, all_T, T_of(own))
}
sequence_tests("sequence_latin", latin, paste0("f", 1:4))
write_table(exact, "exact_expected.tsv")

# coin: one stratum, scores without a missing pair.
coin_rows <- NULL
d <- differences(two, c("f1", "f2", "f3", "d1"))
for (k in 1:4) {
  test <- oneway_test(u ~ late, data.frame(u = d$u[, k], late = factor(d$late, c(TRUE, FALSE))),
                      distribution = exact(algorithm = "split-up"))
  coin_rows <- rbind(coin_rows, data.frame(feature = c("f1", "f2", "f3", "d1")[k], statistic = statistic(test)[[1]],
                                           p_value = pvalue(test)[[1]]))
}
write_table(coin_rows, "coin_expected.tsv")

writeLines(c(R.version.string, sapply(c("lme4", "lmerTest", "coin", "numDeriv", "nloptr"),
                                      function(p) paste(p, packageVersion(p)))), "version.txt")
