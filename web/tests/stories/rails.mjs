import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

const railsMock = (...args) => ({ start: () => startMock('--rails', ...args) });
const turn = (url, word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
/** More rows than this exist as elements only if the table has stopped being virtual. */
const ELEMENTS_MAX = 150;

test('a route tells what becomes of its value, step by step', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    const route = (from) => page.locator('[data-route]', { hasText: from });
    await page.locator('[data-count]').getByText('10 routes', { exact: true }).waitFor();
    await route('ConveyorSpeed').click();
    const fate = page.locator('[data-side=fate]');
    await fate.locator('[data-step="Scale and offset"]').getByText('× 0.5 − 10').waitFor();
    // 200 mm/s come in, and the page says what comes out.
    await fate.locator('[data-step="Scale and offset"]').getByText('= 90').waitFor();
    await fate.locator('[data-step=Deadband]').waitFor();
    await route('TankLevel').click();
    await fate.locator('[data-step=Expression]').getByText('only the hub knows').waitFor();
    await fate.getByText('running', { exact: true }).waitFor();
    await route('CapTorque').click();
    await fate.locator('[data-error]').getByText('division by zero').waitFor();
    await route('plc/later').click();
    await fate.getByText("there is no signal 'plc/later/O:0/3' yet").waitFor();
    // A route that begins to fail while somebody looks says so.
    await turn(url, 'rails-fail');
    await eventually('two routes fail', async () => /failing 2/.test(await page.getByRole('group', { name: 'State' }).textContent()));
    await page.getByRole('button', { name: /^failing/ }).click();
    await eventually('only those are left', async () => (await page.locator('[data-route]').count()) === 2);
  }));

test('an end that is named by a symbol shows the value of its place, in the table, on a phone and in the fate', () =>
  story(railsMock('--plc'), async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    const row = page.locator('[data-route]', { hasText: 'plc/line/Level' });
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 800 });
      const level = row.locator('.from-value');
      const first = await eventually('the source has a value', async () => /\d/.test(await level.textContent()) && level.textContent());
      await eventually('it is alive', async () => (await level.textContent()) !== first);
      await row.locator('.to-value').getByText(/true|false/i).waitFor();
    }
    await row.click();
    const fate = page.locator('[data-side=fate]');
    await eventually('both ends and the input have values', async () => (await fate.locator('p.value').count()) === 3);
    await fate.getByRole('link', { name: 'plc/line/Level' }).click();
    await page.locator('[data-detail="plc/line/N:8"]').getByText('Level', { exact: true }).waitFor();
  }));

test('a pattern is one line until it is unfolded, by mouse and by keyboard', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    const children = page.locator('[data-route].child');
    await page.getByRole('button', { name: 'Unfold the routes of twin/*/Sensor*' }).click();
    await eventually('its routes stand below', async () => (await children.count()) === 2);
    await page.getByRole('button', { name: 'Fold the routes of twin/*/Sensor*' }).click();
    await eventually('they are folded', async () => (await children.count()) === 0);
    // A filter finds them where they are.
    await page.getByLabel('Filter routes').fill('hmi/line.filler');
    await eventually('one child is found', async () => (await children.count()) === 1);
    await page.getByLabel('Filter routes').fill('');
    const grid = page.getByRole('treegrid');
    await grid.focus();
    for (let step = 0; step < 7; step += 1) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await eventually('the keyboard unfolds', async () => (await children.count()) === 2);
    await page.keyboard.press('Enter');
    await page.locator('[data-side=fate]').getByText('stands for 2 routes').waitFor();
    await page.keyboard.press('Escape');
    await eventually('closed', async () => (await page.locator('[data-side]').count()) === 0);
  }));

/** The mock takes routes to a panel of which it has no signals: as far as the form can tell they are there. */
const withPanel = (page) => page.route('**/api/v1/signals/twin/hmi/*', (route) => route.fulfill({ json: { name: new URL(route.request().url()).pathname.slice('/api/v1/signals/'.length) } }));

test('a route is added, refused at its field, changed and removed', () =>
  story(railsMock(), async ({ page, url }) => {
    await withPanel(page);
    await openLive(page, `${url}/#/routes`);
    const form = page.locator('[data-side=form]');
    const footer = page.locator('.keys');
    // The key of the footer closes the form, and nothing that was typed is lost by it.
    await page.getByRole('button', { name: 'Add route' }).press('Enter');
    await eventually('one goes on at the first field', () => form.getByLabel('From', { exact: true }).evaluate((field) => field === document.activeElement));
    await form.getByLabel('From', { exact: true }).press('Escape');
    await form.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Add route' }).click();
    await form.getByLabel('From', { exact: true }).fill('twin/line/A');
    await footer.getByText('keeps what was typed').waitFor();
    await form.getByLabel('From', { exact: true }).press('Escape');
    assert.equal(await form.getByLabel('From', { exact: true }).inputValue(), 'twin/line/A');
    await form.getByLabel('From', { exact: true }).fill('twin/line/FillLevel');
    await form.getByLabel('To', { exact: true }).fill('twin/hmi/Alarm');
    await form.getByLabel('Expression', { exact: true }).fill('value = 80');
    await form.getByLabel('Every (ms)').fill('fast');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.locator('[data-trouble=every_ms]').getByText('Expected a number').waitFor();
    await form.getByLabel('Every (ms)').fill('200');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    // The hub's own words stand at the field that they are about.
    await form.locator('[data-trouble=expr]').getByText("'=' compares nothing").waitFor();
    await form.getByLabel('Expression', { exact: true }).fill('value > limit');
    await form.getByRole('button', { name: 'Add a variable' }).click();
    await form.getByLabel('variable 1', { exact: true }).fill('limit');
    await form.getByLabel('signal 1', { exact: true }).fill('twin/line/SpeedSetpoint');
    await form.getByLabel('To', { exact: true }).fill('twin/hmi/State');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.locator('[data-trouble=to]').getByText('is written by a route from').waitFor();
    await form.getByLabel('To', { exact: true }).fill('twin/hmi/Alarm');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    const fate = page.locator('[data-side=fate]');
    await fate.locator('[data-step=Expression]').getByText('value > limit').waitFor();
    await fate.getByRole('button', { name: 'Change' }).click();
    await form.getByLabel('Expression', { exact: true }).fill('');
    await form.getByRole('button', { name: 'Take out variable 1' }).click();
    await form.getByRole('button', { name: 'Add a line' }).click();
    await form.getByLabel('value 1', { exact: true }).fill('*');
    await form.getByLabel('becomes 1', { exact: true }).fill('"7"');
    await form.getByRole('button', { name: 'Change', exact: true }).click();
    await fate.locator('[data-step=Map]').getByText('* → 7').waitFor();
    const { routes } = await (await fetch(`${url}/api/v1/routes`)).json();
    assert.deepEqual(routes.find(({ to }) => to === 'twin/hmi/Alarm').map, { '*': '7' });
    await fate.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByText('follows twin/line/FillLevel no more').waitFor();
    await page.getByRole('button', { name: 'Remove the route' }).click();
    await eventually('it is gone', async () => !(await (await fetch(`${url}/api/v1/routes`)).text()).includes('twin/hmi/Alarm'));
    await eventually('and closed', async () => (await page.locator('[data-side]').count()) === 0);
  }));

test('Enter takes a name that was typed in full, and a suggestion only where it was gone to or completes what was typed', () =>
  story(railsMock(), async ({ page, url }) => {
    // A symbol is known to the hub alone; what is offered for it are other signals.
    await page.route('**/api/v1/signals/twin/line/Fault', (route) => route.fulfill({ json: { name: 'twin/line/FaultActive' } }));
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('button', { name: 'Add route' }).click();
    const from = page.locator('[data-side=form]').getByLabel('From', { exact: true });
    const options = page.locator('li[role=option]');
    const type = async (text) => {
      await from.fill('');
      await from.pressSequentially(text);
      await options.first().waitFor();
    };
    const takes = async (text) => {
      await from.press('Enter');
      await eventually(`${text} is taken`, async () => (await from.inputValue()) === text && (await options.count()) === 0);
    };
    await type('twin/line/Fault');
    await takes('twin/line/Fault');
    await type('twin/line/FaultS');
    await takes('twin/line/FaultSwitch');
    await type('faultsw');
    await takes('twin/line/FaultSwitch');
    await type('twin/line/Fault');
    await from.press('ArrowDown');
    const gone = await page.locator('[role=option][data-highlighted]').textContent();
    await takes(gone);
    assert.notEqual(gone, 'twin/line/Fault');
  }));

test('a source that does not exist yet is said, and what the hub refuses is marked at the end that it is about', () =>
  story(railsMock(), async ({ page, url }) => {
    await withPanel(page);
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('button', { name: 'Add route' }).click();
    const form = page.locator('[data-side=form]');
    const [from, to] = ['From', 'To'].map((name) => form.getByLabel(name, { exact: true }));
    await from.fill('twin/line/NotYet');
    const awaited = form.locator('[data-awaited=from]');
    await awaited.getByText('No signal has this name yet; the route will wait for it.').waitFor();
    // What is said of the name is not covered by a list that offers none.
    assert.ok(await awaited.evaluate((said) => { const { x, y } = said.getBoundingClientRect(); return said.contains(document.elementFromPoint(x + 4, y + 4)); }));
    await from.fill('twin/*/Sensor*');
    await form.locator('[data-awaited]').waitFor({ state: 'detached' });
    await from.fill('twin/line/FillLevel');
    await to.fill('twin/line/FillLevel');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    const said = form.locator('[data-trouble=to]');
    await said.getByText('would follow itself').waitFor();
    assert.equal(await to.getAttribute('aria-invalid'), 'true');
    await eventually('the field is in sight and has the keyboard', () => to.evaluate((field) => field === document.activeElement));
    await from.fill('twin/line/BottleCount');
    await to.fill('twin/hmi/Alarm');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('[data-side=fate]').waitFor();
    await page.getByRole('button', { name: 'Add route' }).click();
    // Back to where it comes from: a circle ends at the target.
    await from.fill('twin/hmi/Alarm');
    await to.fill('twin/line/BottleCount');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await said.getByText('in a circle').waitFor();
  }));

test('a route that will wait for a signal is laid by a second press that says so', () =>
  story(railsMock(), async ({ page, url }) => {
    const listed = async () => (await (await fetch(`${url}/api/v1/routes`)).json()).routes;
    const before = (await listed()).length;
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('button', { name: 'Add route' }).click();
    const form = page.locator('[data-side=form]');
    const [from, to] = ['From', 'To'].map((name) => form.getByLabel(name, { exact: true }));
    const [add, wait] = ['Add', 'Add it, waiting'].map((name) => form.getByRole('button', { name, exact: true }));
    await from.fill('twin/line/BottleCount');
    await to.fill('twin/nobody/NotYet');
    await add.click();
    await form.locator('[data-warned]').getByText('twin/nobody/NotYet: no signal has this name').waitFor();
    await eventually('the button that says it has the keyboard', () => wait.evaluate((button) => button === document.activeElement));
    assert.equal((await listed()).length, before);
    // Another name is another question.
    await to.fill('twin/nobody/NotYetEither');
    await add.click();
    await form.locator('[data-warned]').getByText('NotYetEither').waitFor();
    assert.equal((await listed()).length, before);
    await wait.click();
    await page.locator('[data-side=fate]').waitFor();
    assert.ok((await listed()).some((route) => route.to === 'twin/nobody/NotYetEither'));
  }));

test('an address of the graph is followed while the table is open', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('treegrid').waitFor();
    await page.evaluate(() => {
      location.hash = '#/routes?view=graph&state=active';
    });
    await page.locator('[data-graph]').waitFor();
    await page.getByRole('button', { name: /^active/, pressed: true }).waitFor();
    await page.goBack();
    await page.getByRole('treegrid').waitFor();
    await page.getByRole('button', { name: /^active/, pressed: false }).waitFor();
  }));

test('an import says what it would do before, and what it did after', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    const side = page.locator('[data-side=import]');
    await side.getByRole('textbox', { name: 'Table' }).fill('from,scale\na,1');
    await side.getByText('Expected at least from and to').waitFor();
    await side.getByRole('textbox', { name: 'Table' }).fill('from,to,scale\ntwin/line/State,twin/hmi/State,\ntwin/line/FillLevel,twin/hmi/Fill,0.1\n');
    await side.locator('[data-forecast]').getByText('2 rows: 1 new, 1 there already').waitFor();
    await side.getByText('twin/line/FillLevel → twin/hmi/Fill').waitFor();
    await side.getByRole('button', { name: 'Import', exact: true }).click();
    await side.getByText('Imported: 1 added, 0 changed, 1 the same, 0 removed.').waitFor();
    await page.locator('[data-route]', { hasText: 'twin/hmi/Fill' }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
    assert.equal(download.suggestedFilename(), 'routes.csv');
  }));

test('ten thousand routes scroll, and only the ends on screen are asked for', () =>
  story({ start: () => startMock('--signals', '12000', '--routes', '10000') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/routes`);
    await page.locator('[data-count]').getByText('10,002 routes').waitFor();
    const grid = page.getByRole('treegrid');
    const rows = page.locator('[data-route]');
    for (const part of [0.5, 1, 0]) {
      await grid.evaluate((element, to) => (element.scrollTop = (element.scrollHeight - element.clientHeight) * to), part);
      await eventually(`a row stands in the middle of the table at ${part}`, () =>
        grid.evaluate((element) => {
          const { left, top, width, height } = element.getBoundingClientRect();
          return document.elementFromPoint(left + width / 3, top + height / 2)?.closest('[data-route]')?.dataset.route;
        }),
      );
      assert.ok((await rows.count()) < ELEMENTS_MAX, `the table holds ${await rows.count()} rows as elements`);
      await eventually('the view of the hub is the screen', async () => {
        const { views } = await (await fetch(`${url}/mock/state`)).json();
        return views.length === 1 && views[0] > 10 && views[0] < 2 * ELEMENTS_MAX;
      });
    }
    await page.getByLabel('Filter routes').fill('Copy9999');
    await eventually('one row is left', async () => (await rows.count()) === 1);
  }));

test('a recording grows before everybody, tells what it lost, and ends whole', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/recordings`);
    const recorder = page.locator('[data-recorder]');
    await recorder.getByLabel('Name').fill('../etc');
    await recorder.getByRole('button', { name: 'Start recording' }).click();
    await recorder.getByText('A name has letters').waitFor();
    await recorder.getByLabel('Name').fill('jam');
    await recorder.getByLabel('At most, in MB').fill('10');
    await recorder.getByRole('button', { name: 'Start recording' }).click();
    await page.locator('[data-recorder=active]').getByText('jam', { exact: true }).first().waitFor();
    const size = recorder.locator('.figure').nth(1);
    const first = await size.textContent();
    await eventually('it grows', async () => (await size.textContent()) !== first);
    await turn(url, 'rails-lose');
    await recorder.locator('[data-loss]').getByText('3 gaps, 1,204 lost').waitFor();
    await recorder.getByRole('button', { name: 'Stop recording' }).click();
    const row = page.locator('[data-recording="jam"]');
    await row.getByText('whole').waitFor();
    await row.getByText('3 gaps').waitFor();
    await page.locator('[data-recording="jam-at-filler"]').getByText('cut', { exact: true }).waitFor();
    await page.locator('[data-recording="shift-a"]').getByText('from the start').waitFor();
    await page.locator('[data-recording="shift-a"] .name').click();
    const detail = page.locator('[data-recording-detail]');
    await detail.getByText('Project', { exact: true }).waitFor();
    assert.match(await detail.textContent(), /Compares.*Accept as a test.*Signals/s);
    await page.locator('[data-recording=jam]').getByRole('button', { expanded: false }).click();
    await page.getByLabel('Signals of the table').fill('twin/**');
    const [asked, table] = await Promise.all([page.waitForRequest(/\/csv/), page.waitForEvent('download'), page.getByRole('button', { name: 'Save as CSV' }).click()]);
    assert.equal(new URL(asked.url()).searchParams.get('signals'), 'twin/**');
    assert.equal(table.suggestedFilename(), 'jam.csv');
    await page.locator('[data-recording=jam]').getByRole('button', { expanded: true }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download jam', exact: true }).click()]);
    assert.equal(download.suggestedFilename(), 'jam.mcap');
    await page.getByRole('button', { name: 'Delete jam', exact: true }).click();
    await page.getByRole('dialog').getByText('are gone for good').waitFor();
    await page.getByRole('button', { name: 'Delete the recording' }).click();
    await eventually('it is gone', async () => (await row.count()) === 0);
  }));

test('while a replay runs every page says that its values are not live', () =>
  story(railsMock('--plc', '--classroom'), async ({ page, url }) => {
    await openLive(page, `${url}/#/recordings`);
    const start = page.locator('[data-replay-start]');
    // A refusal names the box that is there, not the word of the API.
    await page.getByRole('button', { name: 'Replay jam-at-filler' }).click();
    // It is said before anything is pressed, and of no signal that is left out.
    const contested = start.locator('[data-contested]');
    await contested.getByText('the hub will refuse this').waitFor();
    await start.getByLabel('Signals').fill('twin/line/Recipe');
    await contested.waitFor({ state: 'detached' });
    await start.getByLabel('Signals').fill('');
    await contested.waitFor();
    await start.getByRole('button', { name: 'Start the replay' }).click();
    await start.locator('[data-outcome]').getByText('or choose “Also what a connected peer writes now”').waitFor();
    await page.getByRole('button', { name: 'Replay lesson' }).click();
    await start.getByLabel('Signals').fill('twin/line/**');
    await start.getByRole('button', { name: '10×', exact: true }).click();
    await start.getByLabel(/Leads the hub/).check();
    await start.getByRole('button', { name: 'Start the replay' }).click();
    const player = page.locator('[data-player]');
    await page.locator('[data-player=playing]').waitFor();
    const band = page.locator('[data-replay]');
    await page.locator('[data-clock=recording]').waitFor();
    for (const path of ['/', '/signals', '/plc', '/classroom', '/routes', '/tests', '/settings', '/recordings']) {
      await page.goto(`${url}/#${path}`);
      await band.getByText('REPLAY of lesson — values are not live').waitFor();
    }
    await player.locator('[data-skipped] summary').getByText('2 signals are left out').click();
    await player.getByText('no signal of this name is there now').waitFor();
    await player.getByRole('button', { name: 'Pause' }).click();
    await page.locator('[data-player=paused]').waitFor();
    await player.getByLabel('Position').fill('62500');
    await player.locator('[data-position]').getByText('1:02.5').waitFor();
    await eventually('the hub is there, too', async () => (await (await fetch(`${url}/api/v1/replay`)).json()).position_ms === 62_500);
    await player.getByLabel('Speed').selectOption('0.5');
    await eventually('the speed is set', async () => (await (await fetch(`${url}/api/v1/replay`)).json()).speed === 0.5);
    // Another one takes its place.
    await page.getByRole('button', { name: 'Replay shift-a' }).click();
    await start.getByRole('button', { name: 'as fast as it can' }).click();
    await start.getByRole('button', { name: 'Start the replay' }).click();
    await band.getByText('REPLAY of shift-a — values are not live').waitFor();
    await player.getByText('playing as fast as the hub can').waitFor();
    await player.getByRole('button', { name: 'End the replay' }).click();
    await eventually('nothing says replay any more', async () => (await band.count()) === 0 && (await player.count()) === 0);
  }));

test('tests are run, and a difference is shown with its diagram', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/tests`);
    const row = (name) => page.locator(`[data-test="${name}"]`);
    await row('stuck-sensor').getByText('not run since').waitFor();
    await page.getByRole('button', { name: 'Run stuck-sensor' }).click();
    await row('stuck-sensor').getByText('passed').waitFor();
    await page.locator('[data-outcome]').first().getByText('Passed: 3 cases').waitFor();
    await page.getByLabel('Times in a row').fill('2');
    await page.getByRole('button', { name: 'Run all' }).click();
    await page.locator('[data-test=lesson][data-result=failed]').waitFor();
    await page.locator('[data-outcome]').first().getByText('Failed: 2 of 18 cases').waitFor();
    const diagram = row('lesson').locator('[data-difference]');
    await diagram.getByText('differs at scan 412').waitFor();
    assert.match(await diagram.evaluate((element) => getComputedStyle(element).fontFamily), /mono/i);
    assert.equal(await diagram.evaluate((element) => getComputedStyle(element).whiteSpaceCollapse), 'preserve');
    // A recording that the project does not follow is refused, with the diagram.
    await page.getByRole('combobox', { name: 'Recording' }).selectOption('jam-at-filler');
    await page.getByRole('button', { name: 'Accept', exact: true }).click();
    await page.locator('[data-outcome] pre').getByText('differs at scan 412').waitFor();
    await page.getByLabel('Name').fill('');
    await page.getByRole('combobox', { name: 'Recording' }).selectOption('shift-a');
    await page.getByRole('button', { name: 'Accept', exact: true }).click();
    await row('shift-a').getByText('a recorded session').waitFor();
  }));

test('the clock stands in the top bar when it is not the world’s, and is set from there', () =>
  story(railsMock(), async ({ page, url }) => {
    await openLive(page, url);
    await page.locator('[data-clock=real]').click();
    const dialog = page.locator('[data-dialog=clock]');
    await dialog.getByText('goes as the world’s').waitFor();
    await dialog.getByText('The clock is not stepped: set it to Stepped first.').waitFor();
    await dialog.getByRole('radio', { name: /Scaled/ }).check();
    await dialog.getByLabel('Rate').fill('1000');
    await dialog.getByRole('button', { name: 'Set the clock' }).click();
    await dialog.getByText('expected a number from 0.1 to 100').waitFor();
    await dialog.getByLabel('Rate').fill('10');
    await dialog.getByRole('button', { name: 'Set the clock' }).click();
    const sign = page.locator('[data-clock=scaled]');
    await sign.getByText('10×').waitFor();
    await dialog.locator('[data-outside]').getByText('client/line/Practice twin').waitFor();
    await dialog.getByRole('radio', { name: /Stepped/ }).check();
    await dialog.getByRole('button', { name: 'Set the clock' }).click();
    await page.locator('[data-clock=stepped]').getByText('stands').waitFor();
    const before = (await (await fetch(`${url}/api/v1/clock`)).json()).now_ms;
    await dialog.getByRole('button', { name: '1000', exact: true }).click();
    await dialog.getByRole('button', { name: 'Step', exact: true }).click();
    await eventually('a second of the hub has gone, and no more', async () => {
      const { now_ms, running } = await (await fetch(`${url}/api/v1/clock`)).json();
      return !running && now_ms === before + 1_000;
    });
    await page.keyboard.press('Escape');
    // Without frames of the live channel the hub is asked.
    await turn(url, 'rails-mute');
    await fetch(`${url}/api/v1/clock`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"mode":"real"}' });
    await page.locator('[data-clock=real]').waitFor();
  }));

test('who may not do a thing hears why, and a hub of before knows none of it', async () => {
  await story({ start: () => startMock('--rails', '--keys') }, async ({ page, url }) => {
    await page.goto(`${url}/#/routes`);
    await enterKey(page, 'ct_viewer');
    const add = page.getByRole('button', { name: 'Add route' });
    assert.equal(await add.getAttribute('aria-disabled'), 'true');
    // Grey is not dead: pressed, it says why.
    await add.click({ force: true });
    await page.getByText('You are here as a viewer. This needs the key of an engineer.').waitFor();
    await page.goto(`${url}/#/recordings`);
    await page.getByRole('button', { name: 'Start recording' }).click({ force: true });
    await page.getByText('This needs the key of an operator or an engineer.').first().waitFor();
    assert.equal((await (await fetch(`${url}/api/v1/recordings`, { headers: { authorization: 'Bearer ct_viewer' } })).json()).active, null);
    await page.goto(`${url}/#/tests`);
    assert.equal(await page.getByRole('button', { name: 'Run all' }).getAttribute('aria-disabled'), 'true');
    await page.locator('[data-clock]').click();
    assert.ok(await page.locator('[data-dialog=clock] input[type=radio]').first().isDisabled());
  });
  await story({ start: () => startMock('--old') }, async ({ page, url }) => {
    await openLive(page, `${url}/#/recordings`);
    await page.getByText('This hub knows no recordings').waitFor();
    await page.goto(`${url}/#/tests`);
    await page.getByText('This hub knows no tests').waitFor();
    await page.goto(`${url}/#/routes`);
    await page.locator('[data-route]').first().waitFor();
    assert.equal(await page.locator('[data-clock]').count(), 0);
  });
});

for (const [name, width] of [['a phone', 400], ['a small phone', 360], ['a tablet', 834]]) {
  test(`everything fits on ${name}`, () =>
    story({ ...railsMock('--plc', '--classroom', '--problems'), context: { viewport: { width, height: 840 } } }, async ({ page, url }) => {
      await openLive(page, url);
      await fetch(`${url}/api/v1/clock`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"mode":"scaled","rate":10}' });
      await page.locator('[data-clock=scaled]').waitFor();
      for (const title of ['Routes', 'Recordings', 'Tests', 'Settings', 'Overview']) {
        await page.locator('[data-opens=pages]').click();
        await page.locator('[data-sheet=pages]').getByRole('link', { name: new RegExp(`^\\s*${title}`) }).click();
        await page.locator('[data-opens=pages][data-state=closed]').getByText(title).waitFor();
        // Nothing of the bar is cut off, and the page cannot be pushed aside.
        const cut = await page.evaluate(() => {
          const bar = document.querySelector('header');
          const ends = [...bar.querySelectorAll(':scope > *')].map((element) => element.getBoundingClientRect()).filter(({ width: wide }) => wide > 1);
          return { wide: document.documentElement.scrollWidth, beyond: ends.filter(({ left, right }) => left < 0 || right > innerWidth + 0.5).length };
        });
        assert.deepEqual(cut, { wide: width, beyond: 0 }, title);
      }
    }));
}
