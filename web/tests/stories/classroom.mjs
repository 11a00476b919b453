/** A lesson on the page, from launch to stop, and what goes wrong in lessons. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

const classMock = (...args) => ({ start: () => startMock('--classroom', ...args) });
const turn = (url, word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
const order = (page, word) => page.locator(`.orders [data-order=${word}]`);
const lesson = (page, word) => page.locator(`[data-lesson=${word}]`).waitFor();
const seat = (page, id) => page.locator(`[data-player="${id}"]`);
const open = (page, url) => openLive(page, `${url}/#/classroom`);
/** Buttons that are grey still take a press and say why; a driver would wait for them. */
const pressGrey = (page, word) => order(page, word).click({ force: true });

test('a lesson from launch to stop', () =>
  story(classMock('--practice'), async ({ page, url }) => {
    await open(page, url);
    await page.locator('[data-practice]').getByText('Practice stand-in').waitFor();
    await lesson(page, 'NONE');
    await turn(url, 'class-hold');
    await order(page, 'launch').click();
    await page.locator('[data-waits]').getByText("Waiting for GAMA to load 'vr_xp'").waitFor();
    await turn(url, 'class-go');
    await lesson(page, 'PAUSED');
    await seat(page, 'Player_101').getByText('in the game', { exact: true }).waitFor();
    await order(page, 'step').click();
    await eventually('the step is done', async () => (await order(page, 'resume').getAttribute('aria-disabled')) === 'false');
    await order(page, 'resume').click();
    await lesson(page, 'RUNNING');
    await seat(page, 'Player_102').locator('[data-dropped]').waitFor();
    await pressGrey(page, 'launch');
    await page.locator('[data-told]').getByText('Launch: An experiment is loaded already').waitFor();
    await order(page, 'pause').click();
    await lesson(page, 'PAUSED');
    await eventually('it can be stopped', async () => (await order(page, 'stop').getAttribute('aria-disabled')) === 'false');
    await order(page, 'stop').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('All 3 headsets are sent away').waitFor();
    await dialog.getByRole('button', { name: 'Leave it as it is' }).click();
    await lesson(page, 'PAUSED');
    await order(page, 'stop').click();
    await page.locator('[data-experiment]').getByText('vr_xp').waitFor();
    await dialog.getByRole('button', { name: 'Stop vr_xp' }).click();
    await lesson(page, 'NONE');
    await page.locator('[data-experiment]').waitFor({ state: 'detached' });
    assert.equal((await (await fetch(`${url}/api/v1/classroom`)).json()).gama.experiment_name, 'vr_xp', 'the hub keeps the name');
    await seat(page, 'Player_103').getByText('away', { exact: true }).waitFor();
    await page.locator('[data-line=order]').getByText('Resume').waitFor();
  }));

test('GAMA that is away is said in words, with the next attempt and a way not to wait', () =>
  story(classMock(), async ({ page, url }) => {
    await turn(url, 'class-link?to=waiting');
    await open(page, url);
    await lesson(page, 'waiting');
    const sign = page.locator('[data-lesson=waiting]');
    await sign.getByText('GAMA is away').waitFor();
    await sign.getByText('connection refused').waitFor();
    await sign.locator('code').getByText('crosstie practice gama').waitFor();
    assert.doesNotMatch(await sign.textContent(), /next attempt/);
    await page.locator('[data-retry]').getByText(/next attempt (in \d s|now)/).waitFor();
    assert.match(await order(page, 'launch').getAttribute('title'), /^GAMA is not connected\. Launch:/);
    await turn(url, 'class-link?to=greeting');
    await page.locator('[data-lesson=greeting] .word').getByText('Waiting for the greeting of GAMA').waitFor();
    await turn(url, 'class-link?to=waiting');
    await page.getByRole('button', { name: 'Try now' }).click();
    await lesson(page, 'NONE');
  }));

test('an error of GAMA stands with its hint until a success has cleared it', () =>
  story(classMock(), async ({ page, url }) => {
    await open(page, url);
    await turn(url, 'class-error');
    const fault = page.locator('[data-fault=SimulationError]');
    await fault.getByText("Unknown variable 'flod'").waitFor();
    await fault.getByText('Correct the model in GAMA').waitFor();
    await page.locator('[data-line=error]').getByText('flod').waitFor();
    await order(page, 'launch').click();
    await lesson(page, 'PAUSED');
    await fault.waitFor({ state: 'detached' });
    await turn(url, 'class-state?to=FINISHED');
    await page.locator('[data-lesson=FINISHED]').getByText('come to its end').waitFor();
  }));

test('a full class, a name that two say, and headsets that come and go', () =>
  story(classMock('--players', '5'), async ({ page, url }) => {
    await open(page, url);
    await page.locator('[data-counted]').getByText('takes at most 4 players; 5 are here').waitFor();
    await order(page, 'launch').click();
    await seat(page, 'Player_105').locator('[data-why]').getByText('the class is full (4 of 4)').waitFor();
    await turn(url, 'class-player?id=Player_102&doubled=true');
    await seat(page, 'Player_102').locator('[data-doubled]').getByText('Two headsets say Player_102').waitFor();
    await turn(url, 'class-player?id=Player_103&alive=false');
    await seat(page, 'Player_103').getByText('silent').waitFor();

    await page.getByRole('button', { name: 'Remove Player_101' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('its connection is closed').waitFor();
    await dialog.getByRole('button', { name: 'Remove Player_101' }).click();
    await seat(page, 'Player_101').getByText('away', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Rejoin Player_105' }).click();
    await seat(page, 'Player_105').getByText('in the game', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Forget Player_101' }).click();
    await seat(page, 'Player_101').waitFor({ state: 'detached' });
  }));

test('models are chosen from folders by keyboard, and their problems have a place', () =>
  story(classMock(), async ({ page, url }) => {
    await open(page, url);
    await eventually('pictures are there', () => page.locator('img').first().evaluate((image) => image.naturalWidth > 0));
    await page.locator('[data-model-index="0"][aria-pressed=true]').focus();
    const focused = () => page.evaluate(() => document.activeElement.dataset.folder ?? document.activeElement.dataset.modelIndex);
    for (const [key, where] of [
      ['ArrowRight', '3'],
      ['ArrowRight', 'Water'],
      ['End', 'Air'],
      ['ArrowLeft', 'Water'],
      ['Enter', '1'],
      ['ArrowRight', 'Rivers'],
      ['Enter', '2'],
    ]) {
      await page.keyboard.press(key);
      await eventually(`${key} leads to ${where}`, async () => (await focused()) === where);
    }
    await page.keyboard.press('Enter');
    await page.locator('[data-model]').getByText('Red River').waitFor();
    await page.locator('[data-model-index="2"]').getByText('file not on this machine').waitFor();
    await page.keyboard.press('Backspace');
    await eventually('one folder up', async () => (await focused()) === 'Rivers');
    await page.locator('[data-problems] summary').click();
    await page.locator('[data-package-problem]').getByText('/srv/learning-packages/old/settings.json:3:5').waitFor();
  }));

test('a lesson is run without a mouse', () =>
  story(classMock(), async ({ page, url }) => {
    const press = (key) => page.keyboard.press(key);
    const tabTo = (name, key = 'Tab') =>
      eventually(`the tabulator reaches ${name}`, async () => {
        await press(key);
        return (await page.evaluate(() => document.activeElement?.textContent.trim())) === name;
      });
    await open(page, url);
    await lesson(page, 'NONE');
    await tabTo('Launch');
    await press('Enter');
    await lesson(page, 'PAUSED');
    await tabTo('Resume');
    await press('Enter');
    await lesson(page, 'RUNNING');
    await eventually('it can be stopped', async () => (await order(page, 'stop').getAttribute('aria-disabled')) === 'false');
    await tabTo('Launch', 'Shift+Tab');
    await press('Enter');
    await page.locator('[data-told]').waitFor();
    await tabTo('Stop');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await lesson(page, 'RUNNING');
    await press('Enter');
    await tabTo('Stop vr_xp');
    await press('Enter');
    await lesson(page, 'NONE');
  }));

test('the console is filtered by level, and follows its end until somebody reads', () =>
  story(classMock(), async ({ page, url }) => {
    await open(page, url);
    for (let line = 0; line < 40; line += 1) await turn(url, `class-say?text=line+${line}`);
    await page.locator('[data-line=console]').getByText('line 39').waitFor();
    const box = page.getByRole('log');
    await eventually('the end is in sight', () => box.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 30));
    await box.evaluate((element) => (element.scrollTop = 0));
    await eventually('it follows no more', async () => !(await page.getByLabel('follow').isChecked()));
    await turn(url, 'class-say?text=one+more');
    await page.locator('[data-line=console]').getByText('one more').waitFor();
    assert.equal(await box.evaluate((element) => element.scrollTop), 0);
    await page.locator('[data-level=console]').click();
    await page.locator('[data-line=console]').first().waitFor({ state: 'detached' });
    await page.locator('[data-line=note]').first().waitFor();
  }));

test('monitors are switched, and an engineer asks the simulation', () =>
  story(classMock(), async ({ page, url }) => {
    await open(page, url);
    await page.getByRole('button', { name: 'stream' }).click();
    await page.locator('[data-screen]').getByText('stream').waitFor();
    await page.getByLabel('Another display type').fill('wall');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.locator('[data-screen]').getByText('wall').waitFor();
    const box = page.locator('[data-evaluate]');
    await box.getByText('No experiment is loaded').waitFor();
    await order(page, 'launch').click();
    await lesson(page, 'PAUSED');
    await box.getByRole('textbox').fill('length(people)');
    await box.getByRole('button', { name: 'Evaluate' }).click();
    await box.locator('output').getByText('120').waitFor();
    await box.getByRole('textbox').fill('nonsense');
    await box.getByRole('button', { name: 'Evaluate' }).click();
    await box.getByText("Not evaluated: GAMA could not evaluate it: unknown expression 'nonsense'").waitFor();
  }));

test('a viewer sees the class and can order nothing; an operator cannot evaluate', () =>
  story(classMock('--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/classroom`);
    await enterKey(page, 'ct_viewer');
    await lesson(page, 'NONE');
    await seat(page, 'Player_101').getByText('here', { exact: true }).waitFor();
    assert.match(await order(page, 'launch').getAttribute('title'), /You are here as a viewer/);
    await pressGrey(page, 'launch');
    await page.locator('[data-told]').getByText('This needs the key of an operator or an engineer').waitFor();
    assert.ok(await page.getByRole('button', { name: 'Remove Player_101' }).isDisabled());
    assert.ok(await page.getByRole('button', { name: 'stream' }).isDisabled());
    await page.locator('[data-model-index="3"]').click({ force: true });
    assert.equal((await (await fetch(`${url}/api/v1/classroom`, { headers: { authorization: 'Bearer ct_viewer' } })).json()).model.index, 0);
    await page.locator('[data-evaluate]').getByText('This needs the key of an engineer').waitFor();

    await page.locator('[data-who] [data-opens=who]').click();
    await page.getByRole('button', { name: 'Use another key' }).click();
    await enterKey(page, 'ct_operator');
    await order(page, 'launch').click();
    await lesson(page, 'PAUSED');
    await page.locator('[data-evaluate]').getByText('This needs the key of an engineer').waitFor();
  }));

test('pictures of models come with the key of the page, and not beyond their size', () =>
  story(classMock('--keys'), async ({ page, url }) => {
    assert.equal((await fetch(`${url}/learning-packages/demo/splashscreen/0.svg`)).status, 401);
    await page.goto(`${url}/#/classroom`);
    await enterKey(page, 'ct_viewer');
    const picture = page.locator('[data-model-index="0"] img');
    await eventually('the picture is there', () => picture.evaluate((image) => image.src.startsWith('data:image/svg+xml;') && image.naturalWidth > 0));
    await turn(url, 'class-large');
    await page.reload();
    const tile = page.locator('[data-model-index="0"] [data-picture=large]');
    await tile.getByText('CAF', { exact: true }).waitFor();
    assert.equal(await tile.getAttribute('title'), 'The picture is larger than 2 MB and is not shown');
  }));

test('when the hub is lost the class turns grey with its age', () =>
  story(classMock(), async ({ page, url, hub }) => {
    await open(page, url);
    await order(page, 'launch').click();
    await lesson(page, 'PAUSED');
    await hub.stop('SIGKILL');
    await lesson(page, 'old');
    await page.locator('[data-lesson=old]').getByText('Was: Paused').waitFor();
    await page.locator('[data-old]').getByText(/as it was .* ago/).waitFor();
    await pressGrey(page, 'resume');
    await page.locator('[data-told]').getByText('This needs the link to the hub').waitFor();
  }));

test('a class without GAMA, and a project without a class', async () => {
  await story(classMock('--gamaless'), async ({ page, url }) => {
    await open(page, url);
    await page.locator('[data-lesson=gamaless]').getByText('Without GAMA').waitFor();
    await seat(page, 'Player_101').getByText('here', { exact: true }).waitFor();
    assert.equal(await page.locator('[data-evaluate]').count(), 0);
    assert.match(await order(page, 'launch').getAttribute('title'), /GAMALESS/);
  });
  await story({ start: () => startMock() }, async ({ page, url }) => {
    await openLive(page, url);
    await page.locator('[data-client]').first().waitFor();
    assert.equal(await page.getByRole('link', { name: 'Classroom' }).count(), 0);
    const { asked } = await (await fetch(`${url}/mock/state`)).json();
    assert.ok(!asked.some((path) => path.includes('/assets/Classroom')), 'its page is fetched only where there is a class');
    await page.goto(`${url}/#/classroom`);
    await page.getByRole('heading', { name: 'This project has no classroom' }).waitFor();
  });
});

test('the overview has the peers of the class among the others', () =>
  story(classMock('--practice'), async ({ page, url }) => {
    await openLive(page, url);
    await page.locator('[data-peer-headsets]').getByText('3 headsets, 0 in the game').waitFor();
    await page.locator('[data-peer-gama=connected]').getByText('ready, practice').waitFor();
    await turn(url, 'class-player?id=Player_103&alive=false');
    await page.locator('[data-peer-headsets]').getByText('1 silent').waitFor();
    await turn(url, 'class-link?to=waiting');
    const gama = page.locator('[data-peer-gama=waiting]');
    await gama.getByText(/not connected, next attempt/).waitFor();
    await gama.getByRole('link', { name: 'GAMA' }).click();
    await lesson(page, 'waiting');
  }));

for (const [name, viewport] of [
  ['a phone', { width: 390, height: 844 }],
  ['a tablet', { width: 834, height: 1112 }],
  ['1280×720', { width: 1280, height: 720 }],
]) {
  test(`the class fits on ${name}`, () =>
    story({ ...classMock('--players', '6', '--practice'), context: { viewport } }, async ({ page, url }) => {
      await open(page, url);
      await order(page, 'launch').click();
      await lesson(page, 'PAUSED');
      await turn(url, `class-player?id=${'Player_with_a_very_long_name_'.repeat(3)}`);
      await turn(url, `class-error?text=${'A_word_without_any_blank_'.repeat(12)}`);
      await page.locator('[data-fault]').waitFor();
      const wide = await page.getByRole('region', { name: 'Classroom' }).evaluate((element) => element.scrollWidth - element.clientWidth);
      assert.equal(wide, 0, 'nothing stands out at the side');
      const bar = await page.locator('header').first().evaluate((element) => element.scrollWidth - element.clientWidth);
      assert.equal(bar, 0, 'the signs of the bar stay in sight');
      for (const button of await page.locator('.orders button').all()) assert.ok((await button.boundingBox()).height >= 40);
    }));
}
