"""Credible regions: pixels, separate lobes, contours, files."""
