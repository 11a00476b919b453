import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, restartable, startMock, story } from '../support.mjs';

test('a hub that is gone is seen at once, and found again when it is back', async () => {
  const start = await restartable();
  const hubs = [];
  try {
    await story({ start }, async ({ page, url, hub }) => {
      await openLive(page, `${url}/#/signals?filter=twin%2Fline&signal=twin%2Fline%2FSpeedSetpoint`);
      const detail = page.locator('[data-detail="twin/line/SpeedSetpoint"]');
      const field = detail.getByLabel('New value of');
      const banner = page.locator('[data-banner=lost]');
      const position = page.locator('[data-name="twin/line/ConveyorPosition"]');
      await position.waitFor();
      await field.fill('123');

      await hub.stop('SIGKILL');
      await banner.waitFor();
      await page.locator('[data-link=live]').waitFor({ state: 'detached' });
      assert.ok(await field.isDisabled(), 'nothing can be written without a link');
      const ageOf = async () => position.locator('.age').textContent();
      await eventually('the age of a value grows', async () => /^[2-9] s$/.test(await ageOf()));
      await detail.getByText('thrown away and not sent').waitFor();

      hubs.push(await start());
      await page.locator('[data-link=live]').waitFor();
      await banner.waitFor({ state: 'detached' });
      await eventually('values are fresh', async () => (await ageOf()) === '< 1 s');
      assert.equal(await field.inputValue(), '');
      const stored = await (await fetch(`${url}/api/v1/signals/twin/line/SpeedSetpoint`)).json();
      assert.notEqual(stored.value, 123, 'what was typed before the loss never arrives');

      // The new connection writes again: its epoch is its own.
      await field.fill('150');
      await field.press('Enter');
      await detail.getByText('Written: 150').waitFor();
    });
  } finally {
    for (const hub of hubs) await hub.stop();
  }
});

test('a hub that says nothing any more is lost too, though its socket is open', () =>
  story({ start: () => startMock() }, async ({ page, url }) => {
    await openLive(page, url);
    await fetch(`${url}/mock/silent`, { method: 'POST' });
    await page.locator('[data-banner=lost]').getByText('went silent').waitFor();
    await fetch(`${url}/mock/talk`, { method: 'POST' });
    await page.locator('[data-link=live]').waitFor();
  }));

test('a hub that was never there is said to be missing, with what to look for', async () => {
  await story({ start: () => startMock() }, async ({ page, url, hub }) => {
    // The page itself is delivered, the link is refused from the first attempt on.
    await page.routeWebSocket('**/api/v1/live', (socket) => socket.close());
    await page.goto(url);
    await page.getByText('The hub does not answer.').waitFor();
    await page.getByText('Waiting for the hub at').waitFor();
    await hub.stop();
  });
});
