import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

test('a live setting is changed, a wrong value is refused in the words of the hub', () =>
  story({ start: () => startMock() }, async ({ page, url }) => {
    await openLive(page, `${url}/#/settings`);
    const row = page.locator('[data-setting="realvirtual.line.update_cycle_ms"]');
    const field = row.getByRole('textbox', { name: 'update_cycle_ms' });
    await field.fill('fast');
    await field.press('Enter');
    await row.getByText('Not saved: a number is expected.').waitFor();
    await field.fill('0');
    await field.press('Enter');
    await row.getByText('expected a whole number from 1 to 60000').waitFor();
    await field.press('Escape');
    assert.equal(await field.inputValue(), '10');
    await field.fill('20');
    await row.getByRole('button', { name: 'Save' }).click();
    await row.getByText('Saved.').waitFor();
    await row.getByText('project file').waitFor();

    await page.locator('[data-setting="realvirtual.line.hold_pulses"] select').selectOption('false');
    await page.locator('[data-setting="realvirtual.line.hold_pulses"]').getByText('Saved.').waitFor();
    const { settings } = await (await fetch(`${url}/api/v1/config`)).json();
    const value = (word) => settings.find(({ key }) => key === `realvirtual.line.${word}`).value;
    assert.deepEqual([value('update_cycle_ms'), value('hold_pulses')], [20, false]);

    const port = page.locator('[data-setting="web.port"]');
    await port.getByText('read at start').waitFor();
    assert.equal(await port.locator('input').count(), 0);
  }));

test('the first key is an engineer’s, and the page goes on with it', () =>
  story({ start: () => startMock() }, async ({ page, url }) => {
    await openLive(page, `${url}/#/settings/keys`);
    await page.getByText('There is no key yet').waitFor();
    const form = page.locator('[data-make-key]');
    await form.getByLabel('Name').fill('Maria');
    await form.getByRole('button', { name: 'Make the key' }).click();
    const made = page.locator('[data-new-key=k1]');
    await made.getByText('From now on this hub wants a key').waitFor();
    const key = await made.locator('[data-key-text]').textContent();
    await made.getByRole('img', { name: /QR/ }).waitFor();
    await page.locator('[data-link=live]').waitFor();
    await page.locator('[data-who=engineer] [data-opens=who]').getByText('Maria').waitFor();
    assert.equal((await fetch(`${url}/api/v1/health`)).status, 401, 'nobody is taken without a key any more');
    assert.equal((await fetch(`${url}/api/v1/health`, { headers: { authorization: `Bearer ${key}` } })).status, 200);
    assert.equal(await page.locator('[data-key-card]').count(), 0);
    await made.getByRole('button', { name: 'I have kept it' }).click();
    await page.locator('[data-make-key]').waitFor();
    assert.ok(!(await page.content()).includes(key), 'it is not shown again');
  }));

test('a key is made with its patterns, shown once, and revoked with its effect named', () =>
  story({ start: () => startMock('--keys') }, async ({ page, url }) => {
    await page.goto(`${url}/#/settings/keys`);
    await enterKey(page, 'ct_engineer');
    const form = page.locator('[data-make-key]');
    await form.getByLabel('Name').fill('Panel');
    await form.getByRole('textbox', { name: 'Sees' }).fill('twin/line/**');
    await form.getByRole('textbox', { name: 'Writes' }).fill('twin/line/Run, twin/line/Recipe');
    await form.getByRole('button', { name: 'Make the key' }).click();
    const made = page.locator('[data-new-key=k4]');
    const key = await made.locator('[data-key-text]').textContent();
    const asPanel = () => fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${key}` } });
    const { role, write } = await (await asPanel()).json();
    assert.deepEqual([role, write], ['operator', ['twin/line/Run', 'twin/line/Recipe']]);
    await made.getByRole('button', { name: 'I have kept it' }).click();

    const row = page.locator('[data-key=k4]');
    await row.getByText('twin/line/Run, twin/line/Recipe').waitFor();
    await row.getByRole('button', { name: 'Revoke the key of Panel' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('is disconnected at once').waitFor();
    await dialog.getByRole('button', { name: 'Keep it' }).click();
    assert.equal((await asPanel()).status, 200);
    await row.getByRole('button', { name: 'Revoke the key of Panel' }).click();
    await dialog.getByRole('button', { name: 'Revoke k4' }).click();
    await row.waitFor({ state: 'detached' });
    assert.equal((await asPanel()).status, 401);

    // The hub's refusal is told in its words.
    await page.getByRole('button', { name: 'Revoke the key of Maria' }).click();
    await dialog.getByText('It is the key of this page').waitFor();
    await dialog.getByRole('button', { name: 'Revoke k1' }).click();
    await page.getByText('Not revoked: it is the last key of an engineer').waitFor();
  }));

test('certificate, log level, audit log and version are there', () =>
  story({ start: () => startMock('--tls', '--audit', '130') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/settings/certificate`);
    const rows = page.locator('[data-fingerprint] span');
    await rows.first().waitFor();
    assert.deepEqual((await rows.allTextContents()).map((row) => row.split(':').length), [8, 8, 8, 8]);
    await page.getByRole('img', { name: 'The address of this page as a QR code' }).waitFor();
    await page.getByText('https://192.168.1.20:8000/').first().waitFor();

    await page.getByRole('link', { name: 'Log level' }).click();
    await page.getByRole('button', { name: 'debug', exact: true }).click();
    await page.getByText('The log now follows debug.').waitFor();
    await page.getByLabel('Filter').fill('loud');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText("Not changed: 'loud' is no filter").waitFor();

    await page.getByRole('link', { name: 'Audit' }).click();
    const entries = page.locator('[data-entry]');
    await entries.first().waitFor();
    assert.deepEqual([await entries.count(), await entries.first().getAttribute('data-entry')], [100, '130']);
    await page.getByRole('button', { name: 'Load older entries' }).click();
    await eventually('all are shown', async () => (await entries.count()) === 130);
    await page.getByText('these are all').waitFor();

    await page.getByRole('link', { name: 'About' }).click();
    await page.locator('[data-version]').getByText('0.1.0').waitFor();
  }));
