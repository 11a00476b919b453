import test from 'node:test';
import assert from 'node:assert/strict';
import { openLive, story } from '../support.mjs';

test('no request leaves the host', () =>
  story({}, async ({ page, url }) => {
    const asked = [];
    const refused = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));

    await openLive(page, url);
    await page.locator('[data-watch]').first().waitFor();
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
