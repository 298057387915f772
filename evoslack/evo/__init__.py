"""Everything that talks to Evo Voice.

`transport` moves bytes under one hard deadline, `wire` knows ServiceStack's shapes, `client` logs in, reads
and dials, `directory` says who may call, `catalog` what can be offered.
"""
