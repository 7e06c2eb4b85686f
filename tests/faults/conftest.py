"""Fault tests use the same real brokers and certificates as the broker tests."""

from tests.broker.conftest import broker, ca, make_broker, server_identity, unit_identity

__all__ = ["broker", "ca", "make_broker", "server_identity", "unit_identity"]
