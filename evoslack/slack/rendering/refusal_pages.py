"""The small pages that say no where a person just pressed something, and their *Request access* button."""

from __future__ import annotations

from evoslack.calling.refusals import NotAllowed, Refusal
from evoslack.slack.rendering import access_messages, form_messages
from evoslack.slack.rendering.blocks import Block, actions, button, modal, section
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.refusal_messages import refusal_words

APP = "EvoSlack"  # title of a page about something that broke
REQUEST_ACCESS = "request_access"  # action id of the button


def page(words: str, title: str) -> Block:
    """A page with words (mrkdwn) and nothing to press."""
    return modal("call_notice", title, form_messages.CLOSE, [section(words)])


def refusal_page(refusal: Refusal, region: str, contact: HelpContact) -> Block:
    """Why the form does not open, and the button that asks for access if that helps."""
    words = refusal_words(refusal, region, contact)
    blocks = [section(words), *access_button(refusal, contact)]
    return modal("call_notice", form_messages.FORM_TITLE, form_messages.CLOSE, blocks)


def sending(external_id: str) -> Block:
    """Shown at once while a request is being sent; `external_id` is our own name for it."""
    return page(access_messages.SENDING, access_messages.REQUEST_ACCESS) | {"external_id": external_id}


def access_button(refusal: Refusal, contact: HelpContact) -> list[Block]:
    """The row with *Request access*; none if nobody can give it, or nobody can be sent the request."""
    helps = isinstance(refusal, NotAllowed) and access_messages.can_be_requested(refusal.denial)
    if not helps or not contact.id:
        return []
    return [actions([button(REQUEST_ACCESS, access_messages.REQUEST_ACCESS)], REQUEST_ACCESS)]
