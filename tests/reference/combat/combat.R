# ComBat on a small made-up panel, with and without sva's early stop. Run in this folder: Rscript combat.R
suppressMessages(library(sva))
set.seed(20261123)
analytes <- 24
plate <- rep(c("p1", "p2", "p3"), c(14, 10, 7))
level <- rnorm(analytes, 5, 2)
spread <- exp(rnorm(analytes, -0.3, 0.4))
shift <- sapply(c(p1 = 0.2, p2 = -0.5, p3 = 0.9), function(of_plate) rnorm(analytes, of_plate, 0.3))
stretch <- sapply(c(p1 = 1, p2 = 1.4, p3 = 0.7), function(of_plate) of_plate * exp(rnorm(analytes, 0, 0.15)))
panel <- sapply(seq_along(plate), function(i) {
  rnorm(analytes, level + spread * shift[, plate[i]], spread * stretch[, plate[i]])
})
panel <- round(panel, 6)
dimnames(panel) <- list(sprintf("a%02d", seq_len(analytes)), sprintf("s%02d", seq_along(plate)))

write_panel <- function(numbers, file) {
  table <- data.frame(analyte = rownames(panel), apply(numbers, 2, sprintf, fmt = "%.17g"), check.names = FALSE)
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
}
adjust <- function() ComBat(panel, batch = plate, mod = NULL, par.prior = TRUE, mean.only = FALSE)

write_panel(panel, "panel.tsv")
write.table(data.frame(sample = colnames(panel), plate = plate), "plates.tsv", sep = "\t", quote = FALSE,
            row.names = FALSE)
write_panel(suppressMessages(adjust()), "adjusted_as_shipped.tsv")

# sva stops at a relative change of 1e-4, and divides by the signed old value, so that negative effects never count.
# The same function, iterated until nothing moves, is the fixed point that the paper defines.
solve_fully <- sva:::it.sol
is_loop <- sapply(as.list(body(solve_fully)), function(part) is.call(part) && identical(part[[1]], as.name("while")))
body(solve_fully)[[which(is_loop)]] <- quote(for (round in 1:2000) {
    g.new <- postmean(g.hat, g.bar, n, d.old, t2)
    sum2 <- rowSums((sdat - g.new %*% t(rep(1, ncol(sdat))))^2, na.rm = TRUE)
    d.new <- postvar(sum2, n, a, b)
    g.old <- g.new
    d.old <- d.new
  })
assignInNamespace("it.sol", solve_fully, ns = "sva")
write_panel(suppressMessages(adjust()), "adjusted.tsv")

version <- c(R = paste(R.version$major, R.version$minor, sep = "."), sva = as.character(packageVersion("sva")))
write.table(data.frame(software = names(version), version = version), "version.txt", sep = "\t", quote = FALSE,
            row.names = FALSE)
