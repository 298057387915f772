"""Ids that Slack assigns: to objects, and to blocks and elements that the app left without one."""

from __future__ import annotations

import copy
import secrets

from sandbox.slack.block_kit import Json, elements_of


def make_id(prefix: str) -> str:
    """A new id in Slack's format."""
    return prefix + secrets.token_hex(5).upper()


def with_ids(blocks: list[Json]) -> list[Json]:
    """A copy of the blocks with the missing block_ids and action_ids filled in."""
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", secrets.token_hex(3))
        for element in elements_of(block):
            element.setdefault("action_id", secrets.token_hex(3))
    return blocks
