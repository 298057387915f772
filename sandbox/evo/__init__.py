"""A stand-in Evo Voice: the same REST API, quirks included, with simulated phones.

`voice` is the server that tests and the demo use, `world` its data, `calls` the course of a call.
`services`, `listings` and `sessions` answer requests; `authentication` checks logins and roles;
`servicestack` has the formats of that framework; `faults` injects failures.
"""
