/**
 * Routes, recordings, replay, tests and the clock at the real hub, `CROSSTIE_BIN`: what the stories of `rails.mjs` tell in
 * detail with the mock is told here once, from a route that is laid to a session that has become a test.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { eventually, freePort, openLive, startProject, story } from '../support.mjs';

const LAMP = 'PROGRAM "Lamp"\nSYM Button I:0/0 BOOL "a button"\nSYM Lamp O:0/0 BOOL "a lamp"\nSOR XIC Button OTE Lamp EOR\n';

/** A button and a level of a twin, a PLC that lights a lamp, and a place for half of the level. */
const plant = (port) => `
[[realvirtual]]
name = "line"
port = ${port}
signal = [
  { name = "Button", type = "Bool", writer = "peer" },
  { name = "Level", type = "Float", writer = "peer" },
  { name = "Lamp", type = "Bool", writer = "hub" },
  { name = "Half", type = "Float", writer = "hub" },
]
[[plc]]
name = "line"
program = "lamp.txt"
autostart = true
[[route]]
from = "twin/line/Button"
to = "plc/line/Button"
[[route]]
from = "plc/line/Lamp"
to = "twin/line/Lamp"
`;

if (process.env.CROSSTIE_BIN) {
  test('a route is laid, a session recorded, replayed, accepted as a test, and run', async () => {
    const port = await freePort();
    await story({ start: () => startProject(plant(port), { files: { 'lamp.txt': LAMP } }) }, async ({ page, url }) => {
      const twin = new WebSocket(`ws://127.0.0.1:${port}/`);
      await once(twin, 'open');
      twin.send(JSON.stringify({ type: 'init', version: 2, name: 'twin' }));
      const say = (signals) => twin.send(JSON.stringify({ type: 'data', version: 2, signals }));
      const ask = async (path) => (await fetch(`${url}/api/v1/${path}`)).json();
      const value = async (name) => (await ask(`signals/${name}`)).value;

      await openLive(page, `${url}/#/routes`);
      await page.getByRole('button', { name: 'Add route' }).click();
      const form = page.locator('[data-side=form]');
      await form.getByLabel('From', { exact: true }).fill('twin/line/Level');
      await form.getByLabel('To', { exact: true }).fill('twin/line/Half');
      await form.getByLabel('Expression', { exact: true }).fill('value = 2');
      await form.getByRole('button', { name: 'Add', exact: true }).click();
      await form.locator('[data-trouble=expr]').waitFor();
      await form.getByLabel('Expression', { exact: true }).fill('value / 2.0');
      await form.getByRole('button', { name: 'Add', exact: true }).click();
      const fate = page.locator('[data-side=fate]');
      await fate.locator('[data-step=Expression]').getByText('value / 2.0').waitFor();
      say({ Level: 5 });
      await eventually('half of it is there', async () => (await value('twin/line/Half')) === 2.5);
      // What an expression gives only the hub knows, and it says what it has passed; there is no other step.
      await fate.getByText('2.5, ').waitFor();
      assert.deepEqual(await fate.locator('[data-step]').evaluateAll((steps) => steps.map((step) => step.dataset.step)), ['Expression']);

      await page.goto(`${url}/#/recordings`);
      const recorder = page.locator('[data-recorder]');
      await recorder.getByLabel('Name').fill('shift');
      await recorder.getByRole('button', { name: 'Start recording' }).click();
      await page.locator('[data-recorder=active]').getByText('shift', { exact: true }).first().waitFor();
      for (const on of [true, false, true]) {
        say({ Button: on, Level: on ? 8 : 6 });
        await eventually('the lamp follows', async () => (await value('twin/line/Lamp')) === on);
      }
      await recorder.getByRole('button', { name: 'Stop recording' }).click();
      await page.locator('[data-recording=shift]').getByText('whole').waitFor();
      say({ Button: false, Level: 1 });
      await eventually('the lamp is out', async () => (await value('twin/line/Lamp')) === false);

      await page.getByRole('button', { name: 'Replay shift' }).click();
      const start = page.locator('[data-replay-start]');
      await start.getByLabel('Signals').fill('twin/line/**');
      await start.getByRole('button', { name: '10×', exact: true }).click();
      await start.getByRole('button', { name: 'Start the replay' }).click();
      // As long as the twin is there it would be a second writer.
      await start.getByText('are written by what is connected now (twin)').waitFor();
      twin.close();
      await once(twin, 'close');
      await start.getByRole('button', { name: 'Start the replay' }).click();
      await page.locator('[data-replay]').getByText('REPLAY of shift — values are not live').waitFor();
      const player = page.locator('[data-player]');
      // At the end everything is as it was then, and the PLC has been moved by it.
      await eventually('the replay says what was', async () => (await value('twin/line/Level')) === 8);
      await eventually('the PLC follows', async () => (await value('plc/line/Lamp')) === true);
      await player.getByLabel('Position').fill('0');
      await eventually('a seek brings back what was before', async () => (await value('twin/line/Level')) === 5);
      await player.getByRole('button', { name: 'End the replay' }).click();
      await eventually('nothing says replay any more', async () => (await page.locator('[data-replay]').count()) === 0);

      await page.goto(`${url}/#/tests`);
      await page.getByRole('combobox', { name: 'Recording' }).selectOption('shift');
      await page.getByRole('button', { name: 'Accept', exact: true }).click();
      await page.locator('[data-test=shift]').getByText('a recorded session').waitFor();
      await page.getByLabel('Times in a row').fill('20');
      await page.getByRole('button', { name: 'Run all' }).click();
      await page.locator('[data-outcome]').first().getByText('Passed').waitFor();

      await page.locator('[data-clock=real]').click();
      const dialog = page.locator('[data-dialog=clock]');
      await dialog.getByRole('radio', { name: /Stepped/ }).check();
      await dialog.getByRole('button', { name: 'Set the clock' }).click();
      await page.locator('[data-clock=stepped]').getByText('stands').waitFor();
      const before = (await ask('clock')).now_ms;
      await dialog.getByRole('button', { name: 'Step', exact: true }).click();
      await eventually('the hub has made a step and stands again', async () => {
        const { now_ms, running } = await ask('clock');
        return !running && now_ms > before;
      });
    });
  });
}
