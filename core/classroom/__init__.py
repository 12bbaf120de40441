"""A server for a class: its limits, the teacher's password, and what it tells its operator."""
