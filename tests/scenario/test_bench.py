"""The benchmark measures what it says: all its apps answer, and ours writes the call down."""

from __future__ import annotations

from tests import bench


def test_every_app_of_the_benchmark_answers() -> None:
    with bench.office() as (slack, ours, *others):
        form = slack.modal(bench.SARA)
        for app in (ours, *others):
            bench.dispatch(app, bench.command(slack))  # raises when it is not acknowledged
            bench.dispatch(app, bench.submission(form))
