"""Shared by all pages: the frame, the view in the address, the engine, sentences from numbers."""
