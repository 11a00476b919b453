"""A realvirtual v2 client in Python: introduces itself, reads the catalog, subscribes, writes one signal, prints changes."""

import argparse
import json
import sys
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def main() -> int:
    options = read_arguments()
    deadline = time.monotonic() + options.limit
    seen = 0
    try:
        with connect(options.url, open_timeout=options.limit) as socket:
            # 1. Say who we are, and ask what there is.
            send(socket, type="init", name="Python example")
            send(socket, type="import_request")

            while seen < options.count:
                message = json.loads(socket.recv(timeout=deadline - time.monotonic()))
                signals = message.get("signals", {})

                if message["type"] == "import_answer":
                    # 2. The catalog names every signal. We ask for some of them, or for all.
                    for name, value in signals.items():
                        print("catalog ", name, message["signalTypes"][name], "=", value)
                    names = options.subscribe.split(",") if options.subscribe else list(signals)
                    send(socket, type="subscribe", subscribe=names)

                elif message["type"] == "snapshot":
                    # 3. The values that we subscribed to, complete. From here on only changes come.
                    print("snapshot", signals)
                    if options.write:
                        name, _, value = options.write.partition("=")
                        send(socket, type="data", signals={name: parse(value)})

                elif message["type"] == "data":
                    # 4. Changes, for as long as we stay.
                    print("data    ", signals, flush=True)
                    seen += options.expect is None or options.expect in signals
        return 0
    except TimeoutError:
        print(f"client: saw {seen} of {options.count} within {options.limit} s", file=sys.stderr)
    except (OSError, ConnectionClosed) as error:
        print(f"client: {options.url}: {error}", file=sys.stderr)
    return 1


def send(socket, **message) -> None:
    socket.send(json.dumps({"version": 2, **message}))


def parse(word: str):
    """true, 42 and 2.5 are what they look like; everything else is text."""
    try:
        return json.loads(word)
    except ValueError:
        return word


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:1234/")
    parser.add_argument("--subscribe", metavar="A,B", help="signals to subscribe to (default: all)")
    parser.add_argument("--write", metavar="NAME=VALUE", help="a signal to write once")
    parser.add_argument("--expect", metavar="NAME", help="count only changes of this signal")
    parser.add_argument("--count", type=int, default=5, help="leave after this many changes")
    parser.add_argument("--limit", type=float, default=10, help="fail after this many seconds")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
