"""Alerts on disk: received, decoded in isolation, then stored or quarantined."""
