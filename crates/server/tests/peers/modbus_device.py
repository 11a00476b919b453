"""A Modbus device that is not ours, tried by the device client of a hub: good, absent, refusing, slow, gone and back.

usage: modbus_device.py HUB PORT. The context `remoteio` of the hub has the I/O file that scripts/test-clients writes, with this server at PORT,
and a program that starts by itself and leaves the outputs alone."""

import asyncio
import logging
import sys
import threading

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hub import Hub, eventually

# A device that goes away on purpose is no news.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)

CONTEXT = "remoteio"
# Far beyond `timeoutMs` of the I/O file.
SLOW = 2.0


class Device:
    """The server, on a thread of its own."""

    def __init__(self, port: int):
        self.port = port
        self.inputs = 0
        self.number = 0
        self.coils = {}
        self.holding = {}
        self.fails = False
        self.pause = 0.0
        self.loop = None

    async def answer(self, function, _start, address, _count, registers, values):
        if self.pause:
            await asyncio.sleep(self.pause)
        if self.fails and function == 4:
            return ExcCodes.DEVICE_FAILURE
        match function:
            case 2:
                registers[0] = self.inputs
            case 4:
                registers[0] = self.number & 0xFFFF
            case _ if values is None:
                pass  # The library reads back what was written.
            case 5 | 15:
                self.coils |= {address + at: bool(on) for at, on in enumerate(values)}
            case 6 | 16:
                self.holding |= {address + at: word for at, word in enumerate(values)}
        return None

    def start(self):
        def bits():
            return [SimData(0, count=1, datatype=DataType.BITS)]

        def words():
            return [SimData(0, count=4, datatype=DataType.REGISTERS)]

        listening = threading.Event()

        async def serve():
            self.loop = asyncio.get_running_loop()
            device = SimDevice(7, simdata=(bits(), bits(), words(), words()), action=self.answer)
            self.server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
            await self.server.serve_forever(background=True)
            listening.set()
            await self.server.serving

        self.thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self.thread.start()
        assert listening.wait(5), f"nothing can listen at {self.port}"

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.server.shutdown(), self.loop).result(5)
        self.thread.join(5)
        assert not self.thread.is_alive(), "the server has ended"


def main() -> int:
    hub, device = Hub(sys.argv[1]), Device(int(sys.argv[2]))
    state = lambda: hub.device(CONTEXT)["state"]
    value = lambda address: hub.signal(f"plc/{CONTEXT}/{address}")["value"]
    quality = lambda address: hub.signal(f"plc/{CONTEXT}/{address}")["quality"]

    eventually("without a server it waits", lambda: state() == "waiting" and hub.device(CONTEXT)["reason"])
    device.start()
    eventually("the server is there", lambda: state() == "up")

    # Both directions, all four tables.
    device.inputs, device.number = 0b101, -7
    eventually("inputs are read", lambda: [value("I:0/0"), value("I:0/1"), value("I:0/2")] == [True, False, True])
    eventually("a register is read with its sign", lambda: value("N:0") == -7)
    eventually("the program runs", lambda: hub.ask(f"/api/v1/plc/contexts/{CONTEXT}")["context"]["state"] == "Running")
    hub.write(CONTEXT, "O:0/1", True)
    eventually("coils are written", lambda: device.coils == {0: False, 1: True})
    hub.write(CONTEXT, "N:10", -300)
    hub.write(CONTEXT, "N:11", 70_000)
    eventually("registers are written, and held to 16 bits", lambda: device.holding == {0: 0xFFFF & -300, 1: 0xFFFF})

    # An exception is an answer: the device stays, and its inputs are not to be trusted.
    device.fails = True
    eventually("the refusal is told", lambda: "4" in (hub.device(CONTEXT)["reason"] or "") or state() == "down")
    device.fails = False
    eventually("the refusal is over", lambda: state() == "up" and hub.device(CONTEXT)["reason"] is None)

    # A slow server is no server, and an answer that comes late is nobody's.
    device.pause = SLOW
    eventually("it took too long", lambda: state() == "down")
    eventually("its inputs are stale", lambda: quality("I:0/0") == "stale")
    device.pause, device.inputs = 0.0, 0b010
    eventually("it is fast again", lambda: state() == "up" and value("I:0/1") is True and value("I:0/0") is False)

    # Gone and back.
    device.stop()
    eventually("it is gone", lambda: state() == "down" and quality("N:0") == "stale")
    assert str(device.port) in hub.trouble(CONTEXT), hub.trouble(CONTEXT)
    device.coils = {}
    device.start()
    eventually("it is back", lambda: state() == "up" and quality("N:0") == "good")
    eventually("coils are written anew", lambda: device.coils == {0: False, 1: True})
    eventually("nobody has to know any more", lambda: hub.trouble(CONTEXT) is None)
    device.stop()
    print("modbus device: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
