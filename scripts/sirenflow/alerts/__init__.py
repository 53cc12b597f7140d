"""The bytes of one message to an alert."""
