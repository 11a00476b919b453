/** What the stories share: a hub to look at, a browser to look with, and waiting for conditions with a limit. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, request as requests } from 'playwright-core';

const MOCK = join(dirname(fileURLToPath(import.meta.url)), 'mock-hub.mjs');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** The limit of every wait. It is far above what is needed: it bounds a failing run and judges no speed. */
export const LIMIT_MS = 30_000;
/** More stops than any page has. */
const TAB_STOPS_MAX = 200;

/** A process that serves a hub; `url` is its page. */
export class Hub {
  constructor(process, url) {
    this.process = process;
    this.url = url;
  }

  /** Ends the process and waits until it is gone. */
  async stop(signal = 'SIGTERM') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    await gone;
  }
}

/** Starts the mock hub; the port is free unless one is given. */
export async function startMock(...args) {
  const mock = spawn(process.execPath, [MOCK, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(createInterface({ input: mock.stdout }), 'line');
  return new Hub(mock, url);
}

/** A port of the loopback on which nobody listens now. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * A hub that a story may stop and start again at the same address: gives a function that starts it. It is the real
 * one if `CROSSTIE_BIN` and `CROSSTIE_PROJECT` are set, else the mock.
 */
export async function restartable() {
  const port = await freePort();
  return process.env.CROSSTIE_BIN ? () => startReal(port - 8000) : () => startMock('--port', String(port));
}

/**
 * Starts the real hub on its own ports: `CROSSTIE_BIN` on the project `CROSSTIE_PROJECT`, with its practice twin.
 * `offset` is added to every port of the project, whose page is on 8000.
 */
async function startReal(offset) {
  const args = ['run', process.env.CROSSTIE_PROJECT, '--practice', '--port-offset', String(offset)];
  const hub = spawn(process.env.CROSSTIE_BIN, args, { stdio: 'ignore' });
  const url = `http://127.0.0.1:${8000 + offset}`;
  await eventually('the hub is healthy', async () => (await fetch(`${url}/healthz`)).ok);
  return new Hub(hub, url);
}

/** A real hub on a project of its own, which is gone with it. */
class ProjectHub extends Hub {
  constructor(process, url, folder, keys) {
    super(process, url);
    this.folder = folder;
    this.keys = keys;
  }

  async stop(signal) {
    await super.stop(signal);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Makes a key of a project with `crosstie key add`, before its hub runs; `flags` are those of the command. */
async function addKey(folder, name, ...flags) {
  const { stdout } = await promisify(execFile)(process.env.CROSSTIE_BIN, ['key', 'add', name, ...flags, folder]);
  return stdout.match(/ct_[\w-]+/)[0];
}

/**
 * Starts the real hub `CROSSTIE_BIN` on a new project: the text of its file below `[web]`, whose port is chosen here.
 * With `tls` the page comes by https, by the certificate that the hub makes itself. `keys` are made before, in this
 * order: a name and the flags of `crosstie key add` each; they are then in `hub.keys`, and the first in the file `key`.
 * `files` are further files of the project by their names, such as programs.
 */
export async function startProject(text, { tls = false, keys = [], files = {} } = {}) {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'crosstie-story-'));
  await writeFile(join(folder, 'crosstie.toml'), `[web]\nport = ${port}\ntls = ${tls}\n\n${text}`);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const made = [];
  for (const key of keys) made.push(await addKey(folder, ...key));
  if (made.length > 0) await writeFile(join(folder, 'key'), made[0], { mode: 0o600 });
  const args = ['run', folder, ...(text.includes('[[practice]]') ? ['--practice'] : [])];
  const hubProcess = spawn(process.env.CROSSTIE_BIN, args, { stdio: 'ignore' });
  const hub = new ProjectHub(hubProcess, `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, folder, made);
  const asker = await requests.newContext({ ignoreHTTPSErrors: true });
  try {
    await eventually('the hub is healthy', async () => (await asker.get(`${hub.url}/healthz`)).ok());
  } catch (error) {
    await hub.stop('SIGKILL');
    throw error;
  } finally {
    await asker.dispose();
  }
  return hub;
}

/** Waits until `condition` is true, 30 s at most; an error inside counts as not yet. Gives what was true. */
export async function eventually(what, condition) {
  const until = Date.now() + LIMIT_MS;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`not reached in time: ${what} (last: ${last})`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The browser, and how it is started so that it calls nobody by itself. */
export const BROWSER = [
  CHROMIUM,
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a fresh profile; further switches may be given. */
export function startBrowser(...switches) {
  const [executablePath, ...args] = BROWSER;
  return chromium.launch({ executablePath, args: [...args, ...switches] });
}

/**
 * One story: a hub, a browser and a page, all of them ended afterwards, whatever happens.
 *
 * The hub is what `start` starts; without it the one at `CROSSTIE_URL`, and where that is not set the mock. Every
 * story fails on an error in the page.
 */
export async function story({ start = null, context = {} }, tell) {
  const own = start ? await start() : process.env.CROSSTIE_URL ? null : await startMock();
  const url = own?.url ?? process.env.CROSSTIE_URL.replace(/\/$/, '');
  const browser = await startBrowser();
  const errors = [];
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 }, ...context })).newPage();
    page.setDefaultTimeout(LIMIT_MS);
    page.on('pageerror', (error) => errors.push(error.stack ?? String(error)));
    await tell({ page, url, hub: own });
    if (errors.length > 0) throw new Error(`errors in the page:\n${errors.join('\n')}`);
  } finally {
    await browser.close();
    await own?.stop();
  }
}

/**
 * Pictures in both themes, where `SHOTS` names a folder: they are for people to look at, nothing is compared. `pages` are pages by
 * what they show.
 */
export async function pictures(story, pages) {
  const folder = process.env.SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    for (const [name, page] of Object.entries(pages)) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(folder, `${story}-${name}-${colorScheme}.png`) });
    }
  }
}

/** Presses the tabulator until `locator` has the focus: what cannot be reached this way cannot be reached without a mouse. */
export async function tabTo(page, locator) {
  await locator.waitFor();
  for (let stop = 0; stop < TAB_STOPS_MAX; stop += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`not reached by the tabulator: ${locator}`);
}

/** Opens a page of the hub and waits until its link is live. */
export async function openLive(page, url) {
  await page.goto(url);
  await page.locator('[data-link=live]').waitFor();
}

/** Types a key into the card that asks for it, and waits until the link is live. */
export async function enterKey(page, key) {
  const card = page.locator('[data-key-card]');
  await card.getByLabel('Key', { exact: true }).fill(key);
  await card.getByRole('button', { name: 'Use this key' }).click();
  await page.locator('[data-link=live]').waitFor();
}
