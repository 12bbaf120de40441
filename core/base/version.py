"""The version of Sparsight, also in pyproject.toml and at the head of the changelog."""

VERSION = "0.2.0"
