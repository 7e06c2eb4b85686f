"""Fixtures of the provisioning tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.provision.unit import Office, Practice

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(tmp_path_factory.mktemp("office") / "trial-ca")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Another authority."""
    return Office(tmp_path_factory.mktemp("stranger") / "trial-ca")


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Practice:
    return Practice(tmp_path / "unit", monkeypatch)
