/** At the real hub, `CROSSTIE_BIN`: a route that is laid by dragging carries a value, and stands in the hub's list and project file. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import WebSocket from 'ws';
import { eventually, freePort, openLive, startProject, story } from '../support.mjs';

/** A twin with a level, and a panel that shows one; nothing ties them. */
const plant = (line, panel) => `
[[realvirtual]]
name = "line"
port = ${line}
signal = [{ name = "Level", type = "Float", writer = "peer" }]
[[realvirtual]]
name = "panel"
port = ${panel}
signal = [{ name = "Shown", type = "Float", writer = "hub" }]
`;

if (process.env.CROSSTIE_BIN) {
  test('a route that is dragged from one endpoint to another carries a value', async () => {
    const [line, panel] = [await freePort(), await freePort()];
    await story({ start: () => startProject(plant(line, panel)) }, async ({ page, url, hub }) => {
      const twin = new WebSocket(`ws://127.0.0.1:${line}/`);
      await once(twin, 'open');
      twin.send(JSON.stringify({ type: 'init', version: 2, name: 'twin' }));
      const ask = async (path) => (await fetch(`${url}/api/v1/${path}`)).json();
      await openLive(page, `${url}/#/routes?view=graph`);
      await page.locator('[data-first]').getByText('Nothing is tied yet').waitFor();
      const port = (name) => page.locator(`[data-port="${name}"]`);
      const middle = async (locator) => {
        const { x, y, width, height } = await locator.boundingBox();
        return [x + width / 2, y + height / 2];
      };
      await port('twin/line/Level').waitFor();
      // The other way round it would be a second writer, and the page says so before anybody lets go.
      await page.mouse.move(...(await middle(port('twin/panel/Shown').locator('.outof'))));
      await page.mouse.down();
      await page.mouse.move(...(await middle(port('twin/line/Level').locator('.into'))), { steps: 5 });
      assert.match(await port('twin/line/Level').getAttribute('data-refused'), /second writer/);
      await page.mouse.up();
      await page.mouse.move(...(await middle(port('twin/line/Level').locator('.outof'))));
      await page.mouse.down();
      await page.mouse.move(...(await middle(port('twin/panel/Shown').locator('.into'))), { steps: 5 });
      await page.mouse.up();
      const form = page.locator('[data-side=form]');
      await eventually('nothing else is wanted', () => form.getByRole('button', { name: 'Add', exact: true }).evaluate((button) => button === document.activeElement));
      await page.keyboard.press('Enter');
      await page.locator('[data-side=fate]').waitFor();
      const { routes } = await ask('routes');
      assert.deepEqual(routes.map(({ from, to }) => [from, to]), [['twin/line/Level', 'twin/panel/Shown']]);
      await page.locator(`[data-tie=r${routes[0].id}]`).waitFor({ state: 'attached' });
      twin.send(JSON.stringify({ type: 'data', version: 2, signals: { Level: 42.5 } }));
      await eventually('it carries the value', async () => (await ask('signals/twin/panel/Shown')).value === 42.5);
      await port('twin/panel/Shown').getByText('42.500').waitFor();
      assert.match(await readFile(join(hub.folder, 'crosstie.toml'), 'utf8'), /twin\/panel\/Shown/);
      twin.close();
    });
  });
}
