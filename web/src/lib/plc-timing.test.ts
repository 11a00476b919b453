import { describe, expect, it } from 'vitest';
import type { PlcLateness } from './plc-protocol';
import { budgetWords, drawHistogram, formatNanos, formatShare, realtimeRows, sortRungs } from './plc-timing';

const BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, null];
const lateness = (counts: Record<number, number>, more: Partial<PlcLateness> = {}): PlcLateness => ({
  max_us: 0,
  p50_us: null,
  p99_us: null,
  buckets: BOUNDS.map((le_us, at) => ({ le_us, count: counts[at] ?? 0 })),
  ...more,
});

describe('the histogram of lateness', () => {
  const drawing = drawHistogram(lateness({ 2: 1_000_000, 3: 400, 6: 1 }, { max_us: 93, p50_us: 5, p99_us: 5 }));

  it('has a bar per bucket, within its frame, and shows a single scan beside a million', () => {
    expect(drawing.bars).toHaveLength(BOUNDS.length);
    for (const bar of drawing.bars) {
      expect(bar.y).toBeGreaterThanOrEqual(0);
      expect(bar.y + bar.height).toBeCloseTo(drawing.height);
      expect(bar.x + bar.width).toBeLessThanOrEqual(drawing.width);
    }
    const heights = drawing.bars.map(({ height }) => height);
    expect(heights[2]).toBeCloseTo(drawing.height);
    expect(heights[6]).toBeGreaterThanOrEqual(2);
    expect(heights[0]).toBe(0);
    expect(drawing.bars[6]?.text).toBe('50 µs to 100 µs: 1 scan');
    expect(drawing.bars.at(-1)?.text).toBe('later than 20 ms: 0 scans');
  });

  it('marks the middle, the last percent and the longest in their buckets', () => {
    expect(drawing.marks.map(({ text }) => text)).toEqual(['p50 ≤ 5 µs', 'p99 ≤ 5 µs', 'max 93 µs']);
    const step = drawing.width / BOUNDS.length;
    const max = drawing.marks[2]?.x ?? 0;
    expect(max).toBeGreaterThan(6 * step);
    expect(max).toBeLessThan(7 * step);
  });

  it('puts what is beyond the last bound into the last bucket', () => {
    const late = drawHistogram(lateness({ 14: 3 }, { max_us: 900_000, p50_us: 20_000, p99_us: 20_000 }));
    expect(late.marks[2]?.x).toBeGreaterThan((late.width / BOUNDS.length) * 14);
    expect(late.marks[2]?.x).toBeLessThan(late.width);
  });

  it('without scans has no mark, and without buckets nothing', () => {
    expect(drawHistogram(lateness({})).marks).toEqual([]);
    const none = drawHistogram({ max_us: 0, p50_us: null, p99_us: null, buckets: [] });
    expect([none.bars, none.marks, none.ticks]).toEqual([[], [], []]);
  });

  it('has labels that do not run into each other', () => {
    const xs = drawing.ticks.map(({ x }) => x);
    expect(xs.length).toBeGreaterThan(3);
    for (const [at, x] of xs.entries()) if (at > 0) expect(x - (xs[at - 1] ?? 0)).toBeGreaterThanOrEqual(44);
  });
});

it('times of rungs have the unit that fits', () => {
  expect([0, 120, 999, 1_250, 38_000, 1_200_000].map(formatNanos)).toEqual(['0 ns', '120 ns', '999 ns', '1.25 µs', '38 µs', '1.2 ms']);
  expect([0, 0.004, 0.124, 1].map(formatShare)).toEqual(['0 %', '< 1 %', '12 %', '100 %']);
});

it('the most expensive rung is the first, and equals stay in their order', () => {
  const rung = (number: number, avg_ns: number, max_ns: number) => ({ rung: number, instructions: 1, last_ns: avg_ns, avg_ns, max_ns, share: 0.1 });
  const rungs = [rung(0, 10, 90), rung(1, 30, 40), rung(2, 10, 50)];
  expect(sortRungs(rungs, 'avg_ns').map((each) => each.rung)).toEqual([1, 0, 2]);
  expect(sortRungs(rungs, 'max_ns').map((each) => each.rung)).toEqual([0, 2, 1]);
  expect(sortRungs(rungs, 'rung').map((each) => each.rung)).toEqual([0, 1, 2]);
});

it('the budget is the part of the pace that a scan takes', () => {
  expect(budgetWords(38, 10_000)).toBe('38 µs of 10 ms, < 1 %');
  expect(budgetWords(250, 1_000)).toBe('250 µs of 1 ms, 25 %');
  expect(budgetWords(250, 0)).toBe('250 µs, without a pace');
});

it('what a scan thread got of the system is said in words', () => {
  const plain = { priority: null, cpu: null, spin: false, locked_memory: false, denied: [] };
  expect(realtimeRows(plain).map(({ text }) => text)).toEqual(['as every other program', 'any', 'sleeps until each scan', 'may be swapped out']);
  expect(realtimeRows({ ...plain, priority: 50, cpu: 1, spin: true, locked_memory: true }).map(({ text }) => text)).toEqual(['50 (SCHED_FIFO)', '1 only', 'waits awake for each scan', 'locked']);
});
