"""For the people who run EvoSlack: health checks, metrics, and what systemd is told.

`monitoring` puts the parts together. Nothing here can hold up a call: what takes time is asked for in the
background and remembered for a few seconds.
"""
