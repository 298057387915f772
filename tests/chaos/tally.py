"""What an experiment counts: how often each press rang, who was told, and who was lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from tests.chaos.questions import Verdict

Scale = Literal["short", "long"]


@dataclass
class Tally:
    """The count of one experiment.

    A run is one press of the button, or one call that was written down. It is told when the person who
    pressed and the channel heard what the ledger says, or when Slack itself said that the press failed and
    nothing was written down. It is lost when it was neither; `lost` says how. An experiment that cannot be
    done on this machine says in `not_run` what is missing.
    """

    what: str
    runs: int = 0
    rings: Counter[str] = field(default_factory=Counter)  # "0", "1", "2+"
    after_error: int = 0  # rang after Slack had shown its error
    after_no: int = 0  # rang after a person was told that it does not
    not_allowed: int = 0  # rang for a person who could not be considered allowed
    told: int = 0
    lost: list[str] = field(default_factory=list)  # a sentence for each
    figures: dict[str, float | str] = field(default_factory=dict)  # such as {"ack p99 ms": 12.3}
    not_run: str = ""

    def count(self, rings: int, *, lost: str = "", verdict: Verdict | None = None) -> None:
        """One run: how often the phone rang, and what is wrong with what people were told, if anything."""
        self.runs += 1
        if verdict is not None:
            self.after_error += verdict.after_error
            self.after_no += verdict.after_no
            self.not_allowed += verdict.not_allowed
        self.rings[str(rings) if rings < 2 else "2+"] += 1
        if lost:
            self.lost.append(lost)
        else:
            self.told += 1

    def add(self, other: Tally) -> None:
        """Take another count of the same thing in."""
        self.runs += other.runs
        self.rings += other.rings
        self.after_error += other.after_error
        self.after_no += other.after_no
        self.not_allowed += other.not_allowed
        self.told += other.told
        self.lost += other.lost

    @property
    def kept(self) -> bool:
        """Whether the promise was kept in every run (and there were runs at all)."""
        if self.not_run:
            return True
        rang_wrongly = self.rings["2+"] or self.after_error or self.after_no or self.not_allowed
        return self.runs > 0 and not rang_wrongly and not self.lost
