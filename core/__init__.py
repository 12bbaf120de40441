"""Sparsight's engine: does a pruned network still look at the same things?"""
