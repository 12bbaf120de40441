"""Networks: model cards, the zoo, weights and the catalogue of an engine."""
