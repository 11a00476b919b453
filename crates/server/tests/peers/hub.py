"""What the tests of peers ask a hub over its HTTP API, and how they wait."""

import json
import time
import urllib.error
import urllib.request

# How long anything may take, in seconds.
LIMIT = 20


class Hub:
    def __init__(self, url: str):
        self.url = url

    def ask(self, path: str, method: str = "GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return json.loads(answer.read() or "null")

    def signal(self, name: str) -> dict:
        return self.ask(f"/api/v1/signals/{name}")

    def write(self, context: str, address: str, value) -> None:
        self.ask(f"/api/v1/plc/contexts/{context}/memory/{address}", "PUT", {"value": value})

    def device(self, context: str) -> dict:
        return self.ask(f"/api/v1/plc/contexts/{context}")["context"]["io"]["devices"][0]

    def trouble(self, context: str) -> str | None:
        """What a person is told about the devices of a context."""
        problems = self.ask("/api/v1/health")["problems"]
        return next((one["text"] for one in problems if one["id"] == f"plc:{context}:io"), None)


def eventually(what: str, is_true) -> None:
    until = time.monotonic() + LIMIT
    while not is_true():
        assert time.monotonic() < until, f"not within {LIMIT} s: {what}"
        time.sleep(0.01)
