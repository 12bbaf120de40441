"""Networks as files that run without Sparsight."""
