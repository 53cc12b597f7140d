"""Distance along each line of sight, over the whole sky, and as a volume."""
