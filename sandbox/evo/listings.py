"""The lists of the stand-in Evo Voice: logins, accounts, flows, and endpoints.

Section numbers are those of evo-voice-api.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sandbox.evo.authentication import Context
from sandbox.evo.servicestack import http_error
from sandbox.evo.world import Login, World

Row = dict[str, Any]


def user_row(world: World, login: Login, account_ids: Collection[str]) -> Row:
    """UserInfo (3.3). Access to an account appears as an extra role (4)."""
    return {
        "id": login.id,
        "isAuthenticated": False,
        "firstName": login.first_name,
        "lastName": login.last_name,
        "name": login.name,
        "emailAddress": login.email,
        "roles": [*login.roles, *(f"Account-{account}" for account in login.account_ids)],
        "accountIds": list(account_ids),
        "accountNames": [world.accounts.get(account, "") for account in account_ids],
        "managerAccess": login.manager_access,
        "dashboardPermissions": [],
    }


def users(context: Context) -> Row:
    """ListUsers (5.10)."""
    wanted, text = set(context.requested_accounts), context.params.text("emailFilter").lower()
    all_kinds = context.world.quirks.administrators_listed and not context.params.listed("accountIds")
    return context.page(
        [
            user_row(context.world, login, login.account_ids)
            for login in context.world.logins.values()
            if text in login.email.lower()
            and (wanted & set(login.account_ids) or (all_kinds and not login.account_ids))
        ]
    )


def accounts(context: Context) -> Row:
    """ListAccounts (5.11)."""
    text = context.params.text("nameFilter").lower()
    rows = [_account_row(context.world, account) for account in context.account_ids]
    return context.page([row for row in rows if text in row["name"].lower()])


def account(context: Context) -> Row:
    """GetAccount (5.11)."""
    if context.route["id"] not in context.world.accounts:
        raise http_error(404, "NotFound", "Account not found")
    context.require_accounts(context.route["id"])
    return _account_row(context.world, context.route["id"])


def _account_row(world: World, account_id: str) -> Row:
    return {
        "id": account_id,
        "name": world.accounts.get(account_id, ""),
        "isBYOA": False,
        "ancestorIds": [],
    }


def flows(context: Context) -> Row:
    """ListFlows (5.12); nodes only on request."""
    wanted, text, role = (
        context.requested_accounts,
        context.params.text("nameFilter").lower(),
        context.params.text("role"),
    )
    nodes = {} if context.params.flag("includeNodes") else {"nodes": None}
    return context.page(
        [
            flow | nodes
            for flow in context.world.flows.values()
            if flow["accountId"] in wanted
            and text in flow["name"].lower()
            and (not role or role in flow["roles"])
        ]
    )


def flow(context: Context) -> Row:
    """GetFlow (5.12), with its nodes."""
    return get_flow(context, context.route["id"])


def get_flow(context: Context, flow_id: str) -> Row:
    """The flow with this id. Raises HttpError: 404, or 403 without access to its account."""
    flow = context.world.flows.get(flow_id)
    if flow is None:
        raise http_error(404, "NotFound", "Flow not found")
    context.require_accounts(flow["accountId"])
    return flow


def endpoints(context: Context) -> Row:
    """ListEndpoints (5.13)."""
    wanted, params = context.requested_accounts, context.params
    types = {kind.lower() for kind in [*params.listed("types"), *params.listed("type")]}
    name, number = params.text("nameFilter").lower(), params.text("phoneNumberFilter")
    flow_ids = params.listed("flowIds")
    rows = [
        row if "phoneNumber" not in row else _endpoint_row(row, context.world.quirks.number_field)
        for row in context.world.endpoints.values()
        if row["accountId"] in wanted
        and (not types or row["type"].lower() in types)
        and (not flow_ids or row.get("flowId") in flow_ids)
        and name in row.get("displayName", "").lower()
        and number in row.get("phoneNumber", "")
    ]
    return context.page(rows)


def _endpoint_row(row: Row, number_field: str) -> Row:
    """EndpointInfo with the number in the configured field (5.13)."""
    return row | {"phoneNumber": None} | {number_field: row["phoneNumber"]}
