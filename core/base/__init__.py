"""Basics for every room: errors, registries, settings, devices, atomic files, text, stamps."""
