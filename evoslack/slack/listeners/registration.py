"""Registers the listeners with Bolt: which payload goes to which."""

from __future__ import annotations

import re

from slack_bolt import App

from evoslack.slack.listeners import blocked_numbers, call_note, export, rule_export, workflow_step
from evoslack.slack.listeners.dependencies import Listeners
from evoslack.slack.listeners.shortcuts import (
    NUMBER_IN_MESSAGE,
    PLACE_A_CALL,
    is_call_again,
)
from evoslack.slack.rendering import (
    blocked_form,
    cards,
    home,
    home_filters,
    note_form,
    refusal_pages,
    rule_fields,
    rule_forms,
    rules_page,
    schedule_page,
    views,
)


def connect(app: App, listeners: Listeners, command: str) -> None:
    """Connect every payload to its listener."""
    form, shortcuts = listeners.form, listeners.shortcuts
    app.command(command, matchers=[rule_export.is_meant])(listeners.rule_export.export_rules)
    app.command(command, matchers=[export.is_meant])(listeners.export.export)
    app.command(command, matchers=[blocked_numbers.is_meant])(listeners.blocked.change_blocked)
    app.command(command)(form.command)
    app.command(re.compile("^/"))(form.other_command)
    app.options(views.FLOW)(form.flows)
    app.options(views.CALLER_ID)(form.caller_ids)
    app.view(views.FORM)(form.submit)
    app.block_action({"block_id": views.NUMBER, "action_id": views.NUMBER})(listeners.number_line.typed)
    app.global_shortcut(PLACE_A_CALL)(shortcuts.place_a_call)
    app.message_shortcut(NUMBER_IN_MESSAGE)(shortcuts.number_in_message)
    app.view(views.CHOICE)(shortcuts.chosen)
    app.block_action(cards.CALL_AGAIN)(shortcuts.call_again)
    app.block_action(cards.MORE, matchers=[is_call_again])(shortcuts.call_again)
    app.block_action(cards.HANG_UP)(listeners.hang_up.pressed)
    app.view(schedule_page.SCHEDULE)(listeners.schedule.submit)
    app.block_action(cards.CANCEL)(listeners.scheduled_call.cancel)
    app.block_action(cards.CHANGE_TIME)(listeners.scheduled_call.open_change)
    app.view(schedule_page.CHANGE)(listeners.scheduled_call.save_change)
    app.block_action(cards.NOTE)(listeners.note.open_note)
    app.block_action(cards.MORE, matchers=[call_note.is_in_menu])(listeners.note.open_note)
    app.view(note_form.FORM)(listeners.note.save_note)
    app.view(blocked_form.IMPORT_FORM)(listeners.blocked_files.import_file)
    app.block_action(refusal_pages.REQUEST_ACCESS)(listeners.access.pressed)
    app.event("app_home_opened")(listeners.home.home_opened)
    app.block_action(home.PLACE)(shortcuts.place_a_call)
    app.block_action(home_filters.FILTER_ACTIONS)(listeners.home.home_turned)
    app.options(home_filters.FilterAction.FLOW)(listeners.home.flows)
    app.block_action(home_filters.EXPORT)(listeners.export.from_home)
    app.block_action(home.RULES)(listeners.rules.open_rules)
    app.block_action(rules_page.CHANGE)(listeners.rules.change)
    app.block_action(rules_page.ADD_FLOW)(listeners.rules.change)
    app.block_action(rules_page.REMOVE)(listeners.rules.remove)
    app.block_action(rules_page.TURNS)(listeners.rules.turn)
    app.options(rule_fields.LISTS)(listeners.rule_form.options)
    app.view(rule_forms.FORM)(listeners.rule_form.save_rule)
    app.function(workflow_step.PLACE_CALL, auto_acknowledge=False)(listeners.steps.place_call)
    app.function(workflow_step.LIST_FLOWS, auto_acknowledge=False)(listeners.steps.list_flows)
