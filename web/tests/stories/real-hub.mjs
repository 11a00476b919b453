/**
 * Key entry, roles, links, events and settings at the real hub, `CROSSTIE_BIN`: what the stories of the same names tell
 * in detail with the mock is told here once, from the first key to a revoked one, over http and https.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { enterKey, eventually, freePort, openLive, startProject, story } from '../support.mjs';

/** A line with its practice twin, a link to it from the same hub, and one to a server that is not there. */
async function plant() {
  const [line, dead] = [await freePort(), await freePort()];
  const text = `
[project]
name = "Bottling line"
[[realvirtual]]
name = "line"
port = ${line}
signal = [
  { name = "Run", type = "Bool", writer = "peer" },
  { name = "ConveyorPosition", type = "Float", writer = "peer" },
  { name = "SpeedSetpoint", type = "Float", writer = "hub", value = 200.0 },
]
[[realvirtual]]
name = "press"
role = "client"
address = "127.0.0.1"
port = ${line}
access_key_file = "key"
[[realvirtual]]
name = "gone"
role = "client"
address = "127.0.0.1"
port = ${dead}
`;
  return { line, text };
}

const KEYS = [
  ['Maria', '--role', 'engineer'],
  ['Panel', '--role', 'operator', '--write', 'twin/line/SpeedSetpoint'],
  ['Wall', '--role', 'viewer'],
];

if (process.env.CROSSTIE_BIN) {
  test('the first key of a hub is made on the page, which goes on with it, locks, and is opened again', () =>
    story({ start: () => startProject('') }, async ({ page, url }) => {
      await openLive(page, `${url}/#/settings/keys`);
      await page.getByText('There is no key yet').waitFor();
      const form = page.locator('[data-make-key]');
      await form.getByLabel('Name').fill('Maria');
      await form.getByRole('button', { name: 'Make the key' }).click();
      const made = page.locator('[data-new-key=k1]');
      await made.getByText('From now on this hub wants a key').waitFor();
      const key = await made.locator('[data-key-text]').textContent();
      await page.locator('[data-who=engineer] [data-opens=who]').getByText('Maria').waitFor();
      await page.locator('[data-link=live]').waitFor();
      await made.getByRole('button', { name: 'I have kept it' }).click();

      await page.locator('[data-who] [data-opens=who]').click();
      await page.getByRole('button', { name: 'Forget key' }).click();
      const card = page.locator('[data-key-card=wanted]');
      await card.getByLabel('Key', { exact: true }).fill('ct_wrong');
      await card.getByRole('button', { name: 'Use this key' }).click();
      await card.getByText('The hub does not know this key').waitFor();
      await enterKey(page, key);

      await form.getByLabel('Name').fill('Panel');
      await form.getByRole('button', { name: 'Make the key' }).click();
      const second = await page.locator('[data-new-key=k2] [data-key-text]').textContent();
      await page.getByRole('button', { name: 'I have kept it' }).click();
      const other = await (await page.context().browser().newContext()).newPage();
      await other.goto(url);
      await enterKey(other, second);
      await page.getByRole('button', { name: 'Revoke the key of Panel' }).click();
      await page.getByRole('button', { name: 'Revoke k2' }).click();
      await page.locator('[data-key=k2]').waitFor({ state: 'detached' });
      await other.locator('[data-key-card=revoked]').getByText('Your key is no longer valid').waitFor();

      await page.getByRole('link', { name: 'Audit' }).click();
      await page.locator('[data-entry]').filter({ hasText: 'key.revoke' }).waitFor();
    }));

  test('roles are offered what the hub lets them do', async () => {
    const { text } = await plant();
    await story({ start: () => startProject(text, { keys: KEYS }) }, async ({ page, url, hub }) => {
      const [engineer, operator, viewer] = hub.keys;
      await page.goto(`${url}/#/`);
      await enterKey(page, viewer);
      await page.locator('[data-endpoint=gone]').waitFor();
      for (const name of [/Connect/, /Disconnect/, /Import/]) assert.equal(await page.getByRole('button', { name }).count(), 0, String(name));

      await page.locator('[data-who] [data-opens=who]').click();
      await page.getByRole('button', { name: 'Use another key' }).click();
      await enterKey(page, operator);
      const press = page.locator('[data-endpoint=press]');
      await press.getByRole('button', { name: 'Disconnect' }).waitFor();
      assert.equal(await page.getByRole('button', { name: /Import/ }).count(), 0);
      await page.goto(`${url}/#/signals?signal=twin%2Fline%2FSpeedSetpoint`);
      await page.getByLabel('New value of').fill('150');
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.getByText('Written: 150').waitFor();
      await page.goto(`${url}/#/signals?signal=twin%2Fline%2FRun`);
      await page.getByText('Your key writes only twin/line/SpeedSetpoint.').waitFor();

      await page.locator('[data-who] [data-opens=who]').click();
      await page.getByRole('button', { name: 'Use another key' }).click();
      await enterKey(page, engineer);
      await page.goto(`${url}/#/`);
      await press.getByRole('button', { name: 'Import signals' }).waitFor();
    });
  });

  test('links are tried, imported over, disconnected and connected; events are acknowledged', async () => {
    const { line, text } = await plant();
    const writers = [];
    try {
      await story({ start: () => startProject(text, { keys: KEYS }) }, async ({ page, url, hub }) => {
        await page.goto(url);
        await enterKey(page, hub.keys[0]);
        const press = page.locator('[data-endpoint=press]');
        const gone = page.locator('[data-endpoint=gone]');
        await press.locator('[data-state=connected]').waitFor();
        await page.locator('[data-client]').filter({ hasText: 'server of press' }).waitFor();
        await gone.locator('[data-state=waiting]').waitFor();
        await gone.locator('[data-last-error]').getByText('connection refused').waitFor();
        await press.getByRole('button', { name: 'Test connection' }).click();
        await press.getByText('Its catalog has 3 signals').waitFor();
        await gone.getByRole('button', { name: 'Test connection' }).click();
        await gone.getByText('It failed at connecting: connection refused.').waitFor();
        await press.getByRole('button', { name: 'Import signals' }).click();
        await press.getByText('3 signals found, 3 new.').waitFor();
        await press.getByRole('button', { name: 'Disconnect' }).click();
        await press.locator('[data-state=off]').waitFor();
        await press.getByRole('button', { name: 'Connect', exact: true }).click();
        await press.locator('[data-state=connected]').waitFor();

        for (const run of [true, false]) {
          const writer = new WebSocket(`ws://127.0.0.1:${line}/`, { headers: { authorization: `Bearer ${hub.keys[0]}` } });
          await once(writer, 'open');
          writers.push(writer);
          writer.send(JSON.stringify({ type: 'data', version: 2, signals: { Run: run } }));
          await eventually('its value is there', async () => {
            const answer = await fetch(`${url}/api/v1/signals/twin/line/Run`, { headers: { authorization: `Bearer ${hub.keys[0]}` } });
            return (await answer.json()).value === run;
          });
        }
        const conflict = page.locator('[data-problem="conflict:twin/line/Run"]');
        await conflict.getByRole('button', { name: /^Acknowledge/ }).click();
        await conflict.getByText('acknowledged', { exact: true }).waitFor();
        for (const writer of writers) writer.terminate();
        await conflict.getByText('over; shown until you come back').waitFor();
      });
    } finally {
      for (const writer of writers) writer.terminate();
    }
  });

  test('settings are saved, refused in the words of the hub, and the log follows', async () => {
    const { text } = await plant();
    await story({ start: () => startProject(text) }, async ({ page, url }) => {
      await openLive(page, `${url}/#/settings`);
      const row = page.locator('[data-setting="realvirtual.line.update_cycle_ms"]');
      const field = row.getByRole('textbox', { name: 'update_cycle_ms' });
      await field.fill('0');
      await field.press('Enter');
      await row.getByText('expected a whole number from 1 to 60000').waitFor();
      await field.fill('20');
      await field.press('Enter');
      await row.getByText('Saved.').waitFor();
      await row.getByText('project file').waitFor();
      const patterns = page.locator('[data-setting="realvirtual.line.input_patterns"]');
      await patterns.getByRole('textbox').fill('sensor, limit');
      await patterns.getByRole('button', { name: 'Save' }).click();
      await patterns.getByText('Saved.').waitFor();

      await page.getByRole('link', { name: 'Certificate' }).click();
      await page.getByText('this hub has no certificate in use').waitFor();
      await page.locator('[data-listener=page]').getByText('not encrypted').waitFor();
      await page.getByText('It is served to this machine only.').waitFor();
      await page.getByRole('link', { name: 'Log level' }).click();
      await page.getByRole('button', { name: 'debug', exact: true }).click();
      await page.getByText('The log now follows debug.').waitFor();
      await page.getByLabel('Filter').fill('loud');
      await page.getByRole('button', { name: 'Set', exact: true }).click();
      await page.getByText('is neither a level').waitFor();
      await page.getByRole('link', { name: 'Audit' }).click();
      await page.locator('[data-entry]').filter({ hasText: 'update_cycle_ms' }).waitFor();
      await page.getByRole('link', { name: 'About' }).click();
      await page.locator('[data-version]').getByText(/^\d+\.\d+\.\d+/).waitFor();
      const licences = await page.request.get(await page.getByRole('link', { name: 'what else is in it' }).evaluate(({ href }) => href));
      assert.match(await licences.text(), /\nsvelte \d.*: MIT\n[^]*\ntokio \d.*: MIT\n/);
    });
  });

  test('the page comes by https and shows the certificate by which it came', () =>
    story({ start: () => startProject('', { tls: true }), context: { ignoreHTTPSErrors: true } }, async ({ page, url }) => {
      await openLive(page, `${url}/#/settings/certificate`);
      const rows = page.locator('[data-fingerprint] span');
      await rows.first().waitFor();
      assert.deepEqual((await rows.allTextContents()).map((row) => row.split(':').length), [8, 8, 8, 8]);
      await page.locator('[data-listener=page]').getByText('TLS', { exact: true }).waitFor();
    }));
}
