/**
 * Is what came on the live channel a frame of the hub, and what was answered an answer? What is not must not be taken: it would break
 * what shows it. Figures that are only shown may be missing.
 */

import type { HubMessage } from './protocol';

type Is = (value: unknown) => boolean;

const isObject: Is = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber: Is = (value) => typeof value === 'number' && Number.isFinite(value);
const isFlag: Is = (value) => typeof value === 'boolean';
const isText: Is = (value) => typeof value === 'string';
const listOf = (is: Is): Is => (value) => Array.isArray(value) && value.every(is);
const orNone = (is: Is): Is => (value) => value === undefined || value === null || is(value);

/** An object with these parts. */
const having = (parts: Record<string, Is>): Is => (value) => isObject(value) && Object.entries(parts).every(([part, is]) => is((value as Record<string, unknown>)[part]));

const isSignal: Is = (value) => isObject(value) && isText((value as { name: unknown }).name) && isNumber((value as { id: unknown }).id);
const isRow: Is = (value) => Array.isArray(value) && value.length >= 5 && isNumber(value[0]);

const CLOCK: Record<string, Is> = { mode: isText, rate: isNumber, running: isFlag, now_ms: isNumber, until_ms: orNone(isNumber), real_ms: isNumber };
const REPLAY: Record<string, Is> = { state: isText, recording: isText, position_ms: isNumber, duration_ms: isNumber, speed: isNumber, signals: isNumber, skipped: listOf(having({ name: isText, reason: isText })) };
/** Where nothing is replayed nothing more has to be said. */
const isReplay: Is = (value) => having(REPLAY)(value) || (isObject(value) && (value as { state: unknown }).state === 'idle');

const isCounters = having({ ignored: isObject });
const isEndpoint = having({ name: isText, protocol: isText, role: isText, url: isText, state: isText, bind: orNone(isText), link: orNone(having({ state: isText })), counters: isCounters });
const isClient = having({ id: isNumber, name: isText, protocol: isText, endpoint: isText, address: isText, state: isText, counters: isCounters });

/** What has to be in the answers that are asked for again and again. */
const ANSWERS = {
  clock: having(CLOCK),
  replay: isReplay,
  endpoints: having({ endpoints: listOf(isEndpoint), lan: listOf(isText) }),
  clients: having({ clients: listOf(isClient) }),
};

/** The answer, when it is one. */
export function readAnswer<T>(what: keyof typeof ANSWERS, answer: T): T {
  if (!ANSWERS[what](answer)) throw new Error(`the hub’s answer about its ${what} was not understood`);
  return answer;
}

/** What has to be in a frame of each type; types that this page does not know pass, they are of a newer hub. */
const PARTS: Record<string, Record<string, Is>> = {
  hello: { epoch: isNumber, now_ms: isNumber },
  snapshot: { now_ms: isNumber, signals: listOf(isSignal), unknown: orNone(listOf(isText)) },
  added: { signals: listOf(isSignal) },
  data: { now_ms: isNumber, signals: listOf(isRow), gap: orNone(isObject) },
  tick: { now_ms: isNumber, writers: isObject },
  write_result: { id: isNumber, signals: isObject },
  plc: { context: isText, now_ms: isNumber, scan: isObject, forced: listOf(isText), breakpoints: listOf(isNumber), power: isText },
  classroom: { now_ms: isNumber, players: listOf(isObject), console: listOf(isObject) },
  clock: CLOCK,
  error: { code: isText, message: isText },
};

/** The frame, or null where it is none. */
export function readFrame(text: string): HubMessage | null {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(said)) return null;
  const frame = said as Record<string, unknown>;
  if (!isText(frame['type'])) return null;
  const is = frame['type'] === 'replay' ? isReplay : having(PARTS[frame['type'] as string] ?? {});
  return is(frame) ? (frame as unknown as HubMessage) : null;
}
