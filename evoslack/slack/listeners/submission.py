"""What arrives when the button of the form is pressed, as plain values. Request data: nothing is believed."""

from __future__ import annotations

from dataclasses import dataclass

from evoslack.calling.calls import Call
from evoslack.calling.refusals import UnreadableForm, require_same
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import views
from evoslack.slack.rendering.form_metadata import FormMetadata


@dataclass(frozen=True, slots=True)
class FormSubmission:
    """One press of the button: who, which form, and what was filled in (as typed, not checked)."""

    user_id: str
    team_id: str
    origin: FormMetadata
    flow_id: str
    typed_number: str
    caller_id: str

    @classmethod
    def of(cls, body: Payload, view: Payload) -> FormSubmission:
        """Read a `view_submission`. Raises `UnreadableForm`."""
        try:
            return cls(
                user_id=text_of(body["user"]["id"]),
                team_id=team_of(body),
                origin=FormMetadata.unpacked(view["private_metadata"]),
                flow_id=_chosen(view, views.FLOW),
                typed_number=text_of(_element(view, views.NUMBER).get("value") or ""),
                caller_id=_chosen(view, views.CALLER_ID),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnreadableForm from error

    def same_as(self, first: Call, number: str) -> Call:
        """The call that this very form became earlier. Raises `NotYourForm` or `KeyTaken`."""
        return require_same(
            first,
            team_id=self.team_id,
            user_id=self.user_id,
            flow_id=self.flow_id,
            number=number,
            caller_id=self.caller_id,
        )


def _chosen(view: Payload, block: str) -> str:
    option = _element(view, block).get("selected_option")
    return str(option["value"]) if option else ""


def _element(view: Payload, block: str) -> Payload:
    found: Payload = view["state"]["values"].get(block, {}).get(block, {})
    return found
