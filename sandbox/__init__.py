"""A stand-in Slack and a stand-in Evo Voice on this machine, for playing and testing.

The product does not know them: it runs unchanged, with other URLs in its settings.
"""
