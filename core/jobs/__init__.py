"""Long-running jobs in separate processes."""
