"""Vendors' wire formats into a program that answers them, and charges in a ledger of its own. Knows nothing of the engine.

`python -m dagcontent.testing.vendors --port 0 --ledger FILE --faults SCRIPT` serves every vendor under one port of this
machine. What was charged is in FILE, synced, before a request counts as accepted: the ledger outlives the program, and is
the word against which an engine's own books are held. Tests use it through `vendors.client.FakeVendors`.

How a vendor is added: a module of its name beside this one (it is found by `vendor.NAMES`) with a class `Fake` that is a
`vendor.Vendor`. It gives

    name, prefix    "fal", "/fal": every path below the prefix is this vendor's
    routes()        rows of `Route(method, pattern, operation, handler)`; `{id}` in a pattern is one segment, `{path*}` any
                    number of them. The operation is what fault rules name.
    key(request)    the key as this vendor's clients send it; what is no fake key is answered by `refusal(401)`
    refusal(...)    its own form of every error status

A handler is `async def handler(exchange) -> Response`. It refuses what is wrong, then awaits `exchange.charge(...)` once,
which returns when the line is on disk, and only then makes its answer. Media go through `exchange.media(...)`, ids of
jobs through `exchange.new_id(...)`; all other faults are applied around the handler, which need not know of them.
"""
