"""Tries the practice GAMA with gama-client, which is not ours: its blocking and its asynchronous client, both flavours, the errors.

usage: gama_peer.py GUI HEADLESS MODEL: the ports of two practice servers, with a window and without, and a .gaml file."""

import asyncio
import json
import sys

from gama_client.async_client import GamaAsyncClient
from gama_client.message_types import MessageTypes
from gama_client.sync_client import GamaSyncClient

# How long any answer may take, in seconds.
LIMIT = 10
DONE = MessageTypes.CommandExecutedSuccessfully.value
UNABLE = MessageTypes.UnableToExecuteRequest.value
MALFORMED = MessageTypes.MalformedRequest.value
LINKER = "simulation[0].unity_linker[0]"


async def main() -> int:
    gui, headless, model = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    passed = 0
    for name, story in list(globals().items()):
        if name.startswith("story_"):
            for port, has_window in ((gui, True), (headless, False)):
                await asyncio.wait_for(story(port, has_window, model), 6 * LIMIT)
                passed += 1
    print(f"gama client: {passed} passed, 0 failed")
    return 0


class Heard:
    """What came besides answers, and a way to wait for more."""

    def __init__(self):
        self.messages = []
        self.news = asyncio.Event()

    async def take(self, message):
        self.messages.append(message)
        self.news.set()

    async def wait(self, what, is_it):
        """The first message that is it; what came before is passed over."""

        async def search():
            while True:
                while self.messages:
                    message = self.messages.pop(0)
                    if is_it(message):
                        return message
                self.news.clear()
                await self.news.wait()

        try:
            return await asyncio.wait_for(search(), LIMIT)
        except asyncio.TimeoutError:
            raise AssertionError(f"not within {LIMIT} s: {what}") from None

    async def state(self, word):
        await self.wait(f"the state {word}", lambda m: m["type"] == "SimulationStatus" and m["content"] == word)

    async def world(self, player, key):
        """The first contents for a player whose first key is this."""
        while True:
            message = await self.wait(
                f"a {key} for {player}", lambda m: m["type"] == "SimulationOutput" and isinstance(m["content"], str)
            )
            for element in json.loads(message["content"])["contents"]:
                if player in element["id"] and next(iter(element["contents"])) == key:
                    return element["contents"]


def good(answer, content=None):
    assert answer["type"] == DONE, answer
    assert content is None or answer["content"] == content, answer
    return answer["content"]


def bad(answer, kind, words):
    assert answer["type"] == kind and words in answer["content"], answer


async def blocking(port):
    heard = Heard()
    client = GamaSyncClient("127.0.0.1", port, heard.take, heard.take, default_timeout=LIMIT)
    client.connect()
    assert client.socket_id.startswith("practice-"), client.socket_id
    return client, heard


async def story_a_lesson_from_load_to_stop(port, has_window, model):
    client, heard = await blocking(port)
    content = good(client.load(model, "vr_xp"))
    exp = "0" if has_window else content
    assert has_window == (content == "vr_xp"), content
    if has_window:
        await heard.state("PAUSED")
    good(client.expression(exp, "cycle"), "0")
    good(client.step(exp, nb_step=100))
    good(client.expression(exp, "cycle"), "100")
    good(client.step_back(exp, nb_step=10))
    good(client.expression(exp, "cycle"), "90")
    good(client.expression(exp, 'do create_player("Player_101");'), "")
    good(client.ask(exp, "send_init_data", '{"id":"Player_101"}', LINKER))
    assert (await heard.world("Player_101", "precision"))["precision"] == 1000
    good(client.ask(exp, "player_ready_to_receive_geometries", {"id": "Player_101"}, LINKER))
    good(client.play(exp))
    if has_window:
        await heard.state("RUNNING")
    world = await heard.world("Player_101", "pointsLoc")
    while world["attributes"][0]["cycle"] <= 90:
        world = await heard.world("Player_101", "pointsLoc")
    assert len(world["names"]) == len(world["pointsLoc"]) + len(world["pointsGeom"]), world
    good(client.pause(exp))
    if has_window:
        await heard.state("PAUSED")
    assert int(good(client.expression(exp, "cycle"))) > 90
    good(client.reload(exp))
    if has_window:
        await heard.state("PAUSED")
    good(client.expression(exp, "cycle"), "0")
    good(client.expression(exp, "length(unity_player)"), "0")
    good(client.stop(exp))
    if has_window:
        await heard.state("NONE")
    bad(client.expression(exp, "cycle"), UNABLE, "Unable to find the experiment")
    client.close_connection()


async def story_the_gate_and_the_water(port, has_window, model):
    client, heard = await blocking(port)
    content = good(client.load(model, "vr_xp"))
    exp = "0" if has_window else content
    if has_window:
        await heard.state("PAUSED")
    good(client.step(exp, nb_step=200))
    high = float(good(client.expression(exp, "water_level")))
    good(client.expression(exp, "do set_gate(true);"))
    good(client.expression(exp, "gate_closed"), "true")
    good(client.step(exp, nb_step=50))
    assert 0 < float(good(client.expression(exp, "water_level"))) < high
    good(client.expression(exp, "length(people)"), "60")
    good(client.stop(exp))
    client.close_connection()


async def story_errors_are_told(port, has_window, model):
    client, heard = await blocking(port)
    bad(client.load("/no/such/model.gaml", "e"), UNABLE, "does not exist")
    bad(client.play("77"), UNABLE, "Unable to find the experiment")
    bad(client.expression("77", "cycle"), UNABLE, "Unable to find the experiment")
    bad(client.upload("/tmp/x", "y"), UNABLE, "no files")
    bad(client.download("/etc/passwd"), UNABLE, "no files")
    bad(client.validate("1 +", True, False), UNABLE, "practice stand-in")
    good(client.validate("cycle", True, False))
    described = good(client.describe(model))
    assert described["practice"] is True, described
    content = good(client.load(model, "vr_xp"))
    exp = "0" if has_window else content
    if has_window:
        await heard.state("PAUSED")
    bad(client.expression(exp, "1 + 1"), UNABLE, "do create_player")
    bad(client.ask(exp, "dance", "{}", LINKER), UNABLE, "send_init_data")
    bad(client.ask(exp, "send_init_data", "{}", "people[0]"), UNABLE, LINKER)
    bad(client.step(exp, nb_step=1_000_000), MALFORMED, "nb_step")
    for fault in ("error-dialog", "runtime-error", "simulation-error", "status-error", "server-error"):
        good(client.expression(exp, f"practice fault {fault}"))
    for kind in ("SimulationErrorDialog", "RuntimeError", "SimulationError", "SimulationStatusError", "GamaServerError"):
        await heard.wait(kind, lambda message, kind=kind: message["type"] == kind)
    good(client.stop(exp))
    client.close_connection()


async def story_the_asynchronous_client(port, has_window, model):
    heard = Heard()
    client = GamaAsyncClient("127.0.0.1", port, heard.take)
    await client.connect_async()

    async def answer(number):
        def is_it(message):
            return message.get("command", {}).get("number") == number

        return await heard.wait(f"the answer to {number}", is_it)

    await client.load_async(model, "vr_xp", additional_data={"number": 1})
    content = good(await answer(1))
    exp = "0" if has_window else content
    if has_window:
        await heard.state("PAUSED")
    await client.play_async(exp, additional_data={"number": 2})
    good(await answer(2))
    await client.pause_async(exp, additional_data={"number": 3})
    good(await answer(3))
    await client.step_async(exp, nb_step=5, sync=True, additional_data={"number": 4})
    good(await answer(4))
    await client.expression_async(exp, "length(people)", additional_data={"number": 5})
    good(await answer(5), "60")
    await client.ask_async(exp, "send_init_data", '{"id":"nobody"}', LINKER, additional_data={"number": 6})
    bad(await answer(6), UNABLE, "create_player")
    await client.stop_async(exp, additional_data={"number": 7})
    good(await answer(7))
    await client.close_connection_async()


async def story_two_clients_at_once(port, has_window, model):
    first, heard_first = await blocking(port)
    second, heard_second = await blocking(port)
    content = good(first.load(model, "vr_xp"))
    exp = "0" if has_window else content
    if has_window:
        # Everybody sees the one window.
        await heard_first.state("PAUSED")
        await heard_second.state("PAUSED")
        good(second.play(exp))
        await heard_first.state("RUNNING")
    else:
        # Each has experiments of its own.
        other = good(second.load(model, "vr_xp"))
        assert other != exp, other
        good(first.step(exp, nb_step=3))
        good(second.expression(other, "cycle"), "0")
        bad(second.expression(exp, "cycle"), UNABLE, "Unable to find the experiment")
        good(second.stop(other))
    good(first.stop(exp))
    first.close_connection()
    second.close_connection()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
