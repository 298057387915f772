"""Finds names of settings that are misspelt. A setting that is not read can widen what is allowed.

`EVO_FLOW=` instead of `EVO_FLOWS=` would offer every flow, and nobody would notice. So a name that is close
to one of ours is an error. Which names count depends on where they come from, because the environment also
holds the names of other programs:

- `EVO_…` is ours: close to a setting is an error, any other unknown name is a warning.
- `SLACK_…` is shared with every Slack tool: only what is very close, and no name known from elsewhere.
- Names that other programs use too (`HOST`, `LOG_LEVEL`, …): close to one of them is an error only in `.env`,
  which was written for this bot. In the environment it is a warning, and only while ours is not set.
- All other names of ours are distinctive: close to one is an error wherever it stands.

A name must begin with the same letter: else `AWS_DEFAULT_REGION` would be taken for `DEFAULT_REGION`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher

FILE = "_FILE"
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "EVO_PASSWORD", "DATABASE_URL")
_GENERAL = frozenset(
    {"HOST", "PORT", "LOG_LEVEL", "LOG_FORMAT", "DATABASE_URL", "HEALTH_HOST", "HEALTH_PORT"}
)
_OF_OTHERS = frozenset({"SLACK_API_TOKEN"})  # the name in Slack's older examples; one letter from ours
_HOW_CLOSE = {"EVO_": 0.75, "SLACK_": 0.9}  # difflib's ratio; 1 is the same
_ELSE = 0.84


@dataclass(frozen=True, slots=True)
class NameFindings:
    """Sentences about names that are not settings."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def check_names(given: Collection[str], in_file: Collection[str], known: Collection[str]) -> NameFindings:
    """Check the names that are set: `in_file` are those in `.env`, `given` are all of them.

    `known` are the names of the settings; each secret may also come from a file, as `…_FILE`.
    """
    known = {*known, *(f"{name}{FILE}" for name in SECRETS)}
    errors: list[str] = []
    warnings: list[str] = []
    for name in sorted(set(given) - known - _OF_OTHERS):
        ours = _meant(name, known)
        is_general = all(each.removesuffix(FILE) in _GENERAL for each in ours)
        if ours and (name in in_file or not is_general):
            errors.append(_sentence(name, ours))
        elif ours and not any(each in given for each in ours):
            warnings.append(_sentence(name, ours))
        elif name.startswith("EVO_"):
            warnings.append(f"{name} is not a setting of EvoSlack, so it has no effect.")
    return NameFindings(tuple(errors), tuple(warnings))


def _sentence(name: str, ours: list[str]) -> str:
    if name == f"{ours[0]}{FILE}":
        return f"{name} is not a setting: only secrets can come from a file. Write {ours[0]}=… instead."
    return f"{name} is not a setting. Did you mean {' or '.join(ours)}?"


def _meant(name: str, known: Collection[str]) -> list[str]:
    """The settings that this name comes closest to, mostly one; none if it is not close to any."""
    upper = name.upper()
    for exact in (upper, upper.removesuffix(FILE)):
        if exact in known:
            return [exact]
    beginning = next((each for each in _HOW_CLOSE if upper.startswith(each)), "")
    least = _HOW_CLOSE.get(beginning, _ELSE)
    ratios = {
        ours: SequenceMatcher(None, upper, ours).ratio()
        for ours in known
        if ours[0] == upper[:1] and ours.startswith(beginning)
    }
    best = max(ratios.values(), default=0.0)
    return sorted(ours for ours, ratio in ratios.items() if ratio == best) if best >= least else []
