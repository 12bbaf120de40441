"""The store provides pruned networks on the device, from the cheapest available source."""
