"""Everything that talks to Evo Voice.

`transport` sends a request within one hard deadline, on `connections` that know whether a byte of it left;
`wire` knows ServiceStack's JSON, `login` logs in, `client` reads and dials, `directory` says who may call,
`catalog` what the form offers, and `session_poller` how calls are going.
"""
