"""Stand-ins to play and test with: a Slack and an Evo Voice that live on this machine.

The product does not know them. It gets other addresses in its settings and runs unchanged.
"""
