/** Routes as a picture: laid by the mouse and by the keyboard alone, ten thousand of them, a lost link, a viewer, a phone. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { violations } from '../axe.mjs';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

const graphMock = (...args) => ({ start: () => startMock('--rails', '--plc', ...args) });
const turn = (url, word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
const thing = (page, id) => page.locator(`[data-thing="${id}"]`);
const port = (page, name) => page.locator(`[data-port="${name}"]`);
const listed = async (url) => (await (await fetch(`${url}/api/v1/routes`)).json()).routes;

/** The page with the graph, when every tie is drawn. */
async function openGraph(page, url, query = '') {
  await openLive(page, `${url}/#/routes?view=graph${query}`);
  await page.locator('[data-tie], [data-first]').first().waitFor({ state: 'attached' });
}

async function middleOf(locator) {
  const { x, y, width, height } = await locator.boundingBox();
  return [x + width / 2, y + height / 2];
}

/** Takes one place and moves to another, in steps as a hand does; it is not let go. */
async function pull(page, from, to) {
  await page.mouse.move(...(await middleOf(from)));
  await page.mouse.down();
  await page.mouse.move(...(await middleOf(to)), { steps: 6 });
}

test('at first what is tied is seen as far as it can be read, and Fit shows all of it', () =>
  story({ ...graphMock(), context: { viewport: { width: 1280, height: 480 } } }, async ({ page, url }) => {
    await openGraph(page, url);
    const sizeOf = (text) => text.evaluate((label) => (Number.parseFloat(getComputedStyle(label).fontSize) * label.getBoundingClientRect().width) / label.offsetWidth);
    const label = port(page, 'twin/line/State').locator('.leaf').first();
    await eventually('it is large enough to be read', async () => (await sizeOf(label)) >= 9);
    await page.getByRole('button', { name: 'Fit' }).click();
    const ground = await page.locator('[data-graph]').boundingBox();
    await eventually('all of it is seen', async () =>
      (await page.locator('[data-thing]').evaluateAll((things) => things.map((one) => one.getBoundingClientRect().bottom))).every((bottom) => bottom <= ground.y + ground.height),
    );
  }));

test('the graph shows things, values, and how each route stands; table and graph have one choice', () =>
  story(graphMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('button', { name: 'Graph', exact: true }).click();
    assert.match(page.url(), /view=graph/);
    for (const id of ['twin/line', 'twin/hmi', 'plc/line', 'plc/later']) await thing(page, id).waitFor();
    await port(page, 'twin/line/State').getByText('Running').waitFor();
    await port(page, 'plc/line/N:8').getByText('Level', { exact: true }).waitFor();
    await page.locator('[data-chip]', { hasText: '× 0.5, − 10, band 0.5' }).waitFor();
    await page.locator('[data-chip]', { hasText: "there is no signal 'plc/later/O:0/3' yet" }).waitFor();
    await page.locator('[data-tie][data-condition=failing][data-wrong*="division by zero"]').waitFor({ state: 'attached' });
    // What comes to be wrong is marked with words.
    await turn(url, 'rails-tangle');
    await eventually('a circle and two writers are marked', async () => {
      const wrong = await page.locator('[data-wrong]').evaluateAll((ties) => ties.map((tie) => tie.dataset.wrong));
      return wrong.filter((words) => words.includes('in a circle')).length === 2 && wrong.filter((words) => words.includes('two writers')).length === 2;
    });
    await page.locator('[data-chip]', { hasText: '× 0.5' }).click();
    const fate = page.locator('[data-side=fate]');
    await fate.locator('[data-step="Scale and offset"]').waitFor();
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await page.locator('[data-route][aria-selected=true]', { hasText: 'ConveyorSpeed' }).waitFor();
    await page.locator('[data-route]', { hasText: 'LabelPrinter' }).click();
    await page.getByRole('button', { name: 'Graph', exact: true }).click();
    await page.locator('.tie.shown').waitFor({ state: 'attached' });
    // The filter of the table is that of the graph.
    await page.getByLabel('Filter routes').fill('TankLevel');
    await eventually('one tie is left', async () => (await page.locator('[data-tie]').count()) === 1);
  }));

test('a pattern is one thick tie that unfolds, and folds again', () =>
  story(graphMock(), async ({ page, url }) => {
    await openGraph(page, url);
    const ties = page.locator('[data-tie]');
    const before = await ties.count();
    await page.locator('[data-chip^=p]').click();
    await eventually('its two routes stand alone', async () => (await ties.count()) === before + 1);
    const child = (await listed(url)).find(({ pattern }) => pattern);
    await page.locator(`[data-tie=r${child.id}] .hit`).press('Enter');
    const fate = page.locator('[data-side=fate]');
    await fate.getByRole('button', { name: 'Show the pattern' }).click();
    await fate.getByRole('button', { name: 'Fold its routes' }).click();
    await eventually('it is one again', async () => (await ties.count()) === before);
  }));

test('a route is laid by dragging from port to port, and what cannot be is said', () =>
  story(graphMock(), async ({ page, url }) => {
    await openGraph(page, url);
    // A signal that no route uses yet is found by three letters of its symbol.
    await thing(page, 'plc/line').getByRole('button', { name: '+ signal' }).click();
    await page.getByRole('combobox', { name: 'Signal of plc/line' }).pressSequentially('gua');
    await page.getByRole('option', { name: 'plc/line/Guard' }).click();
    const guard = port(page, 'plc/line/I:0/3');
    await guard.waitFor();
    await page.getByRole('button', { name: 'Fit' }).click();
    const run = port(page, 'twin/line/Run');
    await pull(page, run.locator('.outof'), port(page, 'twin/line/FillLevel').locator('.into'));
    assert.match(await port(page, 'twin/line/FillLevel').getAttribute('data-refused'), /second writer/);
    assert.match(await port(page, 'twin/line/FaultSwitch').getAttribute('data-refused'), /A route from twin\/line\/TankLevel writes it already/);
    assert.equal(await guard.getAttribute('data-refused'), null);
    await page.mouse.up();
    await page.locator('[data-words]', { hasText: 'second writer' }).waitFor();
    assert.equal(await page.locator('[data-side]').count(), 0);
    await pull(page, run.locator('.outof'), guard.locator('.into'));
    await page.mouse.up();
    const form = page.locator('[data-side=form]');
    assert.equal(await form.getByLabel('From', { exact: true }).inputValue(), 'twin/line/Run');
    assert.equal(await form.getByLabel('To', { exact: true }).inputValue(), 'plc/line/I:0/3');
    // Nothing else is wanted: Enter lays it.
    await eventually('the button has the keyboard', () => form.getByRole('button', { name: 'Add', exact: true }).evaluate((button) => button === document.activeElement));
    await page.keyboard.press('Enter');
    await page.locator('[data-side=fate]').getByText('passed as it is').waitFor();
    const laid = (await listed(url)).find(({ to }) => to === 'plc/line/I:0/3');
    assert.equal(laid.from, 'twin/line/Run');
    await page.locator(`[data-tie=r${laid.id}].shown`).waitFor({ state: 'attached' });
    // Dropped on a thing: its name is there, the rest is typed; what the hub says stands at the field.
    await page.getByRole('button', { name: 'Fit' }).click();
    await pull(page, port(page, 'twin/line/BottleCount').locator('.outof'), thing(page, 'twin/hmi').locator('.head'));
    await page.mouse.up();
    const to = form.getByLabel('To', { exact: true });
    await eventually('the rest of the name is wanted', async () => (await to.inputValue()) === 'twin/hmi/' && to.evaluate((field) => field === document.activeElement));
    // The mock takes routes to a panel of which it has no signals.
    await to.fill('twin/hmi/State');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.getByRole('button', { name: 'Add it, waiting' }).click();
    await form.locator('[data-trouble=to]').getByText('is written by a route from').waitFor();
    // What was typed is not lost by another drag.
    await page.getByRole('button', { name: 'Fit' }).click();
    await pull(page, port(page, 'twin/line/BottleCount').locator('.outof'), thing(page, 'twin/hmi').locator('.head'));
    await page.mouse.up();
    await page.locator('[data-words]', { hasText: 'finish or cancel it first' }).waitFor();
    assert.equal(await to.inputValue(), 'twin/hmi/State');
  }));

test('a route is laid, looked at and removed by the keyboard alone', () =>
  story(graphMock(), async ({ page, url }) => {
    await openGraph(page, url);
    const warned = [];
    page.on('console', (message) => message.type() === 'warning' && warned.push(message.text()));
    const focusedStop = () => page.evaluate(() => document.activeElement?.dataset.stop ?? '');
    const press = async (key, expected) => {
      await page.keyboard.press(key);
      await eventually(`${key} leads to ${expected}`, async () => (await focusedStop()) === expected);
    };
    await page.getByRole('button', { name: 'Export' }).focus();
    await page.keyboard.press('Tab');
    await eventually('the first thing has the keyboard', async () => (await focusedStop()) === 'thing:plc/later');
    await press('ArrowDown', 'port:plc/later|plc/later/O:0/3');
    await page.keyboard.press('ArrowRight');
    await eventually('its tie', async () => (await focusedStop()).startsWith('tie:r'));
    await press('ArrowRight', 'port:twin/line|twin/line/Auto');
    await press('PageUp', 'thing:twin/line');
    while ((await focusedStop()) !== 'port:twin/line|twin/line/CapTorque') {
      const last = await focusedStop();
      await page.keyboard.press('ArrowDown');
      await eventually('the next one', async () => (await focusedStop()) !== last);
    }
    await page.keyboard.press('Enter');
    await eventually('a name is wanted', () => page.getByLabel('Route from twin/line/CapTorque to').evaluate((field) => field === document.activeElement));
    await page.keyboard.type('count');
    await page.getByRole('option', { name: 'plc/line/Count' }).waitFor();
    // A signal that its own peers write is not offered.
    assert.equal(await page.getByRole('option', { name: 'twin/line/BottleCount' }).count(), 0);
    while ((await page.locator('[role=option][data-highlighted]').textContent()) !== 'plc/line/Count') await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const form = page.locator('[data-side=form]');
    await eventually('the button has the keyboard', () => form.getByRole('button', { name: 'Add', exact: true }).evaluate((button) => button === document.activeElement));
    await page.keyboard.press('Enter');
    await page.locator('[data-side=fate]').waitFor();
    const laid = await eventually('the hub has it', async () => (await listed(url)).find(({ to }) => to === 'plc/line/Count'));
    await page.locator(`[data-tie=r${laid.id}]`).waitFor({ state: 'attached' });
    await page.locator('[data-side=fate] .close').focus();
    await page.keyboard.press('Escape');
    assert.deepEqual(warned, []);
    await eventually('back at its tie', async () => (await focusedStop()) === `tie:r${laid.id}`);
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').getByText('plc/line/Count follows twin/line/CapTorque no more').waitFor();
    await page.getByRole('button', { name: 'Remove the route' }).press('Enter');
    await eventually('it is gone', async () => !(await listed(url)).some(({ id }) => id === laid.id));
    await eventually('its tie, too', async () => (await page.locator(`[data-tie=r${laid.id}]`).count()) === 0);
  }));

test('things stay where they were put, on this device', () =>
  story(graphMock(), async ({ page, url }) => {
    await openGraph(page, url);
    const node = page.locator('.svelte-flow__node[data-id="plc/later"]');
    const place = () => node.evaluate((element) => element.style.transform);
    const before = await place();
    const [x, y] = await middleOf(thing(page, 'plc/later').locator('.head'));
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 40, y - 90, { steps: 5 });
    await page.mouse.up();
    await eventually('it has moved', async () => (await place()) !== before);
    await page.getByRole('button', { name: 'Lay out anew' }).waitFor();
    const moved = await page.evaluate(() => JSON.parse(localStorage.getItem('crosstie.routes.places'))['plc/later']);
    await page.reload();
    await eventually('it is where it was put', async () => (await place()) === `translate(${moved.x}px, ${moved.y}px)`);
    await page.getByRole('button', { name: 'Lay out anew' }).click();
    await eventually('it is back', async () => (await place()) === before);
  }));

test('ten thousand routes are folded, and unfold where somebody looks', () =>
  story({ start: () => startMock('--signals', '2000', '--routes', '10000') }, async ({ page, url }) => {
    await openGraph(page, url);
    await page.locator('[data-words]', { hasText: 'routes are folded' }).waitFor();
    assert.ok((await page.locator('[data-tie]').count()) < 10);
    assert.equal(await page.locator('[data-port]').count(), 0);
    await page.locator('[data-chip]', { hasText: '10,000 routes' }).waitFor();
    await thing(page, 'plc/PLC1').locator('.head').press('Enter');
    await eventually('as many as there is room for stand alone', async () => (await page.locator('[data-tie]').count()) >= 300);
    assert.ok((await page.locator('[data-tie]').count()) <= 302);
    await thing(page, 'plc/PLC1').locator('.head').press('Enter');
    await eventually('folded again', async () => (await page.locator('[data-tie]').count()) < 10);
    await page.getByLabel('Filter routes').fill('Point777');
    await eventually('the filter leaves few, and they stand alone', async () => (await page.locator('[data-port="plc/PLC1/Area0/Point777"]').count()) === 1);
  }));

test('without routes it says what one is; with the link lost values are grey and nothing is laid', () =>
  story({ start: () => startMock('--rails', '--plc') }, async ({ page, url, hub }) => {
    for (const { id, pattern } of await listed(url)) if (!pattern) await fetch(`${url}/api/v1/routes/${id}`, { method: 'DELETE' });
    await openGraph(page, url);
    await page.locator('[data-first]').getByText('Drag from the right end').waitFor();
    // Things show where one could begin.
    await thing(page, 'twin/line').locator('[data-port]').first().waitFor();
    await hub.stop('SIGKILL');
    await page.locator('[data-words]', { hasText: 'This needs the link to the hub' }).waitFor();
    await thing(page, 'twin/line').locator('.age').first().waitFor();
    assert.equal(await page.locator('.end.connectable').count(), 0);
  }));

test('a viewer sees everything and is told why nothing can be tied', () =>
  story(graphMock('--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/routes?view=graph`);
    await enterKey(page, 'ct_viewer');
    await page.locator('[data-words]', { hasText: 'You are here as a viewer' }).waitFor();
    await thing(page, 'twin/line').waitFor();
    assert.equal(await page.locator('.end.connectable').count(), 0);
    await port(page, 'twin/line/TankLevel').getByRole('button').first().press('Enter');
    const sheet = page.locator('[data-sheet=port]');
    await sheet.getByText('You are here as a viewer').waitFor();
    assert.equal(await sheet.getByRole('combobox').count(), 0);
  }));

test('on a phone the table comes first, and the graph works by touch', () =>
  story({ ...graphMock(), context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } }, async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('treegrid').waitFor();
    await page.getByRole('button', { name: 'Graph', exact: true }).tap();
    await thing(page, 'twin/line').waitFor();
    const seen = () => page.locator('.svelte-flow__viewport').evaluate((element) => element.style.transform);
    const before = await seen();
    await page.getByRole('button', { name: 'Farther' }).tap();
    await eventually('farther away', async () => (await seen()) !== before);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    // One finger moves the picture, two make it smaller.
    const fingers = await page.context().newCDPSession(page);
    const touch = (type, ...points) => fingers.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    await page.getByLabel('Filter routes').fill('LabelPrinter');
    await eventually('one tie is left', async () => (await page.locator('[data-tie]').count()) === 1);
    const ground = await page.locator('[data-graph]').boundingBox();
    const start = [ground.x + 20, ground.y + ground.height - 90];
    const unmoved = await seen();
    await touch('touchStart', start);
    for (const step of [20, 40, 60]) await touch('touchMove', [start[0], start[1] - step]);
    await touch('touchEnd');
    await eventually('it has moved', async () => (await seen()) !== unmoved);
    const scale = async () => Number((await seen()).match(/scale\(([\d.]+)/)[1]);
    const large = await scale();
    await touch('touchStart', [30, start[1]], [330, start[1]]);
    for (const step of [30, 60, 90]) await touch('touchMove', [30 + step, start[1]], [330 - step, start[1]]);
    await touch('touchEnd');
    await eventually('it is smaller', async () => (await scale()) < large);
    await page.getByRole('button', { name: 'Fit' }).tap();
    await page.locator('[data-chip]').tap();
    await page.locator('[data-side=fate]').waitFor();
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`the graph is accessible in ${colorScheme}, keeps the policy, and asks no other host`, () =>
    story({ ...graphMock(), context: { colorScheme } }, async ({ page, url }) => {
      const asked = [];
      const refused = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
      await openGraph(page, url);
      await port(page, 'twin/line/State').getByText('Running').waitFor();
      assert.deepEqual(await violations(page), []);
      await page.locator('[data-chip]', { hasText: 'map of 3' }).click();
      await page.locator('[data-side=fate]').waitFor();
      assert.deepEqual(await violations(page), [], 'a tie');
      await port(page, 'twin/line/TankLevel').getByRole('button').first().press('Enter');
      await page.locator('[data-sheet=port]').waitFor();
      assert.deepEqual(await violations(page), [], 'a port');
      assert.deepEqual(asked.filter((address) => !address.startsWith('data:') && new URL(address).host !== new URL(url).host), []);
      assert.deepEqual(refused, []);
    }));
}
