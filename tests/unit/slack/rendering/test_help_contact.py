""" "Your EvoSlack admin" has a name, and no text from outside can use it to call someone."""

from __future__ import annotations

import pytest

from evoslack.calling.refusals import Denial, Lack, NotAllowed, NothingToOffer
from evoslack.slack.rendering import mrkdwn
from evoslack.slack.rendering.blocks import context, section
from evoslack.slack.rendering.help_contact import ADMIN, NO_CONTACT, HelpContact
from evoslack.slack.rendering.refusal_messages import refusal_words

SENTENCE = f"Something is wrong. Tell {ADMIN}."


@pytest.mark.parametrize(
    ("setting", "name", "id_"),
    [
        ("", ADMIN, ""),
        ("U0ADMIN", "<@U0ADMIN>", "U0ADMIN"),
        ("W012AB3CD", "<@W012AB3CD>", "W012AB3CD"),
        ("UABCDEFGHI", "<@UABCDEFGHI>", "UABCDEFGHI"),  # rare, but an id may have no digit
        ("C0HELP", "<#C0HELP>", "C0HELP"),
        ("G0HELP", "<#G0HELP>", "G0HELP"),
        ("CTO", "CTO", ""),
        ("IT support", "IT support", ""),
        ("Ann & <!channel>", "Ann &amp; &lt;!channel&gt;", ""),
    ],
)
def test_a_person_a_channel_words_or_nobody(setting: str, name: str, id_: str) -> None:
    contact = HelpContact.of(setting)

    assert (contact.name, contact.id) == (name, id_)
    assert contact.named_in(SENTENCE) == f"Something is wrong. Tell {name}."


def test_only_markup_names_the_contact() -> None:
    blocks = [
        section(SENTENCE),
        context(SENTENCE),
        {"type": "section", "fields": [section(SENTENCE)["text"]]},
    ]

    plain = HelpContact.of("U0ADMIN").named_in_blocks(blocks)

    assert plain[0]["text"]["text"] == plain[2]["fields"][0]["text"] == "Something is wrong. Tell <@U0ADMIN>."
    assert plain[1] == context(SENTENCE), "plain text would show the id"
    assert blocks[0] == section(SENTENCE), "nothing is changed in place"


def test_a_text_from_outside_mentions_nobody() -> None:
    named = HelpContact.of("U0ADMIN").named_in(f"{mrkdwn.shown_name(f'Flow of {ADMIN}')}: {SENTENCE}")

    assert named.count("<@U0ADMIN>") == 1
    assert named.endswith("Tell <@U0ADMIN>.")


@pytest.mark.parametrize("refusal", [NotAllowed(Denial.NO_LOGIN), NothingToOffer(Lack.LOGIN)])
def test_refusals_send_people_to_the_contact(refusal: NotAllowed | NothingToOffer) -> None:
    assert "<#C0HELP>" in refusal_words(refusal, "US", HelpContact.of("C0HELP"))
    assert ADMIN in refusal_words(refusal, "US", NO_CONTACT)
