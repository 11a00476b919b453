import { describe, expect, it } from 'vitest';
import { MOVE_MS, REST_MS, speedOf, Walker, wayOf } from './walk';
import { firstView, lengthWords, panned, rulerOf, zoomed } from './view';

const EXTENT = { width: 100_000, depth: 60_000 };

describe('walking', () => {
  it('goes by keys, looks where it goes, and stays in the world', () => {
    const walker = new Walker();
    expect(walker.step(1, 0, 50, 1000, EXTENT)).toBe(false);
    walker.place(1_000, 1_000);
    expect(walker.step(1, 0, 50, 1000, EXTENT)).toBe(true);
    expect([walker.x, walker.y, walker.angle]).toEqual([1_200, 1_000, 0]);
    walker.step(1, 1, 50, 1000, EXTENT);
    expect(Math.hypot(walker.x - 1_200, walker.y - 1_000)).toBeCloseTo(200);
    for (let at = 0; at < 100; at += 1) walker.step(0, -1, 60_000, 1000, EXTENT);
    expect([walker.y, walker.angle]).toEqual([0, 270]);
    expect(wayOf(new Set(['ArrowUp', 'KeyD']))).toEqual([1, -1]);
    expect(wayOf(new Set(['ArrowLeft', 'KeyD']))).toEqual([0, 0]);
  });

  it('is said at most 20 times a second, and once a second at rest', () => {
    const walker = new Walker();
    expect(walker.isDue(0)).toBe(false);
    walker.place(0, 0);
    expect([walker.isDue(0), walker.isDue(MOVE_MS), walker.isDue(REST_MS)]).toEqual([true, false, true]);
    walker.step(1, 0, 10, 1000, null);
    expect([walker.isDue(REST_MS + MOVE_MS - 1), walker.isDue(REST_MS + MOVE_MS)]).toEqual([false, true]);
  });

  it('crosses a large world in the time of a small one', () => {
    expect([speedOf(1000, EXTENT), speedOf(1000, { width: 10_000, depth: 1 }), speedOf(100, null)]).toEqual([4_000, 1_500, 150]);
  });
});

describe('the view', () => {
  const size = { width: 1000, height: 600 };
  it('begins with the whole world, or around the player where that would be specks', () => {
    expect(firstView(size, EXTENT, 1000, { x: 1, y: 2 })).toMatchObject({ x: 50_000, y: 30_000 });
    expect(firstView({ width: 300, height: 600 }, EXTENT, 1000, { x: 1, y: 2 })).toEqual({ x: 1, y: 2, scale: 0.009 });
  });

  it('keeps what is under the fingers', () => {
    const view = { x: 0, y: 0, scale: 1 };
    const closer = zoomed(view, size, 2, 600, 300, 1);
    expect([closer.x, closer.y, closer.scale]).toEqual([50, 0, 2]);
    expect(zoomed(view, size, 1e9, 0, 0, 1).scale).toBe(400);
    expect(panned(closer, 10, -20)).toEqual({ x: 45, y: 10, scale: 2 });
  });

  it('has a ruler in round metres', () => {
    expect(rulerOf({ x: 0, y: 0, scale: 0.0094 }, 1000, 120)).toEqual({ metres: 10, pixels: 94 });
    expect([0.05, 20, 5_000].map(lengthWords)).toEqual(['5 cm', '20 m', '5 km']);
  });
});
