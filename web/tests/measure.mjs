/**
 * How much work the page has: `npm run measure` with `CROSSTIE_BIN`. It judges nothing; the figures stand in docs/performance.md.
 *
 * A hub with 100,000 signals, of which one client changes 1,000 ten times a second; the table of signals shows all of these at once, in
 * a window that is as high as that. What the main thread of the renderer does is read from the browser's own trace: each of its tasks,
 * with script, style, layout and paint. Beside it stands the same page with the table out of sight, which is the floor.
 */

import { once } from 'node:events';
import WebSocket from 'ws';
import { eventually, freePort, openLive, startBrowser, startProject } from './support.mjs';

const SIGNALS = Number(process.env.SIGNALS ?? 100_000);
const VISIBLE = 1_000;
const EVERY_MS = 100;
const UPDATES = Number(process.env.UPDATES ?? 100);
/** One picture at 60 Hz. */
const FRAME_MS = 1000 / 60;

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

/** What the renderer's main thread does while `UPDATES` updates come: the length of each of its tasks, in ms. */
async function tasksOf(browser, page) {
  const session = await browser.newBrowserCDPSession();
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'] } });
  let updates = 0;
  const heard = ({ payload }) => {
    if (String(payload).startsWith('{"type":"data"')) updates += 1;
  };
  for (const socket of page.sockets) socket.on('framereceived', heard);
  const begun = performance.now();
  await eventually('the updates have come', () => updates >= UPDATES || Promise.reject(updates));
  const took = performance.now() - begun;
  const done = once(session, 'Tracing.tracingComplete');
  await session.send('Tracing.end');
  await done;
  for (const socket of page.sockets) socket.off('framereceived', heard);
  const main = new Set(events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
  // The page's own process is the one of them that has worked the most.
  const byThread = new Map();
  for (const { ph, name, dur, pid, tid } of events) {
    if (ph !== 'X' || name !== 'ThreadControllerImpl::RunTask' || !main.has(`${pid} ${tid}`)) continue;
    byThread.set(`${pid} ${tid}`, [...(byThread.get(`${pid} ${tid}`) ?? []), dur / 1000]);
  }
  const sum = (list) => list.reduce((left, right) => left + right, 0);
  const [tasks = []] = [...byThread.values()].sort((left, right) => sum(right) - sum(left));
  if (process.env.PARTS) {
    const parts = new Map();
    for (const { ph, name, dur, pid, tid } of events) if (ph === 'X' && main.has(`${pid} ${tid}`)) parts.set(name, (parts.get(name) ?? 0) + dur / 1000);
    console.log([...parts].sort((left, right) => right[1] - left[1]).slice(0, 24).map(([name, ms]) => `${name} ${(ms / updates).toFixed(2)}`).join('\n'));
  }
  return { updates, took, total: sum(tasks), tasks: tasks.sort((left, right) => left - right) };
}

function tell(what, { updates, took, total, tasks }) {
  const at = (part) => tasks[Math.min(tasks.length - 1, Math.floor(part * tasks.length))] ?? 0;
  const long = tasks.filter((task) => task > FRAME_MS).length;
  console.log(
    `${what}: ${(total / updates).toFixed(2)} ms of the main thread per update (${updates} updates in ${(took / 1000).toFixed(1)} s), ` +
      `longest task ${at(1).toFixed(1)} ms, 99 % of the tasks below ${at(0.99).toFixed(1)} ms, ${long} of ${tasks.length} longer than a frame (${FRAME_MS.toFixed(1)} ms)`,
  );
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
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 28 * VISIBLE + 220 }, deviceScaleFactor: 0.25 })).newPage();
  page.sockets = [];
  page.on('websocket', (socket) => page.sockets.push(socket));
  await openLive(page, `${process.env.PAGE ?? hub.url}/#/signals?filter=${encodeURIComponent('Area00')}`);
  await eventually('the catalog is whole', async () => {
    const count = (await page.locator('[data-count]').textContent()).trim();
    return /^1,000 of [\d,]+ signals$/.test(count) || Promise.reject(count);
  });
  await eventually('all rows are there', async () => (await page.locator('[role=row][data-name]').count()) >= VISIBLE);
  tell(`${VISIBLE} visible of ${SIGNALS} listed`, await tasksOf(browser, page));
} finally {
  endPlant();
  await browser.close();
  await hub.stop();
}
