import { describe, expect, test } from 'vitest';
import { Columns, extent, fillColumns, fillGaps } from './trend-columns';
import { BAD, eachPiece, GAP, GOOD, Ring, SAMPLES_MAX, STALE, Track, type Source } from './trend-track';

/** What a source is in each of `length` pixels between two moments. */
function seen(source: Source, from: number, to: number, length: number, until = to): Columns {
  const columns = new Columns(length);
  fillColumns(columns, source, { from, step: (to - from) / length, length }, until);
  return columns;
}

describe('a track', () => {
  test('keeps every sample of the newest minutes and the spikes of everything before', () => {
    const track = new Track();
    // Two hours at ten samples a second; one of them is a spike.
    const count = 72_000;
    for (let index = 0; index < count; index += 1) track.push(index * 100, index === 5_003 ? 999 : index % 10, GOOD);
    expect(track.samples.size).toBe(SAMPLES_MAX);
    expect(track.rings().length).toBe(2);
    const columns = seen(track, 0, count * 100, 700);
    const spike = Math.floor((500_300 / (count * 100)) * 700);
    expect(columns.max[spike]).toBe(999);
    expect(extent(columns)).toEqual([0, 999]);
    // In the column beside it there is none.
    expect(columns.max[spike + 2]).toBe(9);
  });

  test('falls back to parts of ten seconds, and still has the spike', () => {
    const track = new Track();
    for (let second = 0; second < 20_000; second += 1) {
      track.push(second * 1_000, second === 50 ? -7 : 1, GOOD);
      track.push(second * 1_000 + 500, 2, GOOD);
    }
    expect(track.rings().length).toBe(3);
    expect(extent(seen(track, 0, 20_000_000, 500))).toEqual([-7, 2]);
    expect(seen(track, 0, 20_000_000, 500).state.every((state) => state === GOOD)).toBe(true);
  });

  test('never goes back in time', () => {
    const track = new Track();
    track.push(1_000, 1, GOOD);
    track.push(500, 2, GOOD);
    expect(track.newest).toEqual({ at: 1_000, value: 2, state: GOOD });
  });

  test('memory stays bounded', () => {
    const ring = new Ring(1_000, 0);
    for (let at = 0; at < 5_000; at += 1) ring.push({ at, min: 0, max: 0, mean: 0, last: at, state: GOOD, worst: GOOD, count: 1 });
    expect(ring.size).toBe(1_000);
    expect(ring.lost).toBe(4_000);
    expect(ring.timeOf(0)).toBe(4_000);
    expect(ring.firstFrom(4_500.5)).toBe(501);
    expect(ring.at.array.length).toBe(1_000);
  });

  test('moves with a clock that was wrong', () => {
    const track = new Track();
    track.push(1_000, 1, GOOD);
    track.push(3_500, 2, GOOD);
    track.shift(10_000);
    const times: number[] = [];
    eachPiece(track, 0, 99_000, (ring, place) => times.push(ring.at.array[place] ?? 0));
    expect(times).toEqual([11_000, 13_500]);
    expect(track.startedAt).toBe(11_000);
    expect(track.newest?.at).toBe(13_500);
  });
});

describe('columns', () => {
  test('hold a value until it changes, and end where nothing is known any more', () => {
    const track = new Track();
    track.push(20, 5, GOOD);
    const columns = seen(track, 0, 100, 10, 70);
    expect([...columns.state]).toEqual([GAP, GAP, GOOD, GOOD, GOOD, GOOD, GOOD, GAP, GAP, GAP]);
    expect(columns.last[6]).toBe(5);
  });

  test('what held before the span holds at its begin', () => {
    const track = new Track();
    track.push(20, 5, GOOD);
    track.push(950, 6, GOOD);
    expect([...seen(track, 500, 1_000, 5).last]).toEqual([5, 5, 5, 5, 6]);
  });

  test('a gap is a gap and no line', () => {
    const track = new Track();
    track.push(0, 1, GOOD);
    track.gap(35);
    track.push(60, 4, GOOD);
    const columns = seen(track, 0, 100, 10);
    expect([...columns.state]).toEqual([GOOD, GOOD, GOOD, GOOD, GAP, GAP, GOOD, GOOD, GOOD, GOOD]);
    expect(Number.isNaN(columns.min[4])).toBe(true);
    expect(columns.min[6]).toBe(4);
    expect(track.wholeSince).toBe(60);
  });

  test('the worst quality of a pixel is its quality, and a value that is none is bad', () => {
    const track = new Track();
    track.push(0, 1, GOOD);
    track.push(12, 2, STALE);
    track.push(14, 2, GOOD);
    track.push(35, Number.NaN, GOOD);
    expect([...seen(track, 0, 50, 5).state]).toEqual([GOOD, STALE, GOOD, BAD, BAD]);
  });

  test('counts what was in a pixel', () => {
    const track = new Track();
    for (const at of [0, 11, 13, 17, 25]) track.push(at, at % 2, GOOD);
    expect([...seen(track, 0, 30, 3).count]).toEqual([1, 3, 1]);
  });

  test('gaps are filled from another source, and nothing else is', () => {
    const [live, other] = [new Track(), new Track()];
    live.push(50, 1, GOOD);
    other.push(0, 7, GOOD);
    const columns = seen(live, 0, 100, 4);
    fillGaps(columns, seen(other, 0, 100, 4));
    expect([...columns.last]).toEqual([7, 7, 1, 1]);
  });
});
