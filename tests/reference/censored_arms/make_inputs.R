# Draws the data sets of pairs.tsv. Run in this folder: Rscript make_inputs.R
# Values on a log2 scale; a non-detect is an interval: -Inf or Inf marks its open end.
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261203)

draw <- function(n, below, above = 0, differ = 0, rho = 0.6, effect = 0.8, before = 0, ratio = 1, doses = c(0, 1)) {
  exposure <- rep(doses, length.out = n)
  age <- round(rnorm(n, 45, 10))
  subject <- rnorm(n)
  x <- 4 + 0.04 * (age - 45) + before * exposure + 1.5 * (sqrt(rho) * subject + sqrt(1 - rho) * rnorm(n))
  y <- 4.3 + 0.02 * (age - 45) + (before + effect) * exposure + 1.5 * ratio * (sqrt(rho) * subject + sqrt(1 - rho) * rnorm(n))
  both <- sort(c(x, y))
  low <- if (below > 0) mean(both[round(2 * n * below) + 0:1]) else -Inf
  high <- if (above > 0) mean(both[2 * n - round(2 * n * above) + 0:1]) else Inf
  side <- function(v) {
    lower <- upper <- v
    floor <- low + rnorm(n, 0, differ)
    lower[v < floor] <- -Inf
    upper[v < floor] <- floor[v < floor]
    upper[v > high] <- Inf
    lower[v > high] <- high
    list(lower = round(lower, 6), upper = round(upper, 6))
  }
  reference <- side(x)
  target <- side(y)
  data.frame(exposure = exposure, age = age, reference_lower = reference$lower, reference_upper = reference$upper,
             target_lower = target$lower, target_upper = target$upper)
}

sets <- list()
for (n in c(12, 24)) for (below in c(0, 0.2, 0.4, 0.6)) sets[[sprintf("n%d_%d", n, 100 * below)]] <- draw(n, below)
sets$n48_differ <- draw(48, 0.4, differ = 0.6)
sets$n24_above <- draw(24, 0, above = 0.3)
sets$n24_both_ends <- draw(24, 0.2, above = 0.15)
sets$n24_before <- draw(24, 0.3, before = 0.9, effect = -0.7)
sets$n24_tight <- draw(24, 0.3, rho = 0.98)
sets$n24_spread <- draw(24, 0.25, ratio = 1.8, rho = 0.1)
sets$n27_doses <- draw(27, 0.35, effect = 0.25, doses = c(0, 1.5, 4.5))
sets$n24_doses_known <- draw(24, 0, effect = 0.25, doses = c(0, 1.5, 4.5))

pairs <- do.call(rbind, lapply(names(sets), function(name) cbind(set = name, subject = seq_len(nrow(sets[[name]])), sets[[name]])))
write.table(pairs, "pairs.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
