import test from 'node:test';
import assert from 'node:assert/strict';
import { openLive, pictures, startMock, story } from '../support.mjs';

/** A project, a context and a text that hide signs, turn them round, or reach into other rows. */
const PROJECT = 'Plant\u202eA\u3164';
const CONTEXT = 'line\u00ad';
const PILE = `ก${'\u0e47'.repeat(12)}`;
const TEXT = `${PILE} one\ntwo`;

test('names that hide signs show them wherever they stand, and a text stays in its row', () =>
  story({ start: () => startMock('--plc') }, async ({ page, url }) => {
    const changing = (change) => async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      change(answer);
      await route.fulfill({ response, json: answer });
    };
    await page.route(/api\/v1\/health$/, changing((health) => (health.project = PROJECT)));
    await page.route(/api\/v1\/plc\/contexts$/, changing(({ contexts }) => contexts.forEach((context) => (context.name += CONTEXT))));
    await page.routeWebSocket(/api\/v1\/live/, (socket) => {
      const hub = socket.connectToServer();
      hub.onMessage((text) => {
        const frame = JSON.parse(text);
        for (const signal of frame.type === 'snapshot' ? frame.signals : []) if (signal.kind === 'text') signal.value = TEXT;
        socket.send(JSON.stringify(frame));
      });
    });
    await openLive(page, url);
    const shown = 'Plant⟨202E⟩A⟨3164⟩';
    await page.getByRole('heading', { name: shown, level: 1 }).waitFor();
    assert.equal(await page.locator('header .project').textContent(), shown);
    assert.match(await page.title(), new RegExp(shown));
    await pictures('deceiving', { overview: page });

    await page.goto(`${url}/#/plc`);
    const tab = page.getByRole('navigation', { name: 'PLC contexts' }).getByRole('link').first();
    await tab.waitFor();
    assert.match(await tab.textContent(), /line⟨00AD⟩/);
    await page.getByRole('button', { name: /^Remove .*⟨00AD⟩ …$/ }).waitFor();

    await page.goto(`${url}/#/signals`);
    const value = page.getByRole('row').filter({ hasText: '⏎' }).first();
    await value.waitFor();
    assert.ok((await value.textContent()).includes(`ก${'\u0e47'.repeat(3)}⟨+9⟩ one⏎two`));
    await pictures('deceiving', { signals: page });
  }));
