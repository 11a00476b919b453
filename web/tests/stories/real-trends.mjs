/**
 * Trends at the real hub, `CROSSTIE_BIN`: what a twin says is drawn live, what it said before the page was opened comes from the
 * hub's history, also when the hub's clock goes faster, and what is not kept is said.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { eventually, freePort, openLive, startProject, story } from '../support.mjs';

const plant = (port) => `
[[realvirtual]]
name = "line"
port = ${port}
signal = [
  { name = "Level", type = "Float", writer = "peer" },
  { name = "Button", type = "Bool", writer = "peer" },
  { name = "Speed", type = "Float", writer = "peer" },
]
[history]
signals = ["twin/line/Level", "twin/line/Button"]
`;

if (process.env.CROSSTIE_BIN) {
  test('a spike of before the page was opened and one of now are both in the trend', async () => {
    const port = await freePort();
    await story({ start: () => startProject(plant(port)) }, async ({ page, url }) => {
      const twin = new WebSocket(`ws://127.0.0.1:${port}/`);
      await once(twin, 'open');
      const say = (signals) => twin.send(JSON.stringify({ type: 'data', version: 2, signals }));
      const value = async (name) => (await (await fetch(`${url}/api/v1/signals/${name}`)).json()).value;
      const kept = async () => (await (await fetch(`${url}/api/v1/history?signal=twin/line/Level`)).json()).points.map((point) => point.value);
      for (const Level of [5, 77, 6]) {
        say({ Level, Button: Level === 77, Speed: 200 });
        await eventually('it is there', async () => (await value('twin/line/Level')) === Level);
      }
      await eventually('the history has it', async () => (await kept()).includes(77) && (await kept()).includes(6));

      await openLive(page, `${url}/#/trends?signals=twin/line/Level,twin/line/Button,twin/line/Speed`);
      const level = page.locator('[data-legend="twin/line/Level"]');
      const seen = async () => [Number(await level.getAttribute('data-smallest')), Number(await level.getAttribute('data-largest'))];
      await eventually('what was before is there', async () => (await seen())[1] === 77);
      const note = page.locator('[data-opens=unkept]');
      await note.click();
      await page.getByText('signals = ["twin/line/Speed"]').waitFor();
      await page.keyboard.press('Escape');

      // At ten times the speed a value stands at the moment of the world in which it came.
      const clock = await fetch(`${url}/api/v1/clock`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"mode":"scaled","rate":10}' });
      assert.equal(clock.status, 200);
      await page.locator('[data-clock=scaled]').waitFor();
      say({ Level: -3 });
      await eventually('it is there', async () => (await value('twin/line/Level')) === -3);
      const at = Date.now();
      await eventually('it is seen', async () => (await seen())[0] === -3);
      say({ Level: 8 });
      await eventually('it is over', async () => (await level.locator('.value').innerText()) === '8.000');
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'Export' }).click();
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Table' }).click()]);
      const chunks = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk);
      const lines = Buffer.concat(chunks).toString().split('\r\n');
      const low = lines.find((line) => line.split(',')[2] === '-3');
      assert.ok(low, lines.join('\n'));
      const drawn = new Date(low.split(',')[0]).getTime();
      // The limit judges the mapping of times and no speed: at ten times the speed a mistake is seconds large after a few.
      assert.ok(Math.abs(drawn - at) < 2_500, `drawn ${drawn - at} ms away`);
      assert.ok(lines.some((line) => line.split(',')[2] === '77'), 'the spike of the history is in the table');
      twin.close();
      await once(twin, 'close');
      await level.getByText('stale').waitFor();
    });
  });
}
