import { describe, expect, test } from 'vitest';
import { statistics, valueAt } from './trend-statistics';
import { GOOD, Ring, Track, type Source } from './trend-track';

function track(...samples: [number, number][]): Track {
  const made = new Track();
  for (const [at, value] of samples) made.push(at, value, GOOD);
  return made;
}

describe('between two cursors', () => {
  test('the mean is weighted with time', () => {
    // 0 for nine tenths of the time, then 10 for one.
    const found = statistics(track([0, 0], [900, 10]), 0, 1_000, 5_000);
    expect(found).toEqual({ atA: 0, atB: 10, min: 0, max: 10, mean: 1, edges: 1, isLeast: false });
  });

  test('what holds at the first cursor counts, and what comes after the second does not', () => {
    const found = statistics(track([0, 5], [500, 7], [2_000, 99]), 100, 900, 5_000);
    expect(found?.min).toBe(5);
    expect(found?.max).toBe(7);
    expect(found?.edges).toBe(1);
    expect(found?.mean).toBeCloseTo(6, 9);
  });

  test('cursors may stand the other way round', () => {
    const bits = track([0, 0], [100, 1], [200, 0], [300, 1]);
    expect(statistics(bits, 350, 50, 5_000)).toMatchObject({ atA: 1, atB: 0, edges: 3 });
  });

  test('a gap has no value and no edge, and no part in the mean', () => {
    const held = track([0, 2]);
    held.gap(400);
    held.push(600, 4, GOOD);
    const found = statistics(held, 0, 1_000, 5_000);
    expect(found?.mean).toBeCloseTo(3, 9);
    expect(found?.edges).toBe(0);
    expect(valueAt(held, 500, 5_000)).toBeNaN();
  });

  test('after the end of what is known there is nothing', () => {
    expect(statistics(track([0, 1]), 2_000, 3_000, 1_000)).toBeNull();
    expect(valueAt(track([0, 1]), 2_000, 1_000)).toBeNaN();
  });

  test('before anything is known there is nothing', () => {
    expect(statistics(track([5_000, 1]), 0, 1_000, 9_000)).toBeNull();
  });

  test('parts of the time tell their extremes, and edges at least', () => {
    const ring = new Ring(10, 1_000);
    ring.push({ at: 0, min: 0, max: 8, mean: 2, last: 4, state: GOOD, worst: GOOD, count: 5 });
    ring.push({ at: 1_000, min: 4, max: 4, mean: 4, last: 4, state: GOOD, worst: GOOD, count: 1 });
    const source: Source = { rings: () => [ring] };
    const found = statistics(source, 0, 2_000, 9_000);
    expect(found).toMatchObject({ min: 0, max: 8, mean: 3, isLeast: true });
    expect(found?.edges).toBeGreaterThanOrEqual(1);
    expect(valueAt(source, 500, 9_000)).toBe(2);
  });
});
