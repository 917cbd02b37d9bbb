# Makes synthetic.rda: invented values in the column types that public tables have (R 4; run in this folder).
# A tibble with a factor, an integer, a double, text, a date and a time, each with a missing value but the factor.
counts <- structure(
  list(
    subject = factor(c("2", "10", "2")),
    visit = c(1L, NA, 3L),
    concentration = c(295.07, 1624, NA),
    note = c("A01, first", NA, "<0.5"),
    sampled = as.Date(c("2014-10-06", NA, "2014-10-13")),
    analysed = as.POSIXct(c("2014-10-07", "2014-10-08", NA), tz = "UTC")
  ),
  class = c("tbl_df", "tbl", "data.frame"), row.names = 1:3
)
unit <- "pg/mL"
save(counts, unit, file = "synthetic.rda", version = 2)
