"""What ALERT_CHANNEL is told: that a trouble lasts, what it means for people and what to do; and its end."""

from __future__ import annotations

from datetime import timedelta

from evoslack.calling.alerts import Alert, AlertKind
from evoslack.slack.rendering import times

_BEGAN = {
    AlertKind.DATABASE: "EvoSlack's database does not answer.",
    AlertKind.EVO_VOICE: "Evo Voice does not answer.",
    AlertKind.EVO_LOGIN: "Evo Voice rejects EvoSlack's login.",
    AlertKind.CARDS: "Cards do not get into the calls channel.",
    AlertKind.IN_DOUBT: "It is not certain whether a phone rang.",
}
_MEANS = {
    AlertKind.DATABASE: (
        "Nobody can place calls: EvoSlack dials nothing that it cannot write down. Cards and messages wait.",
        "Start the database, or free its disk. EvoSlack then goes on.",
    ),
    AlertKind.EVO_VOICE: (
        "Nobody can place calls, and nobody sees how calls in progress go on.",
        (
            "Check the network of this machine, EVO_BASE_URL, and whether Evo Voice has a disruption. "
            "EvoSlack then goes on."
        ),
    ),
    AlertKind.EVO_LOGIN: (
        "Nobody can place calls, and nobody sees how calls in progress go on.",
        (
            "Check whether its password was changed or the login is locked. If so, set EVO_USERNAME and "
            "EVO_PASSWORD, and restart EvoSlack."
        ),
    ),
    AlertKind.CARDS: (
        "Calls are placed all the same, and their callers are told privately.",
        "Run `--check`: it says what is wrong with CALLS_CHANNEL. EvoSlack posts the cards then.",
    ),
    AlertKind.IN_DOUBT: (
        (
            "Evo Voice did not answer whether it took them. Each may have rung once; EvoSlack never dials "
            "again. Their callers know."
        ),
        "Read the cards, and the call history in Evo Voice, before anybody calls again.",
    ),
}
_OVER = {
    AlertKind.DATABASE: ("The database answers again.", "Nobody could place calls meanwhile."),
    AlertKind.EVO_VOICE: (
        "Evo Voice answers again.",
        "No call that was asked for meanwhile is dialed now. Cards say what became of each.",
    ),
    AlertKind.EVO_LOGIN: (
        "Evo Voice accepts the login again.",
        "No call that was asked for meanwhile is dialed now. Cards say what became of each.",
    ),
    AlertKind.CARDS: (
        "Cards get into the calls channel again.",
        "Those that waited are posted, unless their calls are too old.",
    ),
    AlertKind.IN_DOUBT: (
        "No more calls end in doubt.",
        "What is still not certain says so on its card.",
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
    return "1 card waits. " if is_one else f"{alert.count} cards wait. "
