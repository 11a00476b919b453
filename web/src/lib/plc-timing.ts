/** What the page says of time: how late scans began as bars, what rungs cost, and what the system gave. */

import { formatCount } from './format';
import type { PlcLateness, PlcRealtime, PlcRungTime } from './plc-protocol';
import { formatMicros } from './plc-words';

/** Where everything of a histogram stands, in units of its drawing. */
export interface HistogramDrawing {
  width: number;
  height: number;
  bars: HistogramBar[];
  marks: HistogramMark[];
  /** Labels below the axis, each at the boundary that it names. */
  ticks: { x: number; text: string }[];
}

export interface HistogramBar {
  x: number;
  y: number;
  width: number;
  height: number;
  /** What it counts, in words. */
  text: string;
}

export interface HistogramMark {
  name: 'p50' | 'p99' | 'max';
  x: number;
  text: string;
}

const WIDTH = 320;
const PLOT_HEIGHT = 84;
/** A bucket with a single scan in a million is still seen. */
const BAR_MIN = 2;
const BAR_GAP = 1;
/** Labels keep this distance, or they would run into each other. */
const TICK_GAP = 44;

/** A bucket as words: from the bound before, exclusive, to its own. */
function rangeWords(below: number | null, to: number | null): string {
  if (to === null) return `later than ${formatMicros(below ?? 0)}`;
  return below === null ? `up to ${formatMicros(to)}` : `${formatMicros(below)} to ${formatMicros(to)}`;
}

/** The height of a bar: the logarithm of its count, or rare late scans would not be seen beside a million good ones. */
function heightOf(count: number, most: number): number {
  if (count === 0) return 0;
  return Math.max(BAR_MIN, (Math.log10(count + 1) / Math.log10(most + 1)) * PLOT_HEIGHT);
}

/** Lays a histogram out: a bar of equal width per bucket, whose bounds grow by steps of about two. */
export function drawHistogram({ buckets, max_us, p50_us, p99_us }: PlcLateness): HistogramDrawing {
  const step = WIDTH / Math.max(1, buckets.length);
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const all = buckets.reduce((sum, { count }) => sum + count, 0);
  const bars = buckets.map(({ le_us, count }, at) => {
    const height = heightOf(count, most);
    const range = rangeWords(buckets[at - 1]?.le_us ?? null, le_us);
    return { x: at * step + BAR_GAP / 2, y: PLOT_HEIGHT - height, width: step - BAR_GAP, height, text: `${range}: ${formatCount(count)} ${count === 1 ? 'scan' : 'scans'}` };
  });
  const marks: HistogramMark[] = [];
  const bounds = buckets.map(({ le_us }) => le_us);
  if (p50_us !== null) marks.push({ name: 'p50', x: markAt(p50_us, bounds, step), text: `p50 ≤ ${formatMicros(p50_us)}` });
  if (p99_us !== null) marks.push({ name: 'p99', x: markAt(p99_us, bounds, step), text: `p99 ≤ ${formatMicros(p99_us)}` });
  if (all > 0) marks.push({ name: 'max', x: markAt(max_us, bounds, step), text: `max ${formatMicros(max_us)}` });
  return { width: WIDTH, height: PLOT_HEIGHT, bars, marks, ticks: ticksOf(bounds, step) };
}

/** Where a time stands: within its bucket between the bounds, so that marks of one bucket keep their order. */
function markAt(us: number, bounds: readonly (number | null)[], step: number): number {
  const found = bounds.findIndex((bound) => bound === null || us <= bound);
  const at = found < 0 ? bounds.length - 1 : found;
  const [below, to] = [bounds[at - 1] ?? 0, bounds[at] ?? null];
  // The last bucket has no end: its middle stands for all that is in it.
  const part = to === null || to <= below ? 0.5 : (us - below) / (to - below);
  return (at + Math.max(0, Math.min(1, part))) * step;
}

function ticksOf(bounds: readonly (number | null)[], step: number): { x: number; text: string }[] {
  const ticks: { x: number; text: string }[] = [];
  bounds.forEach((bound, at) => {
    const x = (at + 1) * step;
    const last = ticks.at(-1);
    if (bound === null || WIDTH - x < TICK_GAP / 2 || (last ? x - last.x < TICK_GAP : x < TICK_GAP / 2)) return;
    ticks.push({ x, text: formatMicros(bound) });
  });
  return ticks;
}

/** The settings of a scan thread as rows: what it is, and how it stands. */
export function realtimeRows({ priority, cpu, spin, locked_memory }: PlcRealtime): { name: string; text: string }[] {
  return [
    { name: 'Priority', text: priority === null ? 'as every other program' : `${priority} (SCHED_FIFO)` },
    { name: 'CPU', text: cpu === null ? 'any' : `${cpu} only` },
    { name: 'Spin', text: spin ? 'waits awake for each scan' : 'sleeps until each scan' },
    { name: 'Memory', text: locked_memory ? 'locked' : 'may be swapped out' },
  ];
}

/** Nanoseconds in their best unit: `120 ns`, `1.25 µs`, `38 µs`, `1.2 ms`. */
export function formatNanos(ns: number): string {
  if (ns < 1_000) return `${Math.round(ns)} ns`;
  if (ns < 10_000) return `${Number((ns / 1_000).toFixed(2))} µs`;
  return formatMicros(ns / 1_000);
}

/** A share from 0 to 1 in percent; what is there but small is not nothing. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return percent > 0 && percent < 1 ? '< 1 %' : `${Math.round(percent)} %`;
}

export type ProfileOrder = 'avg_ns' | 'max_ns' | 'last_ns' | 'instructions' | 'rung';

/** Rungs with the most expensive first, or by their number; equals stay in the order of the program. */
export function sortRungs(rungs: readonly PlcRungTime[], by: ProfileOrder): PlcRungTime[] {
  return rungs.toSorted((left, right) => (by === 'rung' ? 0 : right[by] - left[by]) || left.rung - right.rung);
}

/** How much of the time between two scans a scan takes: `38 µs of 10 ms, < 1 %`. */
export function budgetWords(avg_us: number, target_us: number): string {
  if (target_us === 0) return `${formatMicros(avg_us)}, without a pace`;
  return `${formatMicros(avg_us)} of ${formatMicros(target_us)}, ${formatShare(avg_us / target_us)}`;
}
