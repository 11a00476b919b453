"""Plays the fieldbus coupler of the bottling line: the sensors of the twin as discrete inputs of a Modbus TCP server."""

import argparse
import asyncio
import http.client
import json
import os
import sys
import urllib.parse

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

# What is wired to the terminals of the coupler, the first to discrete input 0.
SENSORS = ["SensorInfeed", "SensorFiller", "SensorOutfeed", "FillerOpen"]
TWIN = "twin/line/"


class Coupler:
    """The terminals, and what was measured there last."""

    def __init__(self, hub: str, every: float):
        self.hub = urllib.parse.urlsplit(hub)
        self.every = every
        self.word = 0
        # Nobody knows before the first look.
        self.is_broken = None

    async def measure(self) -> None:
        """Looks at the sensors again and again, for ever."""
        connection = http.client.HTTPConnection(self.hub.hostname, self.hub.port, timeout=2)
        while True:
            try:
                signals = await asyncio.to_thread(self.ask, connection)
                self.word = sum(bool(signals[TWIN + name]) << at for at, name in enumerate(SENSORS))
                self.is_broken = False
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                if self.is_broken is not True:
                    print(f"coupler: no sensors: {error!r}", file=sys.stderr)
                self.is_broken = True
                connection.close()
            await asyncio.sleep(self.every)

    def ask(self, connection: http.client.HTTPConnection) -> dict:
        key = os.environ.get("CROSSTIE_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request("GET", f"/api/v1/signals?pattern={TWIN}*", headers=headers)
        answer = connection.getresponse()
        page = json.loads(answer.read())
        if answer.status != 200:
            raise ValueError(page)
        return {row["name"]: row["value"] for row in page["signals"]}

    async def answer(self, _function, _start, _address, _count, registers, _values):
        """Called by the library for each request, before it looks at the registers: 16 inputs stand in each."""
        if self.is_broken is not False:
            return ExcCodes.DEVICE_FAILURE
        registers[0] = self.word
        return None


async def serve(options: argparse.Namespace) -> None:
    coupler = Coupler(options.hub, options.every)
    inputs = [SimData(0, count=1, datatype=DataType.BITS, readonly=True)]
    nothing = [SimData(0, count=1, datatype=DataType.BITS)]
    nobody = [SimData(0, count=1, datatype=DataType.REGISTERS)]
    device = SimDevice(options.unit, simdata=(nothing, inputs, nobody, nobody), action=coupler.answer)
    server = ModbusTcpServer(device, address=(options.bind, options.port))
    print(f"coupler: {', '.join(SENSORS)} at {options.bind}:{options.port}", flush=True)
    await asyncio.gather(coupler.measure(), server.serve_forever())


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hub", default="http://127.0.0.1:8000", help="where the twin is (default: %(default)s)")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1503)
    parser.add_argument("--unit", type=int, default=1)
    parser.add_argument("--every", type=float, default=0.02, help="seconds between two looks at the sensors")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(serve(read_arguments()))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"coupler: {error}")
