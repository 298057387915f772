"""`python -m sandbox`: play with EvoSlack in the browser, with a stand-in Slack and Evo Voice."""

import sys

from sandbox.play import play

sys.exit(play())
