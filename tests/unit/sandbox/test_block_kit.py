"""Block Kit as the stand-in Slack judges it: what passes, and what real Slack would refuse."""

import copy

import pytest

from sandbox.slack.block_kit import problems_in_blocks, problems_in_options, problems_in_view


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def option(value, text="Flow"):
    return {"text": plain(text), "value": value}


def button(action_id="go", **more):
    return {"type": "button", "action_id": action_id, "text": plain("Go")} | more


def section(**more):
    return {"type": "section", "text": mrkdwn("hello")} | more


def field(element, **more):
    return {"type": "input", "label": plain("Label"), "element": element} | more


def text_input(**more):
    return {"type": "plain_text_input", "action_id": "a"} | more


def select(**more):
    return {"type": "static_select", "action_id": "s", "options": [option("a"), option("b")]} | more


def modal(*blocks, **more):
    whole = {"type": "modal", "title": plain("Call"), "submit": plain("Call"), "blocks": list(blocks)}
    return {key: value for key, value in (whole | more).items() if value is not None}


CONFIRM = {
    "title": plain("Sure?"),
    "text": mrkdwn("It *rings*"),
    "confirm": plain("Yes"),
    "deny": plain("No"),
}
GROUPS = [{"label": plain("Mine"), "options": [option("a")]}]

GOOD_BLOCKS = {
    "section with fields": {"type": "section", "fields": [mrkdwn("a"), plain("b")]},
    "section with a confirmed button": section(accessory=button(style="danger", confirm=CONFIRM, value="1")),
    "section with a menu": section(
        accessory={"type": "overflow", "action_id": "o", "options": [option("a"), option("b")]}
    ),
    "section with a menu of one": section(
        accessory={"type": "overflow", "action_id": "o", "options": [option("a")]}
    ),
    "section with a picture": section(
        accessory={"type": "image", "image_url": "https://x/y", "alt_text": "y"}
    ),
    "divider": {"type": "divider", "block_id": "line"},
    "header": {"type": "header", "text": plain("Calls")},
    "context": {
        "type": "context",
        "elements": [mrkdwn("a"), {"type": "image", "image_url": "u", "alt_text": "a"}],
    },
    "actions": {"type": "actions", "elements": [button("a"), button("b"), select()]},
    "image": {"type": "image", "image_url": "https://x/y", "alt_text": "y", "title": plain("Y")},
    "text input": field(
        text_input(placeholder=plain("+1"), max_length=30), hint=plain("E.164"), optional=True
    ),
    "number": field({"type": "number_input", "is_decimal_allowed": False, "initial_value": "5"}),
    "time": field({"type": "timepicker", "initial_time": "08:00"}),
    "people": field({"type": "multi_users_select", "initial_users": ["U1"], "max_selected_items": 1}),
    "several": field({"type": "multi_external_select", "initial_options": [option("a")]}),
    "select": field(select(initial_option=option("b"))),
    "grouped select": field(
        {"type": "static_select", "option_groups": GROUPS, "initial_option": option("a"), "action_id": "g"}
    ),
    "external select": field({"type": "external_select", "action_id": "e", "min_query_length": 0}),
    "time picker": field({"type": "timepicker", "action_id": "t", "initial_time": "08:30"}),
    "date picker": field({"type": "datepicker", "action_id": "d", "initial_date": "2026-10-31"}),
    "conversations select": field(
        {
            "type": "conversations_select",
            "action_id": "c",
            "default_to_current_conversation": True,
            "response_url_enabled": True,
            "filter": {"include": ["public"], "exclude_bot_users": True},
        }
    ),
    "checkboxes": field(
        {
            "type": "checkboxes",
            "action_id": "c",
            "options": [{"text": mrkdwn("*a*"), "value": "a"}],
            "initial_options": [{"text": mrkdwn("*a*"), "value": "a"}],
        }
    ),
    "radio buttons": field({"type": "radio_buttons", "action_id": "r", "options": [option("a")]}),
    "rich text": {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "a", "style": {"bold": True}},
                    {"type": "user", "user_id": "U_SARA"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "link", "url": "https://x"}]}
                ],
            },
        ],
    },
}

BAD_BLOCKS = {
    "unknown block": {"type": "video"},
    "no type": {"text": plain("a")},
    "not even an object": "hello",
    "no time of day": field({"type": "timepicker", "action_id": "t", "initial_time": "24:00"}),
    "too many files": field({"type": "file_input", "action_id": "f", "max_files": 11}),
    "no files": field({"type": "file_input", "action_id": "f", "max_files": 0}),
    "file type that is no text": field({"type": "file_input", "action_id": "f", "filetypes": [1]}),
    "file input outside an input block": {"type": "actions", "elements": [{"type": "file_input"}]},
    "file input that notifies at once": field({"type": "file_input"}, dispatch_action=True),
    "no day": field({"type": "datepicker", "action_id": "d", "initial_date": "2026-02-30"}),
    "a number that is no text": field(
        {"type": "number_input", "is_decimal_allowed": False, "initial_value": 5}
    ),
    "a number that may be anything": field({"type": "number_input"}),
    "no time": field({"type": "timepicker", "initial_time": "24:00"}),
    "too many people": field(
        {"type": "multi_users_select", "initial_users": ["U1", "U2"], "max_selected_items": 1}
    ),
    "several of nothing": field({"type": "multi_external_select", "initial_options": []}),
    "unknown element": section(accessory={"type": "workflow_button", "action_id": "t"}),
    "text input outside an input block": {"type": "actions", "elements": [text_input()]},
    "stray key": section(color="red"),
    "stray key in an element": section(accessory=button(color="red")),
    "emoji in mrkdwn": section(text=mrkdwn("a") | {"emoji": True}),
    "section without text": {"type": "section"},
    "empty text": section(text=mrkdwn("")),
    "section text too long": section(text=mrkdwn("x" * 3001)),
    "too many fields": {"type": "section", "fields": [plain("a")] * 11},
    "field too long": {"type": "section", "fields": [plain("x" * 2001)]},
    "header too long": {"type": "header", "text": plain("x" * 151)},
    "header in mrkdwn": {"type": "header", "text": mrkdwn("a")},
    "context too long": {"type": "context", "elements": [plain("a")] * 11},
    "empty context": {"type": "context", "elements": []},
    "too many buttons": {"type": "actions", "elements": [button(f"b{n}") for n in range(26)]},
    "same action twice in a block": {"type": "actions", "elements": [button("a"), button("a")]},
    "button text too long": section(accessory=button(text=plain("x" * 76))),
    "button value too long": section(accessory=button(value="x" * 2001)),
    "button style unknown": section(accessory=button(style="default")),
    "confirm title too long": section(accessory=button(confirm=CONFIRM | {"title": plain("x" * 101)})),
    "confirm answer too long": section(accessory=button(confirm=CONFIRM | {"deny": plain("x" * 31)})),
    "block_id too long": section(block_id="x" * 256),
    "action_id too long": section(accessory=button("x" * 256)),
    "input without label": {"type": "input", "element": text_input()},
    "placeholder too long": field(text_input(placeholder=plain("x" * 151))),
    "min_length too big": field(text_input(min_length=3001)),
    "no options": field(select(options=[])),
    "too many options": field(select(options=[option(str(n)) for n in range(101)])),
    "option text too long": field(select(options=[option("a", "x" * 76)])),
    "option value too long": field(select(options=[option("x" * 151)])),
    "option text in mrkdwn": field(select(options=[{"text": mrkdwn("a"), "value": "a"}])),
    "options and groups": field(select(option_groups=GROUPS)),
    "initial option not offered": field(select(initial_option=option("c"))),
    "initial option of other text": field(select(initial_option=option("a", "Another"))),
    "overflow of none": section(accessory={"type": "overflow", "action_id": "o", "options": []}),
    "too many checkboxes": field(
        {"type": "checkboxes", "action_id": "c", "options": [option(str(n)) for n in range(11)]}
    ),
    "image without alt text": {"type": "image", "image_url": "https://x/y"},
    "unknown rich text": {"type": "rich_text", "elements": [{"type": "rich_text_table", "elements": []}]},
}


@pytest.mark.parametrize("name", GOOD_BLOCKS)
def test_good_blocks_pass_in_a_modal_and_in_a_message(name):
    block = GOOD_BLOCKS[name]
    assert problems_in_view(modal(block)) == []
    assert problems_in_blocks([block]) == []


@pytest.mark.parametrize("name", BAD_BLOCKS)
def test_bad_blocks_are_refused_in_a_modal_and_in_a_message(name):
    block = BAD_BLOCKS[name]
    assert problems_in_view(modal(block))
    assert problems_in_blocks([block])


def test_a_problem_says_where_it_is():
    [problem] = problems_in_view(modal({"type": "divider"}, field(select(options=[option("x" * 151)]))))
    assert (
        problem
        == "[ERROR] must be less than 151 characters [json-pointer:/view/blocks/1/element/options/0/value]"
    )


BAD_VIEWS = {
    "title missing": modal(title=None),
    "title too long": modal(title=plain("x" * 25)),
    "title in mrkdwn": modal(title=mrkdwn("a")),
    "submit too long": modal(submit=plain("x" * 25)),
    "close too long": modal(close=plain("x" * 25)),
    "inputs but no submit": modal(field(text_input()), submit=None),
    "metadata too long": modal(private_metadata="x" * 3001),
    "metadata not a string": modal(private_metadata={"key": 1}),
    "callback_id too long": modal(callback_id="x" * 256),
    "too many blocks": modal(*[{"type": "divider"}] * 101),
    "same block_id twice": modal(section(block_id="a"), section(block_id="a")),
    "two fields want the focus": modal(
        field(text_input(focus_on_load=True)), field(text_input(focus_on_load=True))
    ),
    "stray key": modal(color="red"),
    "a Home tab in place of a modal": {"type": "home", "blocks": []},
    "nothing": None,
}


@pytest.mark.parametrize("name", BAD_VIEWS)
def test_bad_views_are_refused(name):
    assert problems_in_view(BAD_VIEWS[name])


def test_a_full_modal_passes():
    view = modal(
        *[{"type": "divider"}] * 99,
        field(text_input(focus_on_load=True)),
        title=plain("x" * 24),
        close=plain("x" * 24),
        private_metadata="x" * 3000,
        callback_id="x" * 255,
        external_id="e",
        notify_on_close=True,
    )
    assert problems_in_view(view) == []


def test_a_home_tab_has_no_title_and_no_submit():
    home = {"type": "home", "blocks": [section(accessory=button())]}
    assert problems_in_view(home, "home") == []
    assert problems_in_view(home | {"submit": plain("Go")}, "home")


def test_the_same_action_may_stand_in_several_blocks():
    assert problems_in_blocks([section(accessory=button("a")), section(accessory=button("a"))]) == []


def test_a_message_takes_fifty_blocks_and_no_more():
    assert problems_in_blocks([{"type": "divider"}] * 50) == []
    assert problems_in_blocks([{"type": "divider"}] * 51)


@pytest.mark.parametrize(
    "answer", [{"options": []}, {"options": [option("a")] * 100}, {"option_groups": GROUPS}]
)
def test_lists_of_options_pass(answer):
    assert problems_in_options(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"options": [option("a")] * 101},
        {"options": [option("a", "x" * 76)]},
        {"options": [option("x" * 151)]},
        {"options": [option("")]},
        {"options": [], "option_groups": []},
        {},
        None,
    ],
)
def test_faulty_lists_of_options_are_refused(answer):
    assert problems_in_options(answer)


def test_looking_changes_nothing():
    view = modal(field(select(initial_option=option("b"))), section(accessory=button()))
    before = copy.deepcopy(view)
    problems_in_view(view)
    assert view == before


@pytest.mark.parametrize("more", [{}, {"action_id": "f", "filetypes": ["csv"], "max_files": 1}])
def test_files_are_taken_in_modals_only(more):
    block = field({"type": "file_input"} | more)

    assert problems_in_view(modal(block)) == []
    assert "file_input" in problems_in_blocks([block])[0]
    assert "file_input" in problems_in_view({"type": "home", "blocks": [block]}, "home")[0]
