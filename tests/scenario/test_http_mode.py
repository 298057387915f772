"""Without an app-level token the bot serves HTTP: the same stories, and a locked front entrance."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from tests.scenario.office import SARA, Office, says_placed

FORM_TYPE = "application/x-www-form-urlencoded"
BODY = urlencode({"command": "/call", "text": "help", "user_id": SARA, "team_id": "T0SANDBOX"})


@pytest.fixture
def served(empty_office: Office) -> Office:
    empty_office.open(over_http=True)
    return empty_office


@pytest.fixture(scope="module")
def http_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One bot for everything that should not even get in; it must still answer afterwards."""
    office = Office(tmp_path_factory.mktemp("entry"))
    office.open(over_http=True)
    yield office
    assert post(office, BODY, signed(BODY)).status_code == 200
    assert (office.rings, office.ledger(), office.slack.api_calls("views.open")) == (0, [], [])
    office.close()


def signed(
    body: str | bytes, *, secret: str = "sandbox-secret", at: float | str | None = None
) -> dict[str, str]:
    timestamp = at if isinstance(at, str) else str(int(time.time() if at is None else at))
    content = body if isinstance(body, bytes) else body.encode()
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + content, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": FORM_TYPE,
    }


def post(office: Office, body: str | bytes, headers: dict[str, str | bytes]) -> requests.Response:
    return requests.post(office.slack.request_url, data=body, headers=headers, timeout=5)


def address(office: Office) -> str:
    parts = urlsplit(office.slack.request_url)
    return f"{parts.scheme}://{parts.netloc}"


def connect(office: Office) -> socket.socket:
    parts = urlsplit(office.slack.request_url)
    return socket.create_connection((parts.hostname, parts.port), timeout=5)


def raw(office: Office, request: bytes) -> bytes:
    """The first line of the answer to these very bytes; nothing more is sent."""
    with connect(office) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline()


def head(headers: dict[str, str], **more: str) -> bytes:
    """The head of a POST as it goes over the wire."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in (headers | more).items()]
    return "\r\n".join(["POST /slack/events HTTP/1.1", "Host: bot", *lines, "", ""]).encode()


def test_the_whole_way_works_over_http(served: Office) -> None:
    served.call()

    served.wait_for_card(says_placed)
    assert served.rings == 1
    assert not served.slack.complaints


def test_a_properly_signed_request_is_answered(served: Office) -> None:
    answer = post(served, BODY, signed(BODY))

    assert answer.status_code == 200
    assert "opens a form" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, secret="another-secret"),
        signed("text=other"),
        signed(BODY, at=time.time() - 400),
        signed(BODY, at=time.time() + 7200),  # signed when tests are collected
        {**signed(BODY), "X-Slack-Request-Timestamp": "soon"},
        {**signed(BODY), "X-Slack-Request-Timestamp": "9" * 30},
        {**signed(BODY), "X-Slack-Signature": "v0=é".encode()},
        {**signed(BODY), "X-Slack-Signature": ""},
    ],
    ids=["none", "secret", "body", "old", "future", "words", "huge", "not-ascii", "empty"],
)
def test_a_request_that_slack_did_not_sign_is_refused(served: Office, headers: dict) -> None:
    assert post(served, BODY, headers).status_code == 401
    assert served.slack.api_calls("views.open") == []


def test_deep_json_without_a_signature_costs_nothing(served: Office) -> None:
    body = urlencode({"payload": "[" * 200_000})

    assert post(served, body, {"Content-Type": "application/x-www-form-urlencoded"}).status_code == 401


@pytest.mark.parametrize(
    "spoil",
    [
        {"X-Slack-Signature": None},
        {"X-Slack-Request-Timestamp": None},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "v0=" + "0" * 100_00},
        {"X-Slack-Signature": b"v0=\xff\xfe"},
        {"X-Slack-Signature": "v0=\u0661\u0662".encode()},
        {"X-Slack-Request-Timestamp": "\u0661\u0662\u0663".encode()},
        {"X-Slack-Request-Timestamp": b"\xb2\xb3"},  # superscripts: digits to str.isdigit, not to int
    ],
)
def test_odd_signatures_and_timestamps_are_a_no_and_not_a_defect(http_office: Office, spoil: dict) -> None:
    headers = {name: value for name, value in (signed(BODY) | spoil).items() if value is not None}

    assert post(http_office, BODY, headers).status_code == 401


@pytest.mark.parametrize("at", ["-1", "0", "1e9", "0x10", "1_700_000_000", "1700000000.5", "nan", "9" * 12])
def test_an_odd_timestamp_is_refused_even_if_it_is_signed(http_office: Office, at: str) -> None:
    assert post(http_office, BODY, signed(BODY, at=at)).status_code == 401


@pytest.mark.parametrize("version", ["v1=", "V0=", "", "v0=v0="])
def test_only_the_one_version_of_signatures_counts(http_office: Office, version: str) -> None:
    headers = signed(BODY)
    headers["X-Slack-Signature"] = headers["X-Slack-Signature"].replace("v0=", version)

    assert post(http_office, BODY, headers).status_code == 401


def test_a_signature_beside_a_wrong_one_does_not_count(http_office: Office) -> None:
    good = signed(BODY)
    two = head(good, Content_Length=str(len(BODY)), x_slack_signature="v0=00") + BODY.encode()

    assert b" 401 " in raw(http_office, two)


def test_the_clocks_may_differ_by_less_than_five_minutes(http_office: Office) -> None:
    assert post(http_office, BODY, signed(BODY, at=time.time() - 290)).status_code == 200
    assert post(http_office, BODY, signed(BODY, at=time.time() + 290)).status_code == 200
    assert post(http_office, BODY, signed(BODY, at=time.time() - 310)).status_code == 401
    assert post(http_office, BODY, signed(BODY, at=time.time() + 310)).status_code == 401


def test_the_same_bytes_again_ring_no_second_time(served: Office) -> None:
    served.form()
    served.fill(number="911")
    press = served.press().sent
    press["view"]["state"]["values"]["number"]["number"]["value"] = "814 404 3093"
    body = urlencode({"payload": json.dumps(press)})
    headers = signed(body)

    answers = [post(served, body, headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert {answer.json()["response_action"] for answer in answers} == {"update"}
    served.wait_until_settled()
    assert (served.rings, len(served.cards()), len(served.ledger())) == (1, 1, 1)
    served.pass_time(minutes=4)
    assert "Your call" in post(served, body, headers).text
    assert served.rings == 1


@pytest.mark.parametrize(
    "payload",
    [
        *("[" * 100_000 + "]" * 100_000, '{"view":' * 100_000 + "1" + "}" * 100_000),
        *("nonsense", "", "null", "[]", "7", '"text"', "{}", '{"type":"view_submission"}', '{"a":1}{"b":2}'),
        '{"type":"view_submission","user":{"id":"U_SARA"},"view":[]}',
    ],
)
def test_a_signed_payload_that_slack_would_never_send_is_no_defect(http_office: Office, payload: str) -> None:
    body = urlencode({"payload": payload})

    assert post(http_office, body, signed(body)).status_code < 500


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", "[" * 100_000),
        ("application/json", "{"),
        ("application/json", BODY),
        (FORM_TYPE, "payload"),
        (FORM_TYPE, "payload=%ff"),
        (FORM_TYPE, "[" * 100_000),
        ("multipart/form-data", "{"),
        ("", ""),
        ("\u00e9", "payload"),
    ],
)
def test_a_signed_body_of_another_kind_is_no_defect(http_office: Office, kind: str, body: str) -> None:
    assert post(http_office, body, signed(body) | {"Content-Type": kind.encode()}).status_code < 500


def test_a_body_that_is_no_text_is_refused_even_if_it_is_signed(http_office: Office) -> None:
    assert post(http_office, b"payload=\xff\xfe", signed(b"payload=\xff\xfe")).status_code == 401


@pytest.mark.parametrize("length", ["x", "-1", "1 1", "0x10", "9" * 30, ""])
def test_a_length_that_is_no_length_is_refused(http_office: Office, length: str) -> None:
    first_line = raw(http_office, head(signed(BODY), Content_Length=length) + BODY.encode())

    assert b" 4" in first_line


def test_a_body_shorter_than_the_signed_one_is_refused(http_office: Office) -> None:
    first_line = raw(http_office, head(signed(BODY), Content_Length=str(len(BODY) - 1)) + BODY.encode())

    assert b" 401 " in first_line


def test_a_body_in_chunks_is_read_whole(http_office: Office) -> None:
    chunks = (BODY[at : at + 7].encode() for at in range(0, len(BODY), 7))

    answer = requests.post(http_office.slack.request_url, data=chunks, headers=signed(BODY), timeout=5)

    assert answer.status_code == 200
    assert "opens a form" in answer.text


def test_an_endless_body_in_chunks_is_refused(http_office: Office) -> None:
    body = b"text=" + b"x" * (2 * 1024 * 1024)
    chunks = (b"%x\r\n%b\r\n" % (len(part), part) for part in (body[: 2**20], body[2**20 :]))
    with connect(http_office) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head(signed(body), Transfer_Encoding="chunked") + b"".join(chunks))
        assert b" 413 " in connection.makefile("rb").readline()


@pytest.mark.parametrize(
    ("more", "body"),
    [
        ({"Transfer_Encoding": "chunked"}, b"zz\r\nnonsense\r\n0\r\n\r\n"),
        ({"Transfer_Encoding": "gzip"}, b""),
        ({"Transfer_Encoding": "chunked", "Content_Length": "3"}, b"zz\r\n"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    http_office: Office, more: dict[str, str], body: bytes
) -> None:
    status = int(raw(http_office, head(signed(BODY), **more) + body).split()[1])

    assert 400 <= status < 500 or status == 501


def test_many_who_open_a_connection_and_say_nothing_keep_nobody_out(http_office: Office) -> None:
    with contextlib.ExitStack() as idle:
        for beginning in (b"", b"POST /slack/ev", head(signed(BODY), Content_Length="1000") + b"text="):
            for _ in range(40):
                idle.enter_context(connect(http_office)).sendall(beginning)
        started = time.monotonic()

        assert post(http_office, BODY, signed(BODY)).status_code == 200
        assert time.monotonic() - started < 3  # longer, and Slack would have given up


def test_an_oversized_body_is_refused(served: Office) -> None:
    body = "text=" + "x" * (2 * 1024 * 1024)

    assert post(served, body, signed(body)).status_code == 413


def test_a_flood_of_headers_is_refused(served: Office) -> None:
    headers = {f"X-Flood-{number}": "x" * 100 for number in range(400)}

    assert post(served, BODY, signed(BODY) | headers).status_code == 431


def test_only_the_known_paths_and_verbs_answer(served: Office) -> None:
    assert requests.get(f"{address(served)}/", timeout=5).status_code == 404
    assert requests.get(f"{address(served)}/slack/events", timeout=5).status_code == 405


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CALL"])
def test_only_a_post_gets_in(http_office: Office, verb: str) -> None:
    line = head(signed(BODY), Content_Length=str(len(BODY))).replace(b"POST", verb.encode(), 1)

    assert b" 405 " in raw(http_office, line + BODY.encode())


@pytest.mark.parametrize("path", ["/slack/events/", "/SLACK/EVENTS", "/slack", "/healthz"])
def test_a_signed_request_to_another_path_gets_nowhere(http_office: Office, path: str) -> None:
    line = head(signed(BODY), Content_Length=str(len(BODY))).replace(b"/slack/events", path.encode(), 1)

    assert b" 404 " in raw(http_office, line + BODY.encode())


def test_healthz_says_which_part_is_well(served: Office) -> None:
    answer = requests.get(f"{address(served)}/healthz", timeout=5)

    assert answer.status_code == 200
    assert answer.json() == {
        "database": True,
        "slack": True,
        "answers": True,
        "alerts": True,
        "dial": True,
        "notify": True,
        "sweep": True,
        "catalog": True,
        "track": True,
        "schedule": True,
        "card-masks": True,
        "home-tabs": True,
        "live-pages": True,
        "number-lines": True,
        "private-messages": True,
        "workflow-steps": True,
        "slack-time": True,
    }


def health(office: Office) -> tuple[int, dict[str, bool]]:
    answer = requests.get(f"{address(office)}/healthz", timeout=5)
    return answer.status_code, answer.json()


def stuck(served: Office) -> list[str]:
    """The parts that `/healthz` says do not work."""
    return [name for name, is_well in health(served)[1].items() if not is_well]


def test_a_notification_that_hangs_at_slack_shows_in_healthz(served: Office) -> None:
    served.slack.fault("chat.postMessage", "slow", seconds=4)
    served.call()
    served.slack.wait_for(lambda: served.rings and served.slack.api_calls("chat.postMessage"))
    assert health(served)[0] == 200, "nobody waits for long"

    served.pass_time(seconds=61)
    # The leap may have caught another pool in the middle of a step, for a moment.
    served.slack.wait_for(lambda: stuck(served) == ["notify"], 2, "the one pool that hangs")
    assert health(served)[0] == 503
    served.wait_for_card(says_placed)
    served.slack.wait_for(lambda: health(served)[0] == 200, what="to get on again")


def test_a_bot_with_nothing_to_do_is_healthy_for_days(served: Office) -> None:
    for _day in range(3):
        served.pass_time(days=1)
        served.slack.wait_for(lambda: health(served)[0] == 200)


def test_a_press_that_waited_on_its_way_to_us_is_refused_and_rings_nothing(served: Office) -> None:
    served.form()
    served.fill(number="911")
    press = served.press().sent
    press["view"]["state"]["values"]["number"]["number"]["value"] = "814 404 3093"
    body = urlencode({"payload": json.dumps(press)})

    late = post(served, body, signed(body, at=time.time() - 4))  # by now Slack has shown its own error

    assert "Nothing was dialed" in late.text
    assert served.ledger() == []
    assert post(served, body, signed(body)).json() == late.json(), "the same press stays refused"
    press["trigger_id"] = served.slack.new_trigger(SARA)  # they press again
    body = urlencode({"payload": json.dumps(press)})
    assert post(served, body, signed(body)).json()["response_action"] == "update"
    served.wait_until_settled()
    assert served.rings == 1


def test_a_person_who_asks_for_health_while_the_database_is_slow_holds_up_nobody(served: Office) -> None:
    many = 100  # several times more than there are threads of any kind
    with ThreadPoolExecutor(many) as watchers, served.bot.store.engine.connect():
        asking = [
            watchers.submit(requests.get, f"{address(served)}/healthz", timeout=60) for _ in range(many)
        ]
        wait(asking, return_when=FIRST_COMPLETED)

        assert served.slack.type_command(SARA, "help").acked

    assert all(each.result().status_code in {200, 503} for each in asking)
