import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, startMock, story } from '../support.mjs';

test('links tell their state, when they are tried again and why they failed', () =>
  story({ start: () => startMock('--links') }, async ({ page, url }) => {
    await openLive(page, url);
    const packer = page.locator('[data-endpoint=packer]');
    await packer.locator('[data-state=waiting]').waitFor();
    await packer.getByText('connection refused by 192.168.1.31:1241').waitFor();
    const next = packer.locator('[data-next-attempt]');
    const first = await next.textContent();
    await eventually('the next attempt counts down', async () => (await next.textContent()) !== first);
    await eventually('a further failure is counted', async () => /^([5-9]|\d\d) failures/.test(await packer.locator('[data-failures]').textContent()));
    // The picture above shows it grey, and the one that is up not.
    await page.locator('[data-peer=packer].down').getByText('waiting').waitFor();
    await page.locator('[data-peer=press].up').waitFor();

    const oven = page.locator('[data-endpoint=oven]');
    assert.equal(await oven.getByRole('button', { name: 'Disconnect' }).count(), 0);
    await oven.getByRole('button', { name: 'Connect', exact: true }).click();
    await oven.locator('[data-state=connected]').waitFor();
    await oven.getByRole('button', { name: 'Disconnect' }).click();
    await oven.locator('[data-state=off]').waitFor();
    await oven.getByText('does not connect it again by itself').waitFor();
  }));

test('a trial connection says what it found, or where it failed', () =>
  story({ start: () => startMock('--links') }, async ({ page, url }) => {
    await openLive(page, url);
    const press = page.locator('[data-endpoint=press]');
    await press.getByRole('button', { name: 'Test connection' }).click();
    await press.getByText('round trip 0.31 ms. Its catalog has 24 signals').waitFor();
    const packer = page.locator('[data-endpoint=packer]');
    await packer.getByRole('button', { name: 'Test connection' }).click();
    await packer.getByText('It failed at connecting: connection refused').waitFor();
  }));

test('an import says what it waits for, can be left, and tells what it brought', () =>
  story({ start: () => startMock('--links', '--hold-imports') }, async ({ page, url }) => {
    await openLive(page, url);
    const press = page.locator('[data-endpoint=press]');
    const start = press.getByRole('button', { name: 'Import signals' });
    await start.click();
    await press.getByText('Waiting for the catalog …').waitFor();
    assert.ok(await start.isDisabled(), 'one import at a time');
    await press.getByRole('button', { name: 'Stop waiting' }).click();
    await press.getByText('No longer waiting').waitFor();

    await start.click();
    await press.getByText('Waiting for the catalog …').waitFor();
    await eventually('the import is answered', async () => {
      await fetch(`${url}/mock/answer`, { method: 'POST' });
      return press.getByText('24 signals found, 2 new.').isVisible();
    });
  }));
