import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, startMock, story } from '../support.mjs';

test('the page works in a folder of a reverse proxy and asks for nothing outside of it', () =>
  story({ start: () => startMock('--keys', '--links', '--prefix', '/line') }, async ({ page, url }) => {
    const { origin } = new URL(url);
    const asked = [];
    const failed = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url().replace('ws:', 'http:').replace(/\?.*/, '')));
    // A hub without a class says so with 404 when it is asked for one.
    const isNoClass = (response) => response.url() === `${origin}/line/api/v1/classroom`;
    page.on('response', (response) => response.status() === 404 && !isNoClass(response) && failed.push(response.url()));

    await page.goto(`${url}/#/signals?filter=SpeedSetpoint`);
    await enterKey(page, 'ct_engineer');
    await page.locator('[data-name="twin/line/SpeedSetpoint"]').click();
    await page.getByLabel('New value of').fill('120');
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    await page.getByText('Written: 120').waitFor();
    assert.ok(page.url().startsWith(`${origin}/line/#/signals?`), page.url());

    await page.getByRole('link', { name: 'Overview' }).first().click();
    const press = page.locator('[data-endpoint=press]');
    await press.getByRole('button', { name: 'Import signals' }).click();
    await press.getByText('24 signals found').waitFor();
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.locator('[data-setting]').first().waitFor();
    await page.reload();
    await page.locator('[data-setting]').first().waitFor();
    await page.goBack();
    await press.waitFor();

    await eventually('the live channel was seen', () => asked.includes(`${origin}/line/api/v1/live`));
    assert.deepEqual(asked.filter((address) => !address.startsWith('data:') && !address.startsWith(`${origin}/line/`)), []);
    assert.deepEqual(failed, []);
  }));
