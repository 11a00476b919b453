/**
 * Orders at the real hub, `CROSSTIE_BIN`, when something comes between it and the page: one click is one act, and what was ordered before
 * the link was lost is not carried out after it.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { eventually, openLive, startProject, story } from '../support.mjs';

const PROJECT = `
[[realvirtual]]
name = "line"
port = 0
signal = [{ name = "Fault", type = "Bool", writer = "hub" }]
[[plc]]
name = "line"
program = "lamp.txt"
`;
const LAMP = 'PROGRAM "Lamp"\nSYM Button I:0/0 BOOL "a button"\nSYM Lamp O:0/0 BOOL "a lamp"\nSOR XIC Button OTE Lamp EOR\n';
const start = () => startProject(PROJECT, { files: { 'lamp.txt': LAMP } });

const ask = async (url, path) => (await fetch(`${url}/api/v1/${path}`)).json();
/** What people have done, by its words, the newest first. */
const acts = async (url) => (await ask(url, 'audit?limit=100')).entries.map(({ what }) => what);

/** A way to the hub at `url` on which, when it is told to, the next order is heard by the hub and its answer by nobody. */
async function brittleWay(url) {
  const way = { orders: 0, isBrittle: false };
  const server = createServer((near) => {
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    let isCut = false;
    near.on('data', (part) => {
      if (/^(POST|PUT|DELETE) /.test(part.toString('latin1'))) {
        way.orders += 1;
        isCut = way.isBrittle;
        way.isBrittle = false;
      }
      far.write(part);
    });
    far.on('data', (part) => {
      if (isCut) near.destroy();
      else near.write(part);
    });
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  way.url = `http://127.0.0.1:${server.address().port}`;
  way.close = () => server.close();
  return way;
}

if (process.env.CROSSTIE_BIN) {
  test('one click is one act, also when the browser sends it twice', () =>
    story({ start }, async ({ page, url }) => {
      const way = await brittleWay(url);
      try {
        await openLive(page, `${way.url}/#/plc`);
        const button = page.locator('[data-command=start]');
        await eventually('it can be started', () => button.isEnabled());
        way.isBrittle = true;
        await button.click();
        await page.locator('[data-plc-state=Running]').waitFor();
        await eventually('the browser has sent it again', () => way.orders === 2);
        await eventually('the click is over', () => page.locator('[data-command=stop]').isEnabled());
        assert.deepEqual((await acts(url)).filter((act) => act === 'plc.start'), ['plc.start']);
        await page.locator('[data-command=stop]').click();
        await page.locator('[data-plc-state=Stopped]').waitFor();
        assert.deepEqual((await acts(url)).filter((act) => act.startsWith('plc.')), ['plc.stop', 'plc.start']);
      } finally {
        way.close();
      }
    }));

  test('what was ordered before the link was lost is not carried out after it', () =>
    story({ start }, async ({ page, url, hub }) => {
      await openLive(page, `${url}/#/plc`);
      const button = page.locator('[data-command=start]');
      await eventually('it can be started', () => button.isEnabled());
      hub.process.kill('SIGSTOP');
      await button.click();
      await page.getByText('The hub did not answer, so it is not known whether this was done').waitFor();
      await page.locator('[data-banner=lost]').getByText('Nothing you typed is sent later').waitFor();
      hub.process.kill('SIGCONT');
      await page.locator('[data-link=live]').waitFor();
      assert.equal((await ask(url, 'plc/contexts')).contexts[0].state, 'Stopped');

      await openLive(page, `${url}/#/signals?signal=twin%2Fline%2FFault`);
      const detail = page.locator('[data-detail="twin/line/Fault"]');
      await eventually('it can be written', () => detail.getByRole('button', { name: 'true' }).isEnabled());
      hub.process.kill('SIGSTOP');
      await detail.getByRole('button', { name: 'true' }).click();
      await detail.getByText('The hub did not answer, so it is not known whether this was done').waitFor();
      hub.process.kill('SIGCONT');
      await page.locator('[data-link=live]').waitFor();
      assert.equal((await ask(url, 'signals/twin/line/Fault')).value, false);
      assert.deepEqual(await acts(url), [], 'nobody has done anything');
      // And now it can be done.
      await detail.getByRole('button', { name: 'true' }).click();
      await detail.getByText('Written: true').waitFor();
    }));
}
