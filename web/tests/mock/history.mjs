/**
 * The mock's history: what some signals of the line were, also two hours before it was started, with one sample of the tank far
 * above all others (`SPIKE`). Answers as the hub does: samples where they are few, otherwise smallest, mean and largest of parts.
 *
 * Switches, as POST requests: `/mock/history-fail` (the file cannot be read) and `/mock/history-mend`.
 */

import { refusal } from './office.mjs';

const KEPT = ['twin/line/TankLevel', 'twin/line/FillLevel', 'twin/line/SensorFiller', 'twin/line/State'];
const PAST_MS = 7_200_000;
const EVERY_MS = 500;
/** What the tank was for half a second, an hour before the start. */
const SPIKE = 931;
const POINTS_MAX = 10_000;

export class History {
  #samples = new Map(KEPT.map((name) => [name, []]));
  #isBegun = false;
  isFailing = false;

  constructor(plant) {
    this.plant = plant;
    const now = Date.now();
    for (let at_ms = now - PAST_MS; at_ms < now - EVERY_MS; at_ms += EVERY_MS) {
      const isSpike = Math.abs(at_ms - (now - PAST_MS / 2)) < EVERY_MS / 2;
      const phase = at_ms / 60_000;
      this.#put('twin/line/TankLevel', at_ms, isSpike ? SPIKE : Math.round((60 + 20 * Math.sin(phase)) * 100) / 100);
      this.#put('twin/line/FillLevel', at_ms, (at_ms / 40) % 100);
      this.#put('twin/line/SensorFiller', at_ms, Math.floor(at_ms / 3_000) % 4 === 0);
      this.#put('twin/line/State', at_ms, Math.floor(phase / 7) % 5 === 0 ? 'Stopped' : 'Running', Math.floor(phase / 7) % 5 === 1 ? 'stale' : 'good');
    }
  }

  #put(name, at_ms, value, quality = 'good') {
    const list = this.#samples.get(name);
    const last = list.at(-1);
    if (last && last.value === value && (last.quality ?? 'good') === quality) return;
    list.push({ at_ms, value, ...(quality === 'good' ? {} : { quality }) });
  }

  /** Takes what has changed; at first everything, as at the start of a hub. */
  step() {
    const at_ms = Date.now();
    for (const name of KEPT) {
      const signal = this.plant.find(name);
      if (!signal) continue;
      if (!this.#isBegun) this.#samples.get(name).push({ at_ms, value: signal.value });
      else this.#put(name, at_ms, signal.value, signal.quality);
    }
    this.#isBegun = true;
  }

  turn(word) {
    this.isFailing = word === 'history-fail';
  }

  answer(me, method, parts, query) {
    if (method !== 'GET') return null;
    if (parts[0] === 'historian' && parts.length === 1) return { status: 200, body: this.#state() };
    if (parts[0] !== 'history' || parts.length !== 1) return null;
    return this.#points(query);
  }

  #state() {
    const lists = [...this.#samples.values()];
    const rows = lists.reduce((sum, list) => sum + list.length, 0);
    return { signals: KEPT.length, rows, bytes: rows * 40, written: rows, dropped: 0, rows_per_second_max: 20_000, queue: 0, oldest_ms: Math.min(...lists.map(([first]) => first.at_ms)) };
  }

  #points(query) {
    const now_ms = Date.now();
    const number = (word, otherwise) => (query.get(word) === null ? otherwise : Number(query.get(word)));
    const to_ms = number('to_ms', now_ms);
    const from_ms = number('from_ms', to_ms - 3_600_000);
    const points = number('points', 500);
    if (query.get('signal') === null) return refusal(400, 'bad_request', 'Failed to deserialize query string: missing field `signal`');
    if (![from_ms, to_ms].every((at) => Number.isInteger(at) && at >= 0) || from_ms > to_ms) {
      return refusal(400, 'bad_request', '`from_ms` and `to_ms`: expected milliseconds since 1970, the first not after the second');
    }
    if (!Number.isInteger(points) || points < 1 || points > POINTS_MAX) return refusal(400, 'bad_request', `\`points\`: expected a whole number from 1 to ${POINTS_MAX}`);
    if (this.isFailing) return refusal(500, 'unreadable', 'the history cannot be read: history.db: database disk image is malformed');
    const found = this.plant.find(query.get('signal'));
    const signal = found?.name ?? query.get('signal');
    // A name of a signal that is gone may still be asked for; what can be no name may not.
    if (!found && !/^(twin|plc|sys)\/./.test(signal)) return refusal(404, 'not_found', `no signal is called '${signal}'`);
    const list = this.#samples.get(signal) ?? [];
    const before = list.findLast(({ at_ms }) => at_ms < from_ms);
    const samples = list.filter(({ at_ms }) => at_ms >= from_ms && at_ms <= to_ms);
    const isEmpty = samples.length === 0 && !before;
    const note = !isEmpty || KEPT.includes(signal) ? null : found ? `\`history.signals\` does not list '${signal}': nothing is kept of it` : `there is no signal '${signal}', and nothing is kept of one`;
    const isText = typeof list[0]?.value === 'string';
    const span_s = Math.floor(Math.max(1, to_ms - from_ms) / 1_000 / points);
    const resolution = isText || samples.length <= points ? 'raw' : span_s >= 60 ? 'minute' : 'second';
    const told = resolution === 'raw' ? samples.slice(0, points) : parts(list, from_ms, to_ms, points, resolution === 'minute' ? 60 : 1);
    return { status: 200, body: { now_ms, signal, resolution, before: before ? { at_ms: before.at_ms, value: before.value } : null, points: told, note } };
  }
}

/** Equal parts of the time, of whole seconds or minutes, from samples that hold until the next one. */
function parts(list, from_ms, to_ms, points, span_s) {
  const from_s = Math.floor(Math.floor(from_ms / 1_000) / span_s) * span_s;
  const part_s = Math.floor((Math.floor(to_ms / 1_000) - from_s) / points / span_s) * span_s + span_s;
  const found = new Map();
  for (const [index, { at_ms, value }] of list.entries()) {
    const begin = from_s + Math.floor((at_ms / 1_000 - from_s) / part_s) * part_s;
    if (at_ms < from_s * 1_000 || at_ms > to_ms) continue;
    const held = list[index - 1]?.value;
    const part = found.get(begin) ?? { at_ms: begin * 1_000, min: Number(held ?? value), avg: 0, max: Number(held ?? value), count: 0, area: 0 };
    part.min = Math.min(part.min, Number(value));
    part.max = Math.max(part.max, Number(value));
    part.count += 1;
    part.area += Number(value);
    part.avg = part.area / part.count;
    found.set(begin, part);
  }
  return [...found.values()].map(({ area, ...part }) => part);
}

/** What a project without a history answers to both questions. */
export function noHistory(method, [room, ...rest]) {
  const isAsked = method === 'GET' && rest.length === 0 && (room === 'history' || room === 'historian');
  return isAsked ? refusal(404, 'not_found', 'the project keeps no history: list signals in `history.signals`') : null;
}
