import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, story } from '../support.mjs';

/** Waits until the text of a part of the page has been two different things, both of them told by `isReal`. */
async function changes(locator, what, isReal) {
  const first = await eventually(`${what} is shown`, async () => {
    const text = await locator.textContent();
    return isReal(text) && text;
  });
  await eventually(`${what} changes from ${first}`, async () => {
    const text = await locator.textContent();
    return isReal(text) && text !== first;
  });
}

test('the first page shows that the plant is alive', () =>
  story({}, async ({ page, url }) => {
    await openLive(page, url);
    const isCount = (text) => /^[\d,]+$/.test(text);
    await changes(page.locator('[data-figure=generation]'), 'the generation', isCount);
    await eventually('updates come in', async () => {
      const text = await page.locator('[data-figure=updates-in]').textContent();
      return /[1-9]/.test(text);
    });
    await changes(page.locator('[data-watch="twin/line/ConveyorPosition"] .value .value'), 'a value', (text) => /\d/.test(text));
    await page.locator('[data-health=ok]').waitFor();
    await page.locator('[data-endpoint=line]').getByText('listening').waitFor();
    await page.locator('[data-client]').filter({ hasText: 'Practice twin' }).getByText('good').waitFor();
  }));

test('a pinned signal stands on the first page, and the way back closes what was opened', () =>
  story({}, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals?filter=TankLevel`);
    await page.locator('[data-name="twin/line/TankLevel"]').click();
    const detail = page.locator('[data-detail="twin/line/TankLevel"]');
    await detail.getByRole('button', { name: 'Put on the watch list' }).click();
    await detail.getByRole('button', { name: 'Take off the watch list' }).waitFor();
    await page.goBack();
    await detail.waitFor({ state: 'detached' });
    assert.equal(await page.getByLabel('Filter by name').inputValue(), 'TankLevel');

    await page.getByRole('link', { name: /^Overview/ }).click();
    await page.locator('[data-watch="twin/line/TankLevel"]').getByText('good').waitFor();
    assert.equal(await page.locator('[data-watch]').count(), 1);
    await page.locator('[data-watch] a').click();
    await detail.waitFor();
  }));
