"""A workflow reaches the step Place a call: one ring, one end, and the workflow always learns which."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evoslack.calling.calls import Progress, State
from evoslack.calling.refusals import Lack, NothingToOffer
from evoslack.slack.rendering.refusal_messages import refusal_message
from sandbox.bot_process import BotProcess
from sandbox.evo.calls import Script
from sandbox.slack.steps import Execution
from tests.scenario.office import AGENT, BOSS, NUMBER, SARA, SHOWN, TYPED, Office

OUTGOING = "/sessions/outgoing"
SUCCESS, ERROR = "functions.completeSuccess", "functions.completeError"
SHORT = Script(ring_s=0.3, talk_s=1, session="at_once")


def inputs(who: str = SARA, **others: Any) -> dict[str, Any]:
    return {"person": {"id": who, "secret": "s3cret"}, "flow": "flow2", "number": TYPED} | others


def ask(office: Office, who: str = SARA, **others: Any) -> Execution:
    """A workflow reaches the step."""
    office.slack.wait_for(office.bot.catalog.refresh, what="flows to offer")
    execution = office.slack.run_step("place_call", inputs(who, **others))
    assert all(delivery.acked for delivery in execution.deliveries)
    return execution


def over(office: Office, execution: Execution) -> Execution:
    """Let the time pass until the workflow goes on."""
    office.slack.wait_for(lambda: office.rings)
    office.let_time_pass_until(
        lambda: office.slack.execution(execution.id).status == "completed", within_s=20, step_s=3
    )
    return office.slack.execution(execution.id)


def why_it_failed(office: Office, execution: Execution, within_s: float = 8) -> str:
    return str(office.slack.wait_for_execution(execution.id, "failed", within_s).error)


def why_it_failed_in_the_end(office: Office, execution: Execution) -> str:
    """What Slack is told once the call was looked for in vain."""
    office.slack.wait_for(office.ledger)

    def is_failed() -> bool:
        return office.slack.execution(execution.id).status == "failed"

    office.let_time_pass_until(is_failed, within_s=20, step_s=5)
    return str(office.slack.execution(execution.id).error)


def wait_until_it_rests(office: Office) -> None:
    """Wait until nobody works on a step, so that its next look is written down."""
    office.slack.wait_for(lambda: in_book(office, "leased_until IS NOT NULL") == 0)


def in_book(office: Office, condition: str) -> int:
    """How many steps the ledger has for which this is so."""
    with office.bot.store.engine.connect() as connection:
        counting = f"SELECT count(*) FROM workflow_steps WHERE {condition}"
        return int(connection.exec_driver_sql(counting).scalar_one())


def ends(office: Office, method: str) -> int:
    """How often the bot told Slack how the step ended."""
    return len(office.slack.api_calls(method))


def test_a_call_is_placed_and_the_workflow_goes_on_when_it_is_over(office: Office) -> None:
    office.evo.world.script(NUMBER, SHORT)
    execution = ask(office)

    done = over(office, execution)

    (call,) = office.ledger()
    assert done.outputs is not None
    assert (done.outputs["call_id"], done.outputs["result"]) == (call.id, "ended: Completed")
    assert done.outputs["duration"] == round(call.talked_s or -1)
    assert call.progress is Progress.ENDED
    assert (call.request.user_id, call.request.caller_id) == (SARA, "+12025550100")  # the preset one
    card = office.wait_for_card("completed")
    assert SARA in str(card["blocks"])
    assert office.rings == 1
    assert ends(office, SUCCESS) == 1
    assert {request.token for request in office.slack.api_calls(SUCCESS)} == {office.slack.bot_token}


def test_nobody_answers_and_no_duration_is_claimed(office: Office) -> None:
    office.evo.world.script(NUMBER, Script(ring_s=1, answer=False, outcome="Busy", session="at_once"))

    done = over(office, ask(office))

    assert done.outputs is not None
    assert done.outputs["result"] == "ended: Busy"
    assert "duration" not in done.outputs


def test_delivered_three_times_it_is_one_call_and_one_end(office: Office) -> None:
    office.evo.world.script(NUMBER, SHORT)
    execution = ask(office)
    (first,) = execution.deliveries
    assert office.slack.redeliver(first).acked
    over(office, execution)
    assert office.slack.redeliver(first).acked
    office.wait_until_settled()

    assert office.rings == len(office.ledger()) == 1
    assert ends(office, SUCCESS) == 1
    assert ends(office, ERROR) == 0


def test_delivered_many_times_at_once_it_is_one_call(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    with ThreadPoolExecutor(8) as slacks:
        execution = ask(office)
        (first,) = execution.deliveries
        again = [slacks.submit(office.slack.redeliver, first) for _ in range(8)]
    assert all(each.result().acked for each in again)
    office.slack.wait_for(lambda: office.rings)
    office.wait_until_settled()

    assert office.rings == len(office.ledger()) == 1


def test_what_is_not_written_down_is_not_acknowledged_and_comes_again(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    office.evo.world.script(NUMBER, SHORT)
    with office.bot.store.engine.connect():  # the one connection that there is
        execution = office.slack.run_step("place_call", inputs())
        assert [delivery.acked for delivery in execution.deliveries] == [False, False]

    assert office.slack.redeliver(execution.deliveries[0]).acked
    over(office, execution)
    assert office.rings == 1


@pytest.mark.parametrize(("seconds", "rings"), [(5, 1), (11, 0)])
def test_delivered_only_after_a_while_it_is_dialed_or_never(
    empty_office: Office, seconds: int, rings: int
) -> None:
    office = empty_office
    execution = office.slack.run_step("place_call", inputs())  # no bot is there
    assert not any(delivery.acked for delivery in execution.deliveries)
    office.pass_time(seconds=seconds)
    office.open(MAX_WAIT_SECONDS="10")
    office.slack.wait_for(office.bot.catalog.refresh)

    assert office.slack.redeliver(execution.deliveries[0]).acked

    if rings:
        office.evo.wait_for(lambda: office.rings)
    else:
        assert "waited too long for its turn" in why_it_failed(office, execution)
        assert office.evo.posts == len(office.ledger()) == 0


def test_clocks_that_disagree_do_not_make_a_step_late(empty_office: Office) -> None:
    empty_office.pass_time(hours=1)
    empty_office.open(MAX_WAIT_SECONDS="10")
    empty_office.evo.world.script(NUMBER, SHORT)

    ask(empty_office)

    empty_office.evo.wait_for(lambda: empty_office.rings)


# --- who may


@pytest.mark.parametrize(
    ("who", "words"),
    [(AGENT, "need the Manager role"), ("U_READONLY", "read-only"), ("U_OTHER", "No Evo Voice login")],
)
def test_a_person_who_may_not_call_may_not_by_a_workflow_either(office: Office, who: str, words: str) -> None:
    execution = ask(office, who)

    assert words in why_it_failed(office, execution)
    assert office.rings == len(office.ledger()) == 0


@pytest.mark.parametrize(
    "forged",
    [
        {"person": SARA},
        {"person": {"id": [SARA]}},
        {"person": {"id": "U_SARA' OR 1"}},
        {"person": None},
        {"flow": ["flow2"]},
        {"flow": {"value": "flow2"}},
        {"number": 8144043093},
        {"number": [TYPED]},
        {"number": "8" * 5000},
        {"caller_id": 12025550100},
        {"caller_id": ["+12025550100"]},
    ],
)
def test_inputs_of_other_types_are_refused_and_not_guessed(
    shared_office: Office, forged: dict[str, Any]
) -> None:
    office = shared_office
    assert "can't read the step's inputs" in why_it_failed(office, ask(office, **forged))
    assert office.rings == len(office.ledger()) == 0


def test_inputs_that_are_no_inputs_at_all(office: Office) -> None:
    execution = ask(office)
    office.slack.wait_for(lambda: office.rings)
    payload = dict(execution.deliveries[0].sent)
    payload["event"] = payload["event"] | {"inputs": "flow2", "function_execution_id": "Fx_FORGED"}

    assert office.slack.send("events_api", payload).acked
    office.slack.wait_for(lambda: ends(office, ERROR))
    payload["event"] = payload["event"] | {"function_execution_id": "F" * 65}
    assert office.slack.send("events_api", payload).acked

    assert office.rings == 1


# --- what was filled in


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"number": "814 404 30"}, "too short"),
        ({"number": "911"}, "emergency"),
        ({"number": "+44 20 7946 0958"}, "Calls to the United Kingdom are turned off"),
        ({"number": "1-800-FLOWERS"}, "Did you mean"),
        ({"number": ""}, "Enter a number"),
        ({"flow": "flow9"}, "This flow is no longer available"),
        ({"flow": "Customer survey"}, "This flow is no longer available"),
        ({"caller_id": "+12025550999"}, "This caller ID is no longer available"),
    ],
)
def test_what_was_filled_in_is_checked_as_in_the_form(
    shared_office: Office, wrong: dict[str, Any], words: str
) -> None:
    office = shared_office
    assert words in why_it_failed(office, ask(office, **wrong))
    assert office.rings == len(office.ledger()) == 0


def test_every_problem_is_named_at_once(office: Office) -> None:
    words = why_it_failed(office, ask(office, number="814 404 30", flow="flow9"))

    assert "too short" in words
    assert "flow is no longer available" in words


@pytest.mark.parametrize("typed", [" +12025550101 ", "(202) 555-0101", "202-555-0101"])
def test_another_caller_id_of_ours_is_shown(office: Office, typed: str) -> None:
    ask(office, caller_id=typed)
    office.slack.wait_for(lambda: office.rings)

    assert office.evo.world.rings[0].caller_id == "+12025550101"


def test_the_flow_was_deleted_meanwhile(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    office.evo.world.remove_flow("flow2")  # the bot has not noticed yet
    execution = office.slack.run_step("place_call", inputs())

    words = why_it_failed_in_the_end(office, execution)
    assert "couldn't find this flow" in words
    assert "Nothing was dialed" in words
    assert office.rings == 0


def test_a_number_that_is_being_called_is_not_called_twice(office: Office) -> None:
    office.call(BOSS)

    assert "<@U_BOSS> is calling this number right now" in why_it_failed(office, ask(office))
    office.wait_until_settled()
    assert office.rings == 1


def test_a_number_that_is_on_the_phone_is_called_only_if_the_workflow_says_so(office: Office) -> None:
    office.evo.world.script(NUMBER, Script(ring_s=0.2, talk_s=60))
    office.call(BOSS)
    office.let_time_pass_until(lambda: office.ledger()[0].progress is Progress.ANSWERED, step_s=1)
    office.pass_time(minutes=30)

    assert "<@U_BOSS>" in why_it_failed(office, ask(office))
    assert office.rings == 1

    anyway = ask(office, call_anyway=True)
    office.slack.wait_for(lambda: office.rings == 2)
    assert office.slack.execution(anyway.id).status == "running"


# --- what Evo Voice does


def test_a_refusal_of_evo_voices_fails_the_step_with_its_words(office: Office) -> None:
    office.evo.fault(OUTGOING, "403_text")
    execution = ask(office)
    office.slack.wait_for(lambda: office.ledger() and office.ledger()[0].state is State.REJECTED)
    assert office.slack.execution(execution.id).status == "running"  # it is being looked for

    words = why_it_failed_in_the_end(office, execution)
    assert SHOWN in words
    assert "isn't allowed to place calls. Nothing was dialed" in words


def test_in_doubt_and_found_the_workflow_goes_on(office: Office) -> None:
    office.evo.world.script(NUMBER, SHORT)
    office.evo.fault(OUTGOING, "500_after_ring")

    done = over(office, ask(office))

    assert done.outputs is not None
    assert done.outputs["result"] == "ended: Completed"
    assert office.rings == 1


def test_in_doubt_and_not_found_it_fails_and_says_that_it_is_not_certain(office: Office) -> None:
    office.hide_calls()
    office.evo.fault(OUTGOING, "500_after_ring")
    execution = ask(office)
    office.slack.wait_for(lambda: office.ledger() and office.ledger()[0].state is State.IN_DOUBT)
    assert office.slack.execution(execution.id).status == "running"  # it is being looked for

    office.evo.clear_faults()
    office.evo.world.calls.clear()  # nothing of it is to be seen
    office.let_time_pass_until(lambda: office.slack.execution(execution.id).status == "failed", within_s=20)

    words = str(office.slack.execution(execution.id).error)
    assert "can't tell whether" in words
    assert "may have rung, once" in words
    assert office.rings == 1


def test_a_400_that_leaves_no_trace_fails_the_step_in_the_end(office: Office) -> None:
    office.evo.fault(OUTGOING, "400_json")
    execution = ask(office)
    office.evo.wait_for(lambda: office.evo.posts)

    office.let_time_pass_until(lambda: office.slack.execution(execution.id).status == "failed", within_s=20)

    assert "doesn't accept" in str(office.slack.execution(execution.id).error)
    assert office.rings == 0


def test_while_nobody_can_say_who_may_call_the_step_waits_a_moment(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    office.evo.world.script(NUMBER, SHORT)
    office.slack.fault("users.info", "500", times=2)
    execution = ask(office)
    for times in (1, 2):
        office.slack.wait_for(lambda times=times: len(office.slack.api_calls("users.info")) == times)
        wait_until_it_rests(office)
        assert office.slack.execution(execution.id).status == "running"
        office.pass_time(seconds=5)
        office.bot.wake()

    over(office, execution)
    assert office.rings == 1


def test_if_that_goes_on_the_step_fails_and_is_never_dialed(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    office.slack.fault("users.info", "500", times=None)
    execution = ask(office)
    office.slack.wait_for(lambda: office.slack.api_calls("users.info"))
    wait_until_it_rests(office)

    office.pass_time(seconds=61)
    office.bot.wake()

    assert "couldn't check who you are" in why_it_failed(office, execution)
    assert office.rings == len(office.ledger()) == 0


# --- what Slack does with the end


@pytest.mark.parametrize("kind", ["429", "500", "cut", "error:fatal_error"])
def test_slack_does_not_take_the_end_at_first(office: Office, kind: str) -> None:
    office.evo.world.script(NUMBER, SHORT)
    office.slack.fault(SUCCESS, kind, times=2)
    execution = ask(office)

    over(office, execution)
    assert ends(office, SUCCESS) == 3
    assert office.rings == 1


def test_the_answer_to_the_end_is_lost_and_saying_it_again_does_no_harm(office: Office) -> None:
    office.evo.world.script(NUMBER, SHORT)
    office.slack.fault(SUCCESS, "lose_answer")
    execution = ask(office)

    done = over(office, execution)
    office.let_time_pass_until(lambda: in_book(office, "ended_at IS NOT NULL") == 1)

    assert ends(office, SUCCESS) == 2
    assert office.slack.execution(execution.id) == done
    assert office.rings == 1


def test_what_was_refused_stays_refused_while_slack_does_not_listen(office: Office) -> None:
    office.slack.fault(ERROR, "lose_answer")  # the workflow knows that nothing was dialed
    execution = ask(office, AGENT)
    office.slack.wait_for_execution(execution.id, "failed")
    office.evo.world.logins["agent@acme.test"].roles = ("Manager",)
    office.evo.world.logins["agent@acme.test"].manager_access = "ReadWrite"

    office.slack.wait_for(lambda: in_book(office, "ended_at IS NOT NULL") == 1, within_s=10)

    assert ends(office, ERROR) == 2
    assert office.rings == len(office.ledger()) == 0


def test_slack_never_takes_it_and_is_asked_ever_more_seldom_for_a_day(office: Office) -> None:
    office.slack.fault(ERROR, "error:access_denied", times=None)
    ask(office, AGENT)
    office.slack.wait_for(lambda: ends(office, ERROR))
    for hour in range(1, 25):
        wait_until_it_rests(office)
        assert ends(office, ERROR) == hour  # and not more: it waits, a person who wakes it
        office.pass_time(hours=1)
        office.bot.wake()
        office.slack.wait_for(lambda hour=hour: ends(office, ERROR) == hour + 1)
    office.slack.wait_for(lambda: in_book(office, "ended_at IS NOT NULL") == 1)  # given up


# --- the bot dies, or is not alone


def test_the_bot_is_stopped_in_the_middle_and_another_one_ends_the_step(empty_office: Office) -> None:
    office = empty_office
    office.evo.world.script(NUMBER, Script(ring_s=0.3, talk_s=3, session="at_once"))
    first = office.open()
    execution = ask(office)
    office.slack.wait_for(lambda: office.ledger() and office.ledger()[0].session_id, within_s=10)
    first.stop()
    assert office.slack.execution(execution.id).status == "running"

    office.open()

    over(office, execution)
    assert office.rings == 1
    assert ends(office, SUCCESS) == 1


def test_the_bot_is_killed_while_the_phone_rings(empty_office: Office, process: BotProcess) -> None:
    office = empty_office
    office.evo.world.script(NUMBER, Script(ring_s=1, talk_s=1, session="at_once"))
    office.evo.fault(OUTGOING, "hang_after_ring")
    process.start()
    office.slack.wait_for_connection()
    execution = office.slack.run_step("place_call", inputs())
    office.evo.wait_for(lambda: office.rings, within_s=15)
    process.kill()
    office.evo.clear_faults()

    process.start()

    done = office.slack.wait_for_execution(execution.id, within_s=40)
    assert done.outputs is not None
    assert done.outputs["result"] == "ended: Completed"
    assert office.rings == 1


def test_two_bots_share_a_step_and_run_it_once(tmp_path: Path, postgres_url: str) -> None:
    office = Office(tmp_path, postgres_url)
    try:
        office.evo.world.script(NUMBER, SHORT)
        bots = [office.open(), office.open()]
        for bot in bots:
            office.slack.wait_for(bot.catalog.refresh)
        executions = [ask(office, number=f"+1814404{last}") for last in range(3000, 3006)]
        for execution in executions:
            for bot in bots:
                bot.wake()
            office.slack.redeliver(execution.deliveries[0])
        office.slack.wait_for(lambda: office.rings == 6, within_s=20)
        office.wait_until_settled()
        assert len(office.ledger()) == 6
    finally:
        office.close()
    assert office.rings == 6


# --- building a workflow


def test_a_person_who_builds_a_workflow_is_offered_the_flows_by_name(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    by_sara = {"query": "reminder", "person": {"id": SARA, "secret": "s3cret"}}

    options = office.slack.step_options("list_flows", by_sara)

    assert [(each["text"]["text"], each["value"]) for each in options] == [
        ("Appointment reminder", "flow1"),
        ("Payment reminder", "flow3"),
    ]
    assert all(set(each) == {"text", "value"} for each in options)


def test_more_flows_than_a_list_can_hold(office: Office) -> None:
    for number in range(120):
        office.evo.world.add_flow(f"more{number}", f"{'Long name ' * 20}{number}")
    office.slack.wait_for(
        lambda: office.bot.catalog.refresh() and len(office.bot.catalog.offer().flows) > 100
    )

    options = office.slack.step_options("list_flows", {"query": "", "person": {"id": SARA}})

    assert len(options) == 100
    assert all(len(each["text"]["text"]) <= 75 for each in options)


def test_a_search_that_matches_no_flow_says_so(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)

    assert office.slack.step_options("list_flows", {"query": "<!here>", "person": {"id": SARA}}) == []

    words = office.slack.executions[-1].error
    assert words == "No flow matches “&lt;!here&gt;”. Type part of a flow's name."


@pytest.mark.parametrize("person", [{"id": AGENT}, {"id": "U_NOBODY"}, SARA, {"id": [SARA]}, None])
def test_a_person_who_may_not_call_builds_without_flows(office: Office, person: Any) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)

    assert office.slack.step_options("list_flows", {"query": "", "person": person}) == []
    assert office.slack.executions[-1].error


def test_a_slack_that_does_not_say_who_builds_is_told_names_only(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)

    assert len(office.slack.step_options("list_flows")) == 3


def test_while_evo_voice_is_away_there_is_nothing_to_offer(empty_office: Office) -> None:
    empty_office.evo.stop()
    empty_office.open()

    assert empty_office.slack.step_options("list_flows") == []
    words = empty_office.slack.executions[-1].error
    assert words == refusal_message(NothingToOffer(Lack.NOT_LOADED), "US").words
    empty_office.evo.start()


def test_slack_does_not_take_the_list_and_the_bot_goes_on(office: Office) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    for method in (SUCCESS, ERROR):
        office.slack.fault(method, "500")
    assert office.slack.step_options("list_flows") == []
    assert office.slack.step_options("list_flows", {"person": {"id": AGENT}}) == []

    assert all(each.deliveries[0].acked for each in office.slack.executions)
    assert len(office.slack.step_options("list_flows")) == 3
