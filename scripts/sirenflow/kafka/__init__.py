"""Alerts over Kafka: the only package that imports hop-client and confluent-kafka."""
