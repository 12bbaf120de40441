"""Less is More: iterative pruning of convolutions with fine-tuning."""
