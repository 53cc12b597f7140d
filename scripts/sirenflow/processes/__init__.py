"""Processes: a pool of workers with limits, a supervisor, a preloaded server, signals."""
