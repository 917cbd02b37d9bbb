# Reference numbers for mixed models of repeated visits. Run in this folder: Rscript mixed.R
# lmerTest (Satterthwaite), pbkrtest (Kenward-Roger), nlme::gls and emmeans (unstructured covariance).
suppressMessages({
  library(lmerTest)
  library(pbkrtest)
  library(nlme)
  library(emmeans)
})
options(digits = 17)
write_table <- function(frame, file) {
  for (column in names(frame)) if (is.double(frame[[column]])) frame[[column]] <- sprintf("%.15g", frame[[column]])
  write.table(frame, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
# The default tolerances of lmer leave the variance ratio at about 1e-4; without derivatives two ratios stay at 1e-5 even
# at 1e-14, so Newton's method on the deviance takes the last steps there.
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
fit <- function(formula, data, REML = TRUE) suppressMessages(suppressWarnings(
  lmerTest::lmer(formula, data, REML = REML, control = tight)))
ratio_of <- function(model) {
  parts <- as.data.frame(VarCorr(model))
  min(parts$vcov[parts$grp != "Residual"]) / parts$vcov[parts$grp == "Residual"]
}

# ---- two randomised arms, three visits, age, four plates, missing values ----------------------------------------------
set.seed(20261123)
n <- 26
visits <- c("baseline", "week_8", "week_16")
study <- expand.grid(visit = visits, subject = sprintf("s%02d", 1:n), stringsAsFactors = FALSE)
index <- as.integer(factor(study$subject))
study$arm <- ifelse(index %% 2 == 1, "ldn", "placebo")
study$age <- round(rnorm(n, 45, 9))[index]
study$plate <- sample(paste0("p", 1:5), nrow(study), replace = TRUE)
time <- match(study$visit, visits)
between <- c(3, 1, 0.6, 0.4, 10, 0)
features <- paste0("f", seq_along(between))
for (j in seq_along(between)) {
  y <- 5 + rnorm(n)[index] * between[j] + rnorm(5, sd = 0.7)[as.integer(factor(study$plate))] + rnorm(nrow(study)) +
    0.02 * study$age - 0.4 * (time - 1) * (study$arm == "ldn")
  if (j == 6) y <- y + ave(y, index, FUN = function(v) -mean(v)) + 5 # subjects alike: the variance ratio is 0
  study[[features[j]]] <- round(y, 4)
}
study$f2[c(5, 17, 40)] <- NA
study$f3[sample(nrow(study), 14)] <- NA
study$f4[study$visit == "week_16"][c(2, 7, 8, 15)] <- NA
study <- study[-c(12, 50), ]
time <- match(study$visit, visits)
write_table(study, "visits.tsv")

ldn <- study$arm == "ldn"
cells <- list(
  common = cbind(b = time == 1, l2 = time == 2 & ldn, l3 = time == 3 & ldn, p2 = time == 2 & !ldn, p3 = time == 3 & !ldn),
  free = cbind(l1 = time == 1 & ldn, p1 = time == 1 & !ldn, l2 = time == 2 & ldn, l3 = time == 3 & ldn,
               p2 = time == 2 & !ldn, p3 = time == 3 & !ldn)
)
# Rows: the change to week 16 against placebo; the mean change of both later visits in ldn; both changes against placebo.
asked <- list(
  common = rbind(week_16 = c(0, 0, 1, 0, -1), mean_later = c(-1, 0.5, 0.5, 0, 0), week_8 = c(0, 1, 0, -1, 0)),
  free = rbind(week_16 = c(-1, 1, 0, 1, 0, -1), mean_later = c(-1, 0, 0.5, 0.5, 0, 0), week_8 = c(-1, 1, 1, 0, -1, 0))
)
plates <- model.matrix(~ plate, study)[, -1]
rows <- tests <- NULL
note_fit <- function(model, L, model_name, feature, df) {
  L <- cbind(L, matrix(0, nrow(L), length(fixef(model)) - ncol(L)))
  b <- as.vector(L %*% fixef(model))
  if (df == "satterthwaite") {
    one <- t(apply(L, 1, function(l) unlist(contest1D(model, l, ddf = "Satterthwaite")[c("Std. Error", "df", "Pr(>|t|)")])))
    joint <- unlist(contestMD(model, L[c("week_8", "week_16"), ], ddf = "Satterthwaite")[c("F value", "NumDF", "DenDF", "Pr(>F)")])
  } else {
    adjusted <- vcovAdj(model)
    se <- sqrt(diag(L %*% as.matrix(adjusted) %*% t(L)))
    nu <- apply(L, 1, function(l) Lb_ddf(l, vcov(model), adjusted))
    one <- cbind(se, nu, 2 * pt(-abs(b / se), nu))
    kr <- KRmodcomp(model, L[c("week_8", "week_16"), ])$test["Ftest", ]
    joint <- as.numeric(kr[c("stat", "ndf", "ddf", "p.value")])
  }
  rows <<- rbind(rows, data.frame(model = model_name, feature = feature, contrast = rownames(L), ratio = ratio_of(model),
                                  estimate = b, se = one[, 1], df = one[, 2], p_value = one[, 3]))
  tests <<- rbind(tests, data.frame(model = model_name, feature = feature, ratio = ratio_of(model), statistic = joint[1],
                                    numerator = joint[2], denominator = joint[3], p_value = joint[4]))
}
for (feature in features) {
  study$y <- study[[feature]]
  for (base in names(cells)) {
    X <- cells[[base]] + 0
    study$X <- cbind(X, age = study$age - mean(study$age))
    L <- asked[[base]]
    note_fit(fit(y ~ 0 + X + (1 | subject), study), L, paste0("reml_", base), feature, "satterthwaite")
    note_fit(fit(y ~ 0 + X + (1 | subject), study, FALSE), L, paste0("ml_", base), feature, "satterthwaite")
    # Kenward-Roger on the smaller model without age.
    study$X <- X
    if (feature != "f6") note_fit(fit(y ~ 0 + X + (1 | subject), study), L, paste0("kr_", base), feature, "kr")
  }
  study$X <- cbind(cells$common + 0, plates)
  note_fit(fit(y ~ 0 + X + (1 | subject), study), asked$common, "plate_fixed", feature, "satterthwaite")
  study$X <- cells$common + 0
  note_fit(fit(y ~ 0 + X + (1 | subject) + (1 | plate), study), asked$common, "plate_random", feature, "satterthwaite")
  note_fit(fit(y ~ 0 + X + (1 | subject) + (1 | plate), study, FALSE), asked$common, "plate_random_ml", feature, "satterthwaite")
}

# ---- crossover: 12 subjects, two periods, three times in each; (1 | subject/period) ------------------------------------
cross <- expand.grid(visit = c("h0", "h2", "h6"), period = c("one", "two"), subject = sprintf("c%02d", 1:12),
                     stringsAsFactors = FALSE)
who <- as.integer(factor(cross$subject))
cross$arm <- ifelse((who %% 2 == 1) == (cross$period == "one"), "drug", "placebo")
where <- interaction(who, cross$period)
for (j in 1:3) {
  cross[[paste0("f", j)]] <- round(4 + rnorm(12)[who] * c(1.5, 1, 0.8)[j] + (rnorm(24) * c(0.8, 0.6, 1)[j])[as.integer(where)] +
    rnorm(nrow(cross), sd = 0.6) + 0.5 * (cross$visit == "h6") * (cross$arm == "drug"), 4)
}
cross$f2[c(3, 33, 47)] <- NA
write_table(cross, "crossover.tsv")
drug <- cross$arm == "drug"
X <- sapply(c("h0", "h2", "h6"), function(v) cbind(cross$visit == v & drug, cross$visit == v & !drug) + 0, simplify = FALSE)
cross$X <- cbind(do.call(cbind, X), period = (cross$period == "two") - 0.5)
L <- rbind(week_16 = c(-1, 1, 0, 0, 1, -1), mean_later = c(-1, 0, 0.5, 0, 0.5, 0), week_8 = c(-1, 1, 1, -1, 0, 0))
for (j in 1:3) {
  cross$y <- cross[[paste0("f", j)]]
  note_fit(fit(y ~ 0 + X + (1 | subject / period), cross), L, "crossover", paste0("f", j), "satterthwaite")
}
write_table(rows, "contrasts_expected.tsv")
write_table(tests, "tests_expected.tsv")

# ---- unstructured covariance: gls with nlminb (optim stops early), Kenward-Roger by pbkrtest's own functions ----------
un <- un_tests <- NULL
kr_internal <- getFromNamespace("vcovAdj_internal", "pbkrtest")
kr_adjust <- getFromNamespace(".KR_adjust", "pbkrtest")
for (feature in features[1:5]) { # the values of f6 have no spread along their mean: its covariance is singular
  for (base in names(cells)) {
    there <- !is.na(study[[feature]])
    part <- data.frame(y = study[[feature]], subject = factor(study$subject), time = time)[there, ]
    part$X <- cbind(cells[[base]] + 0, age = study$age - mean(study$age))[there, ]
    model <- suppressWarnings(gls(
      y ~ 0 + X, part, correlation = corSymm(form = ~ time | subject), weights = varIdent(form = ~ 1 | time),
      method = "REML", control = glsControl(opt = "nlminb", maxIter = 1000, msMaxIter = 2000, tolerance = 1e-10,
                                            returnObject = TRUE)))
    # gls builds blocks in the order of the groups: take its standard deviations and correlations as one matrix.
    sds <- sigma(model) * coef(model$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[c("1", "2", "3")]
    R <- diag(3)
    R[lower.tri(R)] <- coef(model$modelStruct$corStruct, unconstrained = FALSE)
    R <- R + t(R) - diag(3)
    S <- diag(sds) %*% R %*% diag(sds)
    # gls stops at about 1e-6; Newton's method on the same restricted deviance, written out, takes the last steps: in the
    # six numbers u of S = C(1 + U)C', because the numerical derivatives need a scale of their own.
    C <- t(chol(S))
    unpack <- function(u) {
      U <- diag(3) * 0
      U[lower.tri(U, TRUE)] <- u
      C %*% (diag(3) + U + t(U)) %*% t(C)
    }
    deviance <- function(u) {
      V <- unpack(u)[part$time, part$time] * same
      W <- solve(V, cbind(part$X, part$y))
      A <- t(part$X) %*% W[, 1:ncol(part$X)]
      b <- t(part$X) %*% W[, ncol(W)]
      as.numeric(determinant(V)$modulus + determinant(A)$modulus + sum(part$y * W[, ncol(W)]) - sum(b * solve(A, b)))
    }
    same <- outer(part$subject, part$subject, "==")
    G <- list()
    for (a in 1:3) for (b in a:3) {
      unit <- matrix(0, 3, 3)
      unit[a, b] <- unit[b, a] <- 1
      G[[length(G) + 1]] <- unit[part$time, part$time] * same
    }
    u <- rep(0, 6)
    for (step in 1:3) u <- u - as.vector(solve(numDeriv::hessian(deviance, u), numDeriv::grad(deviance, u)))
    S <- unpack(u)
    V <- S[part$time, part$time] * same
    Phi <- solve(t(part$X) %*% solve(V, part$X))
    adjusted <- kr_internal(Phi, list(Sigma = V, G = G, n.ggamma = 6), part$X)
    L <- cbind(asked[[base]], 0)
    beta <- as.vector(Phi %*% t(part$X) %*% solve(V, part$y))
    se <- sqrt(diag(L %*% as.matrix(adjusted) %*% t(L)))
    nu <- apply(L, 1, function(l) Lb_ddf(l, Phi, adjusted))
    un <- rbind(un, data.frame(model = base, feature = feature, contrast = rownames(L), estimate = as.vector(L %*% beta),
      gls_estimate = as.vector(L %*% coef(model)), gls_se = sqrt(diag(L %*% vcov(model) %*% t(L))),
      se = se, df = nu, p_value = 2 * pt(-abs(L %*% beta / se), nu),
      s11 = S[1, 1], s12 = S[1, 2], s13 = S[1, 3], s22 = S[2, 2], s23 = S[2, 3], s33 = S[3, 3]))
    K <- L[c("week_8", "week_16"), ]
    joint <- kr_adjust(adjusted, Phi, K, beta, 0)
    un_tests <- rbind(un_tests, data.frame(model = base, feature = feature, statistic = joint$Fstat, numerator = joint$ndf,
                                           denominator = joint$ddf, p_value = joint$p.value))
  }
}
# emmeans with factors instead of cells and no age: on gls, and on lmer with Satterthwaite's degrees of freedom.
study$visit_f <- factor(study$visit, visits)
study$arm_f <- factor(study$arm)
study$time <- time
wanted <- list(week_16 = c(-1, 0, 1, 1, 0, -1), mean_later = c(-1, 0.5, 0.5, 0, 0, 0))
em <- NULL
for (feature in c("f1", "f2", "f3")) {
  study$y <- study[[feature]]
  part <- study[!is.na(study$y), ]
  model <- suppressWarnings(gls(
    y ~ visit_f * arm_f, part, correlation = corSymm(form = ~ time | subject), weights = varIdent(form = ~ 1 | time),
    method = "REML", control = glsControl(opt = "nlminb", maxIter = 1000, msMaxIter = 2000, tolerance = 1e-10,
                                          returnObject = TRUE)))
  grid <- list(gls = emmeans(model, ~ visit_f * arm_f, data = part, mode = "df.error"),
               lmer = emmeans(fit(y ~ visit_f * arm_f + (1 | subject), part), ~ visit_f * arm_f, lmer.df = "satterthwaite"))
  for (name in names(grid)) {
    found <- as.data.frame(contrast(grid[[name]], wanted))
    em <- rbind(em, data.frame(model = name, feature = feature, contrast = found$contrast, estimate = found$estimate,
                               se = found$SE, df = found$df))
  }
}
write_table(un, "unstructured_expected.tsv")
write_table(un_tests, "unstructured_tests_expected.tsv")
write_table(em, "emmeans_expected.tsv")

# ---- the shape of a plasma proteomics study: 52 subjects, 3 visits, 184 assays, maximum likelihood --------------------
set.seed(184)
npx <- expand.grid(visit = c("baseline", "week_6", "week_12"), subject = sprintf("p%02d", 1:52), stringsAsFactors = FALSE)
who <- as.integer(factor(npx$subject))
npx$arm <- ifelse(who <= 30, "treated", "untreated")
late <- match(npx$visit, c("baseline", "week_6", "week_12")) - 1
for (j in 1:184) {
  y <- rnorm(1, 4, 2) + rnorm(52)[who] * runif(1, 0.2, 1.5) + rnorm(156) * runif(1, 0.2, 0.8)
  if (j %% 4 == 0) y <- y + 0.15 * late * (npx$arm == "treated")
  if (j %% 10 == 0) y[sample(156, 3)] <- NA
  npx[[sprintf("a%03d", j)]] <- round(y, 2)
}
for (column in names(npx)[-(1:3)]) npx[[column]] <- sprintf("%.2f", npx[[column]])
write.table(npx, "npx.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
npx$time <- factor(npx$visit, c("baseline", "week_6", "week_12"))
npx$arm <- factor(npx$arm)
olink <- NULL
for (j in 1:184) {
  npx$y <- suppressWarnings(as.numeric(npx[[sprintf("a%03d", j)]]))
  line <- data.frame(assay = sprintf("a%03d", j))
  for (REML in c(FALSE, TRUE)) {
    model <- fit(y ~ time * arm + (1 | subject), npx, REML)
    table <- anova(model, type = "III", ddf = "Satterthwaite")["time:arm", ]
    model <- fit(y ~ time + (1 | subject), npx, REML)
    alone <- anova(model, type = "III", ddf = "Satterthwaite")["time", ]
    found <- c(unlist(table[c("F value", "DenDF", "Pr(>F)")]), unlist(alone[c("F value", "DenDF", "Pr(>F)")]))
    names(found) <- paste0(rep(c("interaction_", "time_"), each = 3), c("statistic", "df", "p_value"), if (REML) "_reml" else "_ml")
    line <- cbind(line, t(found))
  }
  line$ratio <- ratio_of(model)
  olink <- rbind(olink, line)
}
write_table(olink, "npx_expected.tsv")
packages <- c("lme4", "lmerTest", "pbkrtest", "nlme", "emmeans", "nloptr", "numDeriv")
writeLines(c(R.version.string, sapply(packages, function(p) paste(p, packageVersion(p)))), "version.txt")
