/**
 * Takes pictures of every page in both themes, at a desk and on a phone: `npm run shots [folder]`, default
 * `test-results`. The pictures are for people to look at, nothing is compared.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openLive, startBrowser, startMock } from './support.mjs';

const folder = process.argv[2] ?? 'test-results';
mkdirSync(folder, { recursive: true });

const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
/** What is shown: a name, the mock's arguments, the path, and what to do and wait for before the picture. */
const SCENES = [
  ['overview', [], '/', async (page) => page.waitForFunction(() => document.querySelector('polyline').getAttribute('points').split(' ').length > 12)],
  ['problems', ['--problems'], '/', async (page) => page.locator('[data-problem]').first().waitFor()],
  ['empty', ['--empty'], '/', async (page) => page.locator('[data-health]').waitFor()],
  ['signals', ['--signals', '100000'], '/signals', async (page) => page.getByText('100,018 signals', { exact: true }).waitFor()],
  [
    'detail',
    [],
    '/signals?filter=twin&signal=twin%2Fline%2FSpeedSetpoint',
    async (page) => {
      await page.getByLabel('New value of').fill('900');
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.getByText('Written as').waitFor();
    },
  ],
  ['no-signals', ['--empty'], '/signals', async (page) => page.getByText('There is no signal yet').waitFor()],
  [
    'lost',
    [],
    '/signals',
    async (page, hub) => {
      await page.locator('[data-name="twin/line/Run"]').waitFor();
      await hub.stop('SIGKILL');
      await page.locator('[data-banner=lost]').waitFor();
    },
  ],
];

const only = process.argv.slice(3);
const browser = await startBrowser();
try {
  for (const [name, args, path, prepare] of SCENES) {
    if (only.length > 0 && !only.includes(name)) continue;
    for (const colorScheme of ['light', 'dark']) {
      for (const [size, viewport] of Object.entries(SIZES)) {
        const hub = await startMock(...args);
        const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 1 });
        const page = await context.newPage();
        page.on('console', (message) => message.type() === 'error' && console.error(name, message.text()));
        page.on('pageerror', (error) => console.error(name, error));
        await openLive(page, hub.url + path);
        await prepare(page, hub);
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${size}.png`) });
        await context.close();
        await hub.stop();
      }
    }
  }
} finally {
  await browser.close();
}
