# Draws the data sets of values.tsv. Run in this folder: Rscript make_inputs.R
# Values on a log2 scale; a value known between limits only has lower < upper, -Inf or Inf marks an open end.
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261201)

draw <- function(n, below = 0, above = 0, bands = 0, plates = 1, dose = FALSE, effect = 1, spread = 1) {
  exposure <- if (dose) sample(rep(c(0, 1.5, 3, 4.5), length.out = n)) else rep(1:0, c(ceiling(n / 2), floor(n / 2)))
  age <- round(runif(n, 20, 60), 1)
  plate <- sample(rep(seq_len(plates), length.out = n))
  y <- 3 + effect * exposure / max(exposure) + 0.03 * (age - 40) + 0.4 * plate + spread * rnorm(n)
  # Every plate has limits of its own.
  own <- (plate - 1) * 0.5
  floor <- if (below > 0) quantile(y - own, below) + own else rep(-Inf, n)
  ceiling <- if (above > 0) quantile(y, 1 - above) + own else rep(Inf, n)
  lower <- upper <- y
  banded <- runif(n) < bands
  lower[banded] <- floor(2 * y[banded]) / 2
  upper[banded] <- lower[banded] + 0.5
  low <- y < floor
  high <- y > ceiling & !low
  lower[low] <- -Inf
  upper[low] <- floor[low]
  lower[high] <- ceiling[high]
  upper[high] <- Inf
  data.frame(exposure, age, plate, lower = round(lower, 6), upper = round(upper, 6))
}

sets <- list(
  n12 = draw(12), n24_plates = draw(24, plates = 3), n24_dose = draw(24, dose = TRUE),
  n12_below20 = draw(12, 0.2), n12_below40 = draw(12, 0.4), n24_below20 = draw(24, 0.2), n24_below40 = draw(24, 0.4),
  n24_below60 = draw(24, 0.6), n12_above30 = draw(12, above = 0.3), n24_both_ends = draw(24, 0.2, 0.2),
  n24_bands = draw(24, bands = 0.5), n24_all_bands = draw(24, bands = 1), n24_mixed = draw(24, 0.2, 0.1, bands = 0.4),
  n24_plates_below30 = draw(24, 0.3, plates = 3), n40_plates_mixed = draw(40, 0.3, 0.1, bands = 0.2, plates = 2),
  n24_dose_below30 = draw(24, 0.3, dose = TRUE), n40_dose_mixed = draw(40, 0.2, 0.2, plates = 2, dose = TRUE),
  n24_large = draw(24, 0.3, effect = 4), n24_noisy = draw(24, 0.3, spread = 30)
)
values <- do.call(rbind, lapply(names(sets), function(name) {
  cbind(set = name, subject = seq_len(nrow(sets[[name]])), sets[[name]])
}))
write.table(values, "values.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
