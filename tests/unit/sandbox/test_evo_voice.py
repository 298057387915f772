"""The stand-in Evo Voice behaves as the fact sheet says, oddities included, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.evo.calls import BUSY, Script
from sandbox.evo.faults import ANSWERS, BEHAVIORS
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD, World

AGENT = "EvoSlack-tests/1"
FOR_EVER = Script(ring_s=10**6)
TALKING = Script(ring_s=0, talk_s=10**6)
FINAL = Script(ring_s=0, talk_s=0)
NUMBER, MAIN_OFFICE, VIRTUAL = "+12025550143", "+12025550100", "+12025550199"


@pytest.fixture
def evo() -> Iterator[EvoVoice]:
    with EvoVoice() as stand_in:
        yield stand_in


def ask(
    evo: EvoVoice, method: str, path: str, who: str = "sara@acme.test", timeout: float = 5, **more: Any
) -> requests.Response:
    """One request with HTTP Basic on a connection of its own; `who` "" stays anonymous."""
    headers = {"User-Agent": AGENT, "Accept": "application/json"} | more.pop("headers", {})
    auth = (who, more.pop("password", PASSWORD)) if who else None
    more.setdefault("allow_redirects", False)
    return requests.request(method, evo.url + path, headers=headers, auth=auth, timeout=timeout, **more)


def call(evo: EvoVoice, number: str = NUMBER, who: str = "sara@acme.test", **more: Any) -> requests.Response:
    timeout = more.pop("timeout", 5)
    body = {"flowId": "flow1", "numberToDial": number, "callerId": MAIN_OFFICE} | more
    return ask(evo, "POST", "/sessions/outgoing", who, json=body, timeout=timeout)


def sessions(evo: EvoVoice, **query: Any) -> list[dict[str, Any]]:
    return ask(evo, "GET", "/sessions", params=query).json()["items"]


def error_code(response: requests.Response) -> str:
    return response.json()["responseStatus"]["errorCode"]


def log_in(evo: EvoVoice, remember: bool) -> requests.Session:
    person = requests.Session()
    person.headers.update({"User-Agent": AGENT, "Accept": "application/json"})
    body = {"provider": "credentials", "userName": "bot@acme.test", "password": PASSWORD}
    answer = person.post(f"{evo.url}/auth/credentials", json=body | {"rememberMe": remember}, timeout=5)
    assert answer.json()["userName"] == "bot@acme.test"
    return person


# Placing a call


def test_a_good_call_rings_once_and_is_answered_with_nothing(evo: EvoVoice) -> None:
    answer = call(evo)

    assert (answer.status_code, answer.content) == (204, b"")
    (ring,) = evo.world.rings
    assert (ring.flow_id, ring.number, ring.caller_id) == ("flow1", NUMBER, MAIN_OFFICE)
    assert ring.login_email == "sara@acme.test"
    assert evo.posts == 1


@pytest.mark.parametrize(
    ("kind", "body"), [("200_session", b'{"id"'), ("200_empty", b""), ("200_garbage", b"\xff")]
)
def test_a_good_call_can_be_answered_in_other_ways(evo: EvoVoice, kind: Any, body: bytes) -> None:
    evo.answer = kind
    answer = call(evo)

    assert answer.status_code == 200
    assert answer.content.startswith(body)
    assert len(evo.world.rings) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"flowId": ""}, 400, "ArgumentException"),
        ({"flowId": "flow99"}, 404, "NotFound"),
        ({"numberToDial": "2025550143"}, 400, "ArgumentException"),
        ({"callerId": "+12025559999"}, 400, "ArgumentException"),
        ({"callerId": VIRTUAL}, 400, "ArgumentException"),
        ({"who": "other@other.test"}, 403, "Forbidden"),
        ({"who": "readonly@acme.test"}, 403, "Forbidden"),
    ],
)
def test_a_call_that_is_not_right_is_refused_in_json_and_rings_nowhere(
    evo: EvoVoice, changes: dict[str, str], status: int, code: str
) -> None:
    answer = call(evo, **changes)

    assert (answer.status_code, error_code(answer)) == (status, code)
    assert evo.world.rings == []
    assert evo.posts == 1


def test_without_a_caller_id_a_random_owned_number_is_used(evo: EvoVoice) -> None:
    for _ in range(10):
        call(evo, callerId="")

    assert {ring.caller_id for ring in evo.world.rings} <= {MAIN_OFFICE, "+12025550101"}


def test_names_in_a_body_may_have_any_letter_case_and_the_query_wins(evo: EvoVoice) -> None:
    body = {"FLOWID": "flow1", "numbertodial": NUMBER, "CallerId": MAIN_OFFICE}
    ask(evo, "POST", "/sessions/outgoing", json=body, params={"flowId": "flow2", "unknown": "x"})

    assert [ring.flow_id for ring in evo.world.rings] == ["flow2"]


# Logging in


def test_a_stranger_gets_401_without_a_body(evo: EvoVoice) -> None:
    answer = ask(evo, "GET", "/flows", who="")

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == 'basic realm="/auth/basic"'


def test_a_wrong_password_gets_401_as_json_and_an_empty_one_counts_as_none(evo: EvoVoice) -> None:
    wrong = ask(evo, "GET", "/flows", password="guess")
    empty = ask(evo, "GET", "/flows", password="")
    posted = {"userName": "bot@acme.test", "password": "guess"}

    assert (wrong.status_code, error_code(wrong)) == (401, "Unauthorized")
    assert (empty.status_code, empty.content) == (401, b"")
    assert error_code(ask(evo, "POST", "/auth/credentials", who="", json=posted)) == "Unauthorized"
    nameless = ask(evo, "POST", "/auth/credentials", who="", json={"password": "x"}).json()
    assert nameless["responseStatus"]["errors"][0]["fieldName"] == "UserName"
    assert ask(evo, "GET", "/auth/credentials", who="", params=posted).status_code == 405


def test_emails_are_case_sensitive_at_login_until_the_quirk_is_off(evo: EvoVoice) -> None:
    assert ask(evo, "GET", "/flows", who="Sara@acme.test").status_code == 401
    evo.quirks.exact_email = False
    assert ask(evo, "GET", "/flows", who="Sara@acme.test").status_code == 200


@pytest.mark.parametrize("remember", [True, False])
def test_cookies_carry_a_login_until_logout(evo: EvoVoice, remember: bool) -> None:
    person = log_in(evo, remember)

    assert person.cookies["ss-opt"] == ("perm" if remember else "temp")
    assert person.get(f"{evo.url}/flows", timeout=5).status_code == 200
    assert person.post(f"{evo.url}/auth/logout", timeout=5).status_code == 200
    assert dict(person.cookies) == {}
    assert person.get(f"{evo.url}/flows", timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (("ss-id", "ss-pid", "ss-opt"), 200),
        (("ss-pid", "ss-opt"), 200),
        (("ss-id", "ss-pid"), 401),
        (("ss-id",), 401),
    ],
)
def test_a_remembered_session_needs_ss_pid_and_ss_opt(
    evo: EvoVoice, sent: tuple[str, ...], status: int
) -> None:
    given = log_in(evo, remember=True).cookies

    cookies = {name: given[name] for name in sent}
    headers = {f"X-{name}": given[name] for name in sent}
    assert ask(evo, "GET", "/flows", who="", cookies=cookies).status_code == status
    assert ask(evo, "GET", "/flows", who="", headers=headers).status_code == status


def test_basic_ends_the_session_whose_cookies_come_along(evo: EvoVoice) -> None:
    person = log_in(evo, remember=False)
    old = dict(person.cookies)

    answer = ask(evo, "GET", "/flows", cookies=old)
    assert answer.cookies["ss-id"] != old["ss-id"]
    assert ask(evo, "GET", "/flows", who="", cookies=old).status_code == 401


def test_expired_logins_are_strangers(evo: EvoVoice) -> None:
    person = log_in(evo, remember=True)
    evo.expire_logins()

    answer = person.get(f"{evo.url}/flows", timeout=5)
    assert (answer.status_code, answer.content) == (401, b"")


def test_status_tells_who_one_is_and_an_administrator_has_all_accounts(evo: EvoVoice) -> None:
    sara = ask(evo, "GET", "/auth/status").json()
    root = ask(evo, "GET", "/auth/status", who="root@acme.test").json()

    assert (sara["isAuthenticated"], sara["emailAddress"]) == (True, "sara@acme.test")
    assert (sara["accountIds"], sara["accountNames"]) == (["acc1"], ["Acme"])
    assert "Manager" in sara["roles"]
    assert root["accountIds"] == ["acc1", "acc2"]
    assert "managerAccess" not in root  # nulls are left out
    assert ask(evo, "GET", "/auth/status", who="").json()["isAuthenticated"] is False
    evo.quirks.signed_out_status = "empty"
    assert ask(evo, "GET", "/auth/status", who="").status_code == 204


def test_a_login_can_change_under_way(evo: EvoVoice) -> None:
    evo.world.logins["sara@acme.test"].roles = ("User",)
    assert call(evo).status_code == 403


# Roles and accounts


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("GET", "/flows"),
        ("GET", "/endpoints"),
        ("GET", "/calls/active"),
        ("POST", "/sessions/outgoing"),
    ],
)
def test_a_missing_role_gets_403_as_plain_text(evo: EvoVoice, method: str, path: str) -> None:
    answer = ask(evo, method, path, who="agent@acme.test", params={"accountId": "acc1"})

    assert (answer.status_code, answer.reason) == (403, "Invalid Role")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith("Forbidden")
    assert "accountId=acc1" in answer.text


@pytest.mark.parametrize("path", ["/users", "/flows", "/endpoints", "/sessions"])
def test_a_foreign_account_gets_403_as_json(evo: EvoVoice, path: str) -> None:
    answer = ask(evo, "GET", path, params={"accountIds": "acc1,acc2"})

    assert (answer.status_code, error_code(answer)) == (403, "Forbidden")


def test_errors_of_active_calls_carry_no_status_until_the_quirk_is_off(evo: EvoVoice) -> None:
    bare = ask(evo, "GET", "/calls/active", params={"accountId": "acc2"})
    evo.quirks.bare_active_errors = False
    full = ask(evo, "GET", "/calls/active", params={"accountId": "acc2"})

    assert (bare.status_code, bare.json()) == (403, {"calls": []})
    assert (full.status_code, error_code(full)) == (403, "Forbidden")


# Lists


def test_lists_have_pages_of_25_and_at_most_100(evo: EvoVoice) -> None:
    for i in range(126):
        evo.world.add_flow(f"more{i}", f"More {i}")

    first = ask(evo, "GET", "/flows").json()
    assert (len(first["items"]), first["totalCount"], first["totalPages"]) == (25, 130, 6)
    assert len(ask(evo, "GET", "/flows", params={"page": 5}).json()["items"]) == 5
    assert len(ask(evo, "GET", "/flows", params={"countPerPage": 1000}).json()["items"]) == 100
    assert len(ask(evo, "GET", "/flows", params={"all": "true"}).json()["items"]) == 130
    plain = ask(evo, "GET", "/flows", params={"simplifiedPaging": "1", "page": 1}).json()
    assert (plain["hasMorePages"], plain["totalCount"]) == (True, 0)


@pytest.mark.parametrize("ids", ["flow1,flow3", ["flow1", "flow3"], "[flow1,flow3]"])
def test_lists_are_asked_for_with_commas_repeats_or_brackets(evo: EvoVoice, ids: Any) -> None:
    answer = ask(evo, "GET", "/flows", params={"SPECIFICIDS": ids, "page": ""}).json()

    assert [flow["id"] for flow in answer["items"]] == ["flow1", "flow3"]


def test_a_misspelt_filter_returns_everything(evo: EvoVoice) -> None:
    assert ask(evo, "GET", "/flows", params={"nameFiltr": "survey"}).json()["totalCount"] == 4
    assert ask(evo, "GET", "/flows", params={"nameFilter": "survey"}).json()["totalCount"] == 1


def test_flows_keep_their_nodes_unless_asked(evo: EvoVoice) -> None:
    assert "nodes" not in ask(evo, "GET", "/flows").json()["items"][0]
    assert ask(evo, "GET", "/flows", params={"includeNodes": "true"}).json()["items"][0]["nodes"]
    assert ask(evo, "GET", "/flows/flow4").json()["nodeCount"] == 0
    evo.world.remove_flow("flow4")
    assert error_code(ask(evo, "GET", "/flows/flow4")) == "NotFound"


def test_people_are_found_by_a_part_of_their_email(evo: EvoVoice) -> None:
    evo.world.add_login("not-sara@acme.test", "x")

    def found(who: str = "bot@acme.test", **query: str) -> list[str]:
        items = ask(evo, "GET", "/users", who, params=query).json()["items"]
        return [item["emailAddress"] for item in items]

    assert found(emailFilter="SARA@acme.test") == ["sara@acme.test", "not-sara@acme.test"]
    assert found(emailFilter="root") == ["root@acme.test"]
    assert found(emailFilter="root", accountIds="acc1") == []
    assert found(emailFilter="other@") == []
    assert found("root@acme.test", emailFilter="other@") == ["other@other.test"]
    evo.quirks.administrators_listed = False
    assert found(emailFilter="root") == []


def test_numbers_are_endpoints_among_others(evo: EvoVoice) -> None:
    everything = ask(evo, "GET", "/endpoints").json()["items"]
    numbers = ask(evo, "GET", "/endpoints", params={"type": "PhoneNumber"}).json()["items"]

    assert {endpoint["type"] for endpoint in everything} == {"PhoneNumber", "User"}
    assert [one["phoneNumber"] for one in numbers if not one["isVirtualPhoneNumber"]] == [
        MAIN_OFFICE,
        "+12025550101",
    ]
    evo.quirks.number_field = "displayName"
    (one,) = ask(evo, "GET", "/endpoints", params={"phoneNumberFilter": "0100"}).json()["items"]
    assert one["displayName"] == MAIN_OFFICE
    assert "phoneNumber" not in one


def test_accounts_are_those_within_reach(evo: EvoVoice) -> None:
    assert [account["id"] for account in ask(evo, "GET", "/accounts").json()["items"]] == ["acc1"]
    assert ask(evo, "GET", "/accounts", "root@acme.test").json()["totalCount"] == 2
    assert ask(evo, "GET", "/accounts/acc1").json()["name"] == "Acme"
    assert ask(evo, "GET", "/accounts/acc2").status_code == 403
    assert ask(evo, "GET", "/accounts/acc3").status_code == 404


# How calls go on


def test_a_call_goes_on_by_itself() -> None:
    now = [0.0]
    world = World.standard(clock=lambda: now[0])
    world.speed = 2
    placed = world.place("flow1", NUMBER)

    def look() -> tuple[str | None, str | None, bool]:
        status = next((call["status"] for call in world.active_calls("acc1")), None)
        session = next(iter(world.sessions()), None)
        return status, session and session["callState"], bool(session and session["ended"])

    seen = []
    for now[0] in (0, 0.5, 1, 11):  # speed 2: answered after 1 s, over after 11 s
        seen.append(look())
    assert seen == [
        ("queued", None, False),
        ("ringing", None, False),
        ("in-progress", "Connected", False),
        (None, "Disconnected", True),
    ]
    (session,) = world.sessions()
    assert (session["callSid"], session["outcome"]) == (placed.sid, "Completed")
    assert session["dateCompleted"] > session["dateCreated"]


def test_before_the_answer_there_is_no_session_or_it_says_disconnected(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, FOR_EVER)
    call(evo)
    assert sessions(evo) == []

    evo.world.calls[0].script = Script(ring_s=10**6, session="at_once")
    (session,) = sessions(evo)
    assert (session["callState"], session["ended"]) == ("Disconnected", False)
    assert "outcome" not in session
    evo.quirks.disconnected_before_answer = False
    assert sessions(evo)[0]["callState"] == "Ringing"


def test_active_calls_show_ringing_ones_unless_the_quirk_hides_them(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, FOR_EVER)
    call(evo)

    (active,) = ask(evo, "GET", "/calls/active", params={"accountId": "acc1"}).json()["calls"]
    assert (active["to"], active["from"], active["direction"]) == (NUMBER, MAIN_OFFICE, "outbound-api")
    assert active["status"] in {"queued", "ringing"}
    assert "startTime" not in active
    evo.quirks.active_before_answer = False
    assert ask(evo, "GET", "/calls/active", params={"accountId": "acc1"}).json() == {"calls": []}


def test_scripts_follow_one_another_and_the_last_stays(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, BUSY, FINAL)
    for _ in range(3):
        call(evo)

    assert [placed.script for placed in evo.world.calls] == [BUSY, FINAL, FINAL]
    assert len(sessions(evo)) == 2


@pytest.mark.parametrize(
    ("script", "records"),
    [
        (Script(0, talk_s=10**6, session="never"), 0),
        (Script(0, talk_s=10**6, session="late"), 0),
        (Script(0, talk_s=0, session="late"), 1),
        (Script(0, talk_s=10**6, session="twice"), 2),
        (Script(0, answer=False, outcome="Busy"), 0),
        (Script(0, answer=False, outcome="Busy", session="at_once"), 1),
    ],
)
def test_a_call_leaves_none_one_or_two_sessions(evo: EvoVoice, script: Script, records: int) -> None:
    evo.world.script(NUMBER, script)
    call(evo)

    found = sessions(evo, to=NUMBER[1:], **{"from": MAIN_OFFICE[1:]})
    assert len(found) == records
    assert len({session["id"] for session in found}) == records


def test_sessions_are_found_by_address_and_day(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, TALKING)
    call(evo)
    day = evo.world.calls[0].placed_at.date().isoformat()

    assert len(sessions(evo, to="555014", startDate=day, endDate=day)) == 1
    assert sessions(evo, startDate="2999-01-01") == []
    assert sessions(evo, **{"from": NUMBER[1:]}) == []
    evo.quirks.callee_side = "from"
    assert len(sessions(evo, **{"from": NUMBER[1:]})) == 1
    assert error_code(ask(evo, "GET", "/sessions", params={"endDate": "soon"})) == "FormatException"


def test_the_log_comes_only_with_the_list(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, TALKING)
    call(evo)
    (listed,) = sessions(evo)

    assert [line["message"] for line in listed["log"]] == ["Call placed", "Call answered"]
    assert ask(evo, "GET", f"/sessions/{listed['id']}").json()["log"] == []
    evo.quirks.log_only_in_list = False
    assert ask(evo, "GET", f"/sessions/{listed['id']}").json()["log"] == listed["log"]


def test_an_archived_session_answers_404_and_is_found_in_the_archive(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, Script(ring_s=0, talk_s=0, archived=True))
    call(evo)

    assert sessions(evo) == []
    (archived,) = sessions(evo, searchArchive="true")
    assert ask(evo, "GET", f"/sessions/{archived['id']}").status_code == 404


@pytest.mark.parametrize(("dates", "end"), [("iso", "Z"), ("naive", ""), ("servicestack", "+0000)/")])
def test_dates_come_in_three_formats(evo: EvoVoice, dates: Any, end: str) -> None:
    evo.world.script(NUMBER, FINAL)
    evo.quirks.dates = dates
    call(evo)

    assert sessions(evo)[0]["dateCreated"].endswith(end)


def test_ending_a_call_needs_the_role_user(evo: EvoVoice) -> None:
    evo.world.script(NUMBER, TALKING)
    call(evo)
    path = f"/sessions/{sessions(evo)[0]['id']}"

    assert ask(evo, "DELETE", path).text.startswith("Forbidden")
    assert ask(evo, "DELETE", path, "agent@acme.test").status_code == 204
    assert sessions(evo)[0]["ended"] is True
    assert ask(evo, "DELETE", "/sessions/nothing", "agent@acme.test").status_code == 404
    evo.quirks.end_needs_user = False
    assert ask(evo, "DELETE", path).status_code == 204


@pytest.mark.parametrize("path", ["/sessions", "/sessions/"])
def test_ending_a_call_without_an_id_deletes_the_history_and_is_remembered(evo: EvoVoice, path: str) -> None:
    evo.world.script(NUMBER, FINAL)
    call(evo)
    ask(evo, "DELETE", path)

    assert sessions(evo) == []
    assert len(evo.bulk_deletes) == 1
    assert len(evo.world.rings) == 1  # what rang has rung


# Before the login


def test_curl_is_refused_with_a_page_until_the_quirk_is_off(evo: EvoVoice) -> None:
    answer = ask(evo, "GET", "/flows", headers={"User-Agent": "curl/8.5"})
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (403, "text/html")
    evo.quirks.curl_blocked = False
    assert ask(evo, "GET", "/flows", headers={"User-Agent": "curl/8.5"}).status_code == 200


def test_a_path_that_does_not_exist_gets_404_as_text_and_a_verb_trap_a_session(evo: EvoVoice) -> None:
    assert ask(evo, "GET", "/nothing").text == "404"
    assert ask(evo, "POST", "/flows").text == "404"
    assert error_code(ask(evo, "GET", "/sessions/outgoing")) == "NotFound"


def test_who_asks_for_html_gets_html(evo: EvoVoice) -> None:
    html = {"Accept": "text/html"}
    assert ask(evo, "GET", "/flows", headers=html).text.startswith("<!doctype html>")
    assert ask(evo, "GET", "/flows", who="", headers=html).status_code == 302
    assert ask(evo, "GET", "/flows", headers=html, params={"format": "json"}).json()["items"]


def test_a_stopped_server_refuses_connections_and_comes_back_on_the_same_port(evo: EvoVoice) -> None:
    url = evo.url
    evo.stop()
    with pytest.raises(requests.ConnectionError):
        ask(evo, "GET", "/flows")
    evo.start()
    assert evo.url == url
    assert ask(evo, "GET", "/flows").status_code == 200


def test_a_stand_in_closes_at_any_time() -> None:
    before = set(threading.enumerate())
    EvoVoice().close()
    evo = EvoVoice()
    evo.start()
    evo.stop()
    evo.close()
    evo.close()
    assert set(threading.enumerate()) <= before


def test_everything_asked_is_remembered(evo: EvoVoice) -> None:
    ask(evo, "GET", "/flows", params={"accountIds": ["acc1", "acc1"]})

    (request,) = evo.requests
    assert (request.method, request.path, request.query) == ("GET", "/flows", {"accountIds": "acc1,acc1"})
    assert request.headers["user-agent"] == AGENT
    assert evo.count("GET", "/flows") == 1


def test_waiting_ends_when_it_happens_or_says_what_was_seen(evo: EvoVoice) -> None:
    caller = threading.Thread(target=call, args=(evo,))
    caller.start()
    (ring,) = evo.wait_for(lambda: evo.world.rings)
    caller.join()

    assert ring.number == NUMBER
    with pytest.raises(AssertionError, match=r"timed out.*POST /sessions/outgoing"):
        evo.wait_for(lambda: evo.posts > 1, within_s=0.05)


# Faults


@pytest.mark.parametrize(
    ("kind", "status", "type_", "body"),
    [
        ("429", 429, "text/plain", b"Too"),
        ("502_html", 502, "text/html", b"<html>"),
        ("500_json", 500, "application/json", b'{"responseStatus"'),
        ("206", 206, "", b""),
        ("redirect", 302, "", b""),
        ("401_empty", 401, "", b""),
        ("403_text", 403, "text/plain", b"Forbidden"),
        ("403_json", 403, "application/json", b'{"responseStatus"'),
        ("404_text", 404, "text/plain", b"404"),
        ("404_json", 404, "application/json", b'{"responseStatus"'),
        ("400_json", 400, "application/json", b'{"responseStatus"'),
        ("400_text", 400, "text/plain", b"Bad"),
        ("html_200", 200, "text/html", b"<html>"),
        ("garbage_200", 200, "application/json", b"\xff"),
    ],
)
def test_faults_answer_once_and_nothing_rings(
    evo: EvoVoice, kind: str, status: int, type_: str, body: bytes
) -> None:
    evo.fault("/sessions/out", kind, method="POST", retry_after=7)
    answer = call(evo)

    assert (answer.status_code, answer.content[: len(body)]) == (status, body)
    assert answer.headers.get("Content-Type", "").startswith(type_)
    assert answer.headers.get("Retry-After") == ("7" if kind == "429" else None)
    assert evo.world.rings == []
    assert call(evo).status_code == 204


def test_faults_last_until_cleared_and_touch_only_their_path_and_verb(evo: EvoVoice) -> None:
    fault = evo.fault("/flows", "502_html", times=None, method="GET")
    assert [ask(evo, "GET", "/flows").status_code for _ in range(3)] == [502, 502, 502]
    assert ask(evo, "GET", "/endpoints").status_code == 200
    assert fault.hits == 3
    evo.clear_faults()
    assert ask(evo, "GET", "/flows").status_code == 200
    with pytest.raises(ValueError, match="no such fault"):
        evo.fault("/", "sneeze")


BROKEN = ["hang", "cut", "drip", "cut_in_answer", "headers_then_silence"]


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("ending", ["", "_after_ring"])
def test_a_call_can_stay_without_a_whole_answer(evo: EvoVoice, kind: str, ending: str) -> None:
    evo.answer = "200_session"
    fault = evo.fault("/sessions/outgoing", kind + ending, seconds=0.3)

    with pytest.raises(requests.RequestException):
        call(evo, timeout=0.2)
    assert fault.hits == 1
    assert len(evo.world.rings) == (1 if ending else 0)


@pytest.mark.parametrize("kind", ["206", "400", "500", "502"])
def test_a_call_can_ring_although_the_answer_is_bad(evo: EvoVoice, kind: str) -> None:
    evo.fault("/sessions/outgoing", f"{kind}_after_ring")

    assert call(evo).status_code == int(kind)
    assert len(evo.world.rings) == 1


def test_a_call_that_the_service_refuses_does_not_ring_for_any_fault(evo: EvoVoice) -> None:
    evo.fault("/", "500_after_ring", times=None)

    assert call(evo, who="agent@acme.test").status_code == 403
    assert ask(evo, "GET", "/flows").status_code == 200
    assert evo.world.rings == []


def test_slow_rings_after_the_wait_and_slow_after_ring_before(evo: EvoVoice) -> None:
    evo.fault("/sessions/outgoing", "slow", seconds=0.2)
    with pytest.raises(requests.ReadTimeout):
        call(evo, timeout=0.05)
    assert evo.world.rings == []  # the caller went, so did the request

    evo.fault("/sessions/outgoing", "slow_after_ring", seconds=0.05)
    assert call(evo).status_code == 204
    evo.fault("/sessions/outgoing", "slow", seconds=0.05)
    assert call(evo).status_code == 204
    assert len(evo.world.rings) == 2


def test_a_late_ring_rings_although_the_caller_has_given_up(evo: EvoVoice) -> None:
    evo.fault("/sessions/outgoing", "late_ring", seconds=0.4)
    with pytest.raises(requests.ReadTimeout):
        call(evo, timeout=0.2)

    assert evo.world.rings == []
    assert evo.wait_for(lambda: evo.world.rings)


def test_a_dripping_list_is_whole_in_the_end(evo: EvoVoice) -> None:
    evo.fault("/flows/flow1", "drip", seconds=0)
    assert ask(evo, "GET", "/flows/flow1").json()["id"] == "flow1"


def test_every_fault_can_be_told(evo: EvoVoice) -> None:
    for kind in [*ANSWERS, *BEHAVIORS]:
        assert evo.fault("/nowhere", kind).hits == 0


def test_a_hundred_hanging_requests_end_with_the_server(evo: EvoVoice) -> None:
    evo.fault("/flows", "hang", times=None)

    def hang() -> None:
        with pytest.raises(requests.ConnectionError):
            ask(evo, "GET", "/flows", timeout=10)

    callers = [threading.Thread(target=hang) for _ in range(100)]
    for caller in callers:
        caller.start()
    evo.wait_for(lambda: evo.count("GET", "/flows") == 100)
    evo.stop()
    for caller in callers:
        caller.join(5)
    assert not any(caller.is_alive() for caller in callers)
