"""How Slack's requests reach the app: over HTTP (`http`, `wsgi`) or Socket Mode (`socket_mode`).

A receiver stamps each payload when its bytes are read, dispatches it to Bolt in a thread of its lane, and
says whether the answer left in time.
"""
