import { expect, test } from 'vitest';
import { signal } from './fixtures';
import type { DataRow, HubMessage } from './protocol';
import { Recorder } from './trend-recorder';
import { BAD, eachPiece, GAP, GOOD, STALE } from './trend-track';

const WORLD = 1_000_000;
const snapshot = (now_ms: number, ...signals: ReturnType<typeof signal>[]): HubMessage => ({ type: 'snapshot', id: 1, now_ms, generation: 1, signals });
const data = (now_ms: number, rows: DataRow[], since_ms?: number): HubMessage => ({ type: 'data', now_ms, generation: 2, signals: rows, ...(since_ms === undefined ? {} : { gap: { since_ms, merged: 3 } }) });

function list(recorder: Recorder, name: string): [number, unknown, number][] {
  const found: [number, unknown, number][] = [];
  const recorded = recorder.of(name);
  if (recorded) eachPiece(recorded.track, 0, 9e12, (ring, place) => found.push([(ring.at.array[place] ?? 0) - WORLD, recorder.texts.valueFor(ring.last.array[place] ?? Number.NaN, recorded.kind), ring.state.array[place] ?? 0]));
  return found;
}

function started(...signals: ReturnType<typeof signal>[]): Recorder {
  const recorder = new Recorder();
  recorder.greet(100, WORLD);
  recorder.hear(snapshot(100, ...signals), WORLD);
  return recorder;
}

test('samples stand at the time of their change in the world', () => {
  const recorder = started(signal(1, 'a', { value: 1 }));
  recorder.hear(data(1_100, [[1, 2, 'good', 900, 3]]), WORLD + 1_000);
  expect(list(recorder, 'a')).toEqual([[0, 1, GOOD], [800, 2, GOOD]]);
});

test('a change of the quality alone stands where it was heard', () => {
  const recorder = started(signal(1, 'a', { value: 1 }));
  recorder.hear(data(5_100, [[1, 1, 'stale', 50, 3]]), WORLD + 5_000);
  recorder.hear(data(6_100, [[1, null, ['bad', 'no number'], 6_000, 3]]), WORLD + 6_000);
  expect(list(recorder, 'a')).toEqual([[0, 1, GOOD], [5_000, 1, STALE], [5_900, null, BAD]]);
});

test('cycles that were left out are a gap of the signals in the frame, and of no others', () => {
  const recorder = started(signal(1, 'a'), signal(2, 'b'));
  recorder.hear(data(3_100, [[1, 9, 'good', 3_000, 3]], 1_100), WORLD + 3_000);
  expect(list(recorder, 'a')).toEqual([[0, 0, GOOD], [1_000, null, GAP], [2_900, 9, GOOD]]);
  expect(list(recorder, 'b')).toEqual([[0, 0, GOOD]]);
});

test('without a link nothing is known, from the last word on until the next', () => {
  const recorder = started(signal(1, 'a', { value: 1 }));
  recorder.hear({ type: 'tick', now_ms: 1_100, generation: 2, writers: {}, lag_ms: 0 }, WORLD + 1_000);
  recorder.lose();
  expect(recorder.until(WORLD + 9_000)).toBe(WORLD + 1_000);
  recorder.greet(5_100, WORLD + 5_000);
  recorder.hear(snapshot(5_100, signal(7, 'a', { value: 1 })), WORLD + 5_000);
  recorder.hear(data(6_100, [[7, 2, 'good', 6_100, 3]]), WORLD + 6_000);
  expect(list(recorder, 'a')).toEqual([[0, 1, GOOD], [1_000, null, GAP], [5_000, 1, GOOD], [6_000, 2, GOOD]]);
});

test('a second snapshot of the same value says nothing new', () => {
  const recorder = started(signal(1, 'a', { value: 4 }));
  recorder.hear(snapshot(2_000, signal(1, 'a', { value: 4 })), WORLD + 2_000);
  expect(list(recorder, 'a')).toHaveLength(1);
});

test('texts and bits come back as they were', () => {
  const recorder = started(signal(1, 'text', { kind: 'text', value: 'Running' }), signal(2, 'bit', { kind: 'bool', value: true }));
  recorder.hear(data(1_100, [[1, 'Fault', 'good', 1_100, 3], [2, false, 'good', 1_100, 3]]), WORLD + 1_000);
  expect(list(recorder, 'text').map(([, value]) => value)).toEqual(['Running', 'Fault']);
  expect(list(recorder, 'bit').map(([, value]) => value)).toEqual([true, false]);
});

test('texts without end do not fill the memory, and the newest stay', () => {
  const recorder = started(signal(1, 'text', { kind: 'text', value: '' }));
  for (let index = 0; index < 40_000; index += 1) recorder.hear(data(200 + index, [[1, `batch ${index}`, 'good', 200 + index, 3]]), WORLD + 100 + index);
  expect(recorder.texts.isFull).toBe(false);
  expect(list(recorder, 'text').at(-1)?.[1]).toBe('batch 39999');
  expect(recorder.texts.textOf(0)).toBe('…');
});

test('what is not wanted any more is forgotten', () => {
  const recorder = started(signal(1, 'a'), signal(2, 'b'));
  recorder.keep(new Set(['b']));
  recorder.hear(data(1_100, [[1, 2, 'good', 900, 3]]), WORLD + 1_000);
  expect(recorder.of('a')).toBeUndefined();
  expect(recorder.of('b')).toBeDefined();
});
