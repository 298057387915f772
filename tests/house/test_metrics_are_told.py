"""Every metric is explained in docs/metrics.md and is on the dashboard; every name elsewhere exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from evoslack.health.gauges import Gauges, Sources
from evoslack.health.metrics import Metrics
from evoslack.ledger.health import LedgerCounts
from evoslack.runtime.worker_pool import WorkerPool

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
OF_PROMETHEUS = {"up"}
NAME = re.compile(r"\b(?:evoslack_[a-z_]+|process_[a-z_]+|up)\b(?!\()")


def registered() -> set[str]:
    """The metrics by the names that people use: a counter with `_total`, a histogram without `_bucket`."""
    metrics = Metrics()
    pool = WorkerPool("dial", size=1, poll_every_s=1)
    counts = LedgerCounts(0, 0.0, 0, 0, 0, 0, 0, 0, 0)
    sources = Sources(lambda: counts, [pool], lambda: 1, lambda: True, lambda: True)
    metrics.registry.register(Gauges(sources))
    families = metrics.registry.collect()
    return {f"{each.name}_total" if each.type == "counter" else each.name for each in families}


def named(expressions: list[str]) -> set[str]:
    """The metrics in these expressions, without what stands in quotes or braces."""
    bare = (re.sub(r"\{[^}]*\}", "", each) for each in expressions)
    return {name.removesuffix("_bucket") for each in bare for name in NAME.findall(each)}


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found = json.loads((ROOT / "deploy" / "dashboard.json").read_text(encoding="utf-8"))
    return list(found["panels"])


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by what stands in their first cell."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_metric_is_explained() -> None:
    found = table("Metrics")

    assert set(found) == registered()
    assert [name for name, cells in found.items() if len(cells) != 2 or not all(cells)] == []


def test_every_alert_is_explained() -> None:
    found = table("Alerts")

    assert list(found) == [rule["alert"] for rule in rules()]
    assert [name for name, cells in found.items() if len(cells) != 2 or not all(cells)] == []


def test_every_alert_that_the_document_sends_people_to_exists() -> None:
    assert set(re.findall(r"EvoSlack[A-Z]\w+", DOCUMENT)) <= {rule["alert"] for rule in rules()}


def test_alerts_ask_for_metrics_that_exist_and_say_what_to_do() -> None:
    for rule in rules():
        names = named([rule["expr"]])
        assert names
        assert names <= registered() | OF_PROMETHEUS, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_the_dashboard_shows_every_metric_and_no_others() -> None:
    expressions = [target["expr"] for panel in panels() for target in panel.get("targets", [])]

    assert named(expressions) == registered()
    assert len({panel["id"] for panel in panels()}) == len(panels())
