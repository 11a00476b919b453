import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, startMock, story } from '../support.mjs';

const COUNT = 100_018;
/** More rows than this exist as elements only if the table has stopped being virtual. */
const ELEMENTS_MAX = 150;

test('a hundred thousand rows scroll, and only what is on screen is asked for', () =>
  story({ start: () => startMock('--signals', '100000') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals`);
    // The first rows are there before the catalog is whole.
    await page.locator('[data-name="twin/line/Run"]').waitFor();
    await page.locator('[data-count]').getByText(`${COUNT.toLocaleString('en-US')} signals`, { exact: true }).waitFor();

    const grid = page.getByRole('grid');
    const rows = page.locator('[role=row][data-name]');
    assert.equal(await grid.getAttribute('aria-rowcount'), String(COUNT + 1));

    for (const part of [0.25, 0.5, 0.75, 1, 0]) {
      await grid.evaluate((element, to) => (element.scrollTop = (element.scrollHeight - element.clientHeight) * to), part);
      const middle = await eventually(`a row stands in the middle of the table at ${part}`, () =>
        grid.evaluate((element) => {
          const { left, top, width, height } = element.getBoundingClientRect();
          return document.elementFromPoint(left + width / 3, top + height / 2)?.closest('[data-name]')?.dataset.name;
        }),
      );
      assert.ok((await rows.count()) < ELEMENTS_MAX, `the table holds ${await rows.count()} rows as elements`);
      await eventually(`the view of the hub is the screen around ${middle}`, async () => {
        const { views } = await (await fetch(`${url}/mock/state`)).json();
        return views.length === 1 && views[0] > 10 && views[0] < ELEMENTS_MAX;
      });
    }

    await grid.focus();
    await page.keyboard.press('End');
    await page.locator('[data-name="plc/PLC1/Area99/Point99999"]').waitFor();
    await page.keyboard.press('Home');
    await page.locator('[data-name="twin/line/Run"]').waitFor();

    await page.getByLabel('Filter by name').fill('point99998');
    await eventually('one row is left', async () => (await rows.count()) === 1);
    await page.locator('[data-count]').getByText('1 of 100,018 signals').waitFor();

    await page.getByLabel('Filter by name').fill('');
    await page.getByRole('button', { name: 'bad', exact: true }).click();
    await eventually('the hub has named the bad one', async () => (await rows.count()) === 1);
    assert.equal(await rows.getAttribute('data-name'), 'twin/line/CapTorque');
  }));
