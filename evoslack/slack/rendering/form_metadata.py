"""What a form carries in its `private_metadata`, from when it is opened until it is submitted.

It comes back from outside, so nothing in it is believed that these classes did not pack.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from evoslack.calling.history_filter import LONGEST_FLOW_ID
from evoslack.calling.numbers import is_e164

LONGEST_METADATA = 3_000  # characters (slack-facts 3)
_CALL_ID = r"[0-9a-f]{32}"


@dataclass(frozen=True, slots=True)
class FormMetadata:
    """A form's request key, when it was made (Unix time), and where it was asked for.

    A form that asks whether to call anyway also carries which call is known of, and when it asked
    (Unix time in milliseconds).
    """

    key: str
    made_at: str = ""
    channel_id: str = ""
    response_url: str = ""
    anyway: str = ""
    asked_at: str = ""

    def packed(self) -> str:
        """For `private_metadata`."""
        return _packed(asdict(self))

    @classmethod
    def unpacked(cls, text: str) -> FormMetadata:
        """Raises `ValueError` for anything that `packed` did not make."""
        metadata = cls(**({"key": ""} | _strings(text, {field.name for field in fields(cls)})))
        # As much as the ledger takes, and nothing that a database cannot store.
        _require(r"[\w.-]{1,64}", metadata.key)
        _require(r"\d{0,12}", metadata.made_at)
        _require(r"\w{0,32}", metadata.channel_id)
        # The id of one call: a form never lets just any call pass.
        _require(rf"({_CALL_ID})?", metadata.anyway)
        _require(r"\d{1,16}" if metadata.anyway else "", metadata.asked_at)
        return metadata


@dataclass(frozen=True, slots=True)
class ScheduleMetadata:
    """What the page that asks for a time carries: the form that it was before, and what was filled in there.

    Its request key stays: the form and the page are one submission, and become at most one call.
    """

    form: FormMetadata
    flow_id: str
    number: str  # E.164
    caller_id: str  # E.164
    zone: str = ""  # the reader's own time zone (IANA name); empty: unknown
    opens_at: str = ""  # the time that the page offers (Unix time); empty: none

    @property
    def offered_at(self) -> datetime | None:
        """The time that the page offers."""
        return datetime.fromtimestamp(int(self.opens_at), UTC) if self.opens_at else None

    def packed(self) -> str:
        """For `private_metadata`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        packed = _packed(values | {"form": self.form.packed()})
        if len(packed) <= LONGEST_METADATA:
            return packed
        # An address full of odd characters: private messages about this call go out as direct messages.
        return _packed(values | {"form": replace(self.form, response_url="").packed()})

    @classmethod
    def unpacked(cls, text: str) -> ScheduleMetadata:
        """Raises `ValueError` for anything that `packed` did not make."""
        names = [field.name for field in fields(cls)]
        values = dict.fromkeys(names, "") | _strings(text, set(names))
        form = FormMetadata.unpacked(values.pop("form"))
        metadata = cls(form=form, **values)
        if not (is_e164(metadata.number) and is_e164(metadata.caller_id)):
            raise _not_ours()
        if not (0 < len(metadata.flow_id) <= LONGEST_FLOW_ID and metadata.flow_id.isprintable()):
            raise _not_ours()
        _require_zone(metadata.zone)
        _require(r"\d{0,11}", metadata.opens_at)
        return metadata


@dataclass(frozen=True, slots=True)
class ChangeMetadata:
    """What the page that changes a time carries: whose, and the reader's own time zone (empty: unknown)."""

    call_id: str
    zone: str = ""

    def packed(self) -> str:
        """For `private_metadata`."""
        return _packed(asdict(self))

    @classmethod
    def unpacked(cls, text: str) -> ChangeMetadata:
        """Raises `ValueError` for anything that `packed` did not make."""
        metadata = cls(**({"call_id": ""} | _strings(text, {"call_id", "zone"})))
        _require(_CALL_ID, metadata.call_id)
        _require_zone(metadata.zone)
        return metadata


def is_zone(name: str) -> bool:
    """Whether that is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name) and len(name) <= 64


def _packed(values: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in values.items() if value}, separators=(",", ":"))


def _strings(text: str, names: set[str]) -> dict[str, str]:
    if len(text) > LONGEST_METADATA:
        raise _not_ours()
    values = json.loads(text)
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise _not_ours()
    if not values.keys() <= names:
        raise _not_ours()
    return values


def _require(pattern: str, value: str) -> None:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise _not_ours()


def _require_zone(name: str) -> None:
    if name and not is_zone(name):
        raise _not_ours()


def _not_ours() -> ValueError:
    return ValueError("not form metadata")
