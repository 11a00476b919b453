/**
 * The shapes of the hub's own interface, as the manual's page "HTTP and live API" states them.
 *
 * Nothing here is decided by the page. Times ending in `_ms` are milliseconds on the hub's clock.
 */

export type Kind = 'bool' | 'int' | 'float' | 'text';
export type Quality = 'good' | 'stale' | 'bad';
/** Who is meant to write a signal: this side (routes, operators) or the other side of its endpoint. */
export type Owner = 'hub' | 'peer';
export type Value = boolean | number | string | null;

/** One row of the signal space. */
export interface Signal {
  id: number;
  name: string;
  kind: Kind;
  value: Value;
  quality: Quality;
  reason: string | null;
  owner: Owner;
  writer: string | null;
  conflict: boolean;
  writable: boolean;
  generation: number;
  changed_at_ms: number;
  confirmed_at_ms: number;
}

export interface SignalPage {
  now_ms: number;
  generation: number;
  total: number;
  next: string | null;
  signals: Signal[];
}

export interface Problem {
  id: string;
  severity: 'warning' | 'error';
  subject: string;
  text: string;
  hint: string;
  first_seen_ms: number;
  count: number;
}

export interface Health {
  status: 'ok' | 'degraded';
  now_ms: number;
  project: string;
  signals: number;
  clients: number;
  endpoints: number;
  generation: number;
  problems: Problem[];
}

/** Numbers that only grow; a rate is the difference of two readings over the difference of their times. */
export interface Counters {
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  updates_in: number;
  updates_out: number;
  merged_frames: number;
  ignored: Record<string, number>;
}

export interface Endpoint {
  name: string;
  protocol: string;
  role: string;
  bind: string;
  port: number;
  path: string | null;
  url: string;
  state: string;
  clients: number;
  signals: number;
  settings: Record<string, unknown>;
  counters: Counters;
}

export interface EndpointList {
  endpoints: Endpoint[];
  /** The addresses of this machine that other machines can reach. */
  lan: string[];
}

export interface Client {
  id: number;
  endpoint: string;
  protocol: string;
  name: string;
  address: string;
  path: string;
  connected_at_ms: number;
  last_seen_at_ms: number;
  state: 'good' | 'stale';
  view: 'all' | 'none' | 'list';
  view_len: number;
  writes: number;
  echoer: boolean;
  rtt_us: number | null;
  lag_ms: number;
  lag_signals: number;
  counters: Counters;
}

export interface ClientList {
  clients: Client[];
}

/** One changed value: id, value, quality (with its reason when bad), time of change, writer: a client's id, a route or an operator in words. */
export type DataRow = [number, Value, Quality | ['bad', string], number, number | string | null];

/** What became of one value of a write. */
export type WriteOutcome = { ok: true; value: Value } | { ok: false; code: string; message: string };

export type HubMessage =
  | { type: 'hello'; epoch: number; now_ms: number; generation: number; version: string }
  | { type: 'snapshot'; id: number; now_ms: number; generation: number; signals: Signal[]; unknown?: string[] }
  | { type: 'added'; now_ms: number; generation: number; signals: Signal[] }
  | {
      type: 'data';
      now_ms: number;
      generation: number;
      signals: DataRow[];
      gap?: { since_ms: number; merged: number };
    }
  | { type: 'tick'; now_ms: number; generation: number; writers: Record<string, number>; lag_ms: number }
  | { type: 'write_result'; id: number; signals: Record<string, WriteOutcome> }
  | { type: 'error'; id: number | null; code: string; message: string };
