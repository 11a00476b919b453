/**
 * The shapes of the hub's own interface, as the manual's page "HTTP and live API" states them.
 *
 * Nothing here is decided by the page. Times ending in `_ms` are milliseconds on the hub's clock.
 */

import type { ClassFrame } from './classroom-protocol';
import type { PlcFrame } from './plc-protocol';
import type { RailsFrame } from './rails-protocol';

export type Kind = 'bool' | 'int' | 'float' | 'text';
export type Quality = 'good' | 'stale' | 'bad';
/** Who is meant to write a signal: this side (routes, operators) or the other side of its endpoint. */
export type Owner = 'hub' | 'peer';
export type Value = boolean | number | string | null;

export type Role = 'viewer' | 'operator' | 'engineer';

/** Who the hub takes this page for, and what it may do. */
export interface Me {
  who: string;
  role: Role;
  /** Id of the key that was shown; null where none was needed. */
  key: string | null;
  keys_exist: boolean;
  /** Patterns of the signals it may see and write; null for all. */
  view: string[] | null;
  write: string[] | null;
}

/** A key as it is listed: everything but the key. */
export interface KeyRow {
  id: string;
  name: string;
  role: Role;
  view: string[] | null;
  write: string[] | null;
  /** RFC 3339. */
  created: string;
  last_used_ms: number | null;
}

export interface NewKey {
  name: string;
  role: Role;
  view?: string[];
  write?: string[];
}

export interface Certificate {
  /** SHA-256 of the certificate, as pairs of digits with colons between. */
  fingerprint: string;
  names: string[];
  /** RFC 3339. */
  not_before: string;
  not_after: string;
  /** The hub has made it by itself. */
  own: boolean;
  /** Where it lies, in the folder of the project. */
  file: string;
}

export interface Tls {
  certificate: Certificate | null;
  listeners: { name: string; url: string; tls: boolean }[];
  /** Addresses of this page. */
  urls: string[];
}

export interface Setting {
  key: string;
  value: unknown;
  source: 'default' | 'file' | 'environment' | 'flag';
  /** It can be changed while the hub runs. */
  live: boolean;
}

export interface Config {
  /** Folder of the project. */
  project: string;
  settings: Setting[];
}

/** One thing that somebody did. */
export interface AuditEntry {
  n: number;
  /** RFC 3339. */
  at: string;
  who: string;
  from: string;
  what: string;
  subject: string;
  old: unknown;
  new: unknown;
}

export interface Version {
  name: string;
  version: string;
  api: number;
}

/** One row of the signal space. */
export interface Signal {
  id: number;
  name: string;
  /** What the program of its PLC calls it; only where it does, and not on the live channel. Null: it is known to have none. */
  symbol?: string | null;
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
  last_seen_ms: number;
  count: number;
  /** A person has said that it was seen. */
  acknowledged: boolean;
}

export interface Health {
  status: 'ok' | 'degraded';
  now_ms: number;
  project: string;
  signals: number;
  clients: number;
  endpoints: number;
  /** PLC contexts, and where clients of PiPLC's protocol connect. */
  plc: { contexts: number; running: number; in_fault: number; url: string | null };
  /** Null where the project has no classroom. */
  classroom: object | null;
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
  /** Bursts after a silence, of which only the newest values were taken. */
  late_bursts: number;
  ignored: Record<string, number>;
}

export type LinkState = 'off' | 'connecting' | 'greeting' | 'connected' | 'waiting' | 'given_up';

/** How a link stands: an endpoint that connects to a server by itself. */
export interface EndpointLink {
  state: LinkState;
  text: string;
  /** Attempts that failed since it was last connected. */
  failures: number;
  attempts: number;
  next_attempt_in_ms: number | null;
  /** How long it has been connected. */
  connected_ms: number | null;
  last_error: string | null;
  /** Signals in the server's catalog, once it is here. */
  catalog: number | null;
}

export interface Endpoint {
  name: string;
  protocol: string;
  role: 'server' | 'client';
  tls: boolean;
  /** The address on which a server listens; null for a client. */
  bind: string | null;
  /** The server to which a client connects; null for a server. */
  host: string | null;
  port: number;
  path: string | null;
  url: string;
  /** `listening` and the like for a server, the word of its link for a client. */
  state: string;
  link: EndpointLink | null;
  clients: number;
  signals: number;
  settings: Record<string, unknown>;
  counters: Counters;
}

export interface EndpointList {
  now_ms: number;
  endpoints: Endpoint[];
  /** The addresses of this machine that other machines can reach. */
  lan: string[];
}

/** What an import brought. */
export interface ImportReport {
  asked: number;
  answered: number;
  found: number;
  made: number;
}

/** What a trial connection to the server of a link found. */
export interface ProbeReport {
  ok: boolean;
  connect_ms: number | null;
  handshake_ms: number | null;
  round_trip_ms: number | null;
  catalog: number | null;
  server_pushes: boolean;
  error: string | null;
  stage: 'address' | 'connect' | 'tls' | 'upgrade' | 'catalog' | 'done';
}

export interface Client {
  id: number;
  /** Whose key it showed, or what else says who it is. */
  who: string;
  role: Role;
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
  now_ms: number;
  clients: Client[];
}

/** One changed value: id, value, quality (with its reason when bad), time of change, writer: a client's id; a route, an operator or a PLC (`plc 0`) in words. */
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
  | { type: 'watching_plc'; id: number; context: string | null; cycle_ms: number }
  | PlcFrame
  | { type: 'watching_classroom'; id: number; on: boolean }
  | ClassFrame
  | RailsFrame
  | { type: 'error'; id: number | null; code: string; message: string };
