# Draws the data sets of pairs.tsv. Run in this folder: Rscript make_inputs.R
# Values on a log2 scale; a non-detect is an interval: -Inf or Inf marks its open end.
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261125)

draw <- function(n, below, above = 0, limits = "one", rho = 0.7, shift = 0.8, ratio = 1) {
  subject <- rnorm(n)
  x <- 4 + 1.5 * (sqrt(rho) * subject + sqrt(1 - rho) * rnorm(n))
  y <- 4 + shift + 1.5 * ratio * (sqrt(rho) * subject + sqrt(1 - rho) * rnorm(n))
  both <- sort(c(x, y))
  low <- if (below > 0) mean(both[round(2 * n * below) + 0:1]) else -Inf
  high <- if (above > 0) mean(both[2 * n - round(2 * n * above) + 0:1]) else Inf
  # Plates differ: each member has a limit of its own.
  spread <- if (limits == "differ") 0.6 else 0
  side <- function(v) {
    lower <- upper <- v
    floor <- low + rnorm(n, 0, spread)
    lower[v < floor] <- -Inf
    upper[v < floor] <- floor[v < floor]
    upper[v > high] <- Inf
    lower[v > high] <- high
    if (limits == "bands") {  # known to half a unit only
      some <- v >= floor & v <= high & runif(n) < 0.4
      lower[some] <- floor(2 * v[some]) / 2
      upper[some] <- lower[some] + 0.5
    }
    list(lower = round(lower, 6), upper = round(upper, 6))
  }
  reference <- side(x)
  target <- side(y)
  data.frame(reference_lower = reference$lower, reference_upper = reference$upper,
             target_lower = target$lower, target_upper = target$upper)
}

sets <- list()
for (n in c(6, 8, 12, 24)) for (below in c(0, 0.2, 0.4, 0.6)) {
  sets[[sprintf("n%d_below%d", n, 100 * below)]] <- draw(n, below)
}
sets$n12_differ <- draw(12, 0.35, limits = "differ")
sets$n24_differ <- draw(24, 0.45, limits = "differ", rho = 0.9)
sets$n8_above <- draw(8, 0, above = 0.3)
sets$n12_both_ends <- draw(12, 0.2, above = 0.2)
sets$n24_bands <- draw(24, 0.2, above = 0.1, limits = "bands")
sets$n24_negative <- draw(24, 0.3, rho = 0.05, shift = -0.5)
sets$n24_spread <- draw(24, 0.25, ratio = 1.8)
sets$n12_tight <- draw(12, 0.3, rho = 0.99)

pairs <- do.call(rbind, lapply(names(sets), function(name) cbind(set = name, subject = seq_len(nrow(sets[[name]])), sets[[name]])))
write.table(pairs, "pairs.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

# Subjects that differ a thousand times more than visits do: a change then says all there is, and interval-censored
# regression of the changes is the same model. One member of a pair at most is a non-detect.
wide <- do.call(rbind, lapply(1:6, function(number) {
  n <- 12
  x <- rnorm(n, 0, 1000)
  d <- rnorm(n, 0.6, 1)
  y <- x + d
  kind <- sample(rep(c("known", "target", "reference"), c(6, 4, 2)))
  gap <- rexp(n)
  data.frame(set = number, subject = seq_len(n),
             reference_lower = ifelse(kind == "reference", -Inf, x), reference_upper = ifelse(kind == "reference", x + gap, x),
             target_lower = ifelse(kind == "target", -Inf, y), target_upper = ifelse(kind == "target", y + gap, y))
}))
wide[3:6] <- round(wide[3:6], 6)
write.table(wide, "wide.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
