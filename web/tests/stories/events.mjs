import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, startMock, story } from '../support.mjs';

test('events are acknowledged one by one, and stay in view when they are over', () =>
  story({ start: () => startMock('--problems') }, async ({ page, url }) => {
    await openLive(page, url);
    const list = page.locator('[data-problem]');
    const ids = () => list.evaluateAll((rows) => rows.map((row) => row.dataset.problem));
    const conflict = page.locator('[data-problem="conflict:twin/line/Run"]');
    await conflict.getByText('3 times').waitFor();
    assert.deepEqual(await ids(), ['port:hmi', 'conflict:twin/line/Run'], 'errors before warnings');
    await page.locator('nav .count').getByText('2').waitFor();

    await page.getByRole('button', { name: /^Acknowledge hmi/ }).click();
    await eventually('the acknowledged one stands below', async () => (await ids())[0] === 'conflict:twin/line/Run');
    await page.locator('[data-problem="port:hmi"]').getByText('acknowledged').waitFor();
    await page.locator('nav .count').getByText('1').waitFor();

    await fetch(`${url}/mock/solve?id=${encodeURIComponent('conflict:twin/line/Run')}`, { method: 'POST' });
    await conflict.getByText('over; shown until you come back').waitFor();
    await page.getByRole('link', { name: 'Signals', exact: true }).click();
    await page.locator('[data-count]').waitFor();
    await page.getByRole('link', { name: 'Overview' }).first().click();
    await list.first().waitFor();
    assert.deepEqual(await ids(), ['port:hmi']);
  }));

test('all events can be acknowledged at once, and no event is said in words', () =>
  story({ start: () => startMock('--problems') }, async ({ page, url }) => {
    await openLive(page, url);
    await page.getByRole('button', { name: 'Acknowledge all 2' }).click();
    await page.locator('nav .count').waitFor({ state: 'detached' });
    for (const id of ['port:hmi', 'conflict:twin/line/Run']) await fetch(`${url}/mock/solve?id=${encodeURIComponent(id)}`, { method: 'POST' });
    await eventually('both are over', async () => (await page.locator('[data-gone]').count()) === 2);
    await page.goto(`${url}/#/signals`);
    await page.locator('[data-count]').waitFor();
    await page.goto(`${url}/#/`);
    await page.getByText('None. A lost link').waitFor();
    await page.getByText('Everything is well').waitFor();
  }));
