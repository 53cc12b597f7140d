"""The state of a listener: health, metrics."""
