/** The ladder as a tool of whoever commissions a machine: where a place is used, finding, breakpoints, forces, formats and paper. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { violations } from '../axe.mjs';
import { eventually, openLive, pictures, startMock, story } from '../support.mjs';

const plcMock = (...args) => ({ start: () => startMock('--plc', ...args) });
const long = { start: () => startMock('--plc-rungs', '1000') };
const ladder = (page) => page.getByRole('grid', { name: /Ladder/ });
const lit = (page, instruction) => page.locator(`[data-instruction="${instruction}"][data-on]`);
const state = (page, word) => page.locator(`[data-plc-state=${word}]`).waitFor();
const field = (page) => page.getByRole('searchbox', { name: 'Find in the program' });

/** The target that the keyboard is at, by its address. */
const at = (page) => ladder(page).evaluate((grid) => document.getElementById(grid.getAttribute('aria-activedescendant'))?.dataset.target ?? null);

async function expectAt(page, address, rung) {
  await eventually(`the keyboard is at ${address} in rung ${rung}`, async () => (await at(page)) === address && (await ladder(page).getAttribute('aria-activedescendant')).startsWith(`rung-${rung}-`));
}

test('where a place is written and read, and what is odd about places', () =>
  story({ start: () => startMock('--plc', '--rails') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await lit(page, 4).waitFor();
    await ladder(page).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expectAt(page, 'O:0/0', 0);
    await page.keyboard.press('x');
    const pane = page.locator('[data-cross="O:0/0"]');
    await pane.locator('[data-use="0 OTE"]').getByText('writes').waitFor();
    await pane.locator('[data-use="6 XIO"]').getByText('reads').waitFor();
    await eventually('the list has the keyboard', () => pane.locator('[data-use="0 OTE"]').evaluate((line) => line === document.activeElement));
    // The rung that the ladder is at takes a breakpoint from here, too, and Escape leads back.
    await page.keyboard.press('b');
    const breakpoint = (pressed) => page.getByRole('button', { name: 'Breakpoint at rung 0', pressed }).waitFor();
    await breakpoint(true);
    await page.keyboard.press('b');
    await breakpoint(false);
    await page.keyboard.press('Escape');
    await eventually('the ladder has the keyboard', () => ladder(page).evaluate((grid) => grid === document.activeElement));
    await page.keyboard.press('x');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expectAt(page, 'O:0/0', 1);

    await pane.getByRole('button', { name: 'All places' }).click();
    const row = (address) => page.locator(`[data-cross-row="${address}"]`);
    await row('B:3/7').locator('[data-mark=forced]').waitFor();
    await row('B:3/7').locator('[data-mark=unwritten]').waitFor();
    const filter = page.getByRole('searchbox', { name: 'Filter places' });
    await filter.fill('Horn');
    await row('O:0/2').locator('[data-mark=double]').waitFor();
    await eventually('one place passes', async () => (await page.locator('[data-cross-row]').count()) === 1);
    await row('O:0/2').click();
    await page.locator('[data-cross="O:0/2"] [data-use="7 OTE"]').click();
    await expectAt(page, 'O:0/2', 7);

    await page.locator('[data-rung="7"] [data-target="I:0/3"]').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cross reference' }).click();
    await page.locator('[data-cross="I:0/3"] [data-use="0 XIC"]').waitFor();
    // In the sheet the key does what it says there, but in a field it is a letter.
    await page.locator('[data-rung="7"] [data-target="I:0/3"]').click();
    const reason = page.getByRole('dialog').getByRole('textbox').first();
    await reason.press('x');
    assert.equal(await reason.inputValue(), 'x');
    await page.getByRole('dialog').getByRole('button', { name: 'Cross reference' }).focus();
    await page.keyboard.press('x');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await eventually('the list has the keyboard again', () => page.locator('[data-cross="I:0/3"] [data-use]').first().evaluate((line) => line === document.activeElement));
    assert.deepEqual(await violations(page), []);
  }));

test('what routes write is marked, as far as the hub tells them', () =>
  story({ start: () => startMock('--plc', '--rails') }, async ({ page, url }) => {
    await fetch(`${url}/api/v1/routes`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ from: 'twin/line/Run', to: 'plc/line/Ready', on_stale: 'hold' }) });
    await openLive(page, `${url}/#/plc`);
    await page.getByRole('tab', { name: 'Cross ref' }).click();
    await page.locator('[data-cross-row="B:3/0"] [data-mark=fed]').waitFor();
    assert.equal(await page.locator('[data-no-routes]').count(), 0);
    await page.locator('[data-cross-row="B:3/0"]').click();
    const feeder = page.locator('[data-feeder]');
    await feeder.getByText('plc/line/Level').waitFor();
    const id = await feeder.getAttribute('data-feeder');
    await feeder.getByRole('link').click();
    await page.locator(`[data-fate="${id}"]`).waitFor();
  }));

test('finding by symbol, description and number, with the keyboard alone', () =>
  story(plcMock(), async ({ page, url }) => {
    const press = (key) => page.keyboard.press(key);
    await openLive(page, `${url}/#/plc`);
    await lit(page, 4).waitFor();
    await ladder(page).focus();
    await press('/');
    await page.keyboard.type('horn');
    await eventually('everything that is called so is counted', async () => Number(await page.locator('[data-found]').getAttribute('data-found')) >= 4);
    await page.locator('.target.hit').first().waitFor();
    await page.locator('mark', { hasText: 'Horn' }).first().waitFor();
    await press('Escape');
    await eventually('nothing is marked', async () => (await page.locator('.target.hit, mark').count()) === 0);

    await press('Control+f');
    await page.keyboard.type('light barrier');
    await expectAt(page, 'I:0/2', 1);
    await press('F3');
    await expectAt(page, 'I:0/2', 2);
    await press('Shift+F3');
    await expectAt(page, 'I:0/2', 1);
    await field(page).fill('tank level');
    await expectAt(page, 'N:8', 3);
    await field(page).fill('7');
    await press('Enter');
    await eventually('rung 7 has the keyboard', async () => (await ladder(page).getAttribute('aria-activedescendant')) === 'rung-7' && (await ladder(page).evaluate((grid) => grid === document.activeElement)));
    await press('/');
    await page.keyboard.type('no such thing');
    await page.getByText('nothing found').waitFor();
  }));

test('a debugger by keys: breakpoint, the rung that comes next, and why something cannot be', () =>
  story(plcMock(), async ({ page, url }) => {
    const press = (key) => page.keyboard.press(key);
    await openLive(page, `${url}/#/plc`);
    await lit(page, 4).waitFor();
    await press('F10');
    await page.getByText('Step rung is not possible: It runs').waitFor();
    await press('F6');
    await state(page, 'Paused');
    await press('F10');
    await page.locator('[data-rung="1"][data-next]').waitFor();
    await pictures('ladder', { step: page });

    // Whoever goes to look elsewhere is not called back, and finds the way.
    await ladder(page).focus();
    await press('End');
    await page.locator('[data-back]').getByText('Back to rung 1').waitFor();
    await press('F10');
    await page.locator('[data-back]').getByText('Back to rung 2').waitFor();
    await page.locator('[data-rung="7"]').waitFor();
    await page.locator('[data-back]').click();
    await page.locator('[data-rung="2"][data-next]').waitFor();
    await page.locator('[data-back]').waitFor({ state: 'detached' });

    await press('Home');
    await press('b');
    await page.getByRole('button', { name: 'Breakpoints: 1' }).focus();
    await press('Enter');
    await page.locator('[data-breakpoint="0"]').getByText('Conveyor').waitFor();
    await press('Escape');
    await press('F5');
    await page.getByText('at the breakpoint of rung 0').waitFor();
    await page.getByRole('button', { name: 'Breakpoints: 1' }).click();
    await page.getByRole('button', { name: 'Remove all' }).click();
    await page.getByRole('button', { name: 'Breakpoints: 0' }).waitFor();
    await press('Escape');
    await press('F5');
    await state(page, 'Running');
  }));

test('forces stand above the ladder, and lead from one to the next', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-force-band="1"]').getByText('1 force active').waitFor();
    await ladder(page).focus();
    await page.keyboard.press('f');
    await expectAt(page, 'B:3/7', 7);
    await page.locator('[data-rung="7"] .pennant:not(.none)').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await page.locator('[data-force-band]').waitFor({ state: 'detached' });
    await eventually('no pennant is left', async () => (await page.locator('.pennant:not(.none)').count()) === 0);
  }));

test('a number has its format in the ladder and in the memory, also after the page was loaded again', () =>
  story(plcMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-rung="2"] [data-target="C:5.PRE"]').click();
    const menu = page.getByRole('dialog');
    await menu.getByRole('button', { name: 'hex' }).click();
    await page.locator('[data-rung="2"] .value', { hasText: /^0x18$/ }).waitFor();
    await page.reload();
    await page.locator('[data-rung="2"] .value', { hasText: /^0x18$/ }).waitFor();
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.getByRole('button', { name: 'C Counters' }).click();
    await page.locator('[data-place="C:5"]').getByText('0x18').waitFor();
  }));

test('a thousand rungs: few are elements, and what does not change is not touched', () =>
  story(long, async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-rung="1"] .bit', { hasText: /^[01]$/ }).first().waitFor();
    // Rung 0 follows a button that nobody presses, rung 1 the bottles.
    const counted = await page.evaluate(async () => {
      const counts = { 0: 0, 1: 0 };
      const before = document.querySelector('[data-rung="0"]');
      await new Promise((resolve) => {
        const observer = new MutationObserver((records) => {
          for (const { target } of records) {
            const rung = (target instanceof Element ? target : target.parentElement)?.closest('[data-rung]')?.dataset.rung;
            if (rung in counts) counts[rung] += 1;
          }
          if (counts[1] > 40) {
            observer.disconnect();
            resolve();
          }
        });
        observer.observe(document.querySelector('[data-ladder]'), { attributes: true, childList: true, characterData: true, subtree: true });
      });
      return { ...counts, isSame: before === document.querySelector('[data-rung="0"]') };
    });
    assert.equal(counted[0], 0);
    assert.ok(counted.isSame);

    // Heights are known before: the end is where it was said to be, and the bar does not move on the way.
    const heights = await ladder(page).evaluate(async (grid) => {
      const found = new Set();
      for (let step = 0; step <= 20; step += 1) {
        grid.scrollTop = (step / 20) * grid.scrollHeight;
        await new Promise(requestAnimationFrame);
        found.add(grid.scrollHeight);
      }
      return [...found];
    });
    assert.equal(heights.length, 1);
    await page.locator('[data-rung="999"]').waitFor();
    assert.ok((await page.locator('[data-rung]').count()) < 20);
    assert.ok((await page.locator('[data-ladder] *').count()) < 1_500);
    const overlaps = await page.evaluate(() => {
      const boxes = [...document.querySelectorAll('[data-rung]')].map((rung) => ({ top: rung.getBoundingClientRect().top, bottom: rung.getBoundingClientRect().bottom, inner: rung.querySelector('svg').getBoundingClientRect().bottom }));
      return boxes.filter(({ bottom, inner }) => inner > bottom).length;
    });
    assert.equal(overlaps, 0);
  }));

test('the ladder on paper has every rung and nothing else', () =>
  story({ start: () => startMock('--plc-rungs', '120') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-rung="0"]').waitFor();
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('[data-rung]').count(), 120);
    await page.locator('[data-rung="119"]').waitFor();
    assert.equal(await page.getByRole('button').filter({ visible: true }).count() - (await page.locator('.breakpoint').count()), 0);
    await page.emulateMedia({ media: 'screen' });
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    await eventually('the screen has few again', async () => (await page.locator('[data-rung]').count()) < 20);
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`the ladder as a tool is accessible in ${colorScheme}`, () =>
    story({ ...plcMock(), context: { colorScheme } }, async ({ page, url }) => {
      await openLive(page, `${url}/#/plc`);
      await lit(page, 4).waitFor();
      await field(page).fill('horn');
      await page.locator('.target.hit').first().waitFor();
      await page.getByRole('tab', { name: 'Cross ref' }).click();
      await page.locator('[data-cross-row="B:3/7"]').waitFor();
      assert.deepEqual(await violations(page), [], 'finding and all places');
      await pictures('ladder', { find: page });
      await page.getByRole('button', { name: 'Keys of the ladder' }).click();
      await page.locator('[data-sheet=keys]').waitFor();
      assert.deepEqual(await violations(page), [], 'keys');
      await pictures('ladder', { keys: page });
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Breakpoint at rung 1' }).click();
      await page.locator('[data-rung="1"][data-next]').waitFor();
      await page.locator('[data-cross-row="O:0/2"]').click();
      await page.locator('[data-cross="O:0/2"]').waitFor();
      assert.deepEqual(await violations(page), [], 'a step and one place');
      await pictures('ladder', { cross: page });
    }));
}
