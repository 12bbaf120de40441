"""The pages that participants of a study and its researcher see, and the server behind them."""
