import hashlib, json, sys
requests = every = 0
for line in open(sys.argv[1], encoding="utf-8"):
    (kind, o), = json.loads(line).items()
    if kind == "raffle": every, requests, h, due = o["every"], o["requests"], o["hash"], []
    if kind == "run":
        h = hashlib.sha256(f"{h}\n{o['server']} {o['first']} {o['count']} {o['client']}".encode()).hexdigest()
        due += [(o["client"], o["first"] + i, r) for i in range(o["count"]) if (r := requests + i + 1) % every == 0]
        requests += o["count"]
    if kind == "draw": assert (o["client"], o["client_request"], o["request"]) == due.pop(0) and o["hash"] == h, o
    if kind == "end": assert not due and (o["requests"], o["hash"]) == (requests, h), "the end differs"
