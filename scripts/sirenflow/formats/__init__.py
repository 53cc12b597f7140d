"""File formats and texts from outside: JSON, ECSV, FITS, timestamps, untrusted values."""
