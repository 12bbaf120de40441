"""A pruned network, ready on the device, from wherever it is cheapest to get."""
