"""Two result directories compared."""
