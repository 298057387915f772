"""What ALERT_CHANNEL is told: that a trouble lasts, what it means for people and what to do; and its end."""

from __future__ import annotations

from datetime import timedelta

from evoslack.calling.alerts import Alert, AlertKind
from evoslack.slack.rendering import times

_BEGAN = {
    AlertKind.DATABASE: "EvoSlack can't reach its database.",
    AlertKind.EVO_VOICE: "Evo Voice isn't answering.",
    AlertKind.EVO_LOGIN: "Evo Voice rejects EvoSlack's login.",
    AlertKind.CARDS: "EvoSlack can't post cards in the calls channel.",
    AlertKind.IN_DOUBT: "EvoSlack can't tell whether a phone rang.",
}
_MEANS = {
    AlertKind.DATABASE: (
        "Nobody can place calls: EvoSlack dials nothing it can't write down. Cards and messages wait.",
        "Start the database, or free disk space for it. EvoSlack then resumes.",
    ),
    AlertKind.EVO_VOICE: (
        "Nobody can place calls, and EvoSlack can't track calls in progress.",
        (
            "Check the network of this machine, EVO_BASE_URL, and whether Evo Voice has an outage. "
            "EvoSlack then resumes."
        ),
    ),
    AlertKind.EVO_LOGIN: (
        "Nobody can place calls, and EvoSlack can't track calls in progress.",
        (
            "Check whether its password was changed or the login is locked. If so, set EVO_USERNAME and "
            "EVO_PASSWORD, and restart EvoSlack."
        ),
    ),
    AlertKind.CARDS: (
        "Calls are placed all the same, and their callers are told privately.",
        "Run `--check`: it says what is wrong with CALLS_CHANNEL. EvoSlack then posts the cards.",
    ),
    AlertKind.IN_DOUBT: (
        (
            "Evo Voice didn't confirm these calls. Each may have rung once; EvoSlack never redials. "
            "Their callers know."
        ),
        "Read the cards, and the call history in Evo Voice, before anyone calls again.",
    ),
}
_OVER = {
    AlertKind.DATABASE: ("The database answers again.", "Nobody could place calls meanwhile."),
    AlertKind.EVO_VOICE: (
        "Evo Voice answers again.",
        "Calls requested meanwhile aren't dialed now. Each card says what happened.",
    ),
    AlertKind.EVO_LOGIN: (
        "Evo Voice accepts the login again.",
        "Calls requested meanwhile aren't dialed now. Each card says what happened.",
    ),
    AlertKind.CARDS: (
        "EvoSlack can post cards in the calls channel again.",
        "Those that waited are posted, unless their calls are too old.",
    ),
    AlertKind.IN_DOUBT: (
        "No more calls end in doubt.",
        "Calls that are still not certain say so on their cards.",
    ),
}


def began(alert: Alert) -> str:
    """A trouble lasts (mrkdwn)."""
    meaning, advice = _MEANS[alert.kind]
    since = times.moment(alert.since, "{time}", "%H:%M")
    about = f"{_about(alert)}Since {since}."
    return f":red_circle: *{_BEGAN[alert.kind]}* {about}\n{meaning}\n{advice}"


def over(alert: Alert) -> str:
    """It is over (mrkdwn)."""
    what, meaning = _OVER[alert.kind]
    lasted = times.wait(max(alert.until - alert.since, timedelta(0)))
    return f":large_green_circle: *{what}* The trouble lasted {lasted}. {meaning}"


def _about(alert: Alert) -> str:
    if not alert.count:
        return ""
    is_one = alert.count == 1
    if alert.kind is AlertKind.IN_DOUBT:
        return "1 call is not certain. " if is_one else f"{alert.count} calls are not certain. "
    return "1 card is waiting. " if is_one else f"{alert.count} cards are waiting. "
