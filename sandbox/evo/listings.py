"""What the stand-in Evo Voice lists: logins, accounts, flows and endpoints.

Section numbers are those of evo-voice-api.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sandbox.evo.gate import Ask
from sandbox.evo.servicestack import refuse
from sandbox.evo.world import Login, World

Row = dict[str, Any]


def user_row(world: World, login: Login, account_ids: Collection[str]) -> Row:
    """UserInfo (3.3). Access to accounts shows as further roles (4)."""
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


def users(ask: Ask) -> Row:
    """ListUsers (5.10)."""
    wanted, text = set(ask.accounts), ask.params.text("emailFilter").lower()
    all_kinds = ask.world.quirks.administrators_listed and not ask.params.listed("accountIds")
    return ask.page(
        [
            user_row(ask.world, login, login.account_ids)
            for login in ask.world.logins.values()
            if text in login.email.lower()
            and (wanted & set(login.account_ids) or (all_kinds and not login.account_ids))
        ]
    )


def accounts(ask: Ask) -> Row:
    """ListAccounts (5.11)."""
    text = ask.params.text("nameFilter").lower()
    rows = [_account_row(ask.world, account) for account in ask.reach]
    return ask.page([row for row in rows if text in row["name"].lower()])


def account(ask: Ask) -> Row:
    """GetAccount (5.11)."""
    if ask.route["id"] not in ask.world.accounts:
        raise refuse(404, "NotFound", "Account not found")
    ask.within(ask.route["id"])
    return _account_row(ask.world, ask.route["id"])


def _account_row(world: World, account_id: str) -> Row:
    return {
        "id": account_id,
        "name": world.accounts.get(account_id, ""),
        "isBYOA": False,
        "ancestorIds": [],
    }


def flows(ask: Ask) -> Row:
    """ListFlows (5.12); nodes only when asked for."""
    wanted, text, role = ask.accounts, ask.params.text("nameFilter").lower(), ask.params.text("role")
    nodes = {} if ask.params.flag("includeNodes") else {"nodes": None}
    return ask.page(
        [
            flow | nodes
            for flow in ask.world.flows.values()
            if flow["accountId"] in wanted
            and text in flow["name"].lower()
            and (not role or role in flow["roles"])
        ]
    )


def flow(ask: Ask) -> Row:
    """GetFlow (5.12), with its nodes."""
    return known_flow(ask, ask.route["id"])


def known_flow(ask: Ask, flow_id: str) -> Row:
    """The flow, or 404, or 403 when its account is out of reach."""
    flow = ask.world.flows.get(flow_id)
    if flow is None:
        raise refuse(404, "NotFound", "Flow not found")
    ask.within(flow["accountId"])
    return flow


def endpoints(ask: Ask) -> Row:
    """ListEndpoints (5.13)."""
    wanted, params = ask.accounts, ask.params
    types = {kind.lower() for kind in [*params.listed("types"), *params.listed("type")]}
    name, number = params.text("nameFilter").lower(), params.text("phoneNumberFilter")
    flow_ids = params.listed("flowIds")
    rows = [
        row if "phoneNumber" not in row else _endpoint_row(row, ask.world.quirks.number_field)
        for row in ask.world.endpoints.values()
        if row["accountId"] in wanted
        and (not types or row["type"].lower() in types)
        and (not flow_ids or row.get("flowId") in flow_ids)
        and name in row.get("displayName", "").lower()
        and number in row.get("phoneNumber", "")
    ]
    return ask.page(rows)


def _endpoint_row(row: Row, number_field: str) -> Row:
    """EndpointInfo with the number where the quirk puts it (5.13)."""
    return row | {"phoneNumber": None} | {number_field: row["phoneNumber"]}
