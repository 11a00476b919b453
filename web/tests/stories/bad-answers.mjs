import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, startMock, story } from '../support.mjs';

const mock = () => ({ start: () => startMock('--rails', '--plc') });
/** What a hub of another version, or something else behind its address, may say. */
const WRONG = [{}, { recordings: null }, { recordings: [null] }, [], 'words', 7];

test('an answer that is none is said on its page, and the rest of the page goes on', () =>
  story(mock(), async ({ page, url }) => {
    let said = null;
    await page.route(/api\/v1\/(recordings|tests|routes|plc\/contexts\/[^/]+\/program)$/, (route) => (said === null ? route.fallback() : route.fulfill({ json: said })));
    await openLive(page, url);
    for (const name of ['Recordings', 'Tests']) {
      // What comes first is an object without its lists: each of these pages needs one.
      said = {};
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      const failed = page.locator('[data-page-failed]');
      await failed.getByText('This page could not show what the hub said').waitFor();
      assert.notEqual(await failed.locator('code').textContent(), '');
      await page.locator('[data-link=live]').waitFor();
      // Once the hub says what it should, another try shows it.
      said = null;
      await failed.getByRole('button', { name: 'Try again' }).click();
      await failed.waitFor({ state: 'detached' });
      await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor({ state: 'attached' });
      said = {};
      await page.reload();
      await failed.waitFor();
      // On the way to another page it is left behind.
      await page.getByRole('navigation').getByRole('link', { name: 'Signals', exact: true }).click();
      await failed.waitFor({ state: 'detached' });
      await page.getByRole('grid').waitFor();
    }
    // The routes are read before they are shown: what cannot be read is asked for again.
    said = { routes: [null] };
    await page.getByRole('navigation').getByRole('link', { name: 'Routes', exact: true }).click();
    await page.locator('[data-obstacle=failed]').getByText('The hub could not say its routes').waitFor();
    for (said of WRONG) {
      await page.goto(`${url}/#/recordings`);
      await page.reload();
      const told = page.locator('[data-page-failed], [data-obstacle=failed]');
      await told.waitFor();
      await page.locator('[data-link=live]').waitFor();
    }
  }));

test('a frame that is none is not taken, is counted where the link stands, and values go on', () =>
  story(mock(), async ({ page, url }) => {
    let say = null;
    await page.routeWebSocket(/api\/v1\/live/, (socket) => {
      const hub = socket.connectToServer();
      hub.onMessage((text) => socket.send(text));
      say = (text) => socket.send(text);
    });
    await openLive(page, `${url}/#/signals`);
    const link = page.locator('[data-link]');
    assert.equal(await link.getAttribute('data-strange'), null);
    const wrong = ['null', '{"type":"data"}', '{"type":"clock","mode":"scaled","rate":null,"running":true,"now_ms":1,"real_ms":1}', '{"type":"replay"}', '{"type":"snapshot","now_ms":1,"signals":[null]}', '[]', 'no json'];
    for (const text of wrong) say(text);
    await eventually('they are counted', async () => (await link.getAttribute('data-strange')) === String(wrong.length));
    assert.match(await link.getAttribute('title'), /7 messages of the hub were not understood/);
    const value = page.locator('[data-name="twin/line/ConveyorPosition"] .value');
    const before = await value.textContent();
    await eventually('values go on', async () => (await value.textContent()) !== before);
  }));

test('figures without their parts stand still, and the page says so', () =>
  story(mock(), async ({ page, url }) => {
    let isWrong = true;
    await page.route(/api\/v1\/clients$/, (route) => (isWrong ? route.fulfill({ json: { now_ms: 1, clients: [{ id: 1 }] } }) : route.fallback()));
    await openLive(page, url);
    await page.getByText(/Waiting for the hub at .*: the hub’s answer about its clients was not understood\./).waitFor();
    isWrong = false;
    await page.locator('[data-client]').first().waitFor();
    isWrong = true;
    await page.getByText('These figures stand still: the hub’s answer about its clients was not understood.').waitFor();
    assert.doesNotMatch(await page.locator('main').textContent(), /NaN|undefined/);
  }));
