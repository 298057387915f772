"""What may be away, noted by all parts of the bot together, and who is told when that lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from evoslack.calling.alerts import AlertKind
from evoslack.ledger.alerts import AlertLedger
from evoslack.ledger.outage import database_outage
from evoslack.ledger.store import Store
from evoslack.runtime.outage import Outage
from evoslack.settings import Settings
from evoslack.slack.background.alerts import Alerts
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.workspace import web_client

# Without a failure, before it counts as over: every pool but one asks for its rows more often.
DATABASE_QUIET_S = 10.0
EVO_QUIET_S = 30.0  # an answer now and then ends nothing


class Outages:
    """What may be away, for all parts of the bot together."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        outage = partial(Outage, clock_s=clock_s)
        self.database = outage(
            "the database is unavailable", "the database is back", quiet_s=DATABASE_QUIET_S
        )
        self.evo_voice = outage("Evo Voice is unavailable", "Evo Voice answers again", quiet_s=EVO_QUIET_S)
        self.evo_login = outage("Evo Voice rejects the login", "Evo Voice accepts the login again")

    def by_alert(self) -> dict[AlertKind, Outage]:
        """Those that ALERT_CHANNEL is told of."""
        return {
            AlertKind.DATABASE: self.database,
            AlertKind.EVO_VOICE: self.evo_voice,
            AlertKind.EVO_LOGIN: self.evo_login,
        }

    def is_of_database(self, error: Exception) -> bool:
        """Whether the database is away; then that is noted."""
        words = database_outage(error)
        if words is not None:
            self.database.failed(words)
        return words is not None


def alerts(
    settings: Settings,
    store: Store,
    outages: Outages,
    now: Callable[[], datetime],
    clock_s: Callable[[], float],
) -> Alerts:
    """What tells ALERT_CHANNEL."""
    return Alerts(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        AlertLedger(store),
        outages.by_alert(),
        channel=HelpContact.of(settings.alert_channel).id,
        answers=store.answers,
        is_outage=outages.is_of_database,
        now=now,
        clock_s=clock_s,
    )
