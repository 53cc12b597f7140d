"""Alerts over Kafka: the only room that knows hop-client."""
