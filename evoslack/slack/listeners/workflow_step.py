"""What happens when a workflow reaches the step Place a call, and when one is built with it.

`ack` is the last line: acknowledged means written down. Slack delivers an event again that was not
acknowledged, so neither listener leaves that to Bolt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, BoltRequest
from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.offer import Offer
from evoslack.calling.ports import WorkflowStepLedger
from evoslack.calling.refusals import Refusal
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.workflow_step import PERSON, StepInputs, user_id_in
from evoslack.slack.payloads import Payload
from evoslack.slack.rendering import mrkdwn, select_options, step_messages
from evoslack.slack.rendering.refusal_messages import refusal_message
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

PLACE_CALL, LIST_FLOWS = "place_call", "list_flows"  # callback ids, as in manifest.yml
LONGEST_ID = 59  # with what stands before it, a request key of 64


class StepListeners:
    """The listeners for workflows; `slack.app` registers them."""

    def __init__(
        self,
        client: WebClient,
        ledger: WorkflowStepLedger,
        access: Access,
        offer: Callable[[], Offer],
        rule_check: RuleCheck,
        *,
        region: str,
        now: Callable[[], datetime],
        on_step: Callable[[], None],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._access = access
        self._offer = offer
        self._rule_check = rule_check
        self._region = region
        self._now = now
        self._on_step = on_step

    def place_call(self, ack: Ack, body: Payload, request: BoltRequest) -> None:
        """A workflow asks for a call: it is written down; `step_runner` does the rest."""
        event = body["event"]
        execution_id = str(event["function_execution_id"])
        if len(execution_id) > LONGEST_ID:
            log.error("ignored a step whose execution id has %d characters", len(execution_id))
        else:
            now = self._now()
            self._ledger.add(
                execution_id,
                str(body["team_id"]),
                StepInputs.of(event.get("inputs")),
                asked_at=_asked_at(body, request.headers, now),
                at=now,
            )
            self._on_step()
        ack()

    def list_flows(self, ack: Ack, body: Payload) -> None:
        """A workflow is being built: offer the flows, before the `ack` as Slack waits no longer."""
        this = {"function_execution_id": str(body["event"]["function_execution_id"])}
        try:
            options = self._flows(body)
            if options:
                self._client.functions_completeSuccess(**this, outputs={"options": options})
            else:  # the offer is never empty, so it is the search; an empty list would not say so
                self._fail(this, step_messages.no_flow(_query_in(body)))
        except Refusal as refusal:
            self._fail(this, mrkdwn.escape(refusal_message(refusal, self._region).words))
        except SLACK_ERRORS as error:
            log.warning("the flows were not offered to a workflow: %s", problem_of(error))
        ack()

    def _flows(self, body: Payload) -> list[dict[str, Any]]:
        inputs = _inputs_in(body)
        if PERSON in inputs:
            builder = user_id_in(inputs[PERSON])
            offer = self._access.offer_to(builder, str(body["team_id"]))
        else:  # Slack does not say who builds the workflow then; only names of flows for everyone are shown
            builder, offer = "", self._offer()
        offer = self._rule_check.offer_for(offer, builder)
        found = select_options.flow_options(offer.flows, _query_in(body))
        return [{"text": option["text"], "value": option["value"]} for option in found]

    def _fail(self, this: dict[str, str], words: str) -> None:
        try:
            self._client.functions_completeError(**this, error=words)
        except SLACK_ERRORS as error:
            log.warning("could not tell Slack why no flows are offered: %s", problem_of(error))


def _inputs_in(body: Payload) -> Mapping[str, Any]:
    given = body["event"].get("inputs")
    return given if isinstance(given, Mapping) else {}


def _query_in(body: Payload) -> str:
    """What was typed to find a flow."""
    return str(_inputs_in(body).get("query") or "")


def _asked_at(body: Payload, headers: Mapping[str, Any], now: datetime) -> datetime:
    """When the workflow reached the step: Slack may deliver an event again hours later."""
    if headers.get("x-slack-retry-num", ["0"]) == ["0"]:  # first delivery: no need for synchronized clocks
        return now
    return min(now, datetime.fromtimestamp(int(body["event_time"]), UTC))
