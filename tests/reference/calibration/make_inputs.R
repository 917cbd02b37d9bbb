# Standard curves with known truth, shaped like real plates. Run in this folder: Rscript make_inputs.R
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261123)

response <- function(x, p) p["d"] + (p["a"] - p["d"]) / (1 + (x / p["c"])^p["b"])^p["g"]

# A plate with 16 two-fold standards in single wells and two background wells: a, b, c, d, g and the top standard are of
# the size a 30-plex Luminex plate shows.
luminex <- data.frame(
  a = c(20, 6.5, 8, 14, 58, 8.5, 5.7, 40, 6.3, 46, 7, 27),
  b = c(1.5, 1.45, 1.8, 1.06, 1.5, 1.6, 1.05, 1.2, 1.07, 0.98, 1.6, 1.1),
  c = c(325, 9100, 740, 12600, 460, 520, 9000, 430, 11300, 21400, 3200, 670),
  d = c(4200, 9400, 22800, 14300, 7700, 10400, 22500, 8300, 30700, 8200, 19000, 13100),
  g = c(1, 1, 0.25, 6, 1, 0.3, 3, 1, 1, 1, 1, 1),
  top = c(3450, 58730, 10900, 5850, 11820, 18300, 9100, 7600, 9550, 33700, 4300, 3610),
  sd = c(0.06, 0.06, 0.09, 0.03, 0.05, 0.04, 0.05, 0.04, 0.04, 0.07, 0.08, 0.03)
)
# Eight four-fold standards in duplicate and two blanks.
bioplex <- data.frame(
  a = c(30, 12, 55, 20, 41, 15, 25, 33, 18, 60, 22, 28),
  b = c(1.0, 1.3, 0.9, 1.6, 1.2, 1.1, 0.8, 1.4, 1.0, 1.2, 2.0, 1.1),
  c = c(900, 4000, 350, 12000, 2500, 800, 1500, 60000, 300, 5000, 1000, 25000),
  d = c(12000, 25000, 9000, 18000, 28000, 6000, 15000, 20000, 11000, 24000, 16000, 21000),
  g = c(1, 1, 1, 1, 0.5, 2.5, 1, 1, 0.3, 1.6, 1, 4),
  top = c(15000, 22000, 9000, 40000, 30000, 12000, 26000, 18000, 8000, 35000, 14000, 20000),
  sd = c(0.05, 0.08, 0.04, 0.06, 0.03, 0.05, 0.1, 0.05, 0.03, 0.04, 0.12, 0.05)
)
# Optical densities, seven two-fold standards in triplicate without a blank; weights say the top wells are noisier.
elisa <- data.frame(
  a = c(0.05, 0.08, 0.06, 0.04), b = c(1.1, 1.4, 1.2, 1.0), c = c(150, 90, 400, 2000),
  d = c(3.2, 2.8, 3.6, 3.0), g = c(1, 1, 1, 1), top = c(1000, 500, 1000, 1000), sd = c(0.03, 0.05, 0.04, 0.03)
)

draw <- function(truth, set, levels, fold, wells, blanks, weights) {
  do.call(rbind, lapply(seq_len(nrow(truth)), function(row) {
    p <- unlist(truth[row, ])
    x <- c(rep(0, blanks), rep(p["top"] / fold^(seq_len(levels) - 1), each = wells))
    w <- if (weights) ifelse(x > p["top"] / fold^1.5, 0.25, 1) else rep(1, length(x))
    y <- response(x, p) * exp(rnorm(length(x), 0, p["sd"] / sqrt(w)))
    data.frame(set = set, curve = sprintf("%s%02d", set, row), concentration = x, signal = signif(y, 5), weight = w)
  }))
}

standards <- rbind(
  draw(luminex, "luminex", 16, 2, 1, 2, FALSE),
  draw(bioplex, "bioplex", 8, 4, 2, 2, FALSE),
  draw(elisa, "elisa", 7, 2, 3, 0, TRUE)
)
standards$concentration <- signif(standards$concentration, 12)
write.table(standards, "standards.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
