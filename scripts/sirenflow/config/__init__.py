"""The configuration, read and checked."""
