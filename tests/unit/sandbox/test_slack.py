"""The stand-in Slack towards people and a bare Bolt app, over Socket Mode and over signed HTTP alike."""

import asyncio
import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.error import URLError

import aiohttp
import pytest
from slack_bolt import App, BoltResponse
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from sandbox.slack.delivery import sign
from sandbox.slack.workspace import SlackWorkspace
from tests.bare_app import BOTH_WAYS, connected, option, plain

TROUBLE = "We had some trouble connecting. Try again?"


@pytest.fixture(scope="module", params=BOTH_WAYS)
def office(request):
    """A workspace and a Bolt app without listeners; each test adds its own, under names of its own."""
    slack = SlackWorkspace()
    slack.start()
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    secret = slack.signing_secret
    app = App(
        client=client, signing_secret=secret, process_before_response=True, request_verification_enabled=True
    )
    with connected(app, slack, request.param):
        yield SimpleNamespace(slack=slack, app=app, client=client, mode=request.param)


numbers = itertools.count()


@pytest.fixture
def story(office):
    """The office with a person, a channel, a command and a callback_id that nobody has used before."""
    n = next(numbers)
    sara, channel = f"U_S{n}", f"C_{n}"
    office.slack.add_user(sara, f"sara{n}", f"sara{n}@acme.test")
    office.slack.add_channel(channel, f"calls-{n}")
    limit = office.slack.ack_limit_s
    yield SimpleNamespace(**vars(office), sara=sara, channel=channel, command=f"/call{n}", form=f"form{n}")
    office.slack.ack_limit_s = limit
    office.slack.complaints.clear()


def field(block_id, element, **more):
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element} | more


def number(**more):
    return field("number", {"type": "plain_text_input", "action_id": "number"} | more)


def modal(callback_id, *blocks, **more):
    shape = {"type": "modal", "callback_id": callback_id, "title": plain("Call"), "submit": plain("Call")}
    return shape | {"blocks": list(blocks)} | more


def button(action_id, **more):
    return {"type": "button", "action_id": action_id, "text": plain("Go")} | more


def show_on_command(story, view):
    """Let the app answer the story's command with a modal, and open it."""

    @story.app.command(story.command)
    def opened(ack, client, body):
        client.views_open(trigger_id=body["trigger_id"], view=view)
        ack()

    assert story.slack.type_command(story.sara, command=story.command).acked
    return story.slack.wait_for_modal(story.sara, story.form)


def answer_submit(story, **answer):
    """Let the app answer the story's form like this; returns the payloads it got."""
    got = []

    @story.app.view(story.form)
    def submitted(ack, body):
        got.append(body)
        ack(**answer)

    return got


# --- commands


def test_a_command_arrives_with_all_its_fields_and_its_ack_is_shown_to_that_person_only(story):
    got = []

    @story.app.command(story.command)
    def called(ack, body):
        got.append(body)
        ack("On it")

    delivery = story.slack.type_command(story.sara, "+1 555 & more", story.channel, story.command)

    assert delivery.acked and delivery.seconds < 3 and delivery.seen == ""
    [body] = got
    assert body["text"] == "+1 555 & more"
    assert (body["user_id"], body["channel_id"], body["team_id"]) == (story.sara, story.channel, "T0SANDBOX")
    assert body["api_app_id"] and body["trigger_id"] and body["response_url"]
    [note] = story.slack.private(story.sara)
    assert (note.kind, note.text, note.channel_id) == ("ack", "On it", story.channel)
    assert story.slack.messages(story.channel) == []


def test_an_in_channel_answer_is_shown_to_everybody(story):
    @story.app.command(story.command)
    def called(ack):
        ack(text="Calling", response_type="in_channel")

    story.slack.type_command(story.sara, channel_id=story.channel, command=story.command)
    assert [m["text"] for m in story.slack.messages(story.channel)] == ["Calling"]
    assert story.slack.private(story.sara) == []


def test_a_command_that_nobody_acks_in_time_tells_the_person_so(story):
    hold = threading.Event()

    @story.app.command(story.command)
    def called(ack):
        hold.wait(5)
        ack("too late")

    story.slack.ack_limit_s = 0.1
    delivery = story.slack.type_command(story.sara, command=story.command)
    hold.set()
    assert not delivery.acked
    assert delivery.seen == ("operation_timeout" if story.mode == "http" else "dispatch_failed")
    assert story.slack.private(story.sara) == []


def test_a_command_that_the_app_refuses_tells_the_person_so(story):
    story.slack.ack_limit_s = 0.2  # Bolt does not ack it over Socket Mode and answers 404 over HTTP
    delivery = story.slack.type_command(story.sara, command=story.command)
    assert not delivery.acked and delivery.seen == "dispatch_failed"
    assert delivery.status == (404 if story.mode == "http" else None)


def test_a_faulty_answer_to_a_command_is_complained_about(story):
    @story.app.command(story.command)
    def called(ack):
        ack(blocks=[{"type": "header", "text": plain("x" * 151)}], text="x")

    delivery = story.slack.type_command(story.sara, command=story.command)
    assert delivery.acked and delivery.seen == "dispatch_failed"
    assert "invalid_blocks" in story.slack.complaints[0]
    assert story.slack.private(story.sara) == []


def test_five_hundred_people_at_once_are_all_served(story):
    got = []

    @story.app.command(story.command)
    def called(ack, body):
        got.append(body["text"])
        ack()

    def call(n):
        return story.slack.type_command(story.sara, str(n), command=story.command)

    story.slack.ack_limit_s = 30  # the promise is that all arrive; how fast depends on the machine
    with ThreadPoolExecutor(500) as crowd:
        deliveries = list(crowd.map(call, range(500)))
    assert sum(each.acked for each in deliveries) == 500
    assert sorted(got, key=int) == [str(n) for n in range(500)]


def test_a_slow_answer_for_one_does_not_hold_up_another(story):
    hold = threading.Event()

    @story.app.command(story.command)
    def called(ack, body):
        if body["text"] == "slow":
            hold.wait(3)
        ack()

    with ThreadPoolExecutor(1) as crowd:
        slow = crowd.submit(story.slack.type_command, story.sara, "slow", command=story.command)
        quick = story.slack.type_command(story.sara, "quick", command=story.command)
        assert quick.acked and not slow.done()
        hold.set()
        assert slow.result().acked


def test_a_redelivered_command_arrives_a_second_time(story):
    got = []

    @story.app.command(story.command)
    def called(ack, body):
        got.append(body)
        ack()

    first = story.slack.type_command(story.sara, command=story.command)
    again = story.slack.redeliver(first)
    assert again.acked and again.envelope_id == first.envelope_id
    assert got[0] == got[1]


# --- modals


def test_a_form_is_filled_submitted_and_closed(story):
    got = answer_submit(story)
    checks = {"type": "checkboxes", "action_id": "c", "options": [option("x"), option("y")]}
    choice = {"type": "static_select", "action_id": "s", "options": [option("1"), option("2")]}
    view = show_on_command(
        story,
        modal(
            story.form,
            number(),
            field("flow", choice | {"initial_option": option("1")}),
            field("checks", checks, optional=True),
            field(
                "where",
                {"type": "conversations_select", "action_id": "w", "default_to_current_conversation": True},
            ),
            private_metadata="key-1",
        ),
    )
    story.slack.fill(story.sara, {"number": "+15551234567", "checks": ["y"]})
    delivery = story.slack.submit(story.sara)

    assert delivery.acked and delivery.seen == "" and delivery.payload is None
    assert story.slack.modal(story.sara) is None
    [body] = got
    assert body["view"]["private_metadata"] == "key-1"
    assert body["view"]["id"] == body["view"]["root_view_id"] == view["id"] and body["view"]["hash"]
    assert body["user"]["id"] == story.sara and body["user"]["team_id"] == body["team"]["id"] == "T0SANDBOX"
    values = body["view"]["state"]["values"]
    assert values["number"]["number"] == {"type": "plain_text_input", "value": "+15551234567"}
    assert values["flow"]["s"]["selected_option"] == option("1")
    assert values["checks"]["c"]["selected_options"] == [option("y")]
    assert values["where"]["w"]["selected_conversation"] == "C_GENERAL"


def test_slack_itself_asks_for_required_fields_and_sends_nothing(story):
    got = answer_submit(story)
    show_on_command(story, modal(story.form, number(min_length=3)))
    assert story.slack.submit(story.sara).invalid_inputs == ("number",)
    story.slack.fill(story.sara, {"number": "12"})
    assert story.slack.submit(story.sara).invalid_inputs == ("number",)
    story.slack.fill(story.sara, {"number": "123"})
    assert story.slack.submit(story.sara).invalid_inputs == ()
    assert len(got) == 1


def test_errors_stand_under_their_fields_until_the_next_try(story):
    answers = [{"response_action": "errors", "errors": {"number": "Not a number"}}, {}]

    @story.app.view(story.form)
    def submitted(ack):
        ack(**answers.pop(0))

    show_on_command(story, modal(story.form, number(initial_value="abc")))
    story.slack.submit(story.sara)
    assert story.slack.field_errors(story.sara) == {"number": "Not a number"}
    story.slack.fill(story.sara, {"number": "+15551234567"})
    assert story.slack.field_errors(story.sara) == {}
    story.slack.submit(story.sara)
    assert story.slack.modal(story.sara) is None


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"response_action": "errors", "errors": {"elsewhere": "No"}}, "elsewhere"),
        ({"response_action": "errors", "errors": {"words": "No"}}, "words"),
        ({"response_action": "update", "view": {"type": "modal", "blocks": []}}, "title"),
        ({"response_action": "dance"}, "dance"),
    ],
)
def test_an_answer_that_slack_would_not_understand_is_trouble_and_complained_about(story, answer, complaint):
    @story.app.view(story.form)
    def submitted():
        return BoltResponse(status=200, body=answer)

    words = {"type": "section", "block_id": "words", "text": plain("hello")}
    show_on_command(story, modal(story.form, number(initial_value="1"), words))
    delivery = story.slack.submit(story.sara)
    assert delivery.acked and delivery.seen == TROUBLE
    assert complaint in " ".join(story.slack.complaints)
    assert story.slack.modal(story.sara)["callback_id"] == story.form


def test_an_update_keeps_what_was_typed_under_the_same_ids(story):
    later = modal(
        story.form,
        number(initial_value="other"),
        field("new", {"type": "plain_text_input", "action_id": "n"}),
    )
    answer_submit(story, response_action="update", view=later)
    before = show_on_command(story, modal(story.form, number()))
    story.slack.fill(story.sara, {"number": "+1"})
    story.slack.submit(story.sara)
    view = story.slack.modal(story.sara)
    assert view["id"] == before["id"] and view["hash"] != before["hash"]
    assert view["state"]["values"]["number"]["number"]["value"] == "+1"
    assert view["state"]["values"]["new"]["n"]["value"] is None


def test_views_can_be_pushed_on_top_and_cleared_together(story):
    answer_submit(story, response_action="push", view=modal(f"{story.form}-2", number(initial_value="1")))

    @story.app.view(f"{story.form}-2")
    def second(ack):
        ack(response_action="clear")

    first = show_on_command(story, modal(story.form, number(initial_value="1")))
    story.slack.submit(story.sara)
    view = story.slack.modal(story.sara)
    assert view["callback_id"] == f"{story.form}-2"
    assert view["root_view_id"] == view["previous_view_id"] == first["id"]
    story.slack.submit(story.sara)
    assert story.slack.modal(story.sara) is None


def test_a_form_whose_submission_fails_stays_open_with_slacks_own_words(story):
    @story.app.view(story.form)
    def submitted():
        raise RuntimeError("broken")

    @story.app.error
    def quietly(error):
        pass

    show_on_command(story, modal(story.form, number(initial_value="1")))
    story.slack.ack_limit_s = 0.2
    delivery = story.slack.submit(story.sara)
    assert not delivery.acked and delivery.seen == TROUBLE
    assert story.slack.modal(story.sara)["callback_id"] == story.form


def test_the_app_hears_of_a_closed_modal_only_if_it_wants_to(story):
    got = []

    @story.app.view_closed(story.form)
    def closed(ack, body):
        got.append(body)
        ack()

    show_on_command(story, modal(story.form, number()))
    assert story.slack.close_modal(story.sara) is None
    view = modal(story.form, number(), notify_on_close=True)
    story.client.views_open(trigger_id=story.slack.new_trigger(story.sara), view=view)
    assert story.slack.close_modal(story.sara).acked
    assert [body["is_cleared"] for body in got] == [False]
    assert story.slack.modal(story.sara) is None


# --- selects and clicks


def test_an_external_select_offers_what_the_app_suggests(story):
    got = answer_submit(story)

    @story.app.options(f"flow-{story.form}")
    def flows(ack, payload):
        found = [o for o in map(option, "abc") if payload["value"] in o["value"]]
        ack(option_groups=[{"label": plain("Mine"), "options": found}])

    select = {"type": "external_select", "action_id": f"flow-{story.form}", "min_query_length": 0}
    show_on_command(story, modal(story.form, field("flow", select)))
    assert story.slack.suggest(story.sara, "flow") == [option("a"), option("b"), option("c")]
    assert story.slack.suggest(story.sara, "flow", "b") == [option("b")]
    with pytest.raises(LookupError, match="no option 'z'"):
        story.slack.fill(story.sara, {"flow": "z"})
    story.slack.fill(story.sara, {"flow": "c"})
    story.slack.submit(story.sara)
    chosen = got[0]["view"]["state"]["values"]["flow"][f"flow-{story.form}"]
    assert chosen["selected_option"] == option("c")


def test_faulty_suggestions_show_an_empty_list_and_are_complained_about(story):
    @story.app.options(f"flow-{story.form}")
    def flows(ack):
        ack(options=[option(str(n)) for n in range(101)])

    select = {"type": "external_select", "action_id": f"flow-{story.form}", "min_query_length": 0}
    show_on_command(story, modal(story.form, field("flow", select)))
    assert story.slack.suggest(story.sara, "flow") == []
    assert "no more than 100 items" in story.slack.complaints[0]


def test_nothing_is_asked_before_the_query_is_long_enough(story):
    select = {"type": "external_select", "action_id": "unheard"}  # three characters by default
    show_on_command(story, modal(story.form, field("flow", select)))
    assert story.slack.suggest(story.sara, "flow", "ab") == []


def test_a_click_in_a_modal_carries_the_state_and_can_push_a_view(story):
    got = []

    @story.app.action(f"more-{story.form}")
    def more(ack, body, client):
        got.append(body)
        client.views_push(trigger_id=body["trigger_id"], view=modal("second", number()))
        ack()

    row = {"type": "actions", "block_id": "row", "elements": [button(f"more-{story.form}", value="7")]}
    show_on_command(story, modal(story.form, number(), row))
    story.slack.fill(story.sara, {"number": "+1"})
    assert story.slack.click(story.sara, f"more-{story.form}").acked
    [body] = got
    assert body["actions"][0]["value"] == "7" and body["actions"][0]["block_id"] == "row"
    assert body["view"]["state"]["values"]["number"]["number"]["value"] == "+1"
    assert story.slack.modal(story.sara)["callback_id"] == "second"


def test_a_field_that_dispatches_tells_the_app_at_once(story):
    got = []

    @story.app.action(f"pick-{story.form}")
    def picked(ack, action):
        got.append(action["selected_option"]["value"])
        ack()

    select = {
        "type": "static_select",
        "action_id": f"pick-{story.form}",
        "options": [option("1"), option("2")],
    }
    show_on_command(story, modal(story.form, field("flow", select, dispatch_action=True)))
    [told] = story.slack.fill(story.sara, {"flow": "2"})
    assert told.acked and got == ["2"]


def test_a_click_in_a_message_knows_its_message_and_may_replace_it(story):
    got = []

    @story.app.action(f"hang-up-{story.form}")
    def hang_up(ack, body, respond):
        got.append(body)
        respond("Hung up", replace_original=True)
        ack()

    row = {"type": "actions", "elements": [button(f"hang-up-{story.form}")]}
    post = story.client.chat_postMessage(channel=story.channel, text="Ringing", blocks=[row])
    assert story.slack.click(story.sara, f"hang-up-{story.form}", story.channel, post["ts"]).acked
    [body] = got
    assert body["message"]["text"] == "Ringing" and body["channel"]["id"] == story.channel
    assert body["container"]["message_ts"] == post["ts"]
    [message] = story.slack.messages(story.channel)
    assert message["text"] == "Hung up" and message["ts"] == post["ts"]


def test_buttons_of_private_notes_can_be_clicked_by_that_person(story):
    @story.app.action(f"again-{story.form}")
    def again(ack, respond):
        respond(delete_original=True)
        ack()

    row = {"type": "actions", "elements": [button(f"again-{story.form}")]}
    story.client.chat_postEphemeral(channel=story.channel, user=story.sara, text="Again?", blocks=[row])
    [note] = story.slack.private(story.sara)
    assert note.kind == "ephemeral"
    with pytest.raises(LookupError):
        story.slack.click("U_BOSS", f"again-{story.form}", story.channel, note.ts)
    assert story.slack.click(story.sara, f"again-{story.form}", story.channel, note.ts).acked
    assert story.slack.private(story.sara) == []


def test_the_home_tab_shows_what_was_published_and_its_buttons_work(story):
    got = []

    @story.app.action(f"redial-{story.form}")
    def redial(ack, body):
        got.append(body["view"]["type"])
        ack()

    row = {"type": "actions", "elements": [button(f"redial-{story.form}")]}
    assert story.slack.home(story.sara) is None
    story.client.views_publish(user_id=story.sara, view={"type": "home", "blocks": [row]})
    assert story.slack.home(story.sara)["type"] == "home"
    assert story.slack.click(story.sara, f"redial-{story.form}").acked
    assert got == ["home"]


def test_forged_payloads_and_events_are_delivered_as_they_are(story):
    got = answer_submit(story)
    events = []

    @story.app.event("app_home_opened")
    def opened(event):
        events.append(event)

    view = {"id": "V_FORGED", "type": "modal", "callback_id": story.form, "private_metadata": "stolen"}
    team = {"id": "T_FOREIGN"}
    forged = {"user": {"id": "U_OTHER", "team_id": "T_FOREIGN"}, "team": team, "view": view}
    assert story.slack.send("view_submission", forged).acked
    assert got[0]["view"]["private_metadata"] == "stolen" and got[0]["team"] == team
    event = {"type": "app_home_opened", "user": story.sara, "tab": "home"}
    assert story.slack.send(
        "event_callback", {"type": "event_callback", "event_id": "E1", "event": event}
    ).acked
    assert events == [event]


# --- response_url


def test_a_response_url_takes_five_posts(story):
    got = []

    @story.app.command(story.command)
    def called(ack, body):
        got.append(body["response_url"])
        ack()

    story.slack.type_command(story.sara, channel_id=story.channel, command=story.command)
    hook = WebhookClient(got[0])
    assert [hook.send(text=f"news {n}").status_code for n in range(6)] == [200] * 5 + [404]
    notes = story.slack.private(story.sara)
    assert [note.text for note in notes] == [f"news {n}" for n in range(5)]
    assert {note.kind for note in notes} == {"response_url"}


def test_an_answer_can_be_replaced_or_given_to_the_channel(story):
    @story.app.command(story.command)
    def called(ack, respond):
        ack("Just a moment")
        respond("Dialing")
        respond("Ringing", replace_original=True)
        respond("A call was placed", response_type="in_channel")

    story.slack.type_command(story.sara, channel_id=story.channel, command=story.command)
    assert {note.text for note in story.slack.private(story.sara)} == {"Ringing", "Just a moment"}
    assert [m["text"] for m in story.slack.messages(story.channel)] == ["A call was placed"]


# --- how payloads travel


def test_requests_are_signed_as_slack_publishes_it():
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert signature == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_without_an_app_a_command_fails_at_once(slack):
    assert slack.type_command("U_SARA").seen == "dispatch_failed"
    slack.request_url = "http://127.0.0.1:9/slack/events"
    delivery = slack.type_command("U_SARA")
    assert delivery.seen == "dispatch_failed" and delivery.seconds < 1


def test_several_request_urls_are_used_in_turn_and_no_other_one_is_tried_after_a_miss(story):
    if story.mode == "http":
        served = story.slack.request_url

        @story.app.command(story.command)
        def called(ack):
            ack()

        story.slack.request_url = [served, "http://127.0.0.1:9/slack/events"]
        acked = [story.slack.type_command(story.sara, command=story.command).acked for _ in range(4)]
        story.slack.request_url = served
        assert acked == [True, False, True, False]


@contextlib.asynccontextmanager
async def line(slack):
    """A bare Socket Mode connection, greeted."""
    opened = WebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"], autoping=False) as ws:
        hello = await ws.receive_json()
        assert hello["type"] == "hello"
        yield ws


def call_in_thread(slack):
    return asyncio.create_task(asyncio.to_thread(slack.type_command, "U_SARA"))


def test_an_envelope_waits_for_the_ack_with_its_id_and_only_the_first_counts(slack):
    async def story():
        async with line(slack) as ws:
            called = call_in_thread(slack)
            envelope = await ws.receive_json()
            assert envelope["type"] == "slash_commands" and envelope["accepts_response_payload"] is True
            assert envelope["payload"]["command"] == "/call"
            await ws.send_json({"envelope_id": "another", "payload": {"text": "not this"}})
            await ws.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "first"}})
            await ws.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "second"}})
            assert (await called).payload == {"text": "first"}

    asyncio.run(story())
    assert [note.text for note in slack.private("U_SARA")] == ["first"]


def test_each_payload_goes_to_any_one_of_the_connections(slack):
    got = []

    async def answer(ws, name):
        async for message in ws:
            got.append(name)
            await ws.send_json({"envelope_id": message.json()["envelope_id"]})

    async def story():
        async with line(slack) as one, line(slack) as two:
            tasks = [asyncio.create_task(answer(ws, name)) for ws, name in ((one, "one"), (two, "two"))]
            acked = [(await call_in_thread(slack)).acked for _ in range(40)]
            assert all(acked)
            for task in tasks:
                task.cancel()

    asyncio.run(story())
    assert len(got) == 40 and set(got) == {"one", "two"}


def test_an_eleventh_connection_is_sent_away_and_a_ticket_is_good_once(slack):
    async def story():
        async with contextlib.AsyncExitStack() as lines:
            for _ in range(10):
                await lines.enter_async_context(line(slack))
            url = WebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)["url"]
            session = await lines.enter_async_context(aiohttp.ClientSession())
            async with session.ws_connect(url) as ws:
                assert (await ws.receive_json())["type"] == "disconnect"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
            assert slack.connections == 10

    asyncio.run(story())
    slack.wait_for(lambda: slack.connections == 0, what="no connections")


def test_pings_are_answered_until_the_server_goes_deaf(slack):
    async def story():
        async with line(slack) as ws:
            await ws.ping(b"session:1.0")
            pong = await ws.receive()
            assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"session:1.0")

            await asyncio.to_thread(slack.disconnect, "deaf")
            assert slack.connections == 0
            slack.ack_limit_s = 0.1
            await ws.ping(b"session:2.0")
            missed = await call_in_thread(slack)
            assert not missed.acked and missed.seen == "dispatch_failed"
            with pytest.raises(TimeoutError):
                await ws.receive(timeout=0.05)

    asyncio.run(story())


async def ack_everything(ws):
    async for message in ws:
        if message.json()["type"] == "slash_commands":
            await ws.send_json({"envelope_id": message.json()["envelope_id"]})


def test_slack_does_not_know_that_one_of_two_connections_is_deaf(slack):
    async def story():
        async with line(slack) as good:
            answering = asyncio.create_task(ack_everything(good))
            async with line(slack):
                await asyncio.to_thread(slack.disconnect, "deaf", "newest")
                assert slack.connections == 1
                slack.ack_limit_s = 0.1
                acked = {(await call_in_thread(slack)).acked for _ in range(30)}
                assert acked == {True, False}
            slack.ack_limit_s = 3
            assert all([(await call_in_thread(slack)).acked for _ in range(10)])
            answering.cancel()

    asyncio.run(story())


@pytest.mark.parametrize(("which", "retired"), [("oldest", 0), ("newest", 1)])
def test_one_of_two_connections_may_be_sent_away(slack, which, retired):
    async def story():
        async with line(slack) as oldest, line(slack) as newest:
            lines = [oldest, newest]
            await asyncio.to_thread(slack.disconnect, "disconnect_message", which)
            assert (await lines[retired].receive_json())["reason"] == "refresh_requested"
            answering = asyncio.create_task(ack_everything(lines[1 - retired]))
            assert all([(await call_in_thread(slack)).acked for _ in range(10)])
            answering.cancel()

    asyncio.run(story())


def test_after_a_warning_a_connection_still_carries_payloads(slack):
    async def story():
        async with line(slack) as ws:
            await asyncio.to_thread(slack.disconnect, "warning")
            assert await ws.receive_json() == {"type": "disconnect", "reason": "warning"}
            answering = asyncio.create_task(ack_everything(ws))
            assert slack.connections == 1 and (await call_in_thread(slack)).acked
            answering.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["link_disabled", "token_revoked"])
def test_an_app_that_is_locked_out_gets_in_again_only_when_it_is_let_in(slack, kind):
    async def story():
        async with line(slack) as ws:
            ordered = asyncio.create_task(asyncio.to_thread(slack.disconnect, kind))
            if kind == "link_disabled":
                assert (await ws.receive_json())["reason"] == kind
            assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
            await ordered
        with pytest.raises(SlackApiError) as caught:
            async with line(slack):
                pass
        assert caught.value.response["error"] == kind
        slack.unlock()
        async with line(slack):
            assert slack.connections == 1

    asyncio.run(story())


def test_an_unknown_kind_of_connection_fault_is_an_error(slack):
    with pytest.raises(ValueError, match="unknown kind of fault: rain"):
        slack.disconnect("rain")


@pytest.mark.parametrize("kind", ["disconnect_message", "close_frame", "fin", "reset"])
def test_connections_end_as_ordered(slack, kind):
    async def story():
        async with line(slack) as ws:
            ordered = asyncio.create_task(asyncio.to_thread(slack.disconnect, kind))
            message = await ws.receive()
            await ordered
            await asyncio.to_thread(slack.wait_for, lambda: slack.connections == 0)
            if kind == "disconnect_message":
                assert message.json()["type"] == "disconnect"
            elif kind == "close_frame":
                assert message.type is aiohttp.WSMsgType.CLOSE
            elif kind == "fin":
                assert message.type is aiohttp.WSMsgType.CLOSED  # no close frame came
            else:
                assert message.type in {aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED}

    asyncio.run(story())


def test_a_stopped_workspace_is_unreachable_and_comes_back_at_the_same_address(slack):
    client, before = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[]), slack.url
    client.chat_postMessage(channel="C_CALLS", text="hello")
    slack.stop()
    with pytest.raises(URLError):
        client.auth_test()
    slack.start()
    assert slack.url == before and client.auth_test()["ok"]
    assert [m["text"] for m in slack.messages("C_CALLS")] == ["hello"]
