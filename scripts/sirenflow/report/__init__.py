"""The report: figures, page model and templates."""
