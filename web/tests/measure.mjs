/**
 * How much work the page has: `npm run measure` with `CROSSTIE_BIN`. It judges nothing; the figures stand in docs/performance.md.
 *
 * A hub with 100,000 signals, of which one client changes 1,000 ten times a second; the table of signals shows as many of these as a
 * 4K screen holds, and then all of them, in a window that is as high as that. What the main thread of the renderer does for each
 * picture that it draws is read from the browser's own trace: script, style, layout, paint. Beside each stands the floor, a page with
 * nothing but as many numbers, which change as often.
 *
 * Nobody is attached to the page while it is measured: who listens to its network has the renderer tell of each frame of the channel.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';
import { BROWSER, eventually, freePort, startProject } from './support.mjs';

const SIGNALS = Number(process.env.SIGNALS ?? 100_000);
const VISIBLE = 1_000;
/** Rows on a 4K screen, with room for the head of the page. */
const SCREEN = 70;
const EVERY_MS = 100;
const UPDATES = Number(process.env.UPDATES ?? 100);
/** Rows, and what else stands on the page above and below them. */
const ROW_PX = 28;
const FRAME_PX = 220;

/** A client of the hub's endpoint that brings its signals and changes some of them. */
async function startPlant(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(socket, 'open');
  // The hub talks, and nobody needs to hear it.
  socket.on('message', () => {});
  const say = (signals) => socket.send(JSON.stringify({ type: 'data', signals }));
  for (let first = 0; first < SIGNALS; first += 1_000) {
    say(Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`Area${String(first / 1_000).padStart(2, '0')}_Point${first + at}`, 0])));
  }
  let step = 0;
  const timer = setInterval(() => {
    step += 1;
    say(Object.fromEntries(Array.from({ length: VISIBLE }, (_, at) => [`Area00_Point${at}`, step + at / 7])));
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    socket.terminate();
  };
}

/** A browser and the few words of its protocol that are needed here. */
class Browser {
  #asked = new Map();
  #number = 0;

  static async start() {
    const browser = new Browser();
    browser.folder = await mkdtemp(join(tmpdir(), 'crosstie-measure-'));
    const [path, ...switches] = BROWSER;
    browser.process = spawn(path, [...switches, '--remote-debugging-port=0', `--user-data-dir=${browser.folder}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const line of createInterface({ input: browser.process.stderr })) {
      const [address] = /ws:\S+/.exec(line) ?? [];
      if (!address) continue;
      browser.socket = new WebSocket(address, { maxPayload: 0 });
      await once(browser.socket, 'open');
      browser.socket.on('message', (text) => browser.#heard(JSON.parse(text)));
      return browser;
    }
    throw new Error('the browser did not start');
  }

  #heard({ id, method, params, result, error }) {
    if (method === 'Tracing.dataCollected') this.events.push(...params.value);
    else if (method === 'Tracing.tracingComplete') this.traced();
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = (this.#number += 1);
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  async stop() {
    const gone = once(this.process, 'exit');
    await this.ask('Browser.close');
    await gone;
    this.socket.terminate();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A window of this height at `url`, in which `prepare` is done by somebody who then leaves it alone. */
async function openWindow(browser, url, height, prepare) {
  const { targetId } = await browser.ask('Target.createTarget', { url: 'about:blank', newWindow: true });
  const { sessionId } = await browser.ask('Target.attachToTarget', { targetId, flatten: true });
  // Full sharpness at this height would measure the graphics memory.
  await browser.ask('Emulation.setDeviceMetricsOverride', { width: 1280, height, deviceScaleFactor: 0.25, mobile: false }, sessionId);
  if (url) await browser.ask('Page.navigate', { url }, sessionId);
  await prepare(async (expression) => {
    const { result, exceptionDetails } = await browser.ask('Runtime.evaluate', { expression, returnByValue: true }, sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value;
  });
  await browser.ask('Runtime.disable', {}, sessionId);
  return () => browser.ask('Target.closeTarget', { targetId });
}

/** What the renderer's main thread does for each picture, in milliseconds of the clock and of the processor. */
async function workOf(browser) {
  browser.events = [];
  const done = new Promise((resolve) => (browser.traced = resolve));
  await browser.ask('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'] } });
  await new Promise((resolve) => setTimeout(resolve, UPDATES * EVERY_MS));
  await browser.ask('Tracing.end');
  await done;
  const byThread = new Map();
  for (const event of browser.events) {
    if (event.ph !== 'X') continue;
    const thread = `${event.pid} ${event.tid}`;
    const own = byThread.get(thread);
    if (own) own.push(event);
    else byThread.set(thread, [event]);
  }
  const sum = (list, part = 'dur') => list.reduce((total, event) => total + (event[part] ?? 0) / 1000, 0);
  const named = (list, name) => list.filter((event) => event.name === name);
  // The page's own thread is the one that draws the most pictures.
  const [own] = [...byThread.values()].sort((left, right) => named(right, 'Commit').length - named(left, 'Commit').length);
  const pictures = named(own, 'Commit').length;
  const tasks = named(own, 'ThreadControllerImpl::RunTask');
  const parts = ['FireAnimationFrame', 'UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint', 'Layerize', 'Commit'].map((name) => [name, sum(named(own, name)) / pictures]);
  return { pictures, whole: sum(tasks) / pictures, processor: sum(tasks, 'tdur') / pictures, parts };
}

function tell(what, { pictures, whole, processor, parts }) {
  const detail = parts.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ');
  console.log(`${what}: ${whole.toFixed(1)} ms of the main thread per picture, ${processor.toFixed(1)} ms of them on a processor (${pictures} pictures in ${(UPDATES * EVERY_MS) / 1000} s; ${detail})`);
}

function openTable(browser, rows) {
  return openWindow(browser, `${hub.url}/#/signals?filter=${encodeURIComponent('Area00')}`, ROW_PX * rows + FRAME_PX, async (ask) => {
    await eventually('the catalog is whole', async () => {
      const count = await ask('document.querySelector("[data-count]")?.textContent.trim() ?? ""');
      return /^1,000 of [\d,]+ signals$/.test(count) || Promise.reject(count);
    });
    await eventually('all rows are there', async () => (await ask('document.querySelectorAll("[role=row][data-name]").length')) >= rows);
  });
}

/** A page with nothing but `count` numbers, all of which change ten times a second. */
function openFloor(browser, count) {
  const floor = (count, row, every) => {
    const numbers = Array.from({ length: count }, (_, at) => {
      const line = document.createElement('div');
      line.style.cssText = `position: absolute; top: ${at * row}px; right: 0; font: 13px monospace`;
      line.append('0');
      document.body.append(line);
      return line.firstChild;
    });
    let step = 0;
    setInterval(() => {
      step += 1;
      requestAnimationFrame(() => numbers.forEach((number, at) => (number.data = (step + at / 7).toFixed(3))));
    }, every);
  };
  return openWindow(browser, null, ROW_PX * count + FRAME_PX, (ask) => ask(`(${floor})(${count}, ${ROW_PX}, ${EVERY_MS})`));
}

if (!process.env.CROSSTIE_BIN) {
  console.error('CROSSTIE_BIN names the hub to measure with: CROSSTIE_BIN=../target/release/crosstie npm run measure');
  process.exit(2);
}
const port = await freePort();
const hub = await startProject(`[[realvirtual]]\nname = "plant"\nport = ${port}\nauto_register = true\n`);
const browser = await Browser.start();
let endPlant = () => {};
try {
  endPlant = await startPlant(port);
  for (const rows of [SCREEN, VISIBLE]) {
    const closeFloor = await openFloor(browser, rows);
    tell(`floor, ${rows} numbers`, await workOf(browser));
    await closeFloor();
    const begun = performance.now();
    const closeTable = await openTable(browser, rows);
    console.log(`the catalog was whole after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    tell(`${rows} of ${SIGNALS} signals`, await workOf(browser));
    await closeTable();
  }
} finally {
  endPlant();
  await browser.stop();
  await hub.stop();
}
