"""The parts of the pages: one folder a page, and two that they share, common and sidebar."""
