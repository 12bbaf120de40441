"""The parts of the pages: one folder per page, and the shared folders common and sidebar."""
