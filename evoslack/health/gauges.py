"""The metrics that are read when someone asks: what waits in the ledger, and what works right now.

While the ledger does not answer, what would be read from it is left out: an old count would be a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from evoslack.ledger.health import LedgerCounts
from evoslack.runtime.worker_pool import WorkerPool

_OF_LEDGER: dict[str, tuple[str, Callable[[LedgerCounts], float]]] = {
    "evoslack_calls_waiting": ("Calls that wait to be dialed", lambda found: found.waiting),
    "evoslack_oldest_waiting_seconds": ("Age of the oldest of them", lambda found: found.oldest_waiting_s),
    "evoslack_calls_placing": ("Calls that are being dialed", lambda found: found.placing),
    "evoslack_calls_scheduled": ("Calls for later", lambda found: found.scheduled),
    "evoslack_calls_tracked": ("Calls that are tracked at Evo Voice", lambda found: found.tracked),
    "evoslack_calls_in_doubt": ("Calls in doubt, of the last 24 hours", lambda found: found.in_doubt),
    "evoslack_cards_pending": ("Cards that are out of date", lambda found: found.cards_pending),
    "evoslack_private_messages_pending": (
        "Calls whose caller may have to be told",
        lambda found: found.private_messages_pending,
    ),
    "evoslack_notifications_stuck": (
        "Cards and private messages that failed at least five times",
        lambda found: found.notifications_stuck,
    ),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the gauges are read. None of these takes longer than a second."""

    counts: Callable[[], LedgerCounts | None]  # None: the ledger does not answer
    pools: Iterable[WorkerPool]
    connections: Callable[[], int]
    token_works: Callable[[], bool]
    login_works: Callable[[], bool | None]  # None: it was not needed yet


class Gauges(Collector):
    """Reads the gauges; registered with the registry of `Metrics`."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would otherwise read everything to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read everything now."""
        sources = self._sources
        pools = GaugeMetricFamily(
            "evoslack_worker_pool_working", "Whether a worker pool works", labels=["pool"]
        )
        for pool in sources.pools:
            pools.add_metric([pool.name], float(pool.is_working))
        yield pools
        yield _gauge("evoslack_slack_connections", "Open connections to Slack", sources.connections())
        yield _gauge("evoslack_up_slack", "Whether Slack takes the bot token", sources.token_works())
        if (login_works := sources.login_works()) is not None:
            yield _gauge("evoslack_up_evo_voice", "Whether Evo Voice takes the login", login_works)
        counts = sources.counts()
        yield _gauge("evoslack_up_ledger", "Whether the ledger can be written", counts is not None)
        if counts is not None:
            for name, (words, value_of) in _OF_LEDGER.items():
                yield _gauge(name, words, value_of(counts))


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))
