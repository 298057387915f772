"""A stand-in Evo Voice: the same REST API, quirks included, and telephones that ring by themselves.

`voice` is the server that tests and the demo hold in their hands, `world` what it knows and `calls` how
calls go on; `services`, `listings` and `sessions` answer requests, `gate` checks logins and roles,
`servicestack` has the framework's shapes, `faults` everything that can go wrong on the way.
"""
