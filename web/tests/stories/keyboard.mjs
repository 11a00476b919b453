import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, story, tabTo } from '../support.mjs';

test('everything is done without a mouse', () =>
  story({}, async ({ page, url }) => {
    const press = (key) => page.keyboard.press(key);
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: element } = document;
        return element?.getAttribute('role') ?? element?.getAttribute('aria-label') ?? element?.textContent.trim() ?? '';
      });
    const tabTo = (what) =>
      eventually(`the tabulator reaches ${what}`, async () => {
        await press('Tab');
        return (await focused()) === what;
      });

    await openLive(page, url);
    await tabTo('Signals');
    await press('Enter');
    await page.getByLabel('Filter by name').waitFor();

    await press('/');
    await page.keyboard.type('line/');
    const count = page.locator('[data-count]');
    await eventually('the filter has worked', async () => /^\d+ of /.test(await count.textContent()));
    await press('ArrowDown');
    assert.equal(await focused(), 'grid');

    const grid = page.getByRole('grid');
    const active = () => grid.evaluate((element) => document.getElementById(element.getAttribute('aria-activedescendant'))?.dataset.name);
    const first = await active();
    await press('ArrowDown');
    await eventually('the next row is active', async () => (await active()) !== first);
    await press('ArrowUp');
    await eventually('the first row is active again', async () => (await active()) === first);

    // A second slash goes back to the filter and selects what is there, so typing replaces it.
    await press('/');
    await page.keyboard.type('ResetCount');
    await eventually('one row is left', async () => (await page.locator('[role=row][data-name]').count()) === 1);
    await press('Enter');
    await eventually('it is the active one', async () => (await active()) === 'twin/line/ResetCount');
    await press('Enter');
    const detail = page.locator('[data-detail="twin/line/ResetCount"]');
    await detail.waitFor();
    await eventually('the first choice has the focus', async () => (await focused()) === 'false');
    await press('Tab');
    await press('Enter');
    await detail.getByText('Written: true').waitFor();
    await press('Shift+Tab');
    await press('Space');
    await detail.getByText('Written: false').waitFor();

    await press('Escape');
    await detail.waitFor({ state: 'detached' });
    assert.equal(await focused(), 'grid');
    await press('/');
    await press('Escape');
    assert.equal(await page.getByLabel('Filter by name').inputValue(), '');
  }));

test('whoever looks at signals all day lets rows stand closer, on this device', () =>
  story({}, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals`);
    const row = page.locator('[role=row][data-name]').first();
    const heightOf = async () => (await row.boundingBox()).height;
    await eventually('rows have room', async () => (await heightOf()) === 28);
    await tabTo(page, page.locator('[data-opens=who]'));
    await page.keyboard.press('Enter');
    const rows = page.getByRole('group', { name: 'Rows' });
    await tabTo(page, rows.getByText('comfortable'));
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await eventually('rows stand closer', async () => (await heightOf()) === 22);
    await page.keyboard.press('Escape');
    await page.locator('[data-sheet=who]').waitFor({ state: 'detached' });
    await page.reload();
    await eventually('and so they do the next time', async () => (await heightOf()) === 22);
  }));
