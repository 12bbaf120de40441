"""Many variants over a data set."""
