"""The tour with its sensors behind a Modbus coupler: bottles are counted, and nothing is counted when the coupler is gone.

usage: tour_over_modbus.py HUB PORT. The PLC of the hub has examples/tour/sensors.ioconfig with PORT, and a twin plays."""

import subprocess
import sys

from hub import Hub, eventually

COUPLER = [sys.executable, "examples/modbus/sensors.py"]
SENSOR = "plc/line/Infeed"


def main() -> int:
    url, port = sys.argv[1:3]
    hub = Hub(url)
    bottles = lambda: hub.signal("plc/line/BottlesInBatch")["value"] + 12 * hub.signal("plc/line/BatchesDone")["value"]
    quality = lambda: hub.signal(SENSOR)["quality"]

    with coupler(url, port):
        eventually("the coupler answers", lambda: hub.device("line")["state"] == "up" and quality() == "good")
        hub.ask("/api/v1/signals/twin/hmi/Start", "PUT", {"value": True})
        before = bottles()
        eventually("the PLC counts a bottle", lambda: bottles() > before)
        hub.ask("/api/v1/signals/twin/hmi/Start", "PUT", {"value": False})

    # The twin plays on and its routes are as they were: only the coupler is gone.
    eventually("what the coupler said is stale", lambda: quality() == "stale")
    assert hub.signal("twin/line/SensorInfeed")["quality"] == "good"
    assert port in hub.trouble("line"), hub.trouble("line")
    with coupler(url, port):
        eventually("the coupler is back", lambda: quality() == "good")
    print("tour over modbus: passed")
    return 0


class coupler:
    """The process of examples/modbus/sensors.py, ended by its id whatever happens."""

    def __init__(self, url: str, port: str):
        self.process = subprocess.Popen([*COUPLER, "--hub", url, "--port", port], stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


if __name__ == "__main__":
    sys.exit(main())
