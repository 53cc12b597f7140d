"""Positions of users' galaxies and candidates on sky maps."""
