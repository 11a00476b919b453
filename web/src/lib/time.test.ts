import { beforeEach, expect, test, vi } from 'vitest';
import { HubApi, HubError } from './hub';
import type { ClockState, ReplayState } from './rails-protocol';
import { TimeRoom } from './time.svelte';

const CLOCK: ClockState = { mode: 'scaled', rate: 10, running: true, now_ms: 5_000, until_ms: null, real_ms: 500, does_not_follow: ['gama'] };
const REPLAY: ReplayState = { state: 'playing', recording: 'a.mcap', position_ms: 0, duration_ms: 9, speed: 1, loop: false, leads_clock: false, signals: 1, skipped: [], error: null };

let asked: string[];
let answers: Record<string, unknown>;
let room: TimeRoom;
let heard: ClockState[];

beforeEach(() => {
  asked = [];
  heard = [];
  answers = { clock: CLOCK, replay: REPLAY };
  const api = new HubApi('', async (input) => {
    const name = String(input).split('/').at(-1) ?? '';
    asked.push(name);
    const answer = answers[name];
    return answer === undefined ? new Response('{"error":{"code":"not_found","message":"no"}}', { status: 404 }) : Response.json(answer);
  });
  room = new TimeRoom(api, (clock) => heard.push(clock));
});

test('clock and replay are read, and what the channel says is newer', async () => {
  await room.read();
  expect(room.clock.state?.rate).toBe(10);
  expect(room.playing?.recording).toBe('a.mcap');
  const { does_not_follow: _, ...frame } = CLOCK;
  room.receive({ type: 'clock', ...frame, rate: 2 });
  room.receive({ type: 'replay', ...REPLAY, state: 'idle' });
  // Who does not follow the frame does not name: it stays.
  expect(room.clock.state).toMatchObject({ rate: 2, does_not_follow: ['gama'] });
  expect(room.playing).toBeNull();
  await room.read();
  expect(asked).toEqual(['clock', 'replay']);
  expect(heard.map(({ rate }) => rate)).toEqual([10, 2]);
});

test('where the channel is silent the hub is asked again', async () => {
  room.receive({ type: 'replay', ...REPLAY });
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 3_500);
  await room.read();
  vi.restoreAllMocks();
  expect(asked).toEqual(['clock', 'replay']);
});

test('a hub that knows neither is asked once per connection', async () => {
  answers = {};
  await room.read();
  await room.read();
  expect(asked).toEqual(['clock', 'replay']);
  expect(room.clock.isUnknown).toBe(true);
  room.greeted();
  await room.read();
  expect(asked.length).toBe(4);
});

test('another failure is a failure', async () => {
  const silent = new TimeRoom(new HubApi('', () => Promise.reject(new Error('gone'))), () => undefined);
  await expect(silent.read()).rejects.toBeInstanceOf(HubError);
});
