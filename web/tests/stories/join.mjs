/** Pupils without a headset: from the card into the game and back after what goes wrong, on the Join page and on the teacher's panel. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { violations } from '../axe.mjs';
import { enterKey, eventually, openLive, startMock, story } from '../support.mjs';

/** What the page of a pupil may weigh on its way, compressed. */
const PAGE_BYTES_MAX = 48_000;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const classMock = (...args) => ({ start: () => startMock('--classroom', '--players', '0', ...args) });
const turn = async (url, word) => (await fetch(`${url}/mock/${word}`, { method: 'POST' })).json();
const say = (url, text) => turn(url, `class-headset-say?text=${encodeURIComponent(text)}`);
const output = (contents) => JSON.stringify({ contents, type: 'json_output' });
const order = (url, word) => fetch(`${url}/api/v1/classroom/${word}`, { method: 'POST' });
const ask = async (url) => (await fetch(`${url}/api/v1/classroom`)).json();
const reached = (url, state) => eventually(`the class is ${state}`, async () => {
  const { gama } = await ask(url);
  return gama.state === state && gama.waits_for === null;
});
const seatOf = async (url, id) => (await ask(url)).players.find((each) => each.id === id);
const movesOf = async (url, id) => (await turn(url, 'state')).asks.filter((each) => each.action === 'move_player_external' && each.id === id);

/** Types a name on the card and joins. */
async function join(page, url, name) {
  await page.goto(`${url}/join`);
  await page.locator('#name').fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
}

async function launch(url) {
  await order(url, 'launch');
  await reached(url, 'PAUSED');
}

async function run(url) {
  await launch(url);
  await order(url, 'resume');
  await reached(url, 'RUNNING');
}

const inGame = (page) => page.locator('[data-play=here] [data-world=shown]').waitFor();

test('where the class cannot be asked, as on the port of the headsets, a pupil is told why it waits, too', () =>
  story({ ...classMock(), context: PHONE }, async ({ page, url }) => {
    await page.route('**/api/v1/classroom', (route) => route.fulfill({ status: 426, body: '' }));
    await join(page, url, 'Ada');
    await page.getByText('Waiting for your teacher to start the lesson').waitFor();
    await run(url);
    await inGame(page);
  }));

test('a pupil joins by touch, waits, plays, and leaves', () =>
  story({ ...classMock(), context: PHONE }, async ({ page, url }) => {
    await page.goto(`${url}/join`);
    assert.match(await page.locator('#name').inputValue(), /^Player_\d{3}$/);
    await page.locator('#name').fill(' ');
    await page.getByRole('button', { name: 'Join', exact: true }).tap();
    await page.getByText('Type a name first').waitFor();
    await page.locator('#name').fill('Player_142');
    await page.getByRole('button', { name: 'Join', exact: true }).tap();
    await page.getByText('Waiting for your teacher to start the lesson').waitFor();
    await run(url);
    await inGame(page);
    await page.locator('[data-still]').waitFor({ state: 'detached' });

    const box = await page.locator('[data-stick]').boundingBox();
    const touch = await page.context().newCDPSession(page);
    const at = (dx) => [{ x: box.x + box.width / 2 + dx, y: box.y + box.height / 2 }];
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(box.width / 2) });
    const start = Number((await eventually('it is placed', async () => (await movesOf(url, 'Player_142'))[0])).x);
    await eventually('it walks', async () => Number((await movesOf(url, 'Player_142')).at(-1).x) > start + 1_000);
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    const [first, last] = [(await movesOf(url, 'Player_142'))[0], (await movesOf(url, 'Player_142')).at(-1)];
    assert.deepEqual([last.angle, last.y, typeof last.x], ['0', first.y, 'string']);

    await page.getByRole('button', { name: 'Details' }).tap();
    await page.getByLabel('Left hand').check();
    await page.getByRole('button', { name: 'Close' }).tap();
    assert.ok((await page.locator('[data-stick]').boundingBox()).x < 100);
    await page.getByRole('button', { name: 'Leave' }).tap();
    await page.locator('[data-join-card]').waitFor();
    await eventually('the seat is left', async () => !(await seatOf(url, 'Player_142')).connected);
    await page.reload();
    assert.equal(await page.locator('#name').inputValue(), 'Player_142');
  }));

test('a pupil joins and walks without a mouse', () =>
  story(classMock(), async ({ page, url }) => {
    await run(url);
    await page.goto(`${url}/join`);
    await page.locator('#name').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await inGame(page);
    const first = await eventually('it says where it stands', async () => (await movesOf(url, 'Ada'))[0]);
    await page.keyboard.down('ArrowUp');
    await eventually('it walks up', async () => Number((await movesOf(url, 'Ada')).at(-1).y) < Number(first.y) - 1_000);
    await page.keyboard.up('ArrowUp');
    const count = (await movesOf(url, 'Ada')).length;
    await page.keyboard.down('d');
    await eventually('it walks to the right', async () => (await movesOf(url, 'Ada')).some(({ angle }, at) => at >= count && angle === '0'));
    await page.keyboard.up('d');
    await page.keyboard.press('f');
    await page.locator('[data-follow][aria-pressed=true]').waitFor();
    await page.keyboard.press('0');
    await page.locator('[data-follow][aria-pressed=false]').waitFor();
    await page.getByRole('button', { name: 'Details' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-species=people]').getByText('60').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('[data-details]').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Details');
  }));

test('the code of the class is asked for where it is wanted', () =>
  story(classMock('--keys'), async ({ page, url }) => {
    const { code } = await turn(url, 'state');
    await page.goto(`${url}/join`);
    await page.locator('#code').waitFor();
    assert.equal(await page.locator('[data-halt]').count(), 0, 'nobody is scolded before they have typed');
    await page.locator('#code').fill('wrong2');
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.locator('[data-halt=code]').getByText('wrong, or not valid any more').waitFor();
    await page.locator('#code').fill(` ${code.toLowerCase()} `);
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.locator('[data-wait=here]').waitFor();

    // The code of the QR's address is there already.
    await page.goto('about:blank');
    await page.goto(`${url}/join#${code}`);
    assert.equal(await page.locator('#code').inputValue(), code);
    assert.equal(await page.locator('[data-halt]').count(), 0);
    await page.locator('#code').fill('AAAAAA');
    for (let wrong = 0; wrong < 5 && (await page.locator('[data-halt=tries]').count()) === 0; wrong += 1) {
      await page.getByRole('button', { name: 'Join', exact: true }).click();
      await page.locator('[data-halt]').waitFor();
    }
    await page.locator('[data-halt=tries]').getByText(/try again in \d+ s/).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Join', exact: true }).isDisabled());
  }));

test('a full class, a name that is taken, and a project without a class', async () => {
  await story({ start: () => startMock('--classroom', '--players', '4') }, async ({ page, url }) => {
    await launch(url);
    await join(page, url, 'Ada');
    await page.getByText('The game is full (4 of 4)').waitFor();
    await page.getByRole('button', { name: 'Change name', exact: true }).click();
    await page.locator('#name').fill('Player_101');
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.locator('[data-halt=name]').waitFor();
    await fetch(`${url}/api/v1/classroom/players/Player_102/remove`, { method: 'POST' });
    await page.locator('#name').fill('Ada');
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.locator('[data-play=here]').waitFor();
  });
  await story({ start: () => startMock() }, async ({ page, url }) => {
    await page.goto(`${url}/join`);
    await page.locator('[data-halt=nobody]').waitFor();
  });
});

test('the link is lost and comes back to the same seat', () =>
  story(classMock(), async ({ page, url }) => {
    await run(url);
    await join(page, url, 'Ada');
    await inGame(page);
    await turn(url, 'silent');
    await turn(url, 'class-headset-cut');
    await page.locator('[data-play] [data-gap=lost]').getByText('The connection is lost.').waitFor();
    assert.equal(await page.getByText('Your seat is kept').count(), 0, 'nobody can promise that for a hub that does not answer');
    await page.locator('[data-gap=lost]').getByText(/the world of \d+ s ago/).waitFor();
    assert.equal(await page.locator('main.old').count(), 1);
    await turn(url, 'talk');
    await page.locator('[data-play=here]').waitFor();
    await inGame(page);
    await eventually('one seat', async () => (await ask(url)).players.filter(({ connected }) => connected).length === 1);
    // A second tab takes the seat; the first says so and can have it back.
    const other = await page.context().newPage();
    await join(other, url, 'Ada');
    await inGame(other);
    await page.locator('[data-halt=elsewhere]').waitFor();
    await page.getByRole('button', { name: 'Play here instead' }).click();
    await inGame(page);
    await other.locator('[data-halt=elsewhere]').waitFor();
  }));

test('with the network back a phone asks anew at once, also where its old socket has not been closed yet', () =>
  story({ ...classMock(), context: PHONE }, async ({ page, url }) => {
    await run(url);
    await join(page, url, 'Ada');
    await inGame(page);
    const asks = async () => (await turn(url, 'state')).asked.filter((path) => path.startsWith('/headset')).length;
    const before = await asks();
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    await eventually('the door is asked anew', async () => (await asks()) > before);
    await inGame(page);

    await page.context().setOffline(true);
    await turn(url, 'class-headset-cut');
    await page.locator('[data-gap=lost]').getByText(/Next try in [3-9] s/).waitFor();
    await page.context().setOffline(false);
    await inGame(page);
    await eventually('one seat', async () => (await ask(url)).players.filter(({ connected }) => connected).length === 1);
  }));

test('a hub that falls silent is noticed, and one that is gone is waited for', () =>
  story(classMock(), async ({ page, url, hub }) => {
    await run(url);
    await join(page, url, 'Ada');
    await inGame(page);
    await hub.stop('SIGKILL');
    await page.locator('[data-play=waiting] [data-gap]').getByRole('button', { name: 'Try now' }).waitFor();
    await page.locator('[data-gap]').getByText(/Next try in \d+ s|Trying now/).waitFor();
  }));

test('being taken out and the end of a lesson are said', () =>
  story(classMock(), async ({ page, url }) => {
    await launch(url);
    await join(page, url, 'Ada');
    await page.locator('[data-play=here]').waitFor();
    await fetch(`${url}/api/v1/classroom/players/Ada/remove`, { method: 'POST' });
    await page.locator('[data-halt=removed]').getByText('Your teacher has taken you out').waitFor();
    await page.getByRole('button', { name: 'Join again' }).click();
    await page.locator('[data-play=here]').waitFor();
    await page.locator('[data-still]').getByText('Paused').waitFor();
    await order(url, 'stop');
    await page.locator('[data-gap=ended]').getByText('Stay here for the next one').waitFor();
    await page.locator('[data-wait=here]').waitFor();
    await launch(url);
    await page.locator('[data-play=here]').waitFor();
  }));

test('what is broken or not known is listed, and the rest lives on', () =>
  story(classMock(), async ({ page, url }) => {
    await launch(url);
    await join(page, url, 'Ada');
    await inGame(page);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.locator('[data-cannot]').getByText('only in a headset').waitFor();
    await page.locator('[data-cannot]').getByText('Every message that came is shown').waitFor();
    for (const text of ['{"contents":{"pointsLoc":[{"c":[1,NaN]}]},"type":"json_output"}', 'no json', '[]', output(null), output({ wallId: [3] }), output({ wallId: [4] }), output({ precision: -1 })]) await say(url, text);
    await page.locator('[data-kind=wallId]').getByText('2 ×').waitFor();
    await page.locator('[data-trouble=json]').first().waitFor();
    await page.locator('[data-trouble=shape]').getByText('contents').waitFor();
    await page.locator('[data-trouble=number]').getByText('precision').waitFor();
    await say(url, output({ pointsLoc: [{ c: [1, null] }, { c: [50_000, 30_000] }], names: ['a', 'b'], propertyID: ['people', 'people'] }));
    await page.locator('[data-trouble=number]').getByText('pointsLoc[0].c').waitFor();
    await say(url, output({ enableMove: false }));
    await page.getByText('does not let you walk').or(page.locator('[data-still]')).first().waitFor();
    await say(url, output({ endOfGame: 'The village is safe' }));
    await page.locator('[data-ended]').getByText('The village is safe').waitFor();
    await order(url, 'resume');
    await page.locator('[data-species=people]').getByText('60').waitFor();
  }));

test('three thousand agents twenty times a second are drawn without falling behind', () =>
  story(classMock(), async ({ page, url }) => {
    await turn(url, 'class-headset-people?count=3000');
    await run(url);
    await join(page, url, 'Ada');
    await inGame(page);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.locator('[data-species=people]').getByText('3,000').waitFor();
    const shown = async () => Number(await page.locator('[data-details] dd').first().textContent());
    const first = await shown();
    await eventually('the world goes on', async () => (await shown()) > first + 20);
    // Nothing waits to be drawn: where the class holds the page holds with the same world.
    await order(url, 'pause');
    await reached(url, 'PAUSED');
    const { cycle } = await turn(url, 'state');
    await eventually('the newest world is shown', async () => (await shown()) === cycle);
  }));

test('the languages are all there, and what nobody has proofread says so', () =>
  story({ ...classMock(), context: { ...PHONE, locale: 'fr-FR' } }, async ({ page, url }) => {
    await page.goto(`${url}/join`);
    await page.getByRole('button', { name: 'Rejoindre' }).waitFor();
    for (const [code, word, isReviewed] of [['vi', 'Vào buổi học', true], ['th', 'เข้าร่วมบทเรียน', false], ['lo', 'ເຂົ້າຮ່ວມບົດຮຽນ', false], ['km', 'ចូលរួមមេរៀន', false], ['en', 'Join the lesson', true], ['fr', 'Rejoindre la séance', true]]) {
      await page.locator('[data-language]').selectOption(code);
      await page.getByRole('heading', { name: word }).waitFor();
      assert.equal(await page.locator('[data-not-reviewed]').count(), isReviewed ? 0 : 1, code);
      await eventually('the page says its language', async () => (await page.locator('html').getAttribute('lang')) === code);
      const wide = await page.evaluate(() => [...document.querySelectorAll('h1, button, label, p')].filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline').map((element) => element.textContent));
      assert.deepEqual(wide, [], code);
    }
    await page.locator('[data-language]').selectOption('vi');
    await page.reload();
    await page.getByRole('heading', { name: 'Vào buổi học' }).waitFor();
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`the Join page and its panel are accessible in ${colorScheme}`, () =>
    story({ ...classMock('--keys'), context: { colorScheme } }, async ({ page, url }) => {
      await page.goto(`${url}/join`);
      await page.locator('#code').fill('WRONG2');
      await page.getByRole('button', { name: 'Join', exact: true }).click();
      await page.locator('[data-halt=code]').waitFor();
      assert.deepEqual(await violations(page), [], 'card');
      const { code } = await turn(url, 'state');
      await page.locator('#code').fill(code);
      await page.getByRole('button', { name: 'Join', exact: true }).click();
      await page.locator('[data-wait=here]').waitFor();
      assert.deepEqual(await violations(page), [], 'wait');

      const teacher = await page.context().newPage();
      await teacher.goto(`${url}/#/classroom`);
      await enterKey(teacher, 'ct_operator');
      await teacher.locator('[data-join=open]').waitFor();
      assert.deepEqual(await violations(teacher), [], 'panel');
      await teacher.getByRole('button', { name: 'Show large' }).click();
      await teacher.locator('[data-join-large][open]').waitFor();
      assert.deepEqual(await violations(teacher), [], 'large');
      await teacher.keyboard.press('Escape');
      await teacher.locator('[data-order=launch]').click();

      await page.locator('[data-play=here]').waitFor();
      await page.getByRole('button', { name: 'Details' }).click();
      await say(url, output({ wallId: 1 }));
      await say(url, 'no json');
      await page.locator('[data-trouble]').first().waitFor();
      assert.deepEqual(await violations(page), [], 'game');
      await turn(url, 'silent');
      await turn(url, 'class-headset-cut');
      await page.locator('[data-play] [data-gap]').waitFor();
      assert.deepEqual(await violations(page), [], 'lost');
    }));
}

test('the teacher opens and closes joining, and shows the code large', () =>
  story(classMock('--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/classroom`);
    await enterKey(page, 'ct_operator');
    const panel = page.locator('[data-join]');
    const { code } = await turn(url, 'state');
    await panel.locator('[data-join-code]').getByText(code).waitFor();
    await panel.locator('[data-join-address]').getByText('192.168.1.20:8080/join').waitFor();
    await panel.getByRole('combobox').selectOption('1');
    await panel.locator('[data-join-address]').getByText('10.0.0.7:8080/join').waitFor();
    await panel.getByRole('button', { name: 'Show large' }).click();
    const large = page.locator('[data-join-large]');
    await large.getByText(code).waitFor();
    assert.ok((await large.locator('svg').boundingBox()).height > 250);
    await page.keyboard.press('Escape');
    await large.waitFor({ state: 'hidden' });
    await panel.getByRole('button', { name: 'Close joining' }).click();
    await panel.locator('[data-join-closed]').waitFor();
    assert.equal((await turn(url, 'state')).code, null);
    await panel.getByRole('button', { name: 'Open joining' }).click();
    await panel.locator('[data-join-code]').waitFor();
    assert.notEqual(await panel.locator('[data-join-code]').textContent(), code);

    await page.locator('[data-who] [data-opens=who]').click();
    await page.getByRole('button', { name: 'Use another key' }).click();
    await enterKey(page, 'ct_viewer');
    await panel.getByText('The code is shown to operators').waitFor();
    assert.ok(await panel.getByRole('button', { name: 'Close joining' }).isDisabled());
    assert.equal(await panel.locator('[data-join-code]').count(), 0);
  }));

test('a class that nobody else reaches says what to do, and an old hub has no panel', async () => {
  await story(classMock('--no-lan'), async ({ page, url }) => {
    await openLive(page, `${url}/#/classroom`);
    await page.locator('[data-join-hint]').getByText('bind = "0.0.0.0"').waitFor();
    await page.locator('[data-join-about]').getByText('without a code').waitFor();
    assert.match(await page.locator('[data-join-address]').getAttribute('href'), /^http:\/\/127\.0\.0\.1:\d+\/join$/);
    assert.equal(await page.locator('[data-join]').getByRole('button').count(), 0);
  });
  // Behind a proxy others come in, and by a code: that is what opening is for, and nobody is told that joining is closed.
  await story(classMock('--no-lan', '--keys'), async ({ page, url }) => {
    await page.goto(`${url}/#/classroom`);
    await enterKey(page, 'ct_operator');
    const panel = page.locator('[data-join]');
    await panel.locator('[data-join-proxy]').getByText('through a proxy').waitFor();
    await panel.getByRole('button', { name: 'Close joining' }).click();
    await panel.getByRole('button', { name: 'Open joining' }).waitFor();
    assert.equal(await panel.locator('[data-join-closed], [data-join-code]').count(), 0);
    assert.equal(await panel.getByText('without a code').count(), 1);
    await panel.getByRole('button', { name: 'Open joining' }).click();
    await panel.locator('[data-join-code]').waitFor();
    assert.equal(await panel.getByRole('button', { name: 'Show large' }).count(), 0);
  });
  await story(classMock('--old'), async ({ page, url }) => {
    await openLive(page, `${url}/#/classroom`);
    await eventually('it was asked', async () => (await turn(url, 'state')).asked.includes('/api/v1/classroom/join'));
    await page.locator('[data-lesson]').waitFor();
    await page.locator('[data-join]').waitFor({ state: 'detached' });
  });
});

test('the page of a pupil is small and asks nobody but the hub', () =>
  story(classMock(), async ({ page, url }) => {
    const asked = [];
    const refused = [];
    const loaded = new Map();
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
    page.on('response', (response) => {
      if (/\/(join|assets\/.*)$/.test(new URL(response.url()).pathname)) loaded.set(response.url(), response.body());
    });
    await run(url);
    await join(page, url, 'Ada');
    await inGame(page);
    const { host } = new URL(url);
    assert.deepEqual(asked.filter((address) => !address.startsWith('data:') && new URL(address).host !== host), []);
    assert.deepEqual(refused, []);
    let bytes = 0;
    for (const body of loaded.values()) bytes += gzipSync(await body, { level: 9 }).length;
    assert.ok(loaded.size >= 4 && bytes < PAGE_BYTES_MAX, `${loaded.size} files, ${bytes} bytes`);
  }));
