"""Truncated back-propagation through time: schedules, checkpoints, processes, metrics."""
