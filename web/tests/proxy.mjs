/**
 * The page behind a real reverse proxy: `node tests/proxy.mjs`, called by `scripts/test-proxy`, which says with
 * `CROSSTIE_URL` where the proxy serves the page of the tour, such as `https://line.example:24000/line/`, and with
 * `CROSSTIE_KEY` a key of an engineer. The name is looked up on this machine, and the certificate is known to nobody.
 *
 * It enters the key, sees a value of the tour change, writes one, and opens the settings. It ends with 0 if all of that works,
 * with 1 and the reason if not, within a minute.
 */

import { enterKey, eventually, startBrowser } from './support.mjs';

/** The limit of the whole run. */
const RUN_MS_MAX = 55_000;

const { CROSSTIE_URL: url, CROSSTIE_KEY: key } = process.env;
if (!url || !key) {
  console.error('proxy: expected CROSSTIE_URL, the address of the page, and CROSSTIE_KEY, a key of an engineer');
  process.exit(1);
}
const { hostname, origin, pathname } = new URL(url);

/** Whether a request of the page stays in the folder of the proxy. */
function isAtHome(address) {
  const asked = new URL(address);
  const base = asked.protocol === 'wss:' ? asked.origin.replace('wss:', 'https:') : asked.origin;
  return asked.protocol === 'data:' || (base === origin && asked.pathname.startsWith(pathname));
}

async function tell(page) {
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(`error in the page: ${error}`));
  page.on('request', (request) => isAtHome(request.url()) || troubles.push(`asked for ${request.url()}`));
  page.on('websocket', (socket) => isAtHome(socket.url()) || troubles.push(`opened ${socket.url().replace(/\?.*/, '')}`));

  await page.goto(`${url}#/signals?filter=twin%2Fline`);
  await enterKey(page, key);
  const position = page.locator('[data-name="twin/line/ConveyorPosition"]');
  await position.waitFor();
  const first = await position.textContent();
  await eventually('a value of the tour changes', async () => (await position.textContent()) !== first);

  // Nobody but operators writes this one: it comes back from the hub as it was written.
  await page.locator('[data-name="twin/line/FaultSwitch"]').click();
  const detail = page.locator('[data-detail="twin/line/FaultSwitch"]');
  await detail.getByRole('button', { name: 'false' }).click();
  await detail.getByText('Written: false').waitFor();

  await page.goto(`${url}#/settings`);
  await page.locator('[data-setting="web.port"]').waitFor();
  await page.locator('[data-link=live]').waitFor();
  if (troubles.length > 0) throw new Error(troubles.join('\n'));
}

const browser = await startBrowser('--ignore-certificate-errors', `--host-resolver-rules=MAP ${hostname} 127.0.0.1`);
const limit = setTimeout(() => {
  console.error(`proxy: not done after ${RUN_MS_MAX / 1000} s`);
  void browser.close().finally(() => process.exit(1));
}, RUN_MS_MAX);
try {
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await tell(page);
  console.log('the page works behind the proxy');
} catch (error) {
  // A key never reaches a log, also not by way of an error of the browser.
  console.error(`proxy: ${String(error).replaceAll(key, 'KEY')}`);
  process.exitCode = 1;
} finally {
  clearTimeout(limit);
  await browser.close();
}
