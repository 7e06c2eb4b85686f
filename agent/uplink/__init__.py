"""Outbox, delivery policy, topics and the MQTT shell: from events to the response centre."""
