import { readFileSync } from 'node:fs';
import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

const plcMock = (...args) => ({ start: () => startMock('--plc', ...args) });
const command = (page, word) => page.locator(`[data-command=${word}]`);
const state = (page, word) => page.locator(`[data-plc-state=${word}]`).waitFor();
const lit = (page, instruction) => page.locator(`[data-instruction="${instruction}"][data-on]`);
const dark = (page, instruction) => page.locator(`[data-instruction="${instruction}"]:not([data-on])`);

/** What the mock says of the context `line`. */
async function line(url) {
  const { contexts } = await (await fetch(`${url}/api/v1/plc/contexts`)).json();
  return contexts.find(({ id }) => id === 'line');
}

test('the power flow follows what is written, and a stop takes it away', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, url);
    await page.getByRole('link', { name: 'PLC', exact: true }).click();
    // The motor holds itself: its coil is the last instruction of rung 0.
    await lit(page, 4).waitFor();
    await page.locator('[data-rung="0"] [data-target="I:0/1"]').click();
    const menu = page.getByRole('dialog');
    await menu.getByText('the red button').waitFor();
    await menu.getByRole('group', { name: 'Write' }).getByRole('button', { name: 'On' }).click();
    await menu.getByText('Written: on').waitFor();
    await dark(page, 4).waitFor();
    await menu.getByRole('group', { name: 'Write' }).getByRole('button', { name: 'Off' }).click();
    await lit(page, 4).waitFor();
    await page.keyboard.press('Escape');

    await command(page, 'stop').click();
    await state(page, 'Stopped');
    await eventually('nothing is lit', async () => (await page.locator('[data-instruction][data-on], .wire.on').count()) === 0);
    assert.ok(await command(page, 'stop').isDisabled());
    assert.match(await command(page, 'stop').getAttribute('title'), /stopped already/);
    await command(page, 'start').click();
    await state(page, 'Running');
    await lit(page, 4).waitFor();
  }));

test('a force has a reason and an end, is marked in the ladder, and is released', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-rung="0"] [data-target="I:0/3"]').click();
    const menu = page.getByRole('dialog');
    await menu.getByLabel('Why').fill('guard switch is broken');
    await menu.getByLabel('How long').selectOption('for 10 minutes');
    await menu.getByRole('button', { name: 'Force off' }).click();
    await menu.getByText('Forced: off').waitFor();
    await menu.locator('[data-force]').getByText('guard switch is broken').waitFor();
    await dark(page, 4).waitFor();
    await page.keyboard.press('Escape');

    const row = page.locator('[data-forced="I:0/3"]');
    await row.getByText('forced off').waitFor();
    await row.getByText('ends in').waitFor();
    await page.locator('[data-rung="0"] [data-instruction="3"] .bit.forced').waitFor();
    const [, force] = (await line(url)).forces;
    assert.equal(force.reason, 'guard switch is broken');
    assert.equal(force.expires_at_ms - force.since_ms, 600_000);

    await row.getByRole('button', { name: 'Release Guard' }).click();
    await row.waitFor({ state: 'detached' });
    await lit(page, 4).waitFor();
    await page.getByRole('button', { name: 'Release all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Release all' }).click();
    await page.getByText('Nothing is forced').waitFor();
    assert.deepEqual((await line(url)).forces, []);
  }));

test('a breakpoint and steps by keyboard alone', () =>
  story(plcMock(), async ({ page, url }) => {
    const press = (key) => page.keyboard.press(key);
    await openLive(page, `${url}/#/plc`);
    const ladder = page.getByRole('grid', { name: /Ladder/ });
    await lit(page, 4).waitFor();
    // Nobody has to click first.
    await eventually('the ladder has the focus', () => ladder.evaluate((element) => element === document.activeElement));
    const active = () => ladder.getAttribute('aria-activedescendant');
    await press('ArrowDown');
    await press('b');
    await state(page, 'Paused');
    await page.getByText('at the breakpoint of rung 1').waitFor();
    await page.locator('[data-rung="1"][data-next]').waitFor();
    await command(page, 'step_rung').focus();
    await press('Enter');
    await page.locator('[data-rung="2"][data-next]').waitFor();
    await page.getByText('before rung 2').waitFor();

    await ladder.focus();
    await press('Home');
    await press('ArrowRight');
    await eventually('the first operand is active', async () => (await active()) === 'rung-0-0');
    const name = await page.locator('#rung-0-0').getAttribute('aria-label');
    assert.match(name, /^XIC Start I:0\/0: 1$/);
    await press('Enter');
    await page.locator('[data-operand="I:0/0"]').waitFor();
    await press('Escape');
    await eventually('the ladder has the focus again', () => ladder.evaluate((element) => element === document.activeElement));
    await page.getByRole('button', { name: 'Breakpoints: 1' }).click();
    await page.getByRole('button', { name: 'Remove the breakpoint of rung 1' }).click();
    await eventually('no breakpoint is left', async () => (await line(url)).breakpoints.length === 0);
    await press('Escape');
    await command(page, 'start').click();
    await state(page, 'Running');
  }));

test('a download asks before it stops an engine, a refused one says why, and the program comes back as a file', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.getByRole('tab', { name: 'Program' }).click();
    const give = (name, text) => page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    const dialog = page.locator('[data-dialog=download]');

    await give('bad.txt', 'SOR XIC I:0/0 FOO EOR');
    await dialog.getByText('line is Running: the download stops it').waitFor();
    await dialog.getByRole('button', { name: 'Keep what is there' }).click();
    assert.equal((await line(url)).state, 'Running');
    await give('bad.txt', 'SOR XIC I:0/0 FOO EOR');
    await dialog.getByRole('button', { name: 'Stop and download' }).click();
    await page.getByText('What is wrong in bad.txt').waitFor();
    await page.locator('[data-message=E103]').getByText('FOO').waitFor();
    assert.equal((await line(url)).state, 'Running');

    await give('good.txt', 'PROGRAM "Lamp"\nSOR XIC I:0/5 OTE O:0/5 EOR');
    await dialog.getByRole('button', { name: 'Stop and download' }).click();
    await page.getByText('good.txt is in the engine').waitFor();
    await page.getByRole('grid', { name: 'Ladder of Lamp' }).waitFor();
    await state(page, 'Stopped');

    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as file' }).click()]);
    assert.equal(file.suggestedFilename(), 'Lamp.txt');
    assert.match(readFileSync(await file.path(), 'utf8'), /OTE O:0\/5/);

    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Clear' }).click();
    await page.locator('[data-no-program]').waitFor();
    assert.match(await command(page, 'start').getAttribute('title'), /download one first/);
  }));

test('the memory is read, and a place of it is written', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.locator('[data-place="I:0"]').getByText('Guard').waitFor();
    await page.getByRole('button', { name: 'N Integers' }).click();
    await page.locator('[data-place="N:7"]').getByText('Count').waitFor();
    await page.locator('[data-place="N:20"]').getByRole('button', { name: 'N:20' }).click();
    const menu = page.getByRole('dialog');
    await menu.getByLabel('Value').fill('1.5');
    await menu.getByRole('button', { name: 'Write' }).click();
    await menu.getByText('a whole number from').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'T Timers' }).click();
    await page.locator('[data-place="T:0"]').getByText('600').waitFor();
  }));

test('a thousand rungs scroll, and only those on screen are drawn and asked for', () =>
  story({ start: () => startMock('--plc-rungs', '1000') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    const ladder = page.getByRole('grid', { name: 'Ladder of Long' });
    await lit(page, 0).or(dark(page, 0)).waitFor();
    assert.equal(await ladder.getAttribute('aria-rowcount'), '1000');
    await ladder.focus();
    await page.keyboard.press('End');
    await page.locator('[data-rung="999"]').waitFor();
    await page.locator('[data-rung="999"] [data-target="T:39.ACC"]').waitFor();
    assert.ok((await page.locator('[data-rung]').count()) < 40);
    await eventually('the view of the hub is the screen', async () => {
      const { views } = await (await fetch(`${url}/mock/state`)).json();
      return views.length === 1 && views[0] > 5 && views[0] < 150;
    });
    await page.keyboard.press('Home');
    await page.locator('[data-rung="0"]').waitFor();
  }));

test('a lost link leaves nothing green', () =>
  story(plcMock(), async ({ page, url, hub }) => {
    await openLive(page, `${url}/#/plc`);
    await lit(page, 4).waitFor();
    await hub.stop('SIGKILL');
    await page.locator('[data-ladder=old]').waitFor();
    assert.equal(await page.locator('[data-instruction][data-on], .wire.on').count(), 0);
    await page.locator('[data-old]').getByText('as it was').waitFor();
    for (const button of await page.locator('[data-command]').all()) assert.ok(await button.isDisabled());
  }));

test('an engine that is not heard any more is old too, though the link is up', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await lit(page, 4).waitFor();
    await fetch(`${url}/mock/mute-plc`, { method: 'POST' });
    await page.locator('[data-ladder=old]').waitFor();
    assert.equal(await page.locator('[data-instruction][data-on]').count(), 0);
    await page.locator('[data-link=live]').waitFor();
  }));

test('a role is offered what it may do', () =>
  story(plcMock('--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/plc`);
    await enterKey(page, 'ct_viewer');
    await lit(page, 4).waitFor();
    assert.ok(await command(page, 'stop').isDisabled());
    assert.match(await command(page, 'stop').getAttribute('title'), /This needs the key of an operator/);
    await page.locator('[data-rung="0"] [data-target="I:0/0"]').click();
    await page.locator('[data-no-write]').getByText('as a viewer').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Force on' }).count(), 0);
  }));

test('a key that does not see all of a context gets no power flow, and the page says so', () =>
  story(plcMock('--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/plc`);
    await enterKey(page, 'ct_operator');
    await page.locator('[data-no-power]').waitFor();
    assert.equal(await page.locator('[data-instruction][data-on], .rail.on').count(), 0);
  }));

test('the overview names the contexts, and a hub without any has no page for them', async () => {
  await story(plcMock(), async ({ page, url }) => {
    await openLive(page, url);
    await page.locator('[data-plc=line]').getByText('Running').waitFor();
    await page.getByRole('link', { name: 'PLC Press 2' }).click();
    await page.locator('[data-no-program]').waitFor();
  });
  await story({ start: () => startMock() }, async ({ page, url }) => {
    await openLive(page, url);
    await page.locator('[data-client]').first().waitFor();
    assert.equal(await page.getByRole('link', { name: 'PLC', exact: true }).count(), 0);
  });
});

test('on a low screen a force is within sight at every contact, and the tabs stand in one row', () =>
  story({ ...plcMock(), context: { viewport: { width: 1280, height: 600 } } }, async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await lit(page, 4).waitFor();
    const act = page.getByRole('group', { name: 'Force', exact: true }).getByRole('button').last();
    for (const target of await page.locator('[data-target]').all()) {
      const at = await target.boundingBox();
      if (at === null || at.y + at.height > 600) continue;
      await target.click();
      await act.waitFor();
      assert.ok(await act.evaluate((button) => { const { x, y, bottom } = button.getBoundingClientRect(); return bottom <= innerHeight && button.contains(document.elementFromPoint(x + 4, y + 4)); }), `${await target.getAttribute('data-target')} at ${at.y}`);
      await page.keyboard.press('Escape');
    }
    await page.locator('[data-rung="0"] [data-target="I:0/0"]').click();
    await page.getByRole('button', { name: 'Force on' }).click();
    await page.getByText('Forced: on').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Forces 2' }).waitFor();
    const tops = await page.getByRole('tab').evaluateAll((tabs) => tabs.map((tab) => tab.getBoundingClientRect().top));
    assert.equal(new Set(tops).size, 1);
  }));
