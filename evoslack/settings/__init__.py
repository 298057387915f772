"""The settings: where they come from (`environment`), what they are called (`names`), and what they say.

`settings` reads them all together; `values` and `addresses` turn the text of one of them into a value.
"""

from evoslack.settings.settings import BadSettings, Settings

__all__ = ["BadSettings", "Settings"]
