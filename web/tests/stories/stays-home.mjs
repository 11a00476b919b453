import test from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { openLive, startMock, story } from '../support.mjs';

const start = process.env.CROSSTIE_URL ? null : () => startMock('--plc', '--classroom', '--rails', '--history');
/** Bytes of everything that the first page loads, as gzip. */
const FIRST_PAGE_BYTES_MAX = 150_000;

test('no request leaves the host, whichever page is opened', () =>
  story({ start }, async ({ page, url }) => {
    const asked = [];
    const refused = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));

    await openLive(page, url);
    await page.locator('[data-watch]').first().waitFor();
    await page.locator('nav').getByRole('link', { name: 'Classroom' }).waitFor();
    const pages = await page.locator('nav a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    assert.ok(pages.length >= 8, `the pages are ${pages}`);
    for (const each of [...pages, '#/routes?view=graph', '#/manual']) {
      await page.evaluate((to) => (location.hash = to), each);
      await page.locator('main :is(h1, h2)').first().waitFor({ state: 'attached' });
    }
    await page.getByRole('link', { name: 'Signals', exact: true }).click();
    await page.locator('[role=row][data-name]').first().click();
    await page.locator('[data-detail]').waitFor();
    await page.goto(`${url}/#/no/such/page`);
    await page.getByText('There is no page').waitFor();

    const { host } = new URL(url);
    assert.ok(asked.some((address) => address.startsWith('ws:')), 'the live channel was seen');
    assert.deepEqual(asked.filter((address) => !address.startsWith('data:') && new URL(address).host !== host), []);
    assert.deepEqual(refused, []);
  }));

test('the first page is small, and the others come when they are opened', () =>
  story({ start }, async ({ page, url, hub }) => {
    const files = [];
    page.on('request', (request) => {
      if (['document', 'script', 'stylesheet', 'image', 'font'].includes(request.resourceType()) && !request.url().startsWith('data:')) files.push(request.url());
    });
    // A hub without PLC, classroom and the like is what somebody sees who has just begun.
    const bare = hub ? await startMock() : null;
    try {
      await openLive(page, bare?.url ?? url);
      await page.locator('[data-watch]').first().waitFor();
      const first = [...files];
      let bytes = 0;
      for (const file of first.filter((each) => !/\/(Plc|Classroom)-/.test(each))) {
        bytes += gzipSync(Buffer.from(await (await fetch(file)).arrayBuffer())).length;
      }
      assert.ok(bytes > 20_000 && bytes < FIRST_PAGE_BYTES_MAX, `the first page has ${bytes} bytes: ${first}`);
      await page.evaluate(() => (location.hash = '#/routes'));
      await page.getByRole('heading', { name: 'Routes' }).first().waitFor({ state: 'attached' });
      assert.ok(files.slice(first.length).some((file) => /\/Routes-/.test(file)), 'the page of routes came when it was opened');
    } finally {
      await bare?.stop();
    }
  }));
