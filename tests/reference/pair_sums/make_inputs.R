# Draws the data sets of values.tsv. Run in this folder: Rscript make_inputs.R
# Values on a log2 scale; a non-detect is an interval: -Inf or Inf marks its open end, NA a sample that is missing.
suppressWarnings(RNGversion("4.2.0"))
set.seed(20261203)
FEWEST_KNOWN <- 4

# Which pairs are added up, with which weight.
sums <- rbind(
  data.frame(kind = "two_targets", reference = "r1", target = c("t1", "t2"), weight = 1 / 2),
  data.frame(kind = "three_targets", reference = "r1", target = c("t1", "t2", "t3"), weight = 1 / 3),
  data.frame(kind = "two_references", reference = c("r1", "r2"), target = "t1", weight = c(0.3, 0.7)),
  data.frame(kind = "matched", reference = c("r1", "r2"), target = c("t1", "t2"), weight = 1 / 2),
  data.frame(kind = "difference", reference = c("r1", "r2"), target = c("t1", "t2"), weight = c(1, -1))
)
shifts <- c(r1 = 0, r2 = 0.2, t1 = 0.9, t2 = 0.5, t3 = 0.1)

draw_once <- function(visits, n, below, above, limits, rho, missing) {
  subject <- rnorm(n)
  values <- sapply(visits, function(visit) 4 + shifts[[visit]] + 1.5 * (sqrt(rho) * subject + sqrt(1 - rho) * rnorm(n)))
  in_order <- sort(values)
  low <- if (below > 0) mean(in_order[round(length(values) * below) + 0:1]) else -Inf
  high <- if (above > 0) mean(in_order[length(values) - round(length(values) * above) + 0:1]) else Inf
  # Plates differ: each value has a limit of its own.
  floors <- low + if (limits == "differ") rnorm(length(values), 0, 0.6) else 0 * values
  lower <- ifelse(values < floors, -Inf, pmin(values, high))
  upper <- ifelse(values < floors, floors, ifelse(values > high, Inf, values))
  gone <- sample(length(values), round(missing * length(values)))
  lower[gone] <- upper[gone] <- NA
  data.frame(subject = rep(seq_len(n), length(visits)), visit = rep(visits, each = n),
             lower = round(c(lower), 6), upper = round(c(upper), 6))
}

# Drawn again until every pair of visits is known at both in four subjects: with fewer the maximum may run away.
draw <- function(kind, n, below, above = 0, limits = "one", rho = 0.7, missing = 0) {
  parts <- sums[sums$kind == kind, ]
  repeat {
    data <- draw_once(unique(c(parts$reference, parts$target)), n, below, above, limits, rho, missing)
    known <- function(visit) with(data[data$visit == visit, ], !is.na(lower) & lower == upper)
    both <- mapply(function(reference, target) sum(known(reference) & known(target)), parts$reference, parts$target)
    if (min(both) >= FEWEST_KNOWN) return(cbind(kind = kind, data))
  }
}

sets <- list()
for (kind in unique(sums$kind)) {
  name <- function(what) paste(kind, what, sep = "_")
  sets[[name("known")]] <- draw(kind, 10, 0, missing = 0.05)
  sets[[name("n8")]] <- draw(kind, 8, 0.2)
  sets[[name("n12")]] <- draw(kind, 12, 0.35, rho = 0.5)
  sets[[name("n12_differ")]] <- draw(kind, 12, 0.3, limits = "differ")
  sets[[name("n16_missing")]] <- draw(kind, 16, 0.4, missing = 0.08)
  sets[[name("n24_differ")]] <- draw(kind, 24, 0.5, limits = "differ", rho = 0.85, missing = 0.04)
  sets[[name("n16_both_ends")]] <- draw(kind, 16, 0.2, above = 0.15)
}
# A visit without any known value: no finite change, but scores and their t.
for (kind in c("two_targets", "difference")) {
  open <- draw(kind, 16, 0.3)
  last <- open$visit == "t2"
  open$upper[last] <- open$upper[open$lower == -Inf][1]
  open$lower[last] <- -Inf
  sets[[paste(kind, "open", sep = "_")]] <- open
}

values <- do.call(rbind, lapply(names(sets), function(name) cbind(set = name, sets[[name]])))
sums$weight <- signif(sums$weight, 17)
write.table(values, "values.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
write.table(format(sums, digits = 17), "sums.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
