/**
 * How much work the page has: `npm run measure` with `CROSSTIE_BIN`. It judges nothing; the figures stand in docs/performance.md.
 *
 * A hub with 100,000 signals, of which one client changes 1,000 ten times a second; the table of signals shows as many of these as a
 * 4K screen holds, and then all of them, in a window that is as high as that. What the main thread of the renderer does for each
 * picture that it draws is read from the browser's own trace: script, style, layout, paint. Beside each stands the floor, a page with
 * nothing but as many numbers, which change as often.
 */

import { once } from 'node:events';
import WebSocket from 'ws';
import { eventually, freePort, openLive, startBrowser, startProject } from './support.mjs';

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

/** What the renderer's main thread does while `until` has not come: its time, and the pictures that it draws. */
async function workOf(browser, until) {
  const session = await browser.newBrowserCDPSession();
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'] } });
  const begun = performance.now();
  await until();
  const took = performance.now() - begun;
  const done = once(session, 'Tracing.tracingComplete');
  await session.send('Tracing.end');
  await done;
  const main = new Set(events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
  const byThread = new Map();
  for (const event of events) {
    const thread = `${event.pid} ${event.tid}`;
    if (event.ph !== 'X' || !main.has(thread)) continue;
    const own = byThread.get(thread);
    if (own) own.push(event);
    else byThread.set(thread, [event]);
  }
  const sum = (list) => list.reduce((total, { dur }) => total + dur / 1000, 0);
  const named = (list, name) => list.filter((event) => event.name === name);
  // The page's own thread is the one of them that has worked the most.
  const [own = []] = [...byThread.values()].sort((left, right) => sum(named(right, 'ThreadControllerImpl::RunTask')) - sum(named(left, 'ThreadControllerImpl::RunTask')));
  const pictures = named(own, 'Commit').length;
  const parts = ['FireAnimationFrame', 'UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint', 'Layerize', 'Commit'].map((name) => [name, sum(named(own, name)) / pictures]);
  return { took, pictures, whole: sum(named(own, 'ThreadControllerImpl::RunTask')) / pictures, parts };
}

/** Waits for as many updates of the live channel. */
function updatesOf(page) {
  return async () => {
    let updates = 0;
    const heard = ({ payload }) => {
      if (String(payload).startsWith('{"type":"data"')) updates += 1;
    };
    for (const socket of page.sockets) socket.on('framereceived', heard);
    await eventually('the updates have come', () => updates >= UPDATES || Promise.reject(updates));
    for (const socket of page.sockets) socket.off('framereceived', heard);
  };
}

function tell(what, { took, pictures, whole, parts }) {
  const detail = parts.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ');
  console.log(`${what}: ${whole.toFixed(1)} ms of the main thread per picture (${pictures} pictures in ${(took / 1000).toFixed(1)} s; ${detail})`);
}

async function openTable(browser, rows) {
  // A window of this height at full sharpness would measure the graphics memory.
  const page = await (await browser.newContext({ viewport: { width: 1280, height: ROW_PX * rows + FRAME_PX }, deviceScaleFactor: 0.25 })).newPage();
  page.sockets = [];
  page.on('websocket', (socket) => page.sockets.push(socket));
  await openLive(page, `${hub.url}/#/signals?filter=${encodeURIComponent('Area00')}`);
  await eventually('the catalog is whole', async () => {
    const count = (await page.locator('[data-count]').textContent()).trim();
    return /^1,000 of [\d,]+ signals$/.test(count) || Promise.reject(count);
  });
  await eventually('all rows are there', async () => (await page.locator('[role=row][data-name]').count()) >= rows);
  return page;
}

/** A page with nothing but `count` numbers, all of which change ten times a second. */
async function openFloor(browser, count) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: ROW_PX * count + FRAME_PX }, deviceScaleFactor: 0.25 })).newPage();
  await page.evaluate(
    ({ count, row, every }) => {
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
    },
    { count, row: ROW_PX, every: EVERY_MS },
  );
  return page;
}

if (!process.env.CROSSTIE_BIN) {
  console.error('CROSSTIE_BIN names the hub to measure with: CROSSTIE_BIN=../target/release/crosstie npm run measure');
  process.exit(2);
}
const port = await freePort();
const hub = await startProject(`[[realvirtual]]\nname = "plant"\nport = ${port}\nauto_register = true\n`);
const browser = await startBrowser();
let endPlant = () => {};
try {
  endPlant = await startPlant(port);
  for (const rows of [SCREEN, VISIBLE]) {
    const floor = await openFloor(browser, rows);
    tell(`floor, ${rows} numbers`, await workOf(browser, () => new Promise((resolve) => setTimeout(resolve, UPDATES * EVERY_MS))));
    await floor.context().close();
    const begun = performance.now();
    const page = await openTable(browser, rows);
    console.log(`the catalog was whole after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    tell(`${rows} of ${SIGNALS} signals`, await workOf(browser, updatesOf(page)));
    await page.context().close();
  }
} finally {
  endPlant();
  await browser.close();
  await hub.stop();
}
