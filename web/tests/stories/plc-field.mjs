/** What surrounds an engine: its clock, its devices, the places that it keeps, and an engine that runs elsewhere. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

const fieldMock = (...args) => ({ start: () => startMock('--plc-field', ...args) });
const turn = (url, word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
const pane = (page, name) => page.getByRole('tab', { name }).click();
const command = (page, word) => page.locator(`[data-command=${word}]`);
const alive = (page) => page.locator('[data-ladder=alive]').waitFor();
const row = async (url, context) => (await (await fetch(`${url}/api/v1/plc/contexts/${context}`)).json()).context;

test('the pane of time shows how late scans began, and what the system has denied', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await pane(page, 'Timing');
    await page.getByRole('img', { name: /How late scans began\. p50 ≤ 5 µs, p99 ≤ \d+ µs, max 93 µs/ }).waitFor();
    await page.locator('[data-mark=max]').getByText('max 93 µs').waitFor();
    assert.equal(await page.locator('[data-timing] figure .bar').count(), 15);
    await page.locator('[data-missed]').getByText('0 left out').waitFor();
    await page.locator('[data-realtime]').getByText('as every other program').waitFor();
    await page.locator('[data-denied]').getByText('setcap cap_sys_nice').waitFor();
    await page.getByText('Watchdog').waitFor();
  }));

test('an engine elsewhere has a sign with its word, and commands wait for its link', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc/oven`);
    await alive(page);
    const facts = page.locator('[data-link-facts]');
    await facts.getByText('linked', { exact: true }).waitFor();
    for (const word of ['ws://192.0.2.9:9100/', 'PiPLC Engine 0.1.31', 'dialect 0.1', 'context oven-main']) await facts.getByText(word).waitFor();
    await page.getByText('this engine tells no power flow').waitFor();
    // Its operands live all the same.
    await page.locator('[data-rung="0"] .sign.on, [data-rung="0"] .coil.on').first().waitFor();
    assert.equal(await page.locator('.wire.on, [data-instruction][data-on]').count(), 0);

    await turn(url, 'plc-link?color=red');
    await page.locator('[data-plc-state=old]').getByText('was Running').waitFor();
    await page.locator('[data-ladder=old]').waitFor();
    await page.locator('[data-old]').getByText(/as it was .* ago/).waitFor();
    await facts.getByText('link down').waitFor();
    await facts.getByText('connection refused').waitFor();
    await facts.locator('[data-retry]').getByText(/again (in [123] s|now)/).waitFor();
    await page.locator('[data-context=oven]').getByText('link down').waitFor();
    for (const button of await page.locator('[data-command]').all()) assert.ok(await button.isDisabled());
    assert.match(await command(page, 'stop').getAttribute('title'), /The link to the engine of oven is down: connection refused/);
    await page.locator('[data-rung="0"] [data-target="I:0/0"]').click();
    await page.locator('[data-no-write]').getByText('The link to the engine of oven is down').waitFor();
    await page.keyboard.press('Escape');
    // The hub's own engines are as alive as before.
    await page.locator('[data-context=line]').getByText('Running', { exact: true }).waitFor();

    await page.goto(`${url}/#/`);
    const oven = page.locator('[data-plc=oven]');
    await oven.getByText('was Running').waitFor();
    await oven.locator('[data-plc-link=red]').getByText('link down').waitFor();
    await turn(url, 'plc-link?color=yellow');
    await oven.getByText('connecting').waitFor();
    await turn(url, 'plc-link?color=green');
    await oven.getByText('linked', { exact: true }).waitFor();
    await page.goto(`${url}/#/plc/oven`);
    await alive(page);
    await command(page, 'stop').click();
    await page.locator('[data-plc-state=Stopped]').waitFor();
  }));

test('without the link to the hub nothing runs any more, it did', () =>
  story(fieldMock(), async ({ page, url, hub }) => {
    await openLive(page, `${url}/#/plc`);
    await alive(page);
    await hub.stop('SIGKILL');
    await page.locator('[data-plc-state=old]').getByText('was Running').waitFor();
    await page.locator('[data-context=oven]').getByText('was Running').waitFor();
    await page.getByRole('link', { name: /^Overview/ }).click();
    await page.locator('[data-plc=line]').getByText('was Running').waitFor();
  }));

test('devices stand with their state, and what they drive is marked', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-io=up]').getByText('Modbus TCP (192.0.2.7:502)').waitFor();
    await page.locator('[data-rung="1"] .device:not(.none)').first().waitFor();
    // Until its first value has come nobody has heard it.
    await page.locator('[data-rung="1"] [data-target="I:0/2"][aria-label$="driven by a device"]').first().waitFor();
    await page.locator('[data-rung="1"] [data-target="I:0/2"]').first().click();
    const menu = page.getByRole('dialog');
    await menu.getByText('a write would have no effect').waitFor();
    await menu.getByRole('group', { name: 'Write' }).getByRole('button', { name: 'On', exact: true }).click();
    await menu.getByText('Written, without effect: Modbus TCP (192.0.2.7:502) drives this place').waitFor();
    await page.keyboard.press('Escape');

    await turn(url, 'plc-io?state=down');
    await page.locator('[data-io=down]').getByText('connection refused').waitFor();
    await pane(page, 'I/O');
    const device = page.locator('[data-device=down]');
    await device.getByText('is the coupler switched on?').waitFor();
    await device.getByText('17 errors').waitFor();
    await page.locator('[data-rung="1"] .bit.doubtful').first().waitFor();
    await page.locator('[data-devices]').getByRole('button', { name: 'I:0/2' }).click();
    await page.locator('[data-rung="1"].active').waitFor();
    await pane(page, 'Memory');
    await page.getByText('the last values known').waitFor();
    await page.getByRole('button', { name: 'I:0/2: .*driven by a device' }).or(page.locator('.bit.driven')).first().waitFor();
  }));

test('retained places are marked, and a store that fails is named', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-retain]').getByText(/retained: 12 places, saved .* ago/).waitFor();
    await pane(page, 'Memory');
    await page.getByRole('button', { name: 'N Integers' }).click();
    await page.locator('[data-place="N:7"] [data-kept]').waitFor();
    assert.equal(await page.locator('[data-place="N:20"] [data-kept]').count(), 0);
    await turn(url, `plc-store?error=${encodeURIComponent('the disk is full: free some space')}`);
    await page.locator('[data-retain]').getByText('the disk is full').waitFor();
  }));

test('a bit is toggled and a preset changed, which lasts until the next start', () =>
  story(fieldMock(), async ({ page, url }) => {
    const memory = async () => (await fetch(`${url}/api/v1/plc/contexts/line/memory`)).json();
    await openLive(page, `${url}/#/plc`);
    await alive(page);
    await page.locator('[data-rung="0"] [data-target="I:0/1"]').click();
    const menu = page.getByRole('dialog');
    await menu.getByRole('button', { name: 'Toggle' }).focus();
    await page.keyboard.press('Enter');
    await menu.getByText('Toggled: on').waitFor();
    assert.equal((await memory()).inputs[0] & 2, 2);
    await page.keyboard.press('Enter');
    await menu.getByText('Toggled: off').waitFor();
    await page.keyboard.press('Escape');

    await page.locator('[data-rung="1"] [data-target="T:0"]').click();
    await menu.getByRole('button', { name: 'PRE', exact: true }).click();
    await menu.getByText('until the next start, when the program').first().waitFor();
    await menu.getByLabel('Value').fill('900');
    await menu.getByRole('button', { name: 'Write', exact: true }).click();
    await menu.getByText('Written: 900, until the next start').waitFor();
    assert.equal((await memory()).timers[0].pre, 900);
    await menu.getByRole('button', { name: 'ACC', exact: true }).click();
    await menu.getByText('once; the program may overwrite it').waitFor();
    await page.keyboard.press('Escape');
    await command(page, 'stop').click();
    await page.locator('[data-plc-state=Stopped]').waitFor();
    await command(page, 'start').click();
    await eventually('the program has its preset again', async () => (await memory()).timers[0].pre === 600);
  }));

test('what is forced is toggled underneath', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await alive(page);
    await page.keyboard.press('End');
    await page.locator('[data-rung="7"] [data-target="B:3/7"]').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Toggle' }).click();
    await page.getByText('Toggled to on underneath the force').waitFor();
  }));

test('rungs are measured as long as somebody wants it, and the most expensive leads to its place', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await pane(page, 'Timing');
    const measure = page.getByRole('switch', { name: /Measure rungs/ });
    await page.getByText('Measuring costs time').waitFor();
    assert.equal(await page.locator('[data-cost-of]').count(), 0);
    await measure.click();
    await page.getByText('45 ns more at every rung').waitFor();
    await page.locator('[data-budget]').getByText('38 µs of 10 ms').waitFor();
    await page.locator('[data-cost-of="0"]').getByText('215 ns').waitFor();
    const first = page.locator('[data-cost]').first();
    await eventually('the scaler costs most', async () => (await first.getAttribute('data-cost')) === '5');
    await page.getByRole('button', { name: 'Rung', exact: false }).and(page.locator('th button')).click();
    await eventually('the order of the program', async () => (await first.getAttribute('data-cost')) === '0');
    await page.getByTitle('Show rung 5 in the ladder').click();
    await page.locator('[data-rung="5"].active').waitFor();
    // Somebody else looks at another pane: the margin goes on.
    await pane(page, 'Forces');
    await page.locator('[data-cost-of="5"]').waitFor();
    await pane(page, 'Timing');
    await measure.click();
    await page.locator('[data-profile=off]').waitFor();
    await eventually('the margin is empty', async () => (await page.locator('[data-cost-of]').count()) === 0);
    assert.equal((await row(url, 'line')).profiling, false);
  }));

test('a context is created, and removed when it stands', () =>
  story(fieldMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc/line`);
    const remove = (name) => page.getByRole('button', { name: `Remove ${name} …` });
    assert.ok(await remove('line').isDisabled());
    assert.match(await remove('line').getAttribute('title'), /stop it first/);
    await page.getByRole('button', { name: 'New context …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('line');
    await dialog.getByRole('button', { name: 'Create the context' }).click();
    await dialog.getByText("Not made: a PLC context is called 'line' already").waitFor();
    await dialog.getByLabel('Name').fill('Line 2');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'PLC Line 2' }).waitFor({ state: 'attached' });
    await page.locator('[data-no-program]').waitFor();
    await remove('Line 2').click();
    await dialog.getByRole('button', { name: 'Remove Line 2' }).click();
    await page.locator('[data-context="Line 2"]').waitFor({ state: 'detached' });
    await page.locator('[data-context=line][aria-current]').waitFor();
  }));

test('a hub without contexts says what comes next', () =>
  story(fieldMock(), async ({ page, url }) => {
    await turn(url, 'plc-none');
    await openLive(page, `${url}/#/plc`);
    await page.getByRole('heading', { name: 'There is no PLC context' }).waitFor();
    await page.getByRole('button', { name: 'Create the context' }).click();
    await page.locator('[data-context="PLC 1"]').waitFor();
    await page.locator('[data-no-program]').getByText('.plcproj').first().waitFor();
  }));

test('who looks on is told what is missing', () =>
  story(fieldMock('--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/plc`);
    await enterKey(page, 'ct_viewer');
    await pane(page, 'Timing');
    assert.ok(await page.getByRole('switch').isDisabled());
    await page.getByText('Measuring needs the key of an engineer').waitFor();
    assert.match(await page.getByRole('button', { name: 'New context …' }).getAttribute('title'), /engineer/);
  }));
