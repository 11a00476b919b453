/**
 * A lesson at the real hub, `CROSSTIE_BIN`, on the tour, `CROSSTIE_PROJECT`, with two pupils who have no headset: a phone and a laptop join
 * the stand-ins for headsets, get into the game, walk, and one of them is taken out. With `SHOTS` pictures go to that folder.
 */

import test from 'node:test';
import { eventually, openLive, pictures, restartable, story } from '../support.mjs';

const order = (page, word) => page.locator(`.orders [data-order=${word}]`);
const lesson = (page, word) => page.locator(`[data-lesson=${word}]`).waitFor();
const offered = (page, word) => eventually(`${word} is offered`, async () => (await order(page, word).getAttribute('aria-disabled')) === 'false');
const seat = (page, id, word) => page.locator(`[data-player="${id}"][data-seat="${word}"]`).waitFor();

async function enter(page, url, name) {
  await page.goto(`${url}/join`);
  await page.locator('#name').fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
}

async function remove(teacher, id) {
  await teacher.getByRole('button', { name: `Remove ${id}` }).click();
  await teacher.getByRole('dialog').getByRole('button', { name: `Remove ${id}` }).click();
}

if (process.env.CROSSTIE_BIN && process.env.CROSSTIE_PROJECT) {
  const start = await restartable();

  test('two pupils without a headset take part in a lesson', () =>
    story({ start }, async ({ page: teacher, url }) => {
      const rowOf = async (id) => (await (await fetch(`${url}/api/v1/classroom`)).json()).players.find((each) => each.id === id);
      const browser = teacher.context().browser();
      const phone = await (await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })).newPage();
      const laptop = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
      await openLive(teacher, `${url}/#/classroom`);
      await lesson(teacher, 'NONE');
      await teacher.getByRole('button', { name: 'Open joining' }).click();
      await teacher.locator('[data-join=open]').waitFor();
      await eventually('three headsets sit there', async () => (await teacher.locator('[data-seat=here]').count()) === 3);
      await enter(phone, url, 'Ada');
      await phone.getByText('Waiting for your teacher to start the lesson').waitFor();
      await enter(laptop, url, 'Minh');
      await seat(teacher, 'Minh', 'here');

      await offered(teacher, 'launch');
      await order(teacher, 'launch').click();
      await lesson(teacher, 'PAUSED');
      // The model takes four: the last to come waits until somebody goes.
      await seat(teacher, 'Ada', 'inGame');
      await laptop.getByText('The game is full (4 of 4)').waitFor();
      await remove(teacher, 'Player_103');
      await seat(teacher, 'Minh', 'inGame');
      await offered(teacher, 'resume');
      await order(teacher, 'resume').click();
      await lesson(teacher, 'RUNNING');
      for (const pupil of [phone, laptop]) await pupil.locator('[data-play=here] [data-world=shown]').waitFor();

      const box = await phone.locator('[data-stick]').boundingBox();
      const touch = await phone.context().newCDPSession(phone);
      const at = (dx) => [{ x: box.x + box.width / 2 + dx, y: box.y + box.height / 2 }];
      await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
      await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(-box.width / 2) });
      await laptop.bringToFront();
      await laptop.keyboard.down('ArrowUp');
      for (const id of ['Ada', 'Minh']) {
        const { said } = await rowOf(id);
        await eventually(`${id} walks`, async () => (await rowOf(id)).said > said + 20);
      }
      await laptop.keyboard.up('ArrowUp');
      await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      await laptop.getByRole('button', { name: 'Details' }).click();
      await laptop.locator('[data-species=player]').getByText('3').waitFor();
      await pictures('lesson', { teacher, phone, laptop });

      await remove(teacher, 'Minh');
      await laptop.locator('[data-halt=removed]').waitFor();
      await seat(teacher, 'Minh', 'away');
      await offered(teacher, 'stop');
      await order(teacher, 'stop').click();
      await teacher.getByRole('dialog').getByRole('button', { name: /^Stop / }).click();
      await phone.locator('[data-gap=ended]').waitFor();
      await phone.locator('[data-wait=here]').waitFor();
    }));
}
