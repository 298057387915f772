"""The pictures in the documents: `make pictures` takes each one anew from the playground, with the real bot.

`stage` is the playground with a wall clock that can be set, `visitor` drives a browser, `scenes` are the
pictures, `film` writes the moving one, and `sources` says which picture is older than what it shows. Only this
package needs a browser; the tests don't.
"""
