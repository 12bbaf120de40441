"""What every page shares: the frame, the view in the address, the engine, words from numbers."""
