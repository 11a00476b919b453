/**
 * A newcomer's first five minutes at the real hub, `CROSSTIE_BIN`, on the tour, `CROSSTIE_PROJECT`: is everything alive, what is there,
 * may I throw something, why does it stand, and where is that written. Once with the mouse, once by keyboard alone.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, pictures, restartable, story, tabTo } from '../support.mjs';

const SWITCH = 'twin/line/FaultSwitch';
const valueOf = async (url, name) => (await (await fetch(`${url}/api/v1/signals/${name}`)).json()).value;
const link = (page, name) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true });

/** What everybody sees first. */
async function arrives(page, url) {
  await openLive(page, url);
  await page.getByRole('heading', { name: 'Bottling line' }).waitFor();
  await page.locator('[data-watch]').first().waitFor();
  await eventually('values come in', async () => (await page.locator('main').textContent()).includes('updates per second'));
}

if (process.env.CROSSTIE_BIN && process.env.CROSSTIE_PROJECT) {
  const start = await restartable();

  test('with the mouse', () =>
    story({ start }, async ({ page, url }) => {
      await arrives(page, url);
      await pictures('newcomer-1', { overview: page });

      await link(page, 'Signals').click();
      await page.getByLabel('Filter by name').fill('faultsw');
      await page.locator(`[data-name="${SWITCH}"]`).click();
      const detail = page.locator(`[data-detail="${SWITCH}"]`);
      await detail.getByRole('button', { name: 'true' }).click();
      await detail.getByText('Written: true').waitFor();
      await page.getByLabel('Filter by name').fill('line/State');
      await page.locator('[data-name="twin/line/State"]').getByText('Fault').waitFor({ state: 'attached' });
      await detail.locator('[data-now]').getByText('true').waitFor();
      await pictures('newcomer-2', { signals: page });
      await detail.getByRole('button', { name: 'false' }).click();
      await detail.getByText('Written: false').waitFor();
      assert.equal(await valueOf(url, SWITCH), false);

      await link(page, 'PLC').click();
      await page.locator('[data-instruction]').first().waitFor();
      await pictures('newcomer-3', { plc: page });
      await link(page, 'Routes').click();
      await page.getByText('plc/line/').first().waitFor();
      await page.getByRole('link', { name: /^Manual/ }).first().click();
      await page.waitForURL(/manual\/page\?at=routes/);
      await page.getByRole('heading', { name: 'Routes' }).first().waitFor();
      await pictures('newcomer-4', { manual: page });
    }));

  test('by keyboard alone', () =>
    story({ start }, async ({ page, url }) => {
      const press = (key) => page.keyboard.press(key);
      await arrives(page, url);
      await tabTo(page, link(page, 'Signals'));
      await press('Enter');
      await page.getByLabel('Filter by name').waitFor();
      await press('/');
      await page.keyboard.type('faultsw');
      await eventually('one row is left', async () => (await page.locator('[role=row][data-name]').count()) === 1);
      await press('ArrowDown');
      await press('Enter');
      const detail = page.locator(`[data-detail="${SWITCH}"]`);
      await tabTo(page, detail.getByRole('button', { name: 'true' }));
      await press('Enter');
      await detail.getByText('Written: true').waitFor();
      await eventually('the line has a fault', async () => (await valueOf(url, 'twin/line/State')) === 'Fault');
      await tabTo(page, detail.getByRole('button', { name: 'false' }));
      await press('Enter');
      await detail.getByText('Written: false').waitFor();
      await press('Escape');
      await detail.waitFor({ state: 'detached' });

      await tabTo(page, link(page, 'PLC'));
      await press('Enter');
      await page.locator('[data-instruction]').first().waitFor();
      await press('?');
      await page.getByRole('heading', { name: /PLC/ }).first().waitFor();
      assert.match(page.url(), /#\/manual/);
    }));
}
