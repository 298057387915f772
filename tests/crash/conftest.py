"""Crash tests use the scenario fixtures."""

from tests.scenario.conftest import empty_office

__all__ = ["empty_office"]
