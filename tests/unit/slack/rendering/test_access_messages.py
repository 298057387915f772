"""What the help contact is sent, and what people who ask for access read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evoslack.calling.refusals import CannotCheck, Denial, Lack, NothingToOffer, Source
from evoslack.slack.rendering import access_messages
from evoslack.slack.rendering.help_contact import HelpContact

ADMIN, HELP = HelpContact.of("U0ADMIN"), HelpContact.of("C0HELP")


@pytest.mark.parametrize("denial", list(Denial))
def test_what_someone_else_can_put_right_can_be_requested(denial: Denial) -> None:
    own = {Denial.NOT_A_MEMBER, Denial.EMAIL_UNCONFIRMED}  # a guest, and an email that only they can confirm
    assert access_messages.can_be_requested(denial) == (denial not in own)
    if denial in own:
        return

    who, missing, to_do = access_messages.request("U_ALICE", denial).split("\n")

    assert who == "<@U_ALICE> wants to place calls with EvoSlack."
    assert missing.startswith("*Missing:* ") and missing.endswith(".")
    assert to_do.startswith("*What to do:* ") and to_do.endswith(". Then let <@U_ALICE> know.")
    assert "{" not in to_do


@pytest.mark.parametrize(
    ("minutes", "ago", "again"),
    [
        (-5, "just now", "24 hours"),  # a clock was set back
        (0.9, "54 seconds ago", "24 hours"),
        (1, "1 minute ago", "24 hours"),
        (59.9, "59 minutes ago", "24 hours"),
        (60, "1 hour ago", "23 hours"),
        (23 * 60 + 59, "23 hours ago", "1 hour"),
    ],
)
def test_when_they_asked_is_said_as_people_say_it(minutes: float, ago: str, again: str) -> None:
    words = access_messages.asked_before(timedelta(minutes=minutes), HELP)

    assert words == f"You asked {ago}. <#C0HELP> has your request. You can ask again in {again}."


@pytest.mark.parametrize(
    ("contact", "problem", "to_do"),
    [
        (HELP, "not_in_channel", "type /invite @EvoSlack there."),
        (HELP, "is_archived", "Ask <#C0HELP> yourself."),
        (ADMIN, "channel_not_found", "Ask <@U0ADMIN> yourself."),  # a person who left
        (ADMIN, "ratelimited", "Try again in a minute."),
        (ADMIN, "<!channel>", "Ask <@U0ADMIN> yourself."),
    ],
)
def test_a_request_that_cannot_be_sent_says_what_to_do(
    contact: HelpContact, problem: str, to_do: str
) -> None:
    words = access_messages.not_sent(contact, problem)

    assert words.endswith(to_do)
    assert "<!" not in words


@pytest.mark.parametrize(
    "refusal", [CannotCheck(Source.SLACK), CannotCheck(Source.EVO_VOICE), NothingToOffer(Lack.LOGIN)]
)
def test_when_nothing_can_be_checked_nothing_was_sent(refusal: CannotCheck | NothingToOffer) -> None:
    assert "No request was sent." in access_messages.not_checked(refusal)
