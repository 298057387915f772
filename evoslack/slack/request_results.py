"""What a request to Slack was for, and how it went, in one word each."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from evoslack.runtime.request_result import Result

OTHER = "other"
RESPONSE_URL = "response_url"
FILE_UPLOAD = "file_upload"
OPENS_CONNECTION = "apps.connections.open"  # the only one with the app-level token
METHODS = frozenset(
    {"auth.test", OPENS_CONNECTION, "chat.postMessage", "chat.postEphemeral", "chat.update"}
    | {"conversations.history", "conversations.info", "conversations.members", "conversations.open"}
    | {"files.getUploadURLExternal", "files.completeUploadExternal"}
    | {"functions.completeError", "functions.completeSuccess", "usergroups.list", "usergroups.users.list"}
    | {"users.info", "views.open", "views.publish", "views.push", "views.update"}
)
OPERATIONS = METHODS | {RESPONSE_URL, FILE_UPLOAD, OTHER}

_TOKEN_PROBLEMS = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
    | {"not_allowed_token_type"}
)
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
_BROKE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


def operation_of(url: str) -> str:
    """The Web API method of an address."""
    method = urlsplit(url).path.rpartition("/")[2]
    return method if method in METHODS else OTHER


def result_of(status: int, body: str) -> Result:
    """What an answer of the Web API, or of a `response_url`, means."""
    if status == 429:
        return Result.RATE_LIMITED
    if not 200 <= status < 300:
        return Result.ERROR if status >= 500 else Result.REJECTED
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return Result.OK if body.strip().lower() == "ok" else Result.ERROR
    if not isinstance(answer, dict):
        return Result.ERROR
    code = str(answer.get("error") or "")
    if answer.get("ok") is True:
        return Result.OK
    if code in _TOKEN_PROBLEMS:
        return Result.NOT_LOGGED_IN
    if code in _RATE_LIMITED:
        return Result.RATE_LIMITED
    return Result.ERROR if code in _BROKE or not code else Result.REJECTED


def result_without_answer(problem: str) -> Result:
    """What `SlackUnanswered` means, by its text."""
    return Result.TIMEOUT if problem == "timed out" else Result.UNREACHABLE
