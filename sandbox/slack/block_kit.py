"""Slack's validation of messages, views, and option lists: lengths, counts, shapes, and ids.

Pure functions: JSON in, problems out, each with a JSON pointer as in Slack's `response_metadata.messages`.
Covers only the part of Block Kit that this app plausibly uses; any other type is an error, so that nothing
passes unchecked. Limits: slack-facts 2 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.slack.json_shapes import (
    Check,
    boolean,
    clock_time,
    day,
    decimal,
    list_of,
    no,
    number,
    one_of,
    shape,
    string,
    typed,
)
from sandbox.slack.rich_text import RICH_PART

Json = dict[str, Any]


# --- rules across the values of one object ---------------------------------------------------


def options_of(element: Json) -> list[Json]:
    """The options of an element or of a block_suggestion response; groups are flattened."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(o for group in groups for o in group.get("options") or [])]


def _options_or_groups(value: Json, at: str) -> Iterator[str]:
    if ("options" in value) == ("option_groups" in value):
        yield no("must provide either options or option_groups", at)


def _initial_is_offered(value: Json, at: str) -> Iterator[str]:
    initial = [value["initial_option"]] if "initial_option" in value else value.get("initial_options", [])
    if any(each not in options_of(value) for each in initial):
        yield no("initial option must exactly match one of the options", at)


def _not_too_many(value: Json, at: str) -> Iterator[str]:
    initial = value.get("initial_options") or value.get("initial_users") or []
    if len(initial) > value.get("max_selected_items", len(initial)):
        yield no("more items are selected than max_selected_items", at)


def _text_or_fields(value: Json, at: str) -> Iterator[str]:
    if not value.get("text") and not value.get("fields"):
        yield no("must provide text or fields", at)


def _files_are_not_dispatched(value: Json, at: str) -> Iterator[str]:
    if value.get("dispatch_action") and value["element"]["type"] == "file_input":
        yield no("dispatch_action is incompatible with file_input", at)


# --- objects, elements, blocks --------------------------------------------------------------------


def _plain(most: int) -> Check:
    return typed({"plain_text": shape({"text": string(most)}, {"emoji": boolean})})


def _text(most: int) -> Check:
    mrkdwn = shape({"text": string(most)}, {"verbatim": boolean})
    return typed({"plain_text": shape({"text": string(most)}, {"emoji": boolean}), "mrkdwn": mrkdwn})


def _option(text: Check, **more: Check) -> Check:
    return shape({"text": text, "value": string(150)}, {"description": _plain(75), **more})


_OPTION = _option(_plain(75))
_RICH_OPTION = _option(_text(75))  # checkboxes and radio buttons may use mrkdwn
_OPTIONS = {
    "options": list_of(_OPTION, 0, 100),
    "option_groups": list_of(shape({"label": _plain(75), "options": list_of(_OPTION, 0, 100)}), 0, 100),
}
_CONFIRM = shape(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": one_of("primary", "danger")},
)
_DISPATCH = shape({"trigger_actions_on": list_of(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})
_FILTER = shape(
    {},
    {
        "include": list_of(one_of("im", "mpim", "private", "public"), 1, 4),
        "exclude_bot_users": boolean,
        "exclude_external_shared_channels": boolean,
    },
)
_IMAGE = shape({"image_url": string(3000), "alt_text": string(2000)})
_FOCUS = {"action_id": string(255), "focus_on_load": boolean}
_SELECT = {**_FOCUS, "placeholder": _plain(150), "confirm": _CONFIRM}
_RICH_CHOICES = {"options": list_of(_RICH_OPTION, 1, 10)}

ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": _plain(75)},
        {
            "action_id": string(255),
            "value": string(2000),
            "url": string(3000),
            "style": one_of("primary", "danger"),
            "confirm": _CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "plain_text_input": shape(
        {},
        {
            **_FOCUS,
            "placeholder": _plain(150),
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": number(0, 3000),
            "max_length": number(1, 3000),
            "dispatch_action_config": _DISPATCH,
        },
    ),
    "static_select": shape(
        {},
        {
            **_SELECT,
            "options": list_of(_OPTION, 1, 100),
            "option_groups": list_of(
                shape({"label": _plain(75), "options": list_of(_OPTION, 1, 100)}), 1, 100
            ),
            "initial_option": _OPTION,
        },
        _options_or_groups,
        _initial_is_offered,
    ),
    "external_select": shape({}, {**_SELECT, "initial_option": _OPTION, "min_query_length": number(0, 3000)}),
    "conversations_select": shape(
        {},
        {
            **_SELECT,
            "initial_conversation": string(255),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": _FILTER,
        },
    ),
    "multi_external_select": shape(
        {},
        {
            **_SELECT,
            "initial_options": list_of(_OPTION, 1, 100),
            "min_query_length": number(0, 3000),
            "max_selected_items": number(1, 100),
        },
        _not_too_many,
    ),
    "multi_users_select": shape(
        {},
        {
            **_SELECT,
            "initial_users": list_of(string(255), 1, 100),
            "max_selected_items": number(1, 100),
        },
        _not_too_many,
    ),
    "users_select": shape({}, {**_SELECT, "initial_user": string(255)}),
    "datepicker": shape({}, {**_SELECT, "initial_date": day}),
    "file_input": shape(
        {},
        {"action_id": string(255), "filetypes": list_of(string(255), 1, 100), "max_files": number(1, 10)},
    ),
    "timepicker": shape({}, {**_SELECT, "initial_time": clock_time, "timezone": string(255)}),
    "number_input": shape(
        {"is_decimal_allowed": boolean},
        {
            **_FOCUS,
            "placeholder": _plain(150),
            "initial_value": decimal,
            "min_value": decimal,
            "max_value": decimal,
            "dispatch_action_config": _DISPATCH,
        },
    ),
    "overflow": shape(
        {"options": list_of(_option(_plain(75), url=string(3000)), 1, 5)},
        {"action_id": string(255), "confirm": _CONFIRM},
    ),
    "checkboxes": shape(
        _RICH_CHOICES,
        {**_FOCUS, "initial_options": list_of(_RICH_OPTION, 1, 10), "confirm": _CONFIRM},
        _initial_is_offered,
    ),
    "radio_buttons": shape(
        _RICH_CHOICES, {**_FOCUS, "initial_option": _RICH_OPTION, "confirm": _CONFIRM}, _initial_is_offered
    ),
}


def _elements(*kinds: str, **more: Check) -> Check:
    return typed({kind: ELEMENTS[kind] for kind in kinds} | more)


_SELECTS = ("static_select", "external_select", "conversations_select", "users_select")
_MULTI_SELECTS = ("multi_external_select", "multi_users_select")
_CHOICES = (*_SELECTS, "datepicker", "timepicker", "checkboxes", "radio_buttons")
_ID = {"block_id": string(255)}
_CONTEXT_ITEM = typed({"image": _IMAGE, "plain_text": _text(3000), "mrkdwn": _text(3000)})
_BLOCK = typed(
    {
        "section": shape(
            {},
            {
                **_ID,
                "text": _text(3000),
                "fields": list_of(_text(2000), 1, 10),
                "accessory": _elements("button", "overflow", *_CHOICES, *_MULTI_SELECTS, image=_IMAGE),
                "expand": boolean,
            },
            _text_or_fields,
        ),
        "divider": shape({}, _ID),
        "header": shape({"text": _plain(150)}, _ID),
        "context": shape({"elements": list_of(_CONTEXT_ITEM, 1, 10)}, _ID),
        "actions": shape({"elements": list_of(_elements("button", "overflow", *_CHOICES), 1, 25)}, _ID),
        "input": shape(
            {
                "label": _plain(2000),
                "element": _elements(
                    "plain_text_input", "number_input", "file_input", *_CHOICES, *_MULTI_SELECTS
                ),
            },
            {**_ID, "hint": _plain(2000), "optional": boolean, "dispatch_action": boolean},
            _files_are_not_dispatched,
        ),
        "image": shape({"image_url": string(3000), "alt_text": string(2000)}, {**_ID, "title": _plain(2000)}),
        "rich_text": shape({"elements": list_of(RICH_PART, 1, 1000)}, _ID),
    }
)


# --- messages, views, responses ---------------------------------------------------------------------


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of a block, in order."""
    inside = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
    return [each for each in inside if each and each["type"] in ELEMENTS]


def _ids_are_unique(value: Json, at: str) -> Iterator[str]:
    blocks = value["blocks"]
    elements = [elements_of(block) for block in blocks]
    for ids in ([b.get("block_id") for b in blocks], *([e.get("action_id") for e in es] for es in elements)):
        named = [each for each in ids if each is not None]
        doubles = sorted({each for each in named if named.count(each) > 1})
        yield from (no(f"`{each}` already exists: ids must be unique", f"{at}/blocks") for each in doubles)
    if sum(bool(e.get("focus_on_load")) for es in elements for e in es) > 1:
        yield no("focus_on_load may be set on one element only", f"{at}/blocks")


def _inputs_need_submit(value: Json, at: str) -> Iterator[str]:
    if "submit" not in value and any(block["type"] == "input" for block in value["blocks"]):
        yield no("missing required field: submit, when an input block is present", at)


def _no_file_input(value: Json, at: str) -> Iterator[str]:
    for index, block in enumerate(value["blocks"]):
        if block.get("element", {}).get("type") == "file_input":
            yield no("unsupported type: file_input, outside a modal", f"{at}/blocks/{index}/element")


_ANY_VIEW: dict[str, Check] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_MODAL = shape(
    {"title": _plain(24), "blocks": list_of(_BLOCK, 0, 100)},
    {
        **_ANY_VIEW,
        "submit": _plain(24),
        "close": _plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
    },
    _ids_are_unique,
    _inputs_need_submit,
)
_HOME = shape({"blocks": list_of(_BLOCK, 0, 100)}, _ANY_VIEW, _ids_are_unique, _no_file_input)
_MESSAGE = shape({"blocks": list_of(_BLOCK, 0, 50)}, {}, _ids_are_unique, _no_file_input)
_ANSWER = shape({}, _OPTIONS, _options_or_groups)


def problems_in_view(view: Any, kind: str = "modal") -> list[str]:
    """The problems of a view of this kind (`modal` or `home`); empty when it is valid."""
    return list(typed({"modal": _MODAL} if kind == "modal" else {"home": _HOME})(view, "/view"))


def problems_in_blocks(blocks: Any) -> list[str]:
    """The problems of a message's blocks; empty when they are valid."""
    return list(_MESSAGE({"blocks": blocks}, ""))


def problems_in_options(answer: Any) -> list[str]:
    """The problems of a block_suggestion response; empty when it is valid."""
    return list(_ANSWER(answer, ""))
