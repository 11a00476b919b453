/**
 * What a long ladder costs the browser: `node tests/ladder-figures.mjs [url]`, by default at the mock with 1,000 rungs.
 *
 * Prints the work of the page's main thread in each frame, as the browser's own trace tells it: while the ladder is scrolled from
 * its top to its end and back, and while it stands and the power flow comes in. `cpu` is without the time that other processes took.
 */

import { openLive, startBrowser, startMock } from './support.mjs';

/** Frames from the top to the end: as one drags the bar, four rungs a frame, and as a wheel spins. */
const DRAGGED = 240;
const SPUN = 800;
const STAND_MS = 4_000;

/** Records a trace while `act` runs, and gives the tasks of the page's main thread with the frames they stood in. */
async function traced(page, act) {
  const session = await page.context().browser().newBrowserCDPSession();
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame', 'devtools.timeline.frame'] } });
  await act();
  const done = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await done;
  // The page's main thread is the one that runs its scripts.
  const scripts = new Map();
  for (const { name, pid, tid } of events) if (name === 'FunctionCall') scripts.set(`${pid} ${tid}`, (scripts.get(`${pid} ${tid}`) ?? 0) + 1);
  const [[main]] = [...scripts].sort(([, left], [, right]) => right - left);
  return events.filter(({ pid, tid }) => `${pid} ${tid}` === main).sort((left, right) => left.ts - right.ts);
}

/** The work up to the end of each task that draws, in milliseconds: as the clock goes, and on the processor. */
function frames(events) {
  const drawn = events.filter(({ name }) => name === 'PrePaint').map(({ ts }) => ts);
  const found = [{ wall: 0, cpu: 0 }];
  let at = 0;
  for (const { ts, dur, tdur = dur } of events.filter(({ name, ph }) => name === 'RunTask' && ph === 'X')) {
    found.at(-1).wall += dur / 1000;
    found.at(-1).cpu += tdur / 1000;
    const before = at;
    while (at < drawn.length && drawn[at] <= ts + dur) at += 1;
    if (at > before) found.push({ wall: 0, cpu: 0 });
  }
  return found.slice(0, -1);
}

function tell(what, found) {
  const part = (key, share) => [...found].map((frame) => frame[key]).sort((left, right) => left - right)[Math.floor(share * (found.length - 1))]?.toFixed(1);
  console.log(`${what}: ${found.length} frames; wall p50 ${part('wall', 0.5)}, p95 ${part('wall', 0.95)}, max ${part('wall', 1)} ms; cpu p50 ${part('cpu', 0.5)}, p95 ${part('cpu', 0.95)}, max ${part('cpu', 1)} ms`);
}

const [given] = process.argv.slice(2);
const hub = given ? null : await startMock('--plc-rungs', '1000');
const browser = await startBrowser();
try {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 } })).newPage();
  await openLive(page, `${given ?? hub.url}/#/plc`);
  await page.locator('[data-rung="0"] [data-target]').first().waitFor();
  const scroll = (steps) =>
    page.evaluate(async (steps) => {
      const ladder = document.querySelector('[data-ladder]');
      for (let step = 1; step <= steps; step += 1) {
        await new Promise(requestAnimationFrame);
        ladder.scrollTop = (step / steps) * (ladder.scrollHeight - ladder.clientHeight);
      }
      for (let step = steps; step >= 0; step -= 1) {
        await new Promise(requestAnimationFrame);
        ladder.scrollTop = (step / steps) * (ladder.scrollHeight - ladder.clientHeight);
      }
    }, steps);
  tell('spun', frames(await traced(page, () => scroll(SPUN))));
  tell('dragged', frames(await traced(page, () => scroll(DRAGGED))));
  tell('power flow', frames(await traced(page, () => page.waitForTimeout(STAND_MS))));
  console.log(`${await page.locator('[data-rung]').count()} rungs and ${await page.locator('[data-ladder] *').count()} elements in the ladder`);
} finally {
  await browser.close();
  await hub?.stop();
}
