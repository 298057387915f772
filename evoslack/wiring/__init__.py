"""Builds the bot from the settings.

`engine` builds what moves calls on, `background` what publishes, and `listeners` gathers what listeners need.
"""

from evoslack.wiring.bot import build

__all__ = ["build"]
