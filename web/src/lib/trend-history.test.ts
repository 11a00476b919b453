import { expect, test } from 'vitest';
import { HubError } from './hub';
import { History, ringOf, widthOf, type HistoryAnswer, type Question } from './trend-history';
import { GAP, GOOD, STALE } from './trend-track';

const NOW = 1_000_000;
const answer = (change: Partial<HistoryAnswer> = {}): HistoryAnswer => ({ now_ms: NOW, signal: 'a', resolution: 'raw', before: null, points: [], note: null, ...change });
const question: Question = { name: 'a', from: 1_000, to: 9_000, points: 100 };
const pieces = (of: HistoryAnswer, startedAt = 0) => {
  const ring = ringOf(of, question, Number, startedAt);
  return Array.from({ length: ring.size }, (_, index) => ring.piece(index));
};

test('samples hold, and what was before the span holds at its begin', () => {
  const found = pieces(answer({ before: { at_ms: 10, value: 4 }, points: [{ at_ms: 2_000, value: 5, quality: 'stale' }] }));
  expect(found.map(({ at, last, state }) => [at, last, state])).toEqual([[1_000, 4, GOOD], [2_000, 5, STALE]]);
});

test('nobody has listened before the hub was started: that is a gap', () => {
  const points = [{ at_ms: 2_000, value: 1 }, { at_ms: 6_000, value: 2 }];
  expect(pieces(answer({ points }), 5_000).map(({ at, state }) => [at, state])).toEqual([[2_000, GOOD], [2_001, GAP], [6_000, GOOD]]);
  expect(pieces(answer({ points }), 500).map(({ state }) => state)).toEqual([GOOD, GOOD]);
});

test('what holds after a part lies in it and in the next one', () => {
  const points = [{ at_ms: 1_000, min: 0, avg: 1, max: 5, count: 4 }, { at_ms: 3_000, min: 5, avg: 7, max: 9, count: 2 }];
  const of = answer({ resolution: 'second', points });
  expect(widthOf(of)).toBe(2_000);
  expect(pieces(of).map(({ last }) => last)).toEqual([5, 7]);
});

/** A hub that answers when it is told to. */
class Hub {
  asked: { path: string; cancel: AbortSignal | undefined; tell: (answer: HistoryAnswer) => void; refuse: (error: Error) => void }[] = [];
  ask = <T>(path: string, { cancel }: { cancel?: AbortSignal } = {}): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      cancel?.addEventListener('abort', () => reject(new HubError('cancelled', 'the wait was ended')));
      this.asked.push({ path, cancel, tell: resolve as (answer: HistoryAnswer) => void, refuse: reject });
    });
}

function history(hub: Hub): { history: History; clock: number[] } {
  const clock: number[] = [];
  return { clock, history: new History(hub, { numberOf: (_, value) => Number(value), startedAt: () => 0, now: () => NOW, clock: (hub_ms) => clock.push(hub_ms), heard: () => undefined }) };
}

test('a newer question ends the one before, whose answer is not taken', async () => {
  const hub = new Hub();
  const { history: own } = history(hub);
  const first = own.ask([question]);
  const second = own.ask([{ ...question, to: 5_000 }]);
  hub.asked[1]?.tell(answer({ points: [{ at_ms: 2_000, value: 2 }] }));
  await Promise.all([first, second]);
  expect(hub.asked[0]?.cancel?.aborted).toBe(true);
  expect(own.of('a').to).toBe(5_000);
  expect(own.of('a').phase).toBe('kept');
});

test('it is asked again only for what it does not cover, or finer', async () => {
  const hub = new Hub();
  const { history: own, clock } = history(hub);
  const asked = own.ask([question]);
  hub.asked[0]?.tell(answer({ resolution: 'minute', points: [{ at_ms: 0, min: 0, max: 1, avg: 0, count: 2 }] }));
  await asked;
  expect(clock).toEqual([NOW]);
  expect(own.covers({ name: 'a', from: 2_000, to: 8_000 }, 60_000)).toBe(true);
  expect(own.covers({ name: 'a', from: 2_000, to: 8_000 }, 1_000)).toBe(false);
  expect(own.covers({ name: 'a', from: 500, to: 8_000 }, 60_000)).toBe(false);
  expect(own.covers({ name: 'b', from: 2_000, to: 8_000 }, 60_000)).toBe(false);
});

test('a project without a history is asked once, and a signal that is not kept is not asked again', async () => {
  const hub = new Hub();
  const { history: own } = history(hub);
  let asked = own.ask([question]);
  hub.asked[0]?.tell(answer({ note: '`history.signals` does not list it' }));
  await asked;
  expect(own.of('a').phase).toBe('unkept');
  expect(own.covers({ name: 'a', from: 0, to: 1 }, 1)).toBe(true);
  own.begin();
  asked = own.ask(['b', 'c', 'd'].map((name) => ({ ...question, name })));
  expect(hub.asked.length).toBe(2);
  hub.asked[1]?.refuse(new HubError('not_found', 'the project keeps no history: list signals', 404));
  await asked;
  expect([own.of('c').phase, hub.asked.length]).toEqual(['off', 2]);
  own.begin();
  expect(own.of('c').phase).toBe('waiting');
});

test('a name that nobody knows is not asked for again', async () => {
  const hub = new Hub();
  const { history: own } = history(hub);
  const asked = own.ask([question]);
  hub.asked[0]?.refuse(new HubError('not_found', 'no signal has this name', 404));
  await asked;
  expect(own.covers({ name: 'a', from: 0, to: 1 }, 1)).toBe(true);
  expect(own.isOff).toBe(false);
});

test('what went wrong is said, and what was known stays', async () => {
  const hub = new Hub();
  const { history: own } = history(hub);
  let asked = own.ask([question]);
  hub.asked[0]?.tell(answer({ points: [{ at_ms: 2_000, value: 2 }] }));
  await asked;
  asked = own.ask([question]);
  hub.asked[1]?.refuse(new HubError('unreadable', 'the history cannot be read', 500));
  await asked;
  expect(own.of('a')).toMatchObject({ phase: 'failed', text: 'the history cannot be read' });
  expect(own.of('a').source).not.toBeNull();
});
