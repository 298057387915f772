"""The stand-in Slack's Web API as slack_sdk's WebClient meets it: answers, refusals and faults."""

import http.client
import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from tests.bare_app import plain, refusal, why_not


def modal(*blocks, **more):
    return {"type": "modal", "title": plain("Call"), "blocks": list(blocks)} | more


SECTION = {"type": "section", "text": plain("hello")}
LONG_HEADER = {"type": "header", "text": plain("x" * 151)}
METADATA = {"event_type": "call", "event_payload": {"id": "1"}}


# --- who may call what


def test_the_bot_learns_who_it_is_and_what_it_may(slack, client):
    answer = client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == (slack.team_id, slack.bot_user_id)
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


def test_tokens_open_only_their_own_methods(slack, client):
    assert why_not(client.auth_test, token="xoxb-wrong") == "invalid_auth"
    assert why_not(WebClient(base_url=slack.api_url).auth_test) == "not_authed"
    assert why_not(client.apps_connections_open, app_token=slack.bot_token) == "not_allowed_token_type"
    assert why_not(client.users_info, token=slack.app_token, user="U_SARA") == "not_allowed_token_type"
    assert client.apps_connections_open(app_token=slack.app_token)["url"].startswith("ws://127.0.0.1:")


def test_unknown_methods_are_refused(client):
    assert why_not(client.api_call, api_method="chat.shout") == "unknown_method"


@pytest.mark.parametrize(
    ("scope", "call"),
    [
        ("chat:write", lambda client: client.chat_postMessage(channel="C_CALLS", text="a")),
        ("users:read", lambda client: client.users_info(user="U_SARA")),
        ("channels:read", lambda client: client.conversations_info(channel="C_CALLS")),
        ("channels:history", lambda client: client.conversations_history(channel="C_CALLS")),
    ],
)
def test_a_missing_scope_is_named(slack, client, scope, call):
    call(client)
    slack.bot_scopes.discard(scope)
    answer = refusal(call, client=client)
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)
    provided = answer["provided"].split(",")
    assert scope not in provided and "commands" in provided


def test_people_are_described_in_full_and_can_be_changed(slack, client):
    slack.users["U_SARA"]["is_restricted"] = True
    user = client.users_info(user="U_SARA")["user"]
    assert user["profile"]["email"] == "sara@acme.test" and user["is_email_confirmed"]
    assert (user["is_restricted"], user["is_ultra_restricted"], user["deleted"]) == (True, False, False)
    assert user["team_id"] == slack.team_id
    slack.bot_scopes.discard("users:read.email")
    assert "email" not in client.users_info(user="U_SARA")["user"]["profile"]
    assert why_not(client.users_info, user="U_NOBODY") == "user_not_found"


# --- views


def test_a_trigger_opens_one_view_and_no_second(slack, client):
    trigger = slack.new_trigger("U_SARA")
    assert why_not(client.views_open, trigger_id=trigger, view=modal(LONG_HEADER)) == "invalid_arguments"
    opened = client.views_open(trigger_id=trigger, view=modal(SECTION, callback_id="f"))["view"]
    assert slack.modal("U_SARA")["id"] == opened["id"] and opened["state"] == {"values": {}}
    assert why_not(client.views_open, trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    assert why_not(client.views_open, trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"


def test_a_trigger_does_not_live_long(slack, client):
    slack.trigger_lifetime_s = 0
    assert (
        why_not(client.views_open, trigger_id=slack.new_trigger("U_SARA"), view=modal())
        == "expired_trigger_id"
    )


def test_a_faulty_view_is_refused_with_reasons(slack, client):
    answer = refusal(client.views_open, trigger_id=slack.new_trigger("U_SARA"), view=modal(LONG_HEADER))
    [message] = answer["response_metadata"]["messages"]
    assert "/view/blocks/0/text/text" in message
    sections = [{"type": "section", "text": plain("€" * 3000)}] * 30
    view = modal(*sections)
    assert why_not(client.views_open, trigger_id=slack.new_trigger("U_SARA"), view=view) == "view_too_large"


def test_views_are_updated_by_id_or_external_id_unless_the_hash_is_stale(slack, client):
    trigger, external = slack.new_trigger("U_SARA"), {"external_id": "call-1"}
    opened = client.views_open(trigger_id=trigger, view=modal(SECTION, **external))["view"]
    hashed = client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(**external))["view"]
    assert hashed["id"] == opened["id"] and hashed["hash"] != opened["hash"]
    again = {"view_id": opened["id"], "hash": opened["hash"], "view": modal()}
    assert why_not(client.views_update, **again) == "hash_conflict"
    client.views_update(external_id="call-1", view=modal(callback_id="new"))
    assert slack.modal("U_SARA")["callback_id"] == "new"
    slack.close_modal("U_SARA")
    assert why_not(client.views_update, view_id=opened["id"], view=modal()) == "not_found"


def test_an_external_id_is_taken_while_its_view_is_open(slack, client):
    view = modal(external_id="call-1")
    client.views_open(trigger_id=slack.new_trigger("U_SARA"), view=view)
    assert (
        why_not(client.views_open, trigger_id=slack.new_trigger("U_BOSS"), view=view)
        == "duplicate_external_id"
    )
    slack.close_modal("U_SARA")
    client.views_open(trigger_id=slack.new_trigger("U_BOSS"), view=view)


def test_three_views_are_the_most_and_each_needs_a_trigger_from_the_modal(slack, client):
    row = {"type": "actions", "elements": [{"type": "button", "action_id": "more", "text": plain("More")}]}
    assert (
        why_not(client.views_push, trigger_id=slack.new_trigger("U_SARA"), view=modal())
        == "invalid_trigger_id"
    )
    client.views_open(trigger_id=slack.new_trigger("U_SARA"), view=modal(row))

    def push():
        trigger = slack.click("U_SARA", "more").sent["trigger_id"]  # no app is there to hear of it
        return client.views_push(trigger_id=trigger, view=modal(row))

    push()
    push()
    assert why_not(push) == "push_limit_reached"


def test_a_home_tab_is_published_per_person(slack, client):
    view = client.views_publish(user_id="U_SARA", view={"type": "home", "blocks": [SECTION]})["view"]
    assert slack.home("U_SARA")["id"] == view["id"] and slack.home("U_BOSS") is None
    client.views_publish(user_id="U_SARA", view={"type": "home", "blocks": []}, hash=view["hash"])
    stale = {"user_id": "U_SARA", "view": {"type": "home", "blocks": []}, "hash": view["hash"]}
    assert why_not(client.views_publish, **stale) == "hash_conflict"


# --- messages


def test_a_message_is_posted_shown_and_updated_in_place(slack, client):
    post = client.chat_postMessage(channel="C_CALLS", text="Ringing", blocks=[SECTION], metadata=METADATA)
    [message] = slack.messages("C_CALLS")
    assert (message["ts"], message["user"]) == (post["ts"], slack.bot_user_id)
    assert message["metadata"] == METADATA and "edited" not in message
    client.chat_update(channel="C_CALLS", ts=post["ts"], text="Answered")
    [message] = slack.messages("C_CALLS")
    assert message["text"] == "Answered" and message["edited"]
    assert message["blocks"][0]["text"] == SECTION["text"]  # what is left out stays
    client.chat_update(channel="C_CALLS", ts=post["ts"], text="Ended", blocks=[])
    assert slack.messages("C_CALLS")[0]["blocks"] == []
    link = client.chat_getPermalink(channel="C_CALLS", message_ts=post["ts"])["permalink"]
    assert link == f"{slack.url}/archives/C_CALLS/p{post['ts'].replace('.', '')}"


def test_only_own_messages_that_are_still_there_can_be_updated(slack, client):
    post = client.chat_postMessage(channel="C_CALLS", text="a")
    theirs = slack.say("U_SARA", "C_CALLS", "hello")
    assert why_not(client.chat_update, channel="C_CALLS", ts=theirs, text="b") == "cant_update_message"
    assert why_not(client.chat_update, channel="C_CALLS", ts=post["ts"], text="x" * 4001) == "msg_too_long"
    slack.delete_message("C_CALLS", post["ts"])
    assert why_not(client.chat_update, channel="C_CALLS", ts=post["ts"], text="b") == "message_not_found"
    assert [m["text"] for m in slack.messages("C_CALLS")] == ["hello"]


def test_channels_take_posts_only_as_slack_lets_them(slack, client):
    slack.add_channel("C_PUBLIC", "public", bot_is_member=False)
    slack.add_channel("C_PRIVATE", "private", bot_is_member=False, is_private=True)
    slack.add_channel("C_OLD", "old", is_archived=True)
    reasons = {
        "C_PUBLIC": "not_in_channel",
        "C_PRIVATE": "channel_not_found",
        "C_OLD": "is_archived",
        "C_NOWHERE": "channel_not_found",
    }
    for channel, reason in reasons.items():
        assert why_not(client.chat_postMessage, channel=channel, text="a") == reason
        assert why_not(client.chat_postEphemeral, channel=channel, user="U_SARA", text="a") == reason
    assert (
        why_not(client.chat_postEphemeral, channel="C_CALLS", user="U_X", text="a") == "user_not_in_channel"
    )
    slack.bot_scopes.add("chat:write.public")
    client.chat_postMessage(channel="C_PUBLIC", text="a")


def test_a_message_to_a_person_is_private_and_can_be_updated(slack, client):
    post = client.chat_postMessage(channel="U_SARA", text="Ringing")
    client.chat_update(channel=post["channel"], ts=post["ts"], text="Answered")
    client.chat_postEphemeral(channel="C_CALLS", user="U_SARA", text="psst")
    assert [(note.kind, note.text) for note in slack.private("U_SARA")] == [
        ("dm", "Answered"),
        ("ephemeral", "psst"),
    ]
    assert slack.private("U_BOSS") == [] and slack.messages("C_CALLS") == []


def test_faulty_messages_are_refused_with_reasons(client):
    answer = refusal(client.chat_postMessage, channel="C_CALLS", text="a", blocks=[LONG_HEADER])
    assert answer["error"] == "invalid_blocks"
    assert "/blocks/0/text/text" in answer["response_metadata"]["messages"][0]
    assert why_not(client.api_call, api_method="chat.postMessage", json={"channel": "C_CALLS"}) == "no_text"
    novel = [{"type": "section", "text": plain("x" * 3000)}] * 5
    assert (
        why_not(client.chat_postMessage, channel="C_CALLS", text="a", blocks=novel) == "msg_blocks_too_long"
    )
    wrong = {"channel": "C_CALLS", "text": "a", "metadata": {"event_type": "call"}}
    assert why_not(client.chat_postMessage, **wrong) == "invalid_metadata_format"


def test_history_is_read_newest_first_in_pages(slack, client):
    posts = [
        client.chat_postMessage(channel="C_CALLS", text=str(n), metadata=METADATA)["ts"] for n in range(5)
    ]
    client.chat_postMessage(channel="C_CALLS", text="reply", thread_ts=posts[0])

    def texts(**args):
        return [m["text"] for m in client.conversations_history(channel="C_CALLS", **args)["messages"]]

    assert texts() == ["4", "3", "2", "1", "0"]
    assert texts(oldest=posts[1], latest=posts[3]) == ["2"]
    assert texts(oldest=posts[1], latest=posts[3], inclusive=True) == ["3", "2", "1"]
    first = client.conversations_history(channel="C_CALLS", limit=3)
    assert first["has_more"] and "metadata" not in first["messages"][0]
    assert texts(cursor=first["response_metadata"]["next_cursor"]) == ["1", "0"]
    [newest] = client.conversations_history(channel="C_CALLS", limit=1, include_all_metadata=True)["messages"]
    assert newest["metadata"] == METADATA


def test_channels_are_described_to_those_who_may_know(slack, client):
    slack.add_channel("C_SHARED", "shared", is_ext_shared=True)
    slack.add_channel("C_PUBLIC", "public", bot_is_member=False)
    slack.add_channel("C_PRIVATE", "private", is_private=True)
    assert client.conversations_info(channel="C_SHARED")["channel"]["is_ext_shared"]
    assert not client.conversations_info(channel="C_PUBLIC")["channel"]["is_member"]
    assert why_not(client.conversations_history, channel="C_PUBLIC") == "not_in_channel"
    slack.bot_scopes.discard("groups:read")
    answer = refusal(client.conversations_info, channel="C_PRIVATE")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "groups:read")
    assert why_not(client.conversations_info, channel="C_NOWHERE") == "channel_not_found"


def test_posting_may_be_limited_per_channel(slack, client):
    slack.limits.posts_per_s = 1
    client.chat_postMessage(channel="C_CALLS", text="a")
    client.chat_postMessage(channel="C_GENERAL", text="a")
    answer = refusal(client.chat_postMessage, channel="C_CALLS", text="b")
    assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
    assert len(slack.messages("C_CALLS")) == 1


def test_form_encoded_and_json_arguments_are_understood_alike(slack):
    args = {"channel": "C_CALLS", "text": "a", "blocks": [SECTION]}
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    form = urlencode(args | {"blocks": json.dumps(args["blocks"])}).encode()
    whole = json.dumps(args).encode()
    for body, kind in ((form, "application/x-www-form-urlencoded"), (whole, "application/json")):
        request = urllib.request.Request(
            f"{slack.api_url}chat.postMessage", body, headers | {"Content-Type": kind}
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["ok"]
    first, second = slack.messages("C_CALLS")
    assert [b["text"] for b in first["blocks"]] == [b["text"] for b in second["blocks"]] == [SECTION["text"]]
    assert [call.args for call in slack.api_calls("chat.postMessage")] == [args, args]


# --- faults


def post(client):
    return client.chat_postMessage(channel="C_CALLS", text="a")


def count(slack):
    return len(slack.api_calls("chat.postMessage")), len(slack.messages("C_CALLS"))


def test_faults_come_in_order_and_then_all_is_well(slack, client):
    slack.fault("chat.postMessage", "429", retry_after=7)
    slack.fault("chat.postMessage", "500")
    slack.fault("chat.postMessage", "error:is_archived")
    limited = refusal(post, client=client)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert refusal(post, client=client).status_code == 500
    assert why_not(post, client=client) == "is_archived"
    post(client)
    assert count(slack) == (4, 1)


@pytest.mark.parametrize(("kind", "done"), [("cut", 0), ("lose_answer", 1)])
def test_a_connection_may_end_without_an_answer(slack, client, kind, done):
    slack.fault("chat.postMessage", kind)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        post(client)
    assert count(slack) == (1, done)


@pytest.mark.parametrize(("kind", "done"), [("hang", 0), ("hang_after", 1)])
def test_an_answer_may_never_come(slack, kind, done):
    slack.fault("chat.postMessage", kind)
    impatient = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=0.1)
    with pytest.raises(TimeoutError):
        post(impatient)
    assert count(slack) == (1, done)


def test_an_answer_may_be_slow_while_the_work_is_done(slack, client):
    slack.fault("chat.postMessage", "slow", seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, client)
        slack.wait_for(lambda: slack.messages("C_CALLS"), what="the message")
        assert not answer.done()
        assert answer.result()["ok"]


def test_an_answer_may_come_byte_by_byte(slack, client):
    slack.fault("chat.postMessage", "drip", seconds=0.005)
    started = time.monotonic()
    answer = post(client)
    assert answer["ok"] and count(slack) == (1, 1)
    assert time.monotonic() - started > 0.005 * 100  # that many bytes are there at the least
    assert "chat:write" in answer.headers["x-oauth-scopes"]


def test_a_fault_without_an_end_lasts_until_it_is_cleared(slack, client):
    slack.fault("chat.postMessage", "500", times=None)
    for _ in range(3):
        assert refusal(post, client=client).status_code == 500
    slack.clear_faults()
    post(client)
    with pytest.raises(ValueError, match="unknown kind"):
        slack.fault("chat.postMessage", "boom")


def test_response_urls_may_go_wrong_too(slack):
    hook = WebhookClient(slack.type_command("U_SARA").sent["response_url"], retry_handlers=[])
    slack.fault("response_url", "error:expired_url")
    assert hook.send(text="a").status_code == 404
    slack.fault("response_url", "lose_answer")
    with pytest.raises(http.client.RemoteDisconnected):
        hook.send(text="b")
    assert [note.text for note in slack.private("U_SARA")] == ["b"]
    assert [call.args["text"] for call in slack.api_calls("response_url")] == ["a", "b"]


# --- waiting


def test_waiting_wakes_up_with_the_change_or_says_what_is_missing(slack, client):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slack.wait_for, lambda: slack.messages("C_CALLS"))
        post(client)
        assert waiting.result()[0]["text"] == "a"
    started = time.monotonic()
    with pytest.raises(AssertionError, match="the modal form on U_SARA's screen"):
        slack.wait_for_modal("U_SARA", "form", within_s=0.1)
    assert time.monotonic() - started < 1
