"""A Modbus TCP client in Python: shows what a PLC of Crosstie has at its inputs and outputs, and writes one coil or one register."""

import argparse
import sys
import time

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException


def main() -> int:
    options = read_arguments()
    with ModbusTcpClient(options.host, port=options.port, timeout=options.timeout) as client:
        try:
            # 1. Writing: the answer comes when the engine has taken the value, at the border of a scan.
            if options.coil is not None:
                address, value = options.coil
                checked(client.write_coil(address, bool(value), device_id=options.unit))
            if options.register is not None:
                address, value = options.register
                value = client.convert_to_registers(value, client.DATATYPE.INT16)
                checked(client.write_registers(address, value, device_id=options.unit))

            # 2. Reading: all values of one answer are of one scan.
            for turn in range(options.count):
                if turn > 0:
                    time.sleep(options.every)
                inputs = checked(client.read_discrete_inputs(0, count=16, device_id=options.unit)).bits
                outputs = checked(client.read_coils(0, count=16, device_id=options.unit)).bits
                words = checked(client.read_input_registers(0, count=8, device_id=options.unit)).registers
                numbers = [client.convert_from_registers([word], client.DATATYPE.INT16) for word in words]
                print("inputs ", shown(inputs), " outputs", shown(outputs), " N:0 to N:7", *numbers, flush=True)
            return 0
        except (ModbusException, OSError) as error:
            print(f"client: {options.host}:{options.port}: {error}", file=sys.stderr)
    return 1


def checked(answer):
    """An exception of Modbus is an answer like any other until somebody looks."""
    if answer.isError():
        raise ModbusException(f"refused with exception {answer.exception_code}")
    return answer


def shown(bits) -> str:
    return "".join("1" if bit else "·" for bit in bits[:16])


def pair(text: str) -> tuple[int, int]:
    address, _, value = text.partition("=")
    return int(address), int(value)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", nargs="?", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1502)
    parser.add_argument("--unit", type=int, default=1)
    parser.add_argument("--coil", type=pair, metavar="ADDRESS=0|1", help="a coil to write first")
    parser.add_argument("--register", type=pair, metavar="ADDRESS=NUMBER", help="a holding register to write first")
    parser.add_argument("--count", type=int, default=5, help="how often to read")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two readings")
    parser.add_argument("--timeout", type=float, default=3, help="seconds that an answer may take")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
