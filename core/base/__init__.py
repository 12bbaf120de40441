"""What every room may use: errors, registries, settings, devices, whole files, text, stamps."""
