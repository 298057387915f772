"""The promise under fire: experiments that try to break it, and count what became of every press.

`make chaos` runs them all at length, `make chaos-short` in less than three minutes. An experiment is one
module with one function, `run(scale) -> Tally`; nothing in the product knows that it is being tried.
"""
