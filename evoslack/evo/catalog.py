"""The account's flows and owned numbers, kept in memory; and whether the bot may end calls.

Forms are filled from here and never wait for Evo Voice. When a refresh fails, the last good offer stays:
Evo Voice rejects a call with an outdated flow or number, it does not dial it wrongly.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection

from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.refusals import Lack, NothingToOffer
from evoslack.evo.client import EvoClient
from evoslack.evo.errors import EvoError, LoginFailed
from evoslack.evo.transport import seconds_until
from evoslack.evo.wire import caller_id_of, flow_of
from evoslack.runtime.trouble_log import TroubleLog

log = logging.getLogger(__name__)

REFRESH_BUDGET_S = 20.0
ENDING_ROLES = frozenset({"User", "Admin"})  # evo-voice-api 5.7 and 8
REFRESH_EVERY_S = 60.0
RETRY_EVERY_S = 5.0  # while there is nothing to offer


class Catalog:
    """One account's offer: `refresh` reads it again, `offer` never waits.

    `clock_s` is a monotonic clock.
    """

    def __init__(
        self,
        client: EvoClient,
        *,
        account_id: str | None,
        allowed_flows: Collection[str],
        default_caller_id: str | None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._allowed_flows = frozenset(allowed_flows)
        self._default_caller_id = default_caller_id
        self._clock_s = clock_s
        self._refresh_at_s = clock_s()
        self._refreshing = threading.Lock()
        self._offer: Offer | None = None
        self.may_end_calls = False  # whether the bot's login may; False until that is known
        self._lack = Lack.NOT_LOADED
        self._trouble = TroubleLog(log, "reading flows and numbers from Evo Voice", clock_s=clock_s)

    def offer(self) -> Offer:
        """The latest offer. Raises `NothingToOffer` with what is missing."""
        if self._offer is None:
            raise NothingToOffer(self._lack)
        return self._offer

    def refresh(self, *, budget_s: float = REFRESH_BUDGET_S) -> bool:
        """Read the offer again, in one thread while others wait. Returns whether there is one now."""
        if not self._refreshing.acquire(timeout=budget_s):
            return self._offer is not None
        try:
            self._offer = self._read(budget_s)
            self._trouble.worked()
        except NothingToOffer as missing:
            self._offer, self._lack = None, missing.lack
            self._failed(f"nothing to offer: {missing.lack}")
        except LoginFailed as error:
            # Without a login nothing can be dialed, so an old offer would only mislead.
            self._offer, self._lack = None, Lack.LOGIN
            self._failed(str(error))
        except EvoError as error:
            self._failed(str(error))
        finally:
            self._refreshing.release()
        return self._offer is not None

    def refresh_when_due(self) -> bool:
        """Refresh if there is no offer or it is old. Always False: there is never more to do at once."""
        if self._clock_s() >= self._refresh_at_s and self.refresh():
            self._refresh_at_s = self._clock_s() + REFRESH_EVERY_S
        return False

    def _read(self, budget_s: float) -> Offer:
        ends = time.monotonic() + budget_s
        account_id = self._account(budget_s)
        of_account = {"accountIds": account_id}
        flows = [
            flow
            for item in self._client.items("/flows", of_account, budget_s=seconds_until(ends))
            if (flow := flow_of(item, account_id)) and self._is_allowed(flow)
        ]
        if not flows:
            raise NothingToOffer(Lack.FLOWS)
        numbers = {**of_account, "type": "PhoneNumber"}
        caller_ids = [
            caller_id
            for item in self._client.items("/endpoints", numbers, budget_s=seconds_until(ends))
            if (caller_id := caller_id_of(item, account_id))
        ]
        if not caller_ids:
            raise NothingToOffer(Lack.CALLER_IDS)
        flows.sort(key=lambda flow: (flow.name.casefold(), flow.id))
        return Offer(account_id, tuple(flows), tuple(caller_ids), self._preset(caller_ids))

    def _account(self, budget_s: float) -> str:
        """The account that calls are placed for (evo-voice-api 5.1: flow and caller ID must share it)."""
        me = self._client.whoami(budget_s=budget_s)
        self.may_end_calls = bool(me.roles & ENDING_ROLES)
        if self._account_id is not None:
            # A system administrator may list no account at all.
            if me.account_ids and self._account_id not in me.account_ids:
                raise NothingToOffer(Lack.ACCOUNT_HIDDEN)
            return self._account_id
        if len(me.account_ids) != 1:
            raise NothingToOffer(Lack.ACCOUNT_UNCLEAR)
        return next(iter(me.account_ids))

    def _is_allowed(self, flow: Flow) -> bool:
        return not self._allowed_flows or flow.id in self._allowed_flows

    def _preset(self, caller_ids: list[CallerId]) -> CallerId:
        for caller_id in caller_ids:
            if caller_id.number == self._default_caller_id:
                return caller_id
        if self._default_caller_id is not None:
            log.error("EVO_CALLER_ID is not a number of this account; the first one is preselected instead")
        return caller_ids[0]

    def _failed(self, problem: str) -> None:
        self._trouble.failed(problem, level=logging.ERROR)
