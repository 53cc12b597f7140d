"""Figures of the pages, as SVG."""
