"""The stand-in Slack's Home tabs, workflow steps and files, as a bare Bolt app and slack_sdk meet them."""

import http.client
import itertools
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from sandbox.slack.workspace import SlackWorkspace
from tests.bare_app import BOTH_WAYS, connected, option, plain, refusal, why_not


@pytest.fixture(scope="module", params=BOTH_WAYS)
def office(request):
    """A workspace and a Bolt app without listeners; each test adds its own, under names of its own."""
    slack = SlackWorkspace()
    slack.start()
    client = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    app = App(client=client, signing_secret=slack.signing_secret, process_before_response=True)
    opened = []

    @app.event("app_home_opened")
    def home_opened(body):
        opened.append(body)

    with connected(app, slack, request.param):
        yield SimpleNamespace(slack=slack, app=app, client=client, mode=request.param, opened=opened)


numbers = itertools.count()


@pytest.fixture
def story(office):
    """The office with a person and a callback_id that nobody has used before."""
    n = next(numbers)
    office.slack.add_user(f"U_S{n}", f"sara{n}", f"sara{n}@acme.test")
    limit = office.slack.ack_limit_s
    yield SimpleNamespace(**vars(office), sara=f"U_S{n}", name=f"story{n}")
    office.slack.ack_limit_s = limit


def button(action_id, **more):
    return {"type": "button", "action_id": action_id, "text": plain("Go")} | more


def text_field(block_id, action_id, **more):
    element = {"type": "plain_text_input", "action_id": action_id}
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element} | more


def select(block_id, action_id, kind="users_select", **more):
    element = {"type": kind, "action_id": action_id} | more
    return {"type": "section", "block_id": block_id, "text": plain("Whose?"), "accessory": element}


def home(*blocks, **more):
    return {"type": "home", "blocks": list(blocks)} | more


def hear(story, *action_ids):
    """Let the app acknowledge these actions; returns the payloads it gets."""
    got = []

    def heard(ack, body):
        got.append(body)
        ack()

    for action_id in action_ids:
        story.app.action(action_id)(heard)
    return got


# --- opening the Home tab


def test_a_person_who_opens_the_home_tab_is_told_to_the_app_which_then_knows_what_they_see(story):
    assert story.slack.open_home(story.sara).acked
    first = story.opened[-1]
    assert first["event"].items() >= {"type": "app_home_opened", "user": story.sara, "tab": "home"}.items()
    assert "view" not in first["event"]  # nothing was published for her before
    published = story.client.views_publish(user_id=story.sara, view=home(private_metadata="page 1"))["view"]
    assert story.slack.open_home(story.sara).acked
    seen = story.opened[-1]["event"]["view"]
    assert (seen["id"], seen["hash"], seen["private_metadata"]) == (
        published["id"],
        published["hash"],
        "page 1",
    )


def test_an_event_comes_in_the_envelope_of_the_events_api(story):
    delivery = story.slack.open_home(story.sara)
    body = story.opened[-1]
    assert body == delivery.sent and delivery.envelope_type == "events_api"
    assert (body["type"], body["team_id"]) == ("event_callback", story.slack.team_id)
    assert body["event_id"].startswith("Ev") and isinstance(body["event_time"], int)
    [installed] = body["authorizations"]
    assert (installed["user_id"], installed["is_bot"]) == (story.slack.bot_user_id, True)
    private = story.client.conversations_open(users=story.sara)["channel"]["id"]
    assert body["event"]["channel"] == private and float(body["event"]["event_ts"]) > 0


def test_the_messages_tab_is_told_as_such_and_without_a_view(story):
    story.client.views_publish(user_id=story.sara, view=home())
    assert story.slack.open_home(story.sara, tab="messages").acked
    event = story.opened[-1]["event"]
    assert event["tab"] == "messages" and "view" not in event


# --- clicking, typing and choosing in the Home tab


def test_a_click_in_the_home_tab_tells_what_stands_there_and_may_open_a_form(story):
    got = []

    @story.app.action(f"call-{story.name}")
    def call(ack, body, client):
        got.append(body)
        view = {"type": "modal", "callback_id": story.name, "title": plain("Call"), "blocks": []}
        client.views_open(trigger_id=body["trigger_id"], view=view)
        ack()

    row = {"type": "actions", "block_id": "row", "elements": [button(f"call-{story.name}", value="7")]}
    view = home(text_field("note", "note"), row, private_metadata="page 1", callback_id="home")
    published = story.client.views_publish(user_id=story.sara, view=view)["view"]
    assert story.slack.type_in_home(story.sara, "note", "to mother") is None  # this field tells nobody
    assert story.slack.click(story.sara, f"call-{story.name}", block_id="row", where="home").acked
    [body] = got
    assert body["container"] == {"type": "view", "view_id": published["id"]}
    assert body["user"]["id"] == story.sara and body["team"]["id"] == story.slack.team_id
    assert "response_url" not in body and "channel" not in body and "message" not in body
    seen = body["view"]
    assert (seen["type"], seen["hash"], seen["private_metadata"]) == ("home", published["hash"], "page 1")
    assert seen["state"]["values"]["note"]["note"] == {"type": "plain_text_input", "value": "to mother"}
    assert body["actions"][0].items() >= {"block_id": "row", "value": "7", "type": "button"}.items()
    assert story.slack.modal(story.sara)["callback_id"] == story.name


def test_the_home_tab_can_be_clicked_while_a_form_is_open(story):
    got = hear(story, f"more-{story.name}")
    row = {"type": "actions", "elements": [button(f"more-{story.name}")]}
    story.client.views_publish(user_id=story.sara, view=home(row))
    form = {"type": "modal", "title": plain("Call"), "blocks": []}
    story.client.views_open(trigger_id=story.slack.new_trigger(story.sara), view=form)
    with pytest.raises(LookupError):
        story.slack.click(story.sara, f"more-{story.name}")  # the form is before it
    assert story.slack.click(story.sara, f"more-{story.name}", where="home").acked
    assert [body["view"]["type"] for body in got] == ["home"]


def test_enter_in_a_field_that_dispatches_tells_the_app_and_mere_typing_does_not(story):
    got = hear(story, f"search-{story.name}")
    search = text_field("search", f"search-{story.name}", dispatch_action=True)
    story.client.views_publish(user_id=story.sara, view=home(search))
    assert story.slack.type_in_home(story.sara, "search", "mot", enter=False) is None
    assert got == []
    assert story.slack.type_in_home(story.sara, "search", "mother").acked
    [body] = got
    assert body["actions"][0]["value"] == "mother"
    assert body["view"]["state"]["values"]["search"][f"search-{story.name}"]["value"] == "mother"


def test_a_field_may_dispatch_while_a_person_types(story):
    got = hear(story, f"search-{story.name}")
    search = text_field("search", f"search-{story.name}", dispatch_action=True)
    search["element"]["dispatch_action_config"] = {"trigger_actions_on": ["on_character_entered"]}
    story.client.views_publish(user_id=story.sara, view=home(search))
    assert story.slack.type_in_home(story.sara, "search", "m", enter=False).acked
    assert [body["actions"][0]["value"] for body in got] == ["m"]


def test_people_and_options_are_chosen_and_told_at_once(story):
    who, flow = f"who-{story.name}", f"flow-{story.name}"
    got = hear(story, who, flow)
    blocks = [
        select("who", who, initial_user="U_BOSS"),
        select("flow", flow, "static_select", options=[option("1"), option("2")]),
    ]
    story.client.views_publish(user_id=story.sara, view=home(*blocks))
    assert story.slack.home(story.sara)["state"]["values"]["who"][who]["selected_user"] == "U_BOSS"
    assert story.slack.choose_in_home(story.sara, "who", "U_AGENT").acked
    assert story.slack.choose_in_home(story.sara, "flow", "2").acked
    assert got[0]["actions"][0]["selected_user"] == "U_AGENT"
    assert got[1]["actions"][0]["selected_option"] == option("2")
    values = got[1]["view"]["state"]["values"]
    assert values["who"][who] == {"type": "users_select", "selected_user": "U_AGENT"}
    with pytest.raises(LookupError, match="U_NOBODY"):
        story.slack.choose_in_home(story.sara, "who", "U_NOBODY")
    with pytest.raises(LookupError, match="no option '3'"):
        story.slack.choose_in_home(story.sara, "flow", "3")


def test_days_are_chosen_in_a_calendar(story):
    day = f"day-{story.name}"
    got = hear(story, day)
    picker = select("day", day, "datepicker", initial_date="2026-10-01")
    story.client.views_publish(user_id=story.sara, view=home(picker))
    assert story.slack.home(story.sara)["state"]["values"]["day"][day]["selected_date"] == "2026-10-01"
    assert story.slack.choose_in_home(story.sara, "day", "2026-10-31").acked
    assert got[0]["actions"][0]["selected_date"] == "2026-10-31"
    with pytest.raises(LookupError, match="no day '2026-02-30'"):
        story.slack.choose_in_home(story.sara, "day", "2026-02-30")


def test_an_external_select_in_a_home_tab_asks_the_app(story):
    flow, other = f"flow-{story.name}", f"other-{story.name}"
    got = hear(story, flow)

    @story.app.options(flow)
    def flows(ack, payload):
        ack(options=[o for o in map(option, "abc") if payload["value"] in o["value"]])

    elements = [
        {"type": "static_select", "action_id": other, "options": [option("x")]},
        {"type": "external_select", "action_id": flow, "min_query_length": 0},
    ]
    row = {"type": "actions", "block_id": "row", "elements": elements}
    story.client.views_publish(user_id=story.sara, view=home(row))
    assert story.slack.suggest_in_home(story.sara, "row", flow) == [option("a"), option("b"), option("c")]
    assert story.slack.suggest_in_home(story.sara, "row", flow, "b") == [option("b")]
    assert story.slack.choose_in_home(story.sara, "row", "b", action_id=flow).acked
    assert got[0]["actions"][0]["selected_option"] == option("b")


def test_nobody_can_use_a_home_tab_that_was_never_published(story):
    with pytest.raises(LookupError, match="no Home tab"):
        story.slack.type_in_home(story.sara, "search", "mother")
    with pytest.raises(LookupError, match="neither a modal nor a Home tab"):
        story.slack.click(story.sara, "redial", where="home")


def test_what_is_typed_survives_a_new_view_under_the_same_ids_only(slack, client):
    client.views_publish(user_id="U_SARA", view=home(text_field("a", "a"), text_field("b", "b")))
    slack.type_in_home("U_SARA", "a", "kept")
    slack.type_in_home("U_SARA", "b", "dropped")
    client.views_publish(user_id="U_SARA", view=home(text_field("a", "a"), text_field("b2", "b")))
    values = slack.home("U_SARA")["state"]["values"]
    assert (values["a"]["a"]["value"], values["b2"]["b"]["value"]) == ("kept", None)


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (home(submit=plain("Call")), "invalid additional property: submit"),
        (home(close=plain("No")), "invalid additional property: close"),
        (home(title=plain("Calls")), "invalid additional property: title"),
        ({"type": "modal", "title": plain("Call"), "blocks": []}, "unsupported type: modal"),
        (home(*[{"type": "divider"}] * 101), "no more than 100 items allowed"),
        (home(text_field("a", "a"), text_field("a", "b")), "`a` already exists"),
        (home({"type": "actions", "elements": [button("a"), button("a")]}), "`a` already exists"),
        (home(select("who", "who", initial_users=["U_SARA"])), "invalid additional property: initial_users"),
    ],
)
def test_a_home_tab_that_slack_would_refuse_is_refused(client, view, reason):
    answer = refusal(client.views_publish, user_id="U_SARA", view=view)
    assert answer["error"] == "invalid_arguments"
    assert any(reason in message for message in answer["response_metadata"]["messages"])


def test_a_hundred_blocks_and_the_same_action_in_two_rows_are_fine(client):
    rows = [select(f"row {n}", "redial") for n in range(100)]
    assert client.views_publish(user_id="U_SARA", view=home(*rows))["ok"]


def test_an_external_id_belongs_to_one_persons_home_tab(client):
    view = home(external_id="mine")
    client.views_publish(user_id="U_SARA", view=view)
    client.views_publish(user_id="U_SARA", view=view)  # in place of itself
    assert why_not(client.views_publish, user_id="U_BOSS", view=view) == "duplicate_external_id"


# --- steps in workflows


def test_a_step_gets_its_inputs_and_a_token_of_its_own_and_completes(story):
    got = []

    @story.app.function(story.name)
    def step(body, inputs, complete, client):
        got.append((body, inputs, client.token))
        complete({"call_id": "7"})

    told = story.slack.run_step(story.name, {"number": "+15550100"})
    done = story.slack.wait_for_execution(told.id)
    assert (done.outputs, done.error) == ({"call_id": "7"}, None)
    [(body, inputs, token)] = got
    event = body["event"]
    assert inputs == {"number": "+15550100"} and event["function_execution_id"] == told.id
    assert told.id.startswith("Fx") and token == told.token and token.startswith("xwfp-")
    assert (event["function"]["callback_id"], event["function"]["type"]) == (story.name, "app")
    assert [each["name"] for each in event["function"]["input_parameters"]] == ["number"]
    assert event["workflow_execution_id"].startswith("Wx") and body["event_id"].startswith("Ev")
    [delivery] = done.deliveries
    assert delivery.acked and delivery.envelope_type == "events_api"


def test_a_step_that_fails_says_why(story):
    @story.app.function(story.name)
    def step(fail):
        fail("Only managers may place calls.")

    told = story.slack.run_step(story.name, {})
    failed = story.slack.wait_for_execution(told.id, "failed")
    assert (failed.error, failed.outputs) == ("Only managers may place calls.", None)


def test_a_step_may_be_completed_later_with_the_bots_own_token(story):
    @story.app.function(story.name)
    def step():
        pass

    told = story.slack.run_step(story.name, {})
    assert told.status == "running" and story.slack.execution(told.id).status == "running"
    with pytest.raises(AssertionError, match=f"{told.id} to be completed"):
        story.slack.wait_for_execution(told.id, within_s=0.05)
    story.client.functions_completeSuccess(function_execution_id=told.id, outputs={})
    assert story.slack.execution(told.id).outputs == {}
    assert told.id in [each.id for each in story.slack.executions]


def test_a_step_that_nobody_acks_is_delivered_once_more_and_says_so(story):
    heard = []

    @story.app.function(story.name, auto_acknowledge=False)
    def step(ack, request):
        heard.append((request.body["event_id"], request.headers.get("x-slack-retry-num")))
        if len(heard) > 1:
            ack()

    story.slack.ack_limit_s = 1.5
    told = story.slack.run_step(story.name, {})
    assert [each.acked for each in told.deliveries] == [False, True]
    assert story.slack.redeliver(told.deliveries[0]).acked  # as Slack may do minutes later
    first, *others = heard
    assert first[1] in (None, ["0"]) and [each[1] for each in others] == [["1"], ["1"]]
    assert {event_id for event_id, _retry in heard} == {first[0]}


def test_a_step_can_end_only_once_and_its_token_ends_with_it(story):
    @story.app.function(story.name)
    def step():
        pass

    told = story.slack.run_step(story.name, {})
    own = WebClient(token=told.token, base_url=story.slack.api_url, retry_handlers=[])
    own.chat_postMessage(channel="C_CALLS", text="Calling")
    own.functions_completeError(function_execution_id=told.id, error="Nobody is there")
    for again in (own, story.client):
        late = {"function_execution_id": told.id, "outputs": {}}
        assert why_not(again.functions_completeSuccess, **late) == "execution_not_in_running_state"
    assert story.slack.execution(told.id).status == "failed"
    assert why_not(own.chat_postMessage, channel="C_CALLS", text="Too late") == "token_revoked"


def test_a_completion_without_its_arguments_is_refused(slack, client):
    told = slack.run_step("nobody_listens", {})
    assert [each.failure for each in told.deliveries] == ["unreachable"] * 2
    unknown = {"function_execution_id": "Fx0"}
    assert why_not(client.functions_completeSuccess, outputs={}, **unknown) == "function_execution_not_found"
    assert why_not(client.functions_completeError, error="x", **unknown) == "function_execution_not_found"
    known = {"function_execution_id": told.id}
    assert why_not(client.functions_completeSuccess, outputs=["a"], **known) == "invalid_arguments"
    assert why_not(client.functions_completeError, error="", **known) == "invalid_arguments"
    assert slack.execution(told.id).status == "running"
    with pytest.raises(LookupError):
        slack.execution("Fx0")


# --- options that a step offers to a person who builds a workflow


def test_options_that_are_completed_before_the_ack_are_offered(story):
    @story.app.function(story.name, auto_acknowledge=False)
    def flows(ack, complete, inputs):
        complete({"options": [option(inputs["query"])]})
        ack()

    assert story.slack.step_options(story.name, {"query": "sales"}) == [option("sales")]


def test_options_that_come_after_the_ack_are_too_late(story):
    seen, told = threading.Event(), []

    @story.app.function(story.name)
    def flows(context):
        told.append(context.function_execution_id)
        seen.set()

    assert story.slack.step_options(story.name) == []
    assert seen.wait(5)
    late = {"function_execution_id": told[0], "outputs": {"options": [option("1")]}}
    assert story.client.functions_completeSuccess(**late)["ok"]
    assert not story.slack.execution(told[0]).in_time


@pytest.mark.parametrize(
    "options", [None, "sales", [{"text": "Sales", "value": "1"}], [{"text": plain("Sales")}]]
)
def test_options_of_another_shape_are_refused_and_not_offered(story, options):
    reasons = []

    @story.app.function(story.name, auto_acknowledge=False)
    def flows(ack, complete):
        reasons.append(why_not(complete, outputs={"options": options}))
        ack()

    assert story.slack.step_options(story.name) == []
    assert reasons == ["parameter_validation_failed"]


def test_a_function_that_fails_offers_nothing(story):
    @story.app.function(story.name, auto_acknowledge=False)
    def flows(ack, fail):
        fail("Evo Voice is away")
        ack()

    assert story.slack.step_options(story.name) == []
    assert story.slack.executions[-1].error == "Evo Voice is away"


# --- private conversations


def test_a_private_conversation_is_the_same_however_it_is_reached(slack, client):
    channel = client.conversations_open(users="U_SARA")["channel"]["id"]
    assert channel.startswith("D") and client.conversations_open(users=["U_SARA"])["channel"]["id"] == channel
    assert client.conversations_open(channel=channel)["channel"]["id"] == channel
    assert client.conversations_open(users="U_SARA", return_im=True)["channel"]["user"] == "U_SARA"
    assert client.chat_postMessage(channel=channel, text="a")["channel"] == channel
    assert client.chat_postMessage(channel="U_SARA", text="b")["channel"] == channel
    assert [(note.kind, note.text) for note in slack.private("U_SARA")] == [("dm", "a"), ("dm", "b")]


def test_only_members_who_are_there_can_be_written_to(slack, client):
    assert why_not(client.conversations_open, users="U_NOBODY") == "user_not_found"
    assert why_not(client.conversations_open, users="") == "users_list_not_supplied"
    assert why_not(client.conversations_open, channel="D_NOWHERE") == "channel_not_found"
    wrong_kind = why_not(client.conversations_open, channel="C_CALLS")
    assert wrong_kind == "method_not_supported_for_channel_type"
    slack.users["U_SARA"]["deleted"] = True
    assert why_not(client.conversations_open, users="U_SARA") == "user_disabled"


# --- files


def reserve(client, length, name="calls.csv"):
    return client.files_getUploadURLExternal(filename=name, length=length)


def send(url, content, kind="application/octet-stream"):
    request = urllib.request.Request(url, content, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def share_one(client, place, **more):
    return client.files_completeUploadExternal(files=[{"id": place["file_id"]}], **more)


def test_a_file_is_shared_in_a_channel_with_a_title_and_a_comment(slack, client):
    answer = client.files_upload_v2(
        channel="C_CALLS",
        filename="calls.csv",
        content="number,state\n",
        title="Calls of May",
        initial_comment="Here they are.",
        thread_ts="1.000001",
    )
    [shared] = slack.files("C_CALLS")
    assert (shared.name, shared.title, shared.content) == ("calls.csv", "Calls of May", b"number,state\n")
    assert (shared.channel_id, shared.comment) == ("C_CALLS", "Here they are.")
    assert answer["file"].items() >= {"id": shared.id, "title": "Calls of May"}.items()
    [message] = slack.messages("C_CALLS")
    assert (message["text"], message["thread_ts"]) == ("Here they are.", "1.000001")
    assert [each["id"] for each in message["files"]] == [shared.id]
    assert [call.args["length"] for call in slack.api_calls("upload")] == [13]


def test_a_file_is_sent_to_a_person_in_their_private_conversation(slack, client):
    content = bytes(range(256))
    private = client.conversations_open(users="U_SARA")["channel"]["id"]
    client.files_upload_v2(channel=private, filename="calls.bin", file=content)
    assert [each.content for each in slack.files("U_SARA")] == [content]
    assert slack.files("U_SARA") == slack.files(private) and slack.files("U_BOSS") == []
    file_id = client.files_upload_v2(filename="unshared", content="a")["file"]["id"]
    assert file_id not in {each.id for each in slack.files(private)}  # without a channel nobody sees it


def test_several_files_come_in_one_message(slack, client):
    uploads = [{"filename": f"{n}.csv", "content": str(n)} for n in range(2)]
    client.files_upload_v2(channel="C_CALLS", file_uploads=uploads)
    assert [each.content for each in slack.files("C_CALLS")] == [b"0", b"1"]
    assert len(slack.messages("C_CALLS")) == 1


def test_a_file_may_come_as_a_multipart_form(slack, client):
    place = reserve(client, 5)
    head = '--x\r\nContent-Disposition: form-data; name="filename"; filename="calls.csv"\r\n\r\n'
    form = head.encode() + b"a,b\n\xff\r\n--x--\r\n"
    assert send(place["upload_url"], form, "multipart/form-data; boundary=x") == "OK - 5"
    share_one(client, place, channel_id="C_CALLS")
    assert slack.files("C_CALLS")[0].content == b"a,b\n\xff"


def test_a_file_can_be_shared_only_where_the_bot_is(slack, client):
    slack.add_channel("C_OUTSIDE", "outside", bot_is_member=False)
    slack.bot_scopes.add("chat:write.public")  # is not enough for files
    place = reserve(client, 1)
    send(place["upload_url"], b"a")
    for channel, reason in {
        "C_NOWHERE": "channel_not_found",
        "U_SARA": "channel_not_found",
        "calls": "channel_not_found",
        "C_OUTSIDE": "not_in_channel",
    }.items():
        assert why_not(share_one, client=client, place=place, channel_id=channel) == reason
    assert slack.files("C_OUTSIDE") == [] and slack.messages("C_OUTSIDE") == []
    assert share_one(client, place, channel_id="C_CALLS")["ok"]  # the upload waited


def test_only_what_arrived_whole_can_be_shared_and_only_once(slack, client):
    place = reserve(client, 3)
    assert why_not(share_one, client=client, place=place) == "file_not_found"
    for url, content in ((place["upload_url"], b"ab"), (place["upload_url"] + "0", b"abc")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            send(url, content)
        assert caught.value.code == 400
        caught.value.close()
    assert why_not(share_one, client=client, place=place) == "file_not_found"
    assert send(place["upload_url"], b"abc") == "OK - 3"
    share_one(client, place, channel_id="C_CALLS")
    assert why_not(share_one, client=client, place=place) == "file_not_found"
    assert len(slack.files("C_CALLS")) == 1


def test_an_upload_needs_a_name_and_a_length(client):
    assert why_not(reserve, client=client, length=0) == "missing_argument"
    assert why_not(reserve, client=client, length=1, name="") == "invalid_arguments"
    assert why_not(reserve, client=client, length="long") == "invalid_arguments"
    assert why_not(client.files_completeUploadExternal, files=[]) == "invalid_arguments"
    call = {"api_method": "files.completeUploadExternal", "params": {"files": '["F1"]'}}
    assert why_not(client.api_call, **call) == "invalid_arguments"


# --- user groups


def test_user_groups_tell_their_members_only_if_asked(slack, client):
    sales, _support = client.usergroups_list()["usergroups"]
    assert (sales["id"], sales["handle"], "users" in sales) == ("S_SALES", "sales", False)
    full = client.usergroups_list(include_users=True, include_count=True)["usergroups"]
    assert (full[0]["users"], full[0]["user_count"]) == (["U_BOSS", "U_SARA"], 2)
    assert client.usergroups_users_list(usergroup="S_SUPPORT")["users"] == ["U_BOSS"]


def test_a_disabled_group_is_shown_only_if_asked_and_others_do_not_exist(slack, client):
    slack.user_groups.by_id["S_SALES"].is_disabled = True
    assert [group["id"] for group in client.usergroups_list()["usergroups"]] == ["S_SUPPORT"]
    assert len(client.usergroups_list(include_disabled=True)["usergroups"]) == 2
    assert why_not(client.usergroups_users_list, usergroup="S_SALES") == "no_such_subteam"
    assert why_not(client.usergroups_users_list, usergroup="S_NEVER") == "no_such_subteam"
    assert why_not(client.usergroups_users_list, usergroup="") == "invalid_arguments"
    slack.user_groups.are_on_plan = False
    assert why_not(client.usergroups_list) == "plan_upgrade_required"


# --- scopes and faults


NEW_METHODS = {
    "conversations.open": {"users": "U_SARA"},
    "files.getUploadURLExternal": {"filename": "a", "length": 1},
    "files.completeUploadExternal": {"files": '[{"id": "F1"}]'},
    "functions.completeSuccess": {"function_execution_id": "Fx1", "outputs": "{}"},
    "functions.completeError": {"function_execution_id": "Fx1", "error": "a"},
    "usergroups.list": {},
    "usergroups.users.list": {"usergroup": "S_SALES"},
    "views.publish": {"user_id": "U_SARA", "view": '{"type": "home", "blocks": []}'},
}


@pytest.mark.parametrize("method", NEW_METHODS)
def test_every_method_can_be_limited_and_go_wrong_by_its_name(slack, client, method):
    slack.fault(method, "429", retry_after=7)
    slack.fault(method, "error:fatal_error")
    slack.fault(method, "cut")
    call = {"api_method": method, "params": NEW_METHODS[method]}
    limited = refusal(client.api_call, **call)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert why_not(client.api_call, **call) == "fatal_error"
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.api_call(**call)
    assert len(slack.api_calls(method)) == 3


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("conversations.open", "im:write"),
        ("files.getUploadURLExternal", "files:write"),
        ("files.completeUploadExternal", "files:write"),
        ("usergroups.list", "usergroups:read"),
        ("usergroups.users.list", "usergroups:read"),
    ],
)
def test_a_missing_scope_is_named(slack, client, method, scope):
    slack.bot_scopes.remove(scope)
    answer = refusal(client.api_call, api_method=method, params=NEW_METHODS[method])
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)


def test_the_sending_of_the_bytes_may_go_wrong_too(slack, client):
    for kind in ("429", "500", "error:no_space"):
        slack.fault("upload", kind)
        with pytest.raises(urllib.error.HTTPError) as caught:
            client.files_upload_v2(channel="C_CALLS", filename="a", content="a")
        caught.value.close()
    slack.fault("upload", "cut")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.files_upload_v2(channel="C_CALLS", filename="a", content="a")
    assert slack.files("C_CALLS") == [] and len(slack.api_calls("upload")) == 4
    client.files_upload_v2(channel="C_CALLS", filename="a", content="a")
    assert len(slack.files("C_CALLS")) == 1


def test_a_file_may_be_shared_though_the_answer_is_lost(slack, client):
    slack.fault("files.completeUploadExternal", "lose_answer")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.files_upload_v2(channel="C_CALLS", filename="a", content="a")
    assert len(slack.files("C_CALLS")) == 1
