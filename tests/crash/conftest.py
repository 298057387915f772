"""Crash stories happen in the same office."""

from tests.scenario.conftest import empty_office

__all__ = ["empty_office"]
