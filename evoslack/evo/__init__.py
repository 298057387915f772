"""Everything that talks to Evo Voice.

`transport` sends a request under one hard deadline, on `connections` that know whether a byte of it left;
`wire` knows ServiceStack's shapes, `client` logs in, reads and dials, `directory` says who may call, and
`catalog` what can be offered.
"""
