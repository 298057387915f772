"""The data behind the stand-in Evo Voice: accounts, logins, flows, numbers, and calls. No HTTP here.

A call's status is computed from a clock on every read, so there is no timer. One lock guards everything;
`World.changed` is notified of every change.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sandbox.evo.calls import OutgoingCall, Quirks, Ring, Script

Row = dict[str, Any]

PASSWORD = "let-me-in"  # of every login in `World.standard`
ADMINISTRATOR = "SystemAdministrator"


@dataclass
class Login:
    """A dashboard user (`/users`, evo-voice-api 4). Its fields may be changed at any time."""

    email: str
    password: str
    roles: Collection[str] = ("Manager",)
    account_ids: Collection[str] = ("acc1",)
    manager_access: str | None = "ReadWrite"
    first_name: str = ""
    last_name: str = ""
    locked: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:24])

    @property
    def name(self) -> str:
        """First and last name, or the email if both are empty."""
        return f"{self.first_name} {self.last_name}".strip() or self.email

    def has(self, *roles: str) -> bool:
        """Whether it has one of the roles; `Admin` passes every check, SystemAdministrator does not (4)."""
        return bool({"Admin", *roles} & set(self.roles))


class World:
    """The data of the stand-in. Times in scripts are seconds, divided by `speed`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.speed = 1.0
        self.quirks = Quirks()
        self.default_script = Script()
        self.accounts: dict[str, str] = {}
        self.logins: dict[str, Login] = {}
        self.flows: dict[str, Row] = {}
        self.endpoints: dict[str, Row] = {}
        self.calls: list[OutgoingCall] = []
        self.rings: list[Ring] = []
        self.bulk_deletes: list[str] = []  # requests that deleted a history; there must be none
        self._scripts: dict[str, list[Script]] = {}
        self._clock = clock

    @classmethod
    def standard(cls, clock: Callable[[], float] = time.monotonic) -> World:
        """Account acc1 "Acme" with people, four flows (flow4 is empty) and three numbers (one is virtual).

        Account acc2 "Other" has one manager. Every password is `PASSWORD`.
        """
        world = cls(clock)
        world.add_account("acc1", "Acme")
        world.add_account("acc2", "Other")
        # The role User may end calls too (evo-voice-api 5.7); whether a real bot login can get it is unknown.
        world.add_login("bot@acme.test", PASSWORD, ("Manager", "User"), first_name="Call", last_name="Bot")
        world.add_login("sara@acme.test", PASSWORD, first_name="Sara", last_name="Lind")
        world.add_login("boss@acme.test", PASSWORD, first_name="Bo", last_name="Berg")
        world.add_login(
            "root@acme.test",
            PASSWORD,
            (ADMINISTRATOR,),
            (),
            manager_access=None,
            first_name="Rut",
            last_name="Dahl",
        )
        world.add_login(
            "agent@acme.test", PASSWORD, ("User",), manager_access=None, first_name="Agnes", last_name="Moe"
        )
        world.add_login(
            "readonly@acme.test", PASSWORD, manager_access="ReadOnly", first_name="Rita", last_name="Voss"
        )
        world.add_login(
            "other@other.test", PASSWORD, account_ids=("acc2",), first_name="Otto", last_name="Kern"
        )
        world.add_flow("flow1", "Appointment reminder", description="Reads out time and place")
        world.add_flow("flow2", "Customer survey")
        world.add_flow("flow3", "Payment reminder")
        world.add_flow("flow4", "Empty draft", node_count=0)
        world.add_number("+12025550100", display_name="Main office")
        world.add_number("+12025550101", display_name="Support")
        world.add_number("+12025550199", display_name="Never bought", is_virtual=True)
        world.add_endpoint("User", displayName="Agnes' phone", userEmailAddress="agent@acme.test")
        return world

    def add_account(self, id: str, name: str) -> None:  # noqa: A002 - the field's own name
        """Add an account: a customer of Evo Voice, who owns everything else."""
        with self.changed:
            self.accounts[id] = name
            self.changed.notify_all()

    def add_login(
        self,
        email: str,
        password: str,
        roles: Collection[str] = ("Manager",),
        account_ids: Collection[str] = ("acc1",),
        *,
        manager_access: str | None = "ReadWrite",
        first_name: str = "",
        last_name: str = "",
    ) -> Login:
        """Add a login; it replaces one with the same email."""
        login = Login(email, password, roles, account_ids, manager_access, first_name, last_name)
        with self.changed:
            self.logins[email] = login
            self.changed.notify_all()
        return login

    def add_flow(
        self,
        id: str,  # noqa: A002 - the field's own name
        name: str,
        account_id: str = "acc1",
        node_count: int = 3,
        **more: Any,
    ) -> Row:
        """Add a flow; `more` are other FlowInfo fields under their JSON names (5.12)."""
        # Node values can be secrets (5.12), so every node here has one.
        nodes = [{"id": f"{id}-n{i}", "values": {"apiKey": "node-secret"}} for i in range(node_count)]
        flow: Row = {"id": id, "name": name, "accountId": account_id, "nodeCount": node_count, "nodes": nodes}
        flow |= {"accountName": self.accounts.get(account_id), "roles": [], "tags": [], "parameters": []}
        with self.changed:
            self.flows[id] = flow | more
            self.changed.notify_all()
        return self.flows[id]

    def remove_flow(self, id: str) -> None:  # noqa: A002 - the field's own name
        """Delete a flow; calls that already use it go on."""
        with self.changed:
            del self.flows[id]
            self.changed.notify_all()

    def add_number(
        self,
        e164: str,
        account_id: str = "acc1",
        display_name: str = "",
        is_virtual: bool = False,
        **more: Any,
    ) -> Row:
        """Add an owned number: an endpoint of type PhoneNumber. A virtual one was never bought (5.13)."""
        more = {"displayName": display_name, "phoneNumber": e164, "isVirtualPhoneNumber": is_virtual} | more
        return self.add_endpoint("PhoneNumber", account_id, **more)

    def remove_number(self, e164: str) -> None:
        """Remove a number."""
        with self.changed:
            self.endpoints = {k: e for k, e in self.endpoints.items() if e.get("phoneNumber") != e164}
            self.changed.notify_all()

    def add_endpoint(self, type: str, account_id: str = "acc1", **more: Any) -> Row:  # noqa: A002
        """Add an endpoint; `more` are EndpointInfo fields under their JSON names (5.13)."""
        row = {"id": uuid.uuid4().hex[:24], "type": type, "accountId": account_id, **more}
        row["accountName"] = self.accounts.get(account_id)
        with self.changed:
            self.endpoints[row["id"]] = row
            self.changed.notify_all()
        return row

    def script(self, number: str, *steps: Script) -> None:
        """Script the next calls to `number`, one script per call; the last one is reused."""
        with self.changed:
            self._scripts[number] = list(steps)
            self.changed.notify_all()

    def owned_numbers(self, account_id: str) -> list[str]:
        """The account's numbers that can place calls, in E.164."""
        mine = [e for e in self.endpoints.values() if e["accountId"] == account_id]
        return [e["phoneNumber"] for e in mine if "phoneNumber" in e and not e["isVirtualPhoneNumber"]]

    def place(self, flow_id: str, number: str, caller_id: str = "", login_email: str = "") -> OutgoingCall:
        """Ring a phone, without any checks; without a caller ID, from a random owned number (5.1)."""
        with self.changed:
            flow = self.flows[flow_id]
            caller_id = caller_id or random.choice(self.owned_numbers(flow["accountId"]))
            steps = self._scripts.get(number) or [self.default_script]
            script = steps.pop(0) if len(steps) > 1 else steps[0]
            call = OutgoingCall(
                flow, number, caller_id, login_email, script, datetime.now(UTC), self._clock()
            )
            self.calls.append(call)
            self.rings.append(Ring(call.placed_at, flow_id, number, caller_id, login_email, call.sid))
            self.changed.notify_all()
        return call

    def answer(self, call: OutgoingCall) -> None:
        """Answer a ringing phone, whatever the call's script says."""
        with self.changed:
            if call.status(self.age(call)) == "ringing":
                call.script = replace(call.script, ring_s=self.age(call), answer=True, outcome="Completed")
                self.changed.notify_all()

    def decline(self, call: OutgoingCall) -> None:
        """Decline a ringing phone: for the carrier, the line is busy."""
        with self.changed:
            if call.status(self.age(call)) == "ringing":
                call.script = replace(call.script, ring_s=self.age(call), answer=False, outcome="Busy")
                self.changed.notify_all()

    def hang_up(self, call: OutgoingCall) -> None:
        """End a call."""
        with self.changed:
            call.hung_up_s = min(self.age(call), call.end_s)
            self.changed.notify_all()

    def age(self, call: OutgoingCall) -> float:
        """Scripted seconds since the call was placed."""
        return (self._clock() - call.began) * self.speed

    def sessions(
        self, where: Literal["live", "archive"] = "live", first: date = date.min, last: date = date.max
    ) -> list[Row]:
        """Current SessionInfo rows, with `log`, of calls placed on these UTC days (5.5)."""
        with self.changed:
            aged = [(call, self.age(call)) for call in self.calls]
            ahead = timedelta(seconds=self.quirks.clock_ahead_s)
            return [
                row | {"accountName": self.accounts.get(row["accountId"])}
                for call, age in aged
                if call.archived(age) == (where == "archive")
                and first <= (call.placed_at + ahead).date() <= last
                for row in call.sessions(age, self.speed, self.quirks)
            ]

    def active_calls(self, account_id: str) -> list[Row]:
        """CallInfo rows of the account's calls that have not ended (5.6)."""
        with self.changed:
            mine = [call for call in self.calls if call.flow["accountId"] == account_id]
            rows = [call.active(self.age(call), self.speed, self.quirks) for call in mine]
            return [row for row in rows if row is not None]
