/**
 * What surrounds the mock's engines: their clock, the devices of one, the places that it keeps, and an engine that runs
 * elsewhere. Plain without `--plc-field`, so that most stories have nothing to do with it.
 */

/** Upper bounds of the lateness histogram's buckets. */
const BOUNDS_US = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, null];
/** Which part of all scans began within each of these bounds. */
const PARTS = [0.02, 0.31, 0.44, 0.16, 0.05, 0.017, 0.003];
const MAX_US = 93;
/** A remote engine is tried again this often. */
const RETRY_MS = 3_000;
/** What measuring costs at each rung. */
const OVERHEAD_NS = 45;
/** Retained places are saved this often while something changes. */
const SAVE_MS = 1_000;

/** The histogram of so many scans. */
export function latenessOf(scans) {
  const counts = BOUNDS_US.map((_, at) => Math.floor((PARTS[at] ?? 0) * scans));
  const told = counts.reduce((sum, count) => sum + count, 0);
  counts[2] += scans - told;
  let passed = 0;
  const bounds = { p50_us: null, p99_us: null };
  BOUNDS_US.forEach((bound, at) => {
    passed += counts[at];
    if (scans > 0 && bounds.p50_us === null && passed >= scans / 2) bounds.p50_us = bound;
    if (scans > 0 && bounds.p99_us === null && passed >= scans * 0.99) bounds.p99_us = bound;
  });
  return { max_us: scans === 0 ? 0 : MAX_US, ...bounds, buckets: BOUNDS_US.map((le_us, at) => ({ le_us, count: counts[at] })) };
}

const DENIED =
  'The system does not give SCHED_FIFO priority 50 to this process: run `setcap cap_sys_nice+ep` on the binary, or set LimitRTPRIO=99 in its service file.';

export function plainSurroundings() {
  return {
    realtime: { priority: null, cpu: null, spin: false, locked_memory: false, denied: [] },
    io: { provider: 'Virtual I/O', state: 'virtual', reason: null, drives: [], devices: [] },
    link: null,
    retain: null,
  };
}

/** The surroundings of an engine with devices and retained places; `state` and `error` are switched by tests. */
export class Field {
  state = 'up';
  error = null;

  of(now_ms) {
    const { state, error } = this;
    const reason = { up: null, waiting: 'it does not answer yet; tried again in 2 s', down: 'connection refused by 192.0.2.7:502: is the coupler switched on?' }[state];
    return {
      realtime: { priority: null, cpu: 1, spin: false, locked_memory: true, denied: [DENIED] },
      io: {
        provider: 'Modbus TCP (192.0.2.7:502), GPIO (/dev/gpiochip0)',
        state,
        reason,
        drives: ['I:0/2', 'N:8'],
        devices: [
          { name: 'Modbus TCP (192.0.2.7:502)', state, reason, errors: state === 'up' ? 0 : 17 },
          { name: 'GPIO (/dev/gpiochip0)', state: 'up', reason: null, errors: 0 },
        ],
      },
      link: null,
      retain: { places: ['N:0-9', 'T:0', 'C:5'], saved_at_ms: error === null ? now_ms - (now_ms % SAVE_MS) : 200, restored: true, error },
    };
  }
}

/** The link to an engine elsewhere; `color` is switched by tests. */
export class Link {
  color = 'green';
  since_ms = 0;
  url = 'ws://192.0.2.9:9100/';

  turn(color, now_ms) {
    Object.assign(this, { color, since_ms: now_ms });
  }

  of(now_ms) {
    const { color, url } = this;
    const isUp = color === 'green';
    const waited = now_ms - this.since_ms;
    const reason = { green: null, yellow: 'connecting', red: 'connection refused by 192.0.2.9:9100: is the engine running?' }[color];
    return {
      realtime: null,
      io: { provider: 'Virtual I/O', state: 'virtual', reason: null, drives: [], devices: [] },
      link: {
        color,
        reason,
        url,
        server: isUp ? 'PiPLC Engine 0.1.31' : null,
        dialect: isUp ? '0.1' : null,
        remote_context: isUp ? 'oven-main' : null,
        attempts: isUp ? 0 : 1 + Math.floor(waited / RETRY_MS),
        retry_in_ms: color === 'red' ? RETRY_MS - (waited % RETRY_MS) : null,
      },
      retain: null,
    };
  }
}

/** What the rungs of a program have cost: more instructions cost more, and the rung of the scaler most. */
export function profileOf({ program, isProfiling, profiledSince, scans, now_ms, target_us }) {
  if (!program || !isProfiling) return { on: isProfiling, scans: 0, target_us, overhead_ns: 0, rungs: [] };
  const costs = program.rungs.map((rung, at) => {
    const instructions = countOf(rung.elements);
    return { rung: at, instructions, avg_ns: 40 + instructions * 35 + (at === 5 ? 2_600 : 0) };
  });
  const sum = costs.reduce((total, { avg_ns }) => total + avg_ns, 0);
  const wave = Math.round(12 * Math.sin(now_ms / 900));
  const rungs = costs.map(({ rung, instructions, avg_ns }) => ({ rung, instructions, last_ns: avg_ns + wave, avg_ns, max_ns: avg_ns * 3 + 410, share: avg_ns / sum }));
  return { on: true, scans: scans - profiledSince, target_us, overhead_ns: OVERHEAD_NS, rungs };
}

function countOf(elements) {
  return elements.reduce((sum, element) => sum + (element.branch ? element.branch.reduce((inner, path) => inner + countOf(path), 0) : 1), 0);
}
