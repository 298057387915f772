"""What Evo Voice's answers mean: never more than they prove, and nothing of them is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.offer import CallerId, Flow
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.evo.transport import Reply
from evoslack.evo.wire import LONGEST_DETAIL, caller_id_of, flow_of, login_of, outcome_of, short, words_of

ODD: list[Any] = [None, 0, 1.5, True, "", "text", [], [1], {}, {"a": 1}]


def reply(status: int, body: Any = b"", **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def error(message: str = "No.", code: str = "ArgumentException", **more: Any) -> dict[str, Any]:
    return {"responseStatus": {"errorCode": code, "message": message, **more}}


BODIES = [b"", b"Forbidden\n\nRequest.HttpMethod: POST", b"<html>", b"\xff\x00{", b"[]", b"null", error()]


def meant_by(status: int, body: Any) -> tuple[type[Outcome], Reason | None]:
    """What each answer proves (docs/evo-voice-api.md, 6), written down a second time and in another way."""
    if status == 206 or not (200 <= status < 300 or 400 <= status < 600):
        return InDoubt, Reason.ODD_ANSWER
    if status < 300:
        return (InDoubt, Reason.IN_BETWEEN) if body == b"<html>" else (Placed, None)
    if status == 400:
        return (Rejected, Reason.BAD_REQUEST) if body == error() else (InDoubt, Reason.ODD_ANSWER)
    if status == 403:
        text = isinstance(body, bytes) and body.startswith(b"Forbidden")
        return Rejected, Reason.ROLE_MISSING if text else Reason.NOT_PERMITTED
    if status in (401, 404, 429):
        return Rejected, {401: Reason.LOGIN_REJECTED, 404: Reason.NOT_FOUND, 429: Reason.TOO_MANY}[status]
    return InDoubt, Reason.ODD_ANSWER if status < 500 else Reason.SERVER_ERROR


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_every_status_with_every_kind_of_body_means_what_the_table_says(body: Any) -> None:
    for status in range(100, 600):
        outcome = outcome_of(reply(status, body))
        assert (type(outcome), getattr(outcome, "reason", None)) == meant_by(status, body), status


PAGES = [
    b"<html>",
    b"<!DOCTYPE html><html>",
    b" \r\n<HTML>",
    b"\xef\xbb\xbf<html>",
    b"<?xml version='1.0'?><html>",
]


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain", ""])
@pytest.mark.parametrize("page", PAGES, ids=repr)
def test_a_page_is_doubt_whatever_it_calls_itself(page: bytes, kind: str) -> None:
    """Maintenance pages and sign-in pages of networks come with status 200, and prove nothing."""
    for status in {*range(200, 300)} - {206}:
        found = outcome_of(Reply(status, {"Content-Type": kind}, page))
        assert found == InDoubt(Reason.IN_BETWEEN, str(status))


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
@pytest.mark.parametrize("body", [b"", b"Back soon", b"{}"])
def test_what_calls_itself_a_page_is_one(kind: str, body: bytes) -> None:
    """Also when its body never came."""
    assert outcome_of(Reply(200, {"Content-Type": kind}, body)) == InDoubt(Reason.IN_BETWEEN, "200")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain", ""])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"id', b"\xff\x00{"])
def test_a_yes_that_is_no_page_is_a_yes_however_little_of_its_body_came(kind: str, body: bytes) -> None:
    assert outcome_of(Reply(200, {"Content-Type": kind}, body)) == Placed()


def test_an_answer_never_means_that_nothing_was_sent() -> None:
    assert not [status for status in range(1000) if isinstance(outcome_of(reply(status)), NotSent)]


@pytest.mark.parametrize("status", [500, 502, 599, 206, 301, 405, 409, 418])
def test_doubt_keeps_the_status_for_the_operator(status: int) -> None:
    outcome = outcome_of(reply(status, error("secret words")))
    assert isinstance(outcome, InDoubt)
    assert outcome.detail == str(status)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": "s1", "callSid": "CA1"}, Placed("s1", "CA1")),
        ({"sessionId": "s1", "sid": "CA1"}, Placed("s1", "CA1")),
        ({"id": "", "sessionId": "s1"}, Placed("s1", None)),
        ({"id": 7, "callSid": ["CA1"]}, Placed()),
        ({"id": "x" * 300}, Placed("x" * 200)),
        ({"responseStatus": {"errorCode": "Oops"}}, Placed()),
        ([], Placed()),
        (b"", Placed()),
        (b"\xff\x00{oops", Placed()),
    ],
)
def test_a_good_answer_is_a_placed_call_with_whatever_ids_it_has(body: Any, expected: Placed) -> None:
    assert outcome_of(reply(200, body)) == expected


@pytest.mark.parametrize(
    ("asked", "detail"),
    [("30", "30"), ("soon", ""), ("", ""), ("-1", ""), ("Wed, 21 Oct 2026 07:28:00 GMT", "")],
)
def test_too_many_says_for_how_many_seconds(asked: str, detail: str) -> None:
    assert outcome_of(reply(429, Retry_After=asked)) == Rejected(Reason.TOO_MANY, detail)


def test_a_missing_role_does_not_repeat_the_request_to_anybody() -> None:
    """That text holds method, path and query (evo-voice-api 6)."""
    body = b"Forbidden\n\nRequest.QueryString: number=+12025550143"
    assert outcome_of(reply(403, body)) == Rejected(Reason.ROLE_MISSING, "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (error("No such flow"), "No such flow"),
        (error("", "NotEmpty"), "NotEmpty"),
        (error("Line one\r\n  line\ttwo"), "Line one line two"),
        (error("See https://x.test/a?token=1 for more"), "See https://x.test/a for more"),
        (error("No", stackTrace="at Evo.Secret.Place()"), "No"),
        ({"responseStatus": "No"}, ""),
        ({"responseStatus": {"message": 7}}, ""),
        ({"responseStatus": {}}, ""),
        ({"message": "No"}, ""),
        ([error()], ""),
        (b"No", ""),
        (b"", ""),
    ],
)
def test_of_an_error_one_line_of_its_own_words_is_kept(body: Any, words: str) -> None:
    assert words_of(reply(400, body)) == words


def test_long_words_are_cut() -> None:
    assert short("x" * LONGEST_DETAIL) == "x" * LONGEST_DETAIL
    assert short("x" * (LONGEST_DETAIL + 1)) == "x" * (LONGEST_DETAIL - 1) + "…"


@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
def test_signs_that_a_database_does_not_take_are_left_out(sign: str) -> None:
    """They would keep the outcome of a call from being written down."""
    words = words_of(reply(400, error(f"No{sign} more")))
    assert sign not in words
    assert words.startswith("No")
    assert words.endswith("more")

    ids = outcome_of(reply(200, {"id": f"s{sign}1", "callSid": f"CA{sign}1"}))
    assert isinstance(ids, Placed)
    assert sign not in f"{ids.session_id}{ids.call_sid}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=10), inside, max_size=3),
    max_leaves=10,
)


@given(st.integers(100, 599), JSON | st.binary(max_size=50), JSON)
def test_no_answer_can_break_the_reading_of_it(status: int, body: Any, inner: Any) -> None:
    outcome_of(reply(status, body))
    outcome_of(reply(status, {"responseStatus": inner, "id": inner}))
    if isinstance(inner, dict):
        login_of(inner)
        flow_of({"accountId": "acc1", "nodeCount": 1, **inner}, "acc1")
        caller_id_of({"accountId": "acc1", "type": "PhoneNumber", **inner}, "acc1")


def test_a_login_is_read_as_far_as_it_matters() -> None:
    login = login_of(
        {
            "id": "u1",
            "emailAddress": "sara@acme.test",
            "roles": ["Manager", "Account-acc1"],
            "accountIds": ["acc1", "acc2"],
            "accountNames": ["Acme"],
            "managerAccess": "ReadOnly",
            "isAuthenticated": True,
        }
    )
    assert (login.id, login.email, login.manager_access) == ("u1", "sara@acme.test", "ReadOnly")
    assert (login.roles, login.account_ids) == ({"Manager", "Account-acc1"}, {"acc1", "acc2"})
    assert login.account_names == {"acc1": "Acme"}


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_login_with_odd_fields_has_no_rights_from_them(odd: Any) -> None:
    login = login_of({"emailAddress": odd, "roles": odd, "accountIds": odd, "managerAccess": odd})
    assert not login.roles
    assert not login.account_ids
    assert login.email == (odd if isinstance(odd, str) else "")
    assert login.manager_access == odd


def test_a_role_in_a_string_is_not_a_list_of_roles() -> None:
    """`"Manager" in "NotAManager"` is true in Python."""
    assert login_of({"roles": "Manager"}).roles == frozenset()


GOOD_FLOW = {"id": "flow1", "name": "Reminder", "accountId": "acc1", "nodeCount": 3}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Flow("flow1", "Reminder")),
        ({"customerName": "Bakery"}, Flow("flow1", "Reminder", "Bakery")),
        ({"name": None}, Flow("flow1", "flow1")),
        ({"name": ""}, Flow("flow1", "flow1")),
        ({"nodeCount": 0}, None),
        ({"nodeCount": None}, None),
        ({"accountId": "acc2"}, None),
        ({"accountId": None}, None),
        ({"id": None}, None),
        ({"id": 7}, None),
    ],
)
def test_a_flow_is_offered_if_it_is_the_accounts_and_has_something_to_run(
    change: dict[str, Any], expected: Flow | None
) -> None:
    assert flow_of({**GOOD_FLOW, **change}, "acc1") == expected


GOOD_NUMBER = {
    "type": "PhoneNumber",
    "accountId": "acc1",
    "displayName": "Main office",
    "phoneNumber": "+12025550100",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, CallerId("+12025550100", "Main office")),
        ({"isVirtualPhoneNumber": False}, CallerId("+12025550100", "Main office")),
        ({"phoneNumber": "+1 (202) 555-01.00"}, CallerId("+12025550100", "Main office")),
        ({"phoneNumber": None, "number": "+12025550100"}, CallerId("+12025550100", "Main office")),
        ({"phoneNumber": None, "displayName": "+1 202-555-0100"}, CallerId("+12025550100", "")),
        ({"displayName": None}, CallerId("+12025550100", "")),
        ({"phoneNumber": "2025550100"}, None),  # not E.164, and guessing the country would be a guess
        ({"phoneNumber": None}, None),
        ({"isVirtualPhoneNumber": True}, None),
        ({"isVirtualPhoneNumber": "yes"}, None),
        ({"isFaxNumber": True}, None),
        ({"isFaxNumber": False}, CallerId("+12025550100", "Main office")),
        ({"accountId": "acc2"}, None),
        ({"type": "User"}, None),
        ({"type": "Fax"}, None),
        ({"type": None}, None),
    ],
)
def test_a_caller_id_is_a_real_number_of_the_account(
    change: dict[str, Any], expected: CallerId | None
) -> None:
    assert caller_id_of({**GOOD_NUMBER, **change}, "acc1") == expected


def test_an_answer_can_be_logged_without_its_body() -> None:
    assert "secret" not in repr(reply(200, b"secret"))
