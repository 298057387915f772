"""The pictures in the documents: `make pictures` takes each one anew from the playground, with the real bot.

`stage` is the playground with a wall clock that can be set, `theater` opens one for each picture, `visitor`
drives a browser, `scenes` are the pictures, `film` writes them, and `sources` says which one is older than
what it shows. Only this package needs a browser; the tests don't. Seconds that depend on how busy the machine
is are replaced by fixed ones (`SECONDS` in `scenes`); everything else on a picture is what the bot said.
"""
