/**
 * A lesson at the real hub, `CROSSTIE_BIN`, on the tour, `CROSSTIE_PROJECT`: what the stories of `classroom.mjs` tell in
 * detail with the mock is told here once with the stand-ins for GAMA and for headsets, from launch to stop.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, restartable, story } from '../support.mjs';

const order = (page, word) => page.locator(`.orders [data-order=${word}]`);
const lesson = (page, word) => page.locator(`[data-lesson=${word}]`).waitFor();
const offered = (page, word) => eventually(`${word} is offered`, async () => (await order(page, word).getAttribute('aria-disabled')) === 'false');

if (process.env.CROSSTIE_BIN && process.env.CROSSTIE_PROJECT) {
  const start = await restartable();
  const ask = async (url) => (await fetch(`${url}/api/v1/classroom`)).json();

  test('a lesson against the stand-ins, from launch to stop', () =>
    story({ start }, async ({ page, url }) => {
      await openLive(page, `${url}/#/classroom`);
      await page.locator('[data-practice]').getByText('Practice stand-in').waitFor();
      await lesson(page, 'NONE');
      // The pictures of the models come from the learning packages.
      await eventually('a picture is there', () => page.locator('[data-catalog] img').first().evaluate((image) => image.naturalWidth > 0));
      await page.locator('[data-catalog] [aria-pressed=true]').first().waitFor();
      await eventually('a headset sits there', async () => (await page.locator('[data-seat=here]').count()) > 0);

      await offered(page, 'launch');
      await order(page, 'launch').click();
      await lesson(page, 'PAUSED');
      await page.locator('[data-seat=inGame]').first().waitFor();
      await offered(page, 'step');
      await order(page, 'step').click();
      await offered(page, 'resume');
      await order(page, 'resume').click();
      await lesson(page, 'RUNNING');
      await eventually('worlds come to a headset', async () => (await ask(url)).players.some(({ worlds }) => worlds > 20));

      const box = page.locator('[data-evaluate]');
      await box.getByRole('textbox').fill('length(people)');
      await box.getByRole('button', { name: 'Evaluate' }).click();
      await box.locator('output').getByText(/^\d+/).waitFor();

      const [{ id }] = (await ask(url)).players.filter(({ in_game }) => in_game);
      await page.getByRole('button', { name: `Remove ${id}` }).click();
      await page.getByRole('dialog').getByRole('button', { name: `Remove ${id}` }).click();
      // The stand-in for a headset connects again by itself after five seconds, and takes part again.
      await page.locator(`[data-player="${id}"][data-seat=away]`).waitFor();
      await page.locator(`[data-player="${id}"][data-seat=inGame]`).waitFor();

      await offered(page, 'pause');
      await order(page, 'pause').click();
      await lesson(page, 'PAUSED');
      await offered(page, 'stop');
      await order(page, 'stop').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/headsets? (is|are) sent away/).waitFor();
      await dialog.getByRole('button', { name: /^Stop / }).click();
      await lesson(page, 'NONE');
      await page.locator('[data-seat=away]').first().waitFor();
      await page.locator('[data-line=order]').first().waitFor();
      assert.equal((await ask(url)).gama.state, 'NONE');

      await page.getByRole('link', { name: /^Overview/ }).click();
      await page.locator('[data-peer-gama=connected]').getByText('practice').waitFor();
    }));
}
