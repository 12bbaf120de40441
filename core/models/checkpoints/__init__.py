"""Weights from files of any training script, fitted to a network."""
