import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, startMock, story } from '../support.mjs';

/**
 * The values of all rows on the screen, as they are read aloud, and whether the canvas over each row shows the same words: every
 * pixel of it, wherever in the height of the row they stand.
 */
function valuesOn(page) {
  return page.evaluate(() => {
    const canvases = [...document.querySelectorAll('[data-values] canvas')];
    /** The pixels of a part of a canvas without the empty lines above and below. */
    const pixelsOf = (ctx, left, top, width, height) => {
      const { data } = ctx.getImageData(left, top, width, height);
      const lines = Array.from({ length: height }, (_, line) => data.slice(line * width * 4, (line + 1) * width * 4));
      const isInk = (line) => line.some((part) => part > 0);
      return lines.slice(lines.findIndex(isInk), lines.findLastIndex(isInk) + 1).map((line) => line.join()).join('\n');
    };
    const screen = document.querySelector('[role=grid]').getBoundingClientRect();
    const values = {};
    for (const row of document.querySelectorAll('[role=row][data-name]')) {
      const cell = row.querySelector('.cell-value').getBoundingClientRect();
      if (cell.top < screen.top || cell.bottom > screen.bottom) continue;
      const text = document.getElementById(row.querySelector('.cell-value').getAttribute('aria-labelledby')).textContent;
      const canvas = canvases.find((each) => each.getBoundingClientRect().top <= cell.top && each.getBoundingClientRect().bottom >= cell.bottom);
      const place = canvas.getBoundingClientRect();
      const isEmpty = text === '(empty)';
      const isLost = document.querySelector('.lost') !== null;
      const style = getComputedStyle(row.querySelector('.mono'));
      const own = document.createElement('canvas').getContext('2d');
      own.font = `${isEmpty || isLost ? 'italic' : 'normal'} ${text === 'true' ? 600 : 400} ${style.fontSize} ${style.fontFamily}`;
      const width = Math.min(Math.ceil(own.measureText(text).width), canvas.width);
      [own.canvas.width, own.canvas.height] = [canvas.width, 60];
      own.font = `${isEmpty || isLost ? 'italic' : 'normal'} ${text === 'true' ? 600 : 400} ${style.fontSize} ${style.fontFamily}`;
      const probe = document.body.appendChild(document.createElement('span'));
      probe.style.color = `var(${isEmpty || isLost ? '--text-soft' : text === 'true' ? '--true' : '--text'})`;
      own.fillStyle = getComputedStyle(probe).color;
      probe.remove();
      own.textAlign = 'right';
      own.fillText(text, canvas.width, 40);
      const wanted = pixelsOf(own, canvas.width - width, 0, width, 60);
      const drawn = pixelsOf(canvas.getContext('2d'), canvas.width - width, Math.round(cell.top - place.top), width, Math.round(cell.height));
      const isInPlace = Math.abs(place.right - cell.right) < 0.5;
      values[row.dataset.name] = { text, isDrawn: wanted !== '' && drawn === wanted, isInPlace };
    }
    return values;
  });
}

/** All that is on the screen is drawn as it is read; gives the texts. */
async function agree(page, when) {
  const values = await valuesOn(page);
  assert.ok(Object.keys(values).length > 0, when);
  for (const [name, { text, isDrawn, isInPlace }] of Object.entries(values)) {
    assert.ok(isDrawn, `${when}: ${name} is read ${text}, and something else is drawn`);
    assert.ok(isInPlace, `${when}: ${name} is not drawn in its column`);
  }
  return Object.fromEntries(Object.entries(values).map(([name, { text }]) => [name, text]));
}

test('what is drawn of a value is what is read aloud', () =>
  story({ start: () => startMock() }, async ({ page, url, hub }) => {
    await openLive(page, `${url}/#/signals`);
    await page.locator('[data-name="twin/line/Run"]').waitFor();
    const values = await eventually('values are there', async () => {
      const now = await agree(page, 'at the beginning');
      return now['twin/line/SpeedSetpoint'] === '200.000' && now;
    });
    assert.deepEqual([values['twin/line/FaultSwitch'], values['twin/line/Recipe']], ['false', 'Water 0.5 l']);
    await eventually('a value has changed', async () => (await agree(page, 'while values change'))['twin/line/ConveyorPosition'] !== values['twin/line/ConveyorPosition']);

    await page.getByLabel('Filter by name').fill('line/s');
    await eventually('few rows are left', async () => Object.keys(await agree(page, 'with a filter')).length === 4);
    await page.getByLabel('Filter by name').fill('');
    await page.locator('[data-name="twin/line/SpeedSetpoint"]').click();
    const detail = page.locator('[data-detail="twin/line/SpeedSetpoint"]');
    await detail.getByLabel('New value of').fill('123');
    await detail.getByRole('button', { name: 'Write', exact: true }).click();
    await eventually('the column has moved and shows what was written', async () => (await agree(page, 'beside the detail'))['twin/line/SpeedSetpoint'] === '123.000');
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });

    await page.emulateMedia({ colorScheme: 'dark' });
    await eventually('the colours are those of the night', async () => Object.values(await valuesOn(page)).every(({ isDrawn }) => isDrawn));
    await page.setViewportSize({ width: 390, height: 844 });
    await eventually('a phone shows them, too', async () => Object.values(await valuesOn(page)).every(({ isDrawn, isInPlace }) => isDrawn && isInPlace));
    await page.setViewportSize({ width: 1280, height: 720 });

    await hub.stop('SIGKILL');
    await page.locator('[data-banner=lost]').waitFor();
    await eventually('what is not live is grey', async () => Object.values(await valuesOn(page)).every(({ isDrawn }) => isDrawn));
  }));

test('who points at a value sees all of it, and sees it change', () =>
  story({}, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals?filter=ConveyorPosition`);
    const cell = page.locator('[data-name="twin/line/ConveyorPosition"] .cell-value');
    assert.equal(await cell.getAttribute('title'), null);
    await cell.hover();
    const first = await eventually('all of it is there', () => cell.getAttribute('title'));
    await eventually('it follows', async () => (await cell.getAttribute('title')) !== first);
    await page.getByLabel('Filter by name').hover();
    await eventually('nobody points at it any more', async () => (await cell.getAttribute('title')) === '');
  }));
