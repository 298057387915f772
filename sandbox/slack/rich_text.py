"""Slack's validation of rich text: sections, lists, quotes, preformatted parts, and the runs inside.

Part of `block_kit`, built from the same checks (`json_shapes`).
"""

from __future__ import annotations

from sandbox.slack.json_shapes import (
    anything,
    boolean,
    list_of,
    number,
    one_of,
    shape,
    string,
    typed,
)

_STYLED = {"style": anything}
_RICH_RUN = typed(
    {
        "text": shape({"text": string(3000)}, _STYLED),
        "link": shape({"url": string(3000)}, {"text": string(3000), "unsafe": boolean, **_STYLED}),
        "emoji": shape({"name": string(255)}, {"unicode": string(255), **_STYLED}),
        "user": shape({"user_id": string(255)}, _STYLED),
        "channel": shape({"channel_id": string(255)}, _STYLED),
        "date": shape(
            {"timestamp": anything, "format": string(255)}, {"url": string(3000), "fallback": string(3000)}
        ),
    }
)
_RUNS = {"elements": list_of(_RICH_RUN, 0, 1000)}
_BORDER = {"border": number(0, 1)}
_RICH_SECTION = typed({"rich_text_section": shape(_RUNS)})
RICH_PART = typed(
    {
        "rich_text_section": shape(_RUNS),
        "rich_text_quote": shape(_RUNS, _BORDER),
        "rich_text_preformatted": shape(_RUNS, _BORDER),
        "rich_text_list": shape(
            {"elements": list_of(_RICH_SECTION, 1, 1000), "style": one_of("bullet", "ordered")},
            {"indent": number(0, 8), "offset": number(0, 1000), **_BORDER},
        ),
    }
)
