/**
 * The PLC page at the real hub, `CROSSTIE_BIN`: what the stories of `plc.mjs` tell in detail with the mock is told here once
 * with engines that scan, from the first power flow to a fault, beside the command line and a key that may only look.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LINE } from '../mock/plc.mjs';
import { enterKey, eventually, freePort, pictures, startProject, story } from '../support.mjs';

const KEYS = [
  ['Maria', '--role', 'engineer'],
  ['Wall', '--role', 'viewer'],
];
const LAMP = 'PROGRAM "Lamp"\nSYM Lamp O:0/5 BOOL "a lamp"\nSOR XIC I:0/5 OTE O:0/5 EOR\n';
const HALVES = 'PROGRAM "Halves"\nSOR DIV N:1 N:0 N:2 EOR\n';

const command = (page, word) => page.locator(`[data-command=${word}]`);
const state = (page, word) => page.locator(`[data-plc-state=${word}]`).waitFor();
const lit = (page, instruction) => page.locator(`[data-instruction="${instruction}"][data-on]`);
const dark = (page, instruction) => page.locator(`[data-instruction="${instruction}"]:not([data-on])`);

/** A PLC whose motor drives a signal of a twin. */
async function plant() {
  return `
[[realvirtual]]
name = "line"
port = ${await freePort()}
signal = [{ name = "Run", type = "Bool", writer = "hub" }]
[[plc]]
name = "line"
program = "line.txt"
autostart = true
[[route]]
from = "plc/line/Motor"
to = "twin/line/Run"
`;
}

/** Opens the menu of an operand of rung 0, does something in it, and closes it. */
async function inMenu(page, address, act) {
  await page.locator(`[data-rung="0"] [data-target="${address}"]`).click();
  await act(page.getByRole('dialog'));
  await page.keyboard.press('Escape');
}

async function write(page, address, word) {
  await inMenu(page, address, async (menu) => {
    await menu.getByRole('group', { name: 'Write' }).getByRole('button', { name: word }).click();
    await menu.getByText(`Written: ${word.toLowerCase()}`).waitFor();
  });
}

/** Gives a file to the open pane "Program" of an engine that is stopped. */
async function download(page, name, text) {
  await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  await page.locator('[data-dialog=download]').getByRole('button', { name: 'Download' }).click();
}

async function expectRun(hub, value) {
  await eventually(`the twin is told ${value}`, async () => {
    const answer = await fetch(`${hub.url}/api/v1/signals/twin/line/Run`, { headers: { authorization: `Bearer ${hub.keys[0]}` } });
    return (await answer.json()).value === value;
  });
}

/** What `crosstie plc forces` says. */
async function forces({ url, folder }) {
  const args = ['plc', 'forces', '--json', '--at', url, '--key-file', join(folder, 'key')];
  return JSON.parse((await promisify(execFile)(process.env.CROSSTIE_BIN, args)).stdout);
}

/** A browser of its own for the key that may only look. */
async function lookOn(page, hub) {
  const other = await (await page.context().browser().newContext()).newPage();
  await other.goto(`${hub.url}/#/plc`);
  await enterKey(other, hub.keys[1]);
  await lit(other, 4).waitFor();
  for (const button of await other.locator('[data-command]').all()) assert.ok(await button.isDisabled());
  await inMenu(other, 'I:0/3', async (menu) => {
    await menu.locator('[data-force]').getByText('guard switch is broken').waitFor();
    await menu.locator('[data-no-write]').waitFor();
    assert.equal(await menu.getByRole('button', { name: 'Force on' }).count(), 0);
    assert.ok(await menu.getByRole('button', { name: 'Release' }).isDisabled());
  });
  await other.close();
  const headers = { authorization: `Bearer ${hub.keys[1]}`, 'content-type': 'application/json' };
  const asked = await fetch(`${hub.url}/api/v1/plc/contexts/line/forces/I:0/3`, { method: 'DELETE', headers });
  assert.equal(asked.status, 403);
}

const start = async () => startProject(await plant(), { keys: KEYS, files: { 'line.txt': LINE } });

if (process.env.CROSSTIE_BIN) {
  test('power flow is seen, a place is forced and released, and a stop switches the twin off', () =>
    story({ start }, async ({ page, url, hub }) => {
      await page.goto(`${url}/#/plc`);
      await enterKey(page, hub.keys[0]);
      await page.getByRole('grid', { name: 'Ladder of Bottling line' }).waitFor();
      await state(page, 'Running');
      // The button is held and the guard is open: the coil of the motor is the last instruction of rung 0.
      await write(page, 'I:0/0', 'On');
      await lit(page, 0).waitFor();
      await dark(page, 4).waitFor();
      await inMenu(page, 'I:0/3', async (menu) => {
        await menu.getByLabel('Why').fill('guard switch is broken');
        await menu.getByRole('button', { name: 'Force on' }).click();
        await menu.getByText('Forced: on').waitFor();
      });
      await lit(page, 4).waitFor();
      await expectRun(hub, true);
      const [force, ...others] = await forces(hub);
      assert.deepEqual(others, []);
      const { address, symbol, value, by, reason } = force;
      assert.deepEqual({ address, symbol, value, by, reason }, { address: 'I:0/3', symbol: 'Guard', value: true, by: 'Maria', reason: 'guard switch is broken' });
      await lookOn(page, hub);

      await page.locator('[data-forced="I:0/3"]').getByRole('button', { name: 'Release Guard' }).click();
      await dark(page, 4).waitFor();
      await expectRun(hub, false);
      assert.deepEqual(await forces(hub), []);
      await write(page, 'I:0/3', 'On');
      await lit(page, 4).waitFor();
      await expectRun(hub, true);

      await command(page, 'stop').click();
      await state(page, 'Stopped');
      await eventually('nothing is lit', async () => (await page.locator('[data-instruction][data-on], .wire.on').count()) === 0);
      await expectRun(hub, false);

      await page.goto(`${url}/#/signals?filter=line+guard`);
      await page.locator('[data-name="plc/line/I:0/3"] [data-symbol=Guard]').waitFor();
      assert.equal(await page.locator('[role=row][data-name]').count(), 1);
    }));

  test('a scan waits at a breakpoint, goes on by a rung, and then by itself', () =>
    story({ start }, async ({ page, url, hub }) => {
      await page.goto(`${url}/#/plc`);
      await enterKey(page, hub.keys[0]);
      await page.getByRole('button', { name: 'Breakpoint at rung 1' }).click();
      await state(page, 'Paused');
      await page.getByText('at the breakpoint of rung 1').waitFor();
      await page.locator('[data-rung="1"][data-next]').waitFor();
      await command(page, 'step_rung').click();
      await state(page, 'Stepping');
      await page.locator('[data-rung="2"][data-next]').waitFor();
      await command(page, 'step_scan').click();
      await state(page, 'Paused');
      await page.getByRole('button', { name: 'Breakpoints: 1' }).click();
      await page.getByRole('button', { name: 'Remove the breakpoint of rung 1' }).click();
      await page.keyboard.press('Escape');
      await command(page, 'resume').click();
      await state(page, 'Running');
      await page.locator('[data-rung][data-next]').waitFor({ state: 'detached' });
    }));

  test('force, breakpoint and step with the keyboard alone', () =>
    story({ start }, async ({ page, url, hub }) => {
      const press = (key) => page.keyboard.press(key);
      await page.goto(`${url}/#/plc`);
      await enterKey(page, hub.keys[0]);
      await state(page, 'Running');
      const ladder = page.getByRole('grid', { name: 'Ladder of Bottling line' });
      await dark(page, 4).waitFor();
      await ladder.focus();
      await press('/');
      await page.keyboard.type('guard door');
      await eventually('the guard is found', async () => (await ladder.getAttribute('aria-activedescendant')) === 'rung-0-3');
      await press('Escape');
      await press('Enter');
      const menu = page.getByRole('dialog');
      await menu.waitFor();
      const tabTo = (name) =>
        eventually(`the tabulator reaches ${name}`, async () => {
          await press('Tab');
          return page.evaluate((name) => document.activeElement?.textContent?.trim() === name, name);
        });
      await tabTo('Force on');
      await press('Enter');
      await menu.getByText('Forced: on').waitFor();
      await press('Escape');
      await page.locator('[data-force-band="1"]').waitFor();
      await page.locator('[data-rung="0"] .pennant:not(.none)').waitFor();
      await pictures('plc', { 'real-ladder-force': page });
      assert.deepEqual((await forces(hub)).map(({ address }) => address), ['I:0/3']);

      await ladder.focus();
      await press('Home');
      await press('ArrowDown');
      await press('b');
      await page.getByText('at the breakpoint of rung 1').waitFor();
      await press('F10');
      await page.locator('[data-rung="2"][data-next]').waitFor();
      await pictures('plc', { 'real-ladder-step': page });
      await press('b');
      await page.getByRole('button', { name: 'Breakpoints: 0' }).waitFor();
      await page.locator('[data-command=start]:not(:disabled)').waitFor();
      await press('F5');
      await state(page, 'Running');

      await press('x');
      await page.locator('[data-cross="O:0/0"] [data-use="0 OTE"]').waitFor();
      await page.getByRole('tab', { name: 'Cross ref' }).focus();
      await page.locator('[data-cross="O:0/0"]').getByRole('button', { name: 'All places' }).press('Enter');
      await page.locator('[data-cross-row="I:0/3"] [data-mark=forced]').waitFor();
      await ladder.focus();
      await press('f');
      await press('Enter');
      await menu.waitFor();
      await tabTo('Release');
      await press('Enter');
      await page.locator('[data-force-band]').waitFor({ state: 'detached' });
    }));

  test('programs go in and come out as files, a refused one leaves the other, and a fault is an event', () =>
    story({ start }, async ({ page, url, hub }) => {
      await page.goto(`${url}/#/plc`);
      await enterKey(page, hub.keys[0]);
      await command(page, 'stop').click();
      await state(page, 'Stopped');
      await page.getByRole('tab', { name: 'Program' }).click();
      await download(page, 'bad.txt', 'SOR XIC I:0/0 FOO EOR');
      await page.getByText('What is wrong in bad.txt').waitFor();
      await page.locator('[data-message]').getByText('FOO').waitFor();
      await page.getByRole('grid', { name: 'Ladder of Bottling line' }).waitFor();

      await download(page, 'lamp.txt', LAMP);
      await page.getByText('lamp.txt is in the engine').waitFor();
      const lamp = page.getByRole('grid', { name: 'Ladder of Lamp' });
      // The document says the address, the symbol table its name.
      await lamp.locator('[data-rung="0"]').getByText('Lamp', { exact: true }).waitFor();
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as file' }).click()]);
      assert.equal(file.suggestedFilename(), 'Lamp.txt');
      assert.equal(readFileSync(await file.path(), 'utf8'), LAMP);
      await command(page, 'start').click();
      await write(page, 'I:0/5', 'On');
      await lit(page, 1).waitFor();
      await page.getByRole('link', { name: 'Signals', exact: true }).click();
      await page.locator('[data-name="plc/line/O:0/5"] [data-symbol=Lamp]').waitFor();
      await page.getByRole('link', { name: 'PLC', exact: true }).click();
      await page.getByRole('tab', { name: 'Program' }).click();

      await command(page, 'stop').click();
      await state(page, 'Stopped');
      await download(page, 'halves.txt', HALVES);
      await page.getByRole('grid', { name: 'Ladder of Halves' }).waitFor();
      await command(page, 'start').click();
      await state(page, 'Fault');
      await page.goto(`${url}/#/`);
      await page.locator('[data-plc=line]').getByText('Fault').waitFor();
      await page.locator('[data-problem="plc:line:fault"]').getByRole('link').click();
      await state(page, 'Fault');
      await command(page, 'reset').click();
      await page.getByRole('dialog').getByRole('button', { name: 'Reset line' }).click();
      await state(page, 'Stopped');
    }));
}
