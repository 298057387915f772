"""People who put a file into a form."""

from __future__ import annotations

from sandbox.slack.block_kit import Json
from sandbox.slack.files import Files
from sandbox.slack.people import People


class FileUploads(People):
    """What they do; a part of `SlackWorkspace`."""

    _files: Files

    def attach_file(self, user_id: str, block_id: str, name: str, content: bytes) -> Json:
        """Upload a file into a field of the current modal; the file object that the app will get.

        Raises LookupError if the field does not take it, ValueError if Slack does not.
        """
        with self._team.change():
            file = self._files.attach(user_id, name, content)
            self._form(user_id).attach(block_id, file)
        return file
