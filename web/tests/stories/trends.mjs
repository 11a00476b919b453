/** Trends: live, held and from the history, by mouse and by keyboard, on a phone, and as a picture and a table. */

import { readFileSync } from 'node:fs';
import test from 'node:test';
import assert from 'node:assert/strict';
import { violations } from '../axe.mjs';
import { eventually, openLive, startMock, story } from '../support.mjs';

const withHistory = () => startMock('--history');
const turn = (url, word) => fetch(`${url}/mock/${word}`, { method: 'POST' });

/** A number that an element tells of itself. */
const told = async (locator, key) => Number(await locator.getAttribute(key));
const legend = (page, name) => page.locator(`[data-legend="twin/line/${name}"]`);

/** Waits for so many further pictures. */
async function pictures(page, count) {
  const before = await told(page.locator('[data-trends]'), 'data-picture');
  await eventually('the picture follows', async () => (await told(page.locator('[data-trends]'), 'data-picture')) >= before + count);
}

/** How many pixels of a lane's canvas have a colour of a line, in a part of its plot from 0 to 1. */
function inked(page, lane, from, to) {
  return page.locator(`[data-lane="${lane}"] canvas`).evaluate((canvas, [begin, end]) => {
    const left = Math.round(58 * devicePixelRatio);
    const width = canvas.width - left - Math.round(24 * devicePixelRatio);
    const [first, last] = [left + Math.round(begin * width), left + Math.round(end * width)];
    const { data } = canvas.getContext('2d').getImageData(first, 0, last - first, canvas.height);
    let count = 0;
    for (let index = 0; index < data.length; index += 4) {
      const colours = [data[index], data[index + 1], data[index + 2]];
      if (data[index + 3] > 120 && Math.max(...colours) - Math.min(...colours) > 40) count += 1;
    }
    return count;
  }, [from, to]);
}

/** What a click on an entry of the export menu saves. */
async function exported(page, entry) {
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: entry }).click()]);
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
}

test('signals are found, added, moved, hidden and removed with the mouse, and the address keeps them', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends`);
    await page.getByText('No signal is chosen yet').waitFor();
    const field = page.getByRole('combobox', { name: 'Add a signal' });
    for (const name of ['TankLevel', 'FillerOpen', 'State']) {
      await field.fill(name.toLowerCase());
      await page.getByRole('option', { name: `twin/line/${name}` }).click();
      await legend(page, name).waitFor();
    }
    await page.locator('[data-kind=analog] canvas').waitFor();
    await page.locator('[data-kind=digital] canvas').waitFor();
    await page.locator('[data-kind=bus] canvas').waitFor();
    await eventually('the address has them', async () => decodeURIComponent(page.url()).includes('signals=twin/line/TankLevel,twin/line/FillerOpen,twin/line/State'));

    const order = () => page.locator('[data-legend]').evaluateAll((rows) => rows.map((row) => row.dataset.legend.split('/').at(-1)));
    await legend(page, 'State').dragTo(legend(page, 'TankLevel'), { targetPosition: { x: 40, y: 3 } });
    assert.deepEqual(await order(), ['State', 'TankLevel', 'FillerOpen']);
    await legend(page, 'FillerOpen').getByRole('button').click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await eventually('it is gone', async () => (await order()).length === 2);
    await legend(page, 'TankLevel').getByRole('button').click();
    await page.getByRole('menuitem', { name: 'Hide' }).click();
    await eventually('the address says hidden', async () => page.url().includes('hide=2'));

    await page.reload();
    await legend(page, 'State').waitFor();
    assert.deepEqual(await order(), ['State', 'TankLevel']);
    await page.goBack();
  }));

test('everything by keyboard alone: add, hold, zoom, two cursors, move a signal, save and open again', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends`);
    const trends = page.locator('[data-trends]');
    await page.getByRole('combobox', { name: 'Add a signal' }).focus();
    await page.keyboard.type('twin/line/Sensor*');
    await page.getByText('Enter adds all 2').waitFor();
    await page.keyboard.press('Enter');
    await legend(page, 'SensorInfeed').waitFor();
    await legend(page, 'SensorFiller').waitFor();
    await page.keyboard.type('tankl');
    await page.getByRole('option', { name: 'TankLevel' }).waitFor();
    await page.keyboard.press('Enter');
    await legend(page, 'TankLevel').waitFor();

    await page.getByRole('region', { name: /^Lanes/ }).focus();
    await page.keyboard.press('Space');
    await page.locator('[data-trends=held]').waitFor();
    const span = async () => (await told(trends, 'data-to')) - (await told(trends, 'data-from'));
    assert.equal(Math.round(await span()), 60_000);
    await page.keyboard.press('+');
    await eventually('half of the time is seen', async () => Math.round(await span()) === 30_000);
    const from = await told(trends, 'data-from');
    await page.keyboard.press('ArrowLeft');
    await eventually('the view has moved', async () => Math.abs((await told(trends, 'data-from')) - (from - 3_000)) < 2);

    await page.keyboard.press('a');
    await page.keyboard.press('b');
    const cursors = page.locator('[data-cursors]');
    await cursors.locator('[data-between]').waitFor();
    for (let press = 0; press < 10; press += 1) await page.keyboard.press('Shift+ArrowRight');
    await eventually('B has moved', async () => /Δt [1-9]/.test(await cursors.locator('[data-between]').innerText()));
    await page.keyboard.press('Escape');
    await page.keyboard.press('End');
    await page.locator('[data-trends=live]').waitFor();

    await legend(page, 'TankLevel').getByRole('button').focus();
    await page.keyboard.press('Alt+ArrowUp');
    await eventually('it stands above', async () => (await page.locator('[data-legend]').evaluateAll((rows) => rows.map((row) => row.dataset.legend)))[1] === 'twin/line/TankLevel');

    await page.getByRole('button', { name: 'Saved' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Name', { exact: true }).focus();
    await page.keyboard.type('Tank and sensors');
    await page.keyboard.press('Enter');
    await page.getByText('Saved on this device as Tank and sensors').waitFor();
    await page.keyboard.press('Escape');
    await page.goto(`${url}/#/trends`);
    await page.getByRole('link', { name: 'Tank and sensors' }).focus();
    await page.keyboard.press('Enter');
    await legend(page, 'TankLevel').waitFor();
  }));

test('a picture that is held stays, while the values go on', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/ConveyorPosition`);
    await page.locator('[data-kind=analog] canvas').waitFor();
    await pictures(page, 5);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('[data-trends=held]').waitFor();
    const trends = page.locator('[data-trends]');
    const picture = () => page.locator('[data-kind=analog] canvas').evaluate((canvas) => canvas.toDataURL());
    const value = () => legend(page, 'ConveyorPosition').locator('.value').innerText();
    await eventually('what was on its way has come', async () => {
      const before = await told(trends, 'data-picture');
      const now = await value();
      await eventually('values go on', async () => (await value()) !== now);
      return (await told(trends, 'data-picture')) === before;
    });
    const [held, before, to] = [await picture(), await value(), await told(trends, 'data-to')];
    await eventually('values go on', async () => Number(await value()) > Number(before) + 20);
    assert.equal(await picture(), held);
    assert.equal(await told(trends, 'data-to'), to);
    await page.getByRole('button', { name: 'Go on' }).click();
    await eventually('the picture follows again', async () => (await told(trends, 'data-to')) > to && (await picture()) !== held);
  }));

test('a spike of one sample is in the envelope, live and from the history', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/SpeedSetpoint&span=600000`);
    await eventually('its value is there', async () => (await told(legend(page, 'SpeedSetpoint'), 'data-largest')) === 200);
    await turn(url, 'set?name=twin/line/SpeedSetpoint&value=4321');
    await eventually('the spike is seen', async () => (await told(legend(page, 'SpeedSetpoint'), 'data-largest')) === 4321);
    await pictures(page, 3);
    assert.equal(await told(legend(page, 'SpeedSetpoint'), 'data-smallest'), 200);

    // An hour before the hub was started the tank was 931 for half a second: in two hours a pixel holds many samples.
    await page.goto(`${url}/#/trends?signals=twin/line/TankLevel&span=8640000`);
    await eventually('the spike of the past is seen', async () => (await told(legend(page, 'TankLevel'), 'data-largest')) === 931);
    const trends = page.locator('[data-trends]');
    const asked = async () => (await (await turn(url, 'state')).json()).asked.filter((path) => path.includes('/history?'));
    const before = await asked();
    assert.ok(before.every((path) => path.includes('TankLevel') || path.includes('SpeedSetpoint')));
    // Nearer: it is asked for more finely, and the spike is where it was.
    const at = (await told(trends, 'data-to')) - 3_600_000;
    await page.goto(`${url}/#/trends?signals=twin/line/TankLevel&from=${Math.round(at - 120_000)}&to=${Math.round(at + 120_000)}`);
    await eventually('it was asked for again', async () => (await asked()).length > before.length);
    await eventually('the spike is there', async () => (await told(legend(page, 'TankLevel'), 'data-largest')) === 931);
  }));

test('two cursors tell values, difference, time between, mean and edges', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/SpeedSetpoint,twin/line/FaultActive`);
    await eventually('its value is there', async () => (await told(legend(page, 'SpeedSetpoint'), 'data-largest')) === 200);
    await pictures(page, 10);
    await turn(url, 'set?name=twin/line/SpeedSetpoint&value=300');
    await eventually('it was there', async () => (await told(legend(page, 'SpeedSetpoint'), 'data-largest')) === 300);
    await pictures(page, 10);
    await page.getByRole('button', { name: 'Pause' }).click();
    const plot = page.locator('[data-plot]').first();
    const { width } = await plot.boundingBox();
    // Before the spike and after it, in the last seconds of the minute.
    const step = width / 60;
    await plot.click({ position: { x: width - 0.1 * step, y: 20 } });
    await page.locator('[data-cursors]').waitFor();
    await plot.hover({ position: { x: width - 5 * step, y: 20 } });
    const first = await page.locator('[data-legend="twin/line/SpeedSetpoint"] [data-then]').innerText();
    assert.ok(first === '200.000' || first === '–', first);
    await page.getByRole('region', { name: /^Lanes/ }).focus();
    await page.keyboard.press('b');
    for (let press = 0; press < 60; press += 1) await page.keyboard.press('Shift+ArrowRight');
    const cells = (name) => page.locator(`[data-row="twin/line/${name}"] td`).allInnerTexts();
    // B stands at the end now, and A just before it; A goes back to where only the old value was.
    await page.keyboard.press('a');
    for (let press = 0; press < 3; press += 1) await page.keyboard.press('Shift+ArrowLeft');
    await eventually('the table has both', async () => (await cells('SpeedSetpoint'))[0] === '200.000' && (await cells('SpeedSetpoint'))[1] === '200.000');
    const [, , difference, min, mean, max, edges] = await cells('SpeedSetpoint');
    assert.equal(difference, '0.000');
    assert.ok(Number(min) >= 200 && Number(max) <= 300 && Number(mean) >= 200 && Number(mean) <= Number(max), `${min} ${mean} ${max}`);
    assert.match(edges, /^[02]$/);
    assert.deepEqual((await cells('FaultActive')).slice(0, 3), ['false', 'false', '–']);
  }));

test('the table is read back: values hold, texts are no formulas, the history is in it', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/TankLevel,twin/line/Recipe,twin/line/SensorFiller&span=30000`);
    await eventually('its value is there', async () => (await told(legend(page, 'TankLevel'), 'data-largest')) > 0);
    const setRecipe = (text) => turn(url, `set?stay&name=twin/line/Recipe&value=${encodeURIComponent(JSON.stringify(text))}`);
    await setRecipe('=SUM(A1,"x")');
    await eventually('the recipe is seen', async () => (await legend(page, 'Recipe').locator('.value').innerText()).startsWith('='));
    await setRecipe('Water 0.5 l');
    await eventually('and is over', async () => (await legend(page, 'Recipe').locator('.value').innerText()).startsWith('Water'));
    await page.getByRole('button', { name: 'Pause' }).click();
    const { name, content } = await exported(page, 'Table (CSV)');
    assert.match(name, /^trend Bottling line \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.csv$/);
    const [head, ...lines] = content.toString().trimEnd().split('\r\n');
    assert.equal(head, '"time","seconds_from_start","twin/line/TankLevel","twin/line/Recipe","twin/line/SensorFiller"');
    assert.ok(lines.length > 20, `${lines.length} lines`);
    for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,\d+(\.\d+)?,/);
    assert.ok(content.includes(`"'=SUM(A1,""x"")"`), 'a text that begins like a formula is none');
    const seconds = lines.map((line) => Number(line.split(',')[1]));
    assert.deepEqual(seconds, seconds.toSorted((one, other) => one - other));
    // The page has heard the tank for a few seconds; the rest of the half minute is from the history.
    assert.ok(lines.filter((line) => /Z,[^,]+,\d/.test(line)).length > 20);
  }));

test('the picture is read back: a PNG of twice the size with lines in it', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/TankLevel,twin/line/SensorFiller`);
    await page.locator('[data-kind=analog] canvas').waitFor();
    await pictures(page, 3);
    const { name, content } = await exported(page, 'Picture (PNG)');
    assert.match(name, /\.png$/);
    assert.equal(content.subarray(1, 4).toString(), 'PNG');
    const { width: lane } = await page.locator('[data-plot]').first().boundingBox();
    assert.ok(content.readUInt32BE(16) > 2 * lane, 'it is twice as wide as the plot');
    const colours = await page.evaluate(async (base64) => {
      const picture = new Image();
      picture.src = `data:image/png;base64,${base64}`;
      await picture.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [picture.width, picture.height];
      const ctx = canvas.getContext('2d');
      ctx.drawImage(picture, 0, 0);
      const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
      const found = new Map();
      for (let index = 0; index < data.length; index += 4) {
        const key = `${data[index]},${data[index + 1]},${data[index + 2]}`;
        found.set(key, (found.get(key) ?? 0) + 1);
      }
      const probe = document.createElement('span');
      document.body.append(probe);
      return [1, 2].map((number) => {
        probe.style.color = `var(--trend-${number})`;
        return found.get(getComputedStyle(probe).color.match(/\d+/g).join(',')) ?? 0;
      });
    }, content.toString('base64'));
    assert.ok(colours.every((count) => count > 200), `both lines are in it: ${colours}`);
  }));

test('without a link there is a gap, and not a line', () =>
  story({ start: withHistory }, async ({ page, url, hub }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/ConveyorPosition&span=10000`);
    const lane = await page.locator('[data-lane]').first().getAttribute('data-lane');
    await eventually('there is a line up to now', async () => (await inked(page, (await page.locator('[data-kind=analog]').getAttribute('data-lane')) ?? lane, 0.9, 1)) > 5);
    const axis = await page.locator('[data-kind=analog]').getAttribute('data-lane');
    await turn(url, 'silent');
    await page.locator('[data-banner=lost]').waitFor();
    await eventually('the line ends', async () => (await inked(page, axis, 0.85, 1)) === 0);
    assert.ok((await inked(page, axis, 0, 0.85)) > 5, 'what was before is there');
    await turn(url, 'talk');
    await page.locator('[data-link=live]').waitFor();
    await eventually('it goes on', async () => (await inked(page, axis, 0.9, 1)) > 5);
    // From left to right: a line, nothing, a line.
    const parts = [];
    for (let part = 0; part < 20; part += 1) parts.push((await inked(page, axis, part / 20, (part + 1) / 20)) > 0 ? 'line' : 'gap');
    assert.ok(parts.indexOf('gap', parts.indexOf('line')) < parts.lastIndexOf('line'), parts.join(' '));
    await hub.stop();
    await page.getByText('link lost', { exact: true }).waitFor();
  }));

test('cycles that were left out are a gap, and a stale value is no good line', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/SpeedSetpoint&span=10000`);
    await page.locator('[data-kind=analog]').waitFor();
    const axis = await page.locator('[data-kind=analog]').getAttribute('data-lane');
    await eventually('there is a line', async () => (await inked(page, axis, 0.6, 1)) > 100);
    await turn(url, 'quality?name=twin/line/SpeedSetpoint&quality=stale');
    await legend(page, 'SpeedSetpoint').getByText('stale').waitFor();
    await turn(url, 'quality?name=twin/line/SpeedSetpoint&quality=good');
    await legend(page, 'SpeedSetpoint').getByText('good').waitFor();
    // More than the two seconds that the frame leaves out, since what was heard before them stays.
    await pictures(page, 35);
    await turn(url, 'gap');
    await turn(url, 'set?name=twin/line/SpeedSetpoint&value=210');
    await eventually('a part of the line is missing', async () => {
      const parts = [];
      for (let part = 0; part < 20; part += 1) parts.push((await inked(page, axis, part / 20, (part + 1) / 20)) > 0);
      const first = parts.indexOf(true);
      const gap = parts.indexOf(false, first);
      return first >= 0 && gap > first && gap < parts.lastIndexOf(true);
    });
  }));

test('what the history does not keep is said at the lane, with what to write', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/TankLevel,twin/line/ConveyorSpeed&lanes=1,2`);
    const note = page.locator('[data-opens=unkept]');
    await note.waitFor();
    assert.equal(await note.count(), 1, 'the tank is kept');
    await note.click();
    await page.getByText('Not kept in the history').waitFor();
    await page.getByText('signals = ["twin/line/ConveyorSpeed"]').waitFor();
    await page.keyboard.press('Escape');
    await turn(url, 'history-fail');
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.getByText('history not read').first().waitFor();
    await turn(url, 'history-mend');
    await eventually('it is read again', async () => (await page.getByText('history not read').count()) === 0);
  }));

test('a project without a history is asked once, and the page says what that means', () =>
  story({ start: () => startMock() }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/TankLevel,twin/line/State,twin/line/Run`);
    await page.locator('[data-opens=unkept]').first().click();
    await page.getByText('This project keeps no history').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await pictures(page, 10);
    const { asked } = await (await turn(url, 'state')).json();
    assert.ok(asked.filter((path) => path.includes('/history?')).length <= 4, 'not again and again');
  }));

test('a trend holds 32 signals, and says so; a pattern adds sixteen', () =>
  story({ start: () => startMock('--signals', '200') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends`);
    const field = page.getByRole('combobox', { name: 'Add a signal' });
    for (const [pattern, count] of [['plc/**', 16], ['twin/line/*', 32]]) {
      await field.fill(pattern);
      await page.getByText('Enter adds').waitFor();
      await field.press('Enter');
      await eventually(`${count} are there`, async () => (await page.locator('[data-legend]').count()) === count);
    }
    await field.fill('Point15');
    await page.getByText('A trend holds 32 signals: remove one first.').waitFor();
    await field.fill('*Nobody*');
    await field.press('Escape');
    const { views } = await (await turn(url, 'state')).json();
    assert.deepEqual(views, [32], 'only they are in the view of the channel');
  }));

test('the scale of a lane is fixed and follows again, and the address keeps it', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/TankLevel&lanes=1`);
    await page.getByRole('button', { name: 'Scale: auto' }).click();
    const form = page.locator('[data-scale]');
    await form.getByLabel('Smallest').fill('50');
    await form.getByLabel('Largest').fill('5');
    await form.getByRole('button', { name: 'Fix the scale' }).click();
    await form.getByText('the first smaller than the second').waitFor();
    await form.getByLabel('Largest').fill('150');
    await form.getByRole('button', { name: 'Fix the scale' }).click();
    await page.getByRole('button', { name: 'Scale 50 … 150' }).waitFor();
    await eventually('the address has it', async () => page.url().includes('scale=1:50:150'));
  }));

test('from the signals page: the last minute, marked rows, and the watch list lead to trends', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals?filter=line&signal=twin/line/TankLevel`);
    const mini = page.locator('[data-mini="twin/line/TankLevel"]');
    await eventually('it draws', async () => ((await mini.locator('[data-line]').getAttribute('d')) ?? '').length > 40);
    const scripts = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    assert.ok(!scripts.some((name) => /Trends-.*\.js/.test(name)), 'the page of trends is not fetched for it');
    await page.keyboard.press('Escape');
    await page.getByRole('grid').focus();
    for (let row = 0; row < 3; row += 1) {
      await page.keyboard.press('Space');
      await page.keyboard.press('ArrowDown');
    }
    await page.getByRole('link', { name: 'Trend of 3 signals' }).click();
    await eventually('three lanes of signals', async () => (await page.locator('[data-legend]').count()) === 3);
    await page.goto(`${url}/#/`);
    await page.getByRole('link', { name: 'Trend', exact: true }).click();
    await page.locator('[data-legend]').first().waitFor();
  }));

test('a hub that hurries, stands and goes on: samples stand where they were in the world', () =>
  story({ start: withHistory }, async ({ page, url }) => {
    const clock = (body) => fetch(`${url}/api/v1/clock`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    await openLive(page, `${url}/#/trends?signals=twin/line/ConveyorPosition&span=10000`);
    await page.locator('[data-kind=analog]').waitFor();
    const axis = await page.locator('[data-kind=analog]').getAttribute('data-lane');
    const isWhole = async () => {
      for (let part = 12; part < 20; part += 1) if ((await inked(page, axis, part / 20, (part + 1) / 20)) === 0) return false;
      return true;
    };
    await eventually('there is a line', isWhole);
    await clock({ mode: 'scaled', rate: 100 });
    await page.locator('[data-clock=scaled]').waitFor();
    await pictures(page, 20);
    await eventually('there is a line up to now', isWhole);
    await clock({ mode: 'stepped' });
    await page.locator('[data-clock=stepped]').waitFor();
    await pictures(page, 20);
    assert.ok(await isWhole(), 'values that come while the time stands are drawn');
    await clock({ mode: 'real' });
    await pictures(page, 20);
    assert.ok(await isWhole(), 'and afterwards');
  }));

test('on a phone, with fingers', () =>
  story({ start: withHistory, context: { viewport: { width: 390, height: 844 }, hasTouch: true } }, async ({ page, url }) => {
    await openLive(page, `${url}/#/trends?signals=twin/line/TankLevel,twin/line/SensorFiller`);
    await page.locator('[data-kind=analog] canvas').waitFor();
    const { scrollWidth, clientWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth }));
    assert.ok(scrollWidth <= clientWidth, 'nothing stands out on the right');
    await page.locator('[data-plot]').first().tap();
    await page.locator('[data-cursors]').waitFor();
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`trends are accessible in ${colorScheme}`, () =>
    story({ start: withHistory, context: { colorScheme } }, async ({ page, url, hub }) => {
      await openLive(page, `${url}/#/trends`);
      await page.getByText('No signal is chosen yet').waitFor();
      assert.deepEqual(await violations(page), [], 'empty');
      await page.goto(`${url}/#/trends?signals=twin/line/TankLevel,twin/line/ConveyorSpeed,twin/line/SensorFiller,twin/line/State,no/such/signal`);
      await page.locator('[data-opens=unkept]').first().waitFor();
      await page.getByText('no such signal now').waitFor();
      await page.locator('[data-plot]').first().click();
      await page.locator('[data-cursors]').waitFor();
      assert.deepEqual(await violations(page), [], 'lanes and cursors');
      await page.getByRole('combobox', { name: 'Add a signal' }).fill('line');
      await page.getByRole('option').first().waitFor();
      assert.deepEqual(await violations(page), [], 'names');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Saved' }).click();
      await page.getByLabel('Name', { exact: true }).waitFor();
      assert.deepEqual(await violations(page), [], 'saved');
      await page.keyboard.press('Escape');
      await page.locator('[data-opens=unkept]').first().click();
      await page.getByText('Not kept in the history').waitFor();
      assert.deepEqual(await violations(page), [], 'not kept');
      await page.keyboard.press('Escape');
      await hub.stop();
      await page.locator('[data-banner=lost]').waitFor();
      assert.deepEqual(await violations(page), [], 'lost');
    }));
}

test('the lanes stand above the cursors without scrolling, and no time of the ruler is cut', () =>
  story({}, async ({ page, url }) => {
    const names = ['TankLevel', 'FillLevel', 'Run', 'BottleCount'].map((name) => `twin/line/${name}`);
    // The last line stands half a second from the edge: there is no room for its time.
    const to = Math.floor(Date.now() / 10_000) * 10_000 + 500;
    await openLive(page, `${url}/#/trends?signals=${names.join(',')}&from=${to - 60_000}&to=${to}`);
    const stage = page.getByRole('region', { name: /^Lanes/ });
    const ticks = page.locator('.ruler .tick');
    await eventually('the lines stand there', async () => (await ticks.count()) === 6);
    const times = await ticks.evaluateAll((all) => all.map((tick) => ({ text: tick.textContent.trim(), end: tick.getBoundingClientRect().right })));
    const edge = await stage.evaluate((lanes) => lanes.getBoundingClientRect().right);
    assert.deepEqual(times.map(({ text, end }) => text === '' || end <= edge), times.map(() => true));
    assert.equal(times.filter(({ text }) => text === '').length, 1);
    await stage.focus();
    await page.keyboard.press('a');
    await page.keyboard.press('b');
    await page.locator('[data-cursors]').waitFor();
    await eventually('nothing of a lane is below the cursors', () => stage.evaluate((lanes) => lanes.querySelectorAll('[data-lane]').length >= 3 && lanes.scrollHeight <= lanes.clientHeight));
  }));
