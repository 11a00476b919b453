"""Tries a Modbus TCP server of Crosstie from outside: every function code, every exception, units, several clients.

The context behind it has no program, so what is written stays. The server has the default map and takes three clients."""

import socket
import sys
import time

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

# How many clients the server takes.
PLACES = 3
# How long anything may take, in seconds.
LIMIT = 5


def main() -> int:
    port = int(sys.argv[1])
    stories = [story for name, story in globals().items() if name.startswith("story_")]
    for story in stories:
        with connected(port) as client:
            story(client, port)
    print(f"modbus client: {len(stories)} passed, 0 failed")
    return 0


def connected(port: int) -> ModbusTcpClient:
    """A client that the server has let in. The place of one that has just left is free a moment later."""
    until = time.monotonic() + LIMIT
    while True:
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=LIMIT, retries=0)
        assert client.connect(), f"nobody listens at port {port}"
        try:
            good(client.read_coils(0, count=1))
            return client
        except (ModbusException, OSError):
            client.close()
            assert time.monotonic() < until, f"no place is free at port {port} within {LIMIT} s"


def story_coils_are_written_one_by_one_and_together(client, _port):
    good(client.write_coils(0, [False] * 16))
    good(client.write_coil(3, True))
    good(client.write_coils(8, [True, False, True]))
    assert bits(client.read_coils(0, count=16)) == [3, 8, 10]
    assert bits(client.read_coils(9, count=3)) == [1]
    good(client.write_coil(3, False))
    assert bits(client.read_coils(0, count=16)) == [8, 10]


def story_holding_registers_keep_their_sign(client, _port):
    good(client.write_register(0, 0xFFFE))
    good(client.write_registers(1, [1, 0x8000, 0x7FFF]))
    words = good(client.read_holding_registers(0, count=4)).registers
    assert words == [0xFFFE, 1, 0x8000, 0x7FFF], words
    first = client.convert_from_registers(words[:1], client.DATATYPE.INT16)
    assert first == -2, first


def story_inputs_are_there_and_can_only_be_read(client, _port):
    assert bits(client.read_discrete_inputs(0, count=16)) == []
    assert good(client.read_input_registers(0, count=8)).registers == [0] * 8


def story_addresses_without_a_place_are_exception_2(client, _port):
    refused(client.read_coils(15, count=2), 2)
    refused(client.read_discrete_inputs(16, count=1), 2)
    refused(client.read_input_registers(8, count=1), 2)
    refused(client.read_holding_registers(65_535, count=1), 2)
    refused(client.write_register(8, 1), 2)
    refused(client.write_coils(15, [True, True]), 2)
    refused(client.write_registers(7, [1, 2]), 2)


def story_functions_that_it_does_not_have_are_exception_1(client, _port):
    refused(client.mask_write_register(address=0, and_mask=0, or_mask=0), 1)
    refused(client.readwrite_registers(read_address=0, read_count=1, write_address=0, values=[1]), 1)
    refused(client.read_exception_status(), 1)


def story_quantities_that_cannot_be_are_exception_3(_client, port):
    # The library itself refuses to ask for so much, so the request is written by hand.
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as raw:
        raw.sendall(bytes([0, 9, 0, 0, 0, 6, 1, 3, 0, 0, 0, 126]))
        answer = raw.makefile("rb").read(9)
    assert answer == bytes([0, 9, 0, 0, 0, 3, 1, 0x83, 3]), answer


def story_other_units_are_exception_11(client, _port):
    for unit in [0, 255]:
        assert good(client.read_input_registers(0, count=1, device_id=unit)).registers == [0]
    refused(client.read_input_registers(0, count=1, device_id=2), 11)


def story_several_clients_work_side_by_side(client, port):
    with connected(port) as second, connected(port) as third:
        for number in range(100):
            for place, one in enumerate([client, second, third]):
                good(one.write_register(place, number))
        for one in [client, second, third]:
            assert good(one.read_holding_registers(0, count=3)).registers == [99] * PLACES
        fourth = ModbusTcpClient("127.0.0.1", port=port, timeout=LIMIT, retries=0)
        fourth.connect()
        try:
            fourth.read_coils(0, count=1)
        except (ModbusException, OSError):
            pass
        else:
            raise AssertionError("there is no place for a fourth client")
        finally:
            fourth.close()
    assert good(client.read_holding_registers(0, count=1)).registers == [99]


def good(answer):
    assert not answer.isError(), answer
    return answer


def bits(answer) -> list[int]:
    """The numbers of the bits that are on."""
    return [number for number, on in enumerate(good(answer).bits) if on]


def refused(answer, code: int):
    assert answer.isError() and answer.exception_code == code, f"{answer}, expected exception {code}"


if __name__ == "__main__":
    sys.exit(main())
