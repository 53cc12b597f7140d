"""Gravitational-wave alerts in; sky maps, numbers, reports and a catalogue out."""

__version__ = "0.4.0.dev0"
