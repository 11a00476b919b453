/** Is what came on the live channel a frame of the hub? What is not must not be taken: it would break what shows it. */

import type { HubMessage } from './protocol';

type Is = (value: unknown) => boolean;

const isObject: Is = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber: Is = (value) => typeof value === 'number';
const isText: Is = (value) => typeof value === 'string';
const listOf = (is: Is): Is => (value) => Array.isArray(value) && value.every(is);
const orNone = (is: Is): Is => (value) => value === undefined || value === null || is(value);

const isSignal: Is = (value) => isObject(value) && isText((value as { name: unknown }).name) && isNumber((value as { id: unknown }).id);
const isRow: Is = (value) => Array.isArray(value) && value.length >= 5 && isNumber(value[0]);

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
  clock: { now_ms: isNumber },
  replay: { state: isText },
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
  const parts = Object.entries(PARTS[frame['type'] as string] ?? {});
  return parts.every(([part, is]) => is(frame[part])) ? (frame as unknown as HubMessage) : null;
}
