"""What a form carries in its `private_metadata`, from when it is opened until it is submitted."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields

LONGEST_METADATA = 3_000  # characters (slack-facts 3)


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
        given = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(given, separators=(",", ":"))

    @classmethod
    def unpacked(cls, text: str) -> FormMetadata:
        """Raises `ValueError` for anything that `packed` did not make."""
        if len(text) > LONGEST_METADATA:
            raise ValueError("not form metadata")
        values = json.loads(text)
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise ValueError("not form metadata")
        if not values.keys() <= {field.name for field in fields(cls)}:
            raise ValueError("not form metadata")
        metadata = cls(**({"key": ""} | values))
        # As much as the ledger takes, and nothing that a database cannot store.
        if not re.fullmatch(r"[\w.-]{1,64}", metadata.key, re.ASCII):
            raise ValueError("not form metadata")
        if not re.fullmatch(r"\d{0,12}", metadata.made_at, re.ASCII):
            raise ValueError("not form metadata")
        if not re.fullmatch(r"\w{0,32}", metadata.channel_id, re.ASCII):
            raise ValueError("not form metadata")
        # The id of one call: a form never lets just any call pass.
        if not re.fullmatch(r"([0-9a-f]{32})?", metadata.anyway, re.ASCII):
            raise ValueError("not form metadata")
        if not re.fullmatch(r"\d{1,16}" if metadata.anyway else "", metadata.asked_at, re.ASCII):
            raise ValueError("not form metadata")
        return metadata
