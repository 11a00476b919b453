/**
 * What ties the rails, in the hub's own shapes: routes, the clock, recordings, replay and tests, as the manual's page "HTTP
 * and live API" states them.
 */

import type { Value } from './protocol';

export type OnStale = 'hold' | 'zero' | 'fault';

/** What becomes of a value on a route; null stands for a number or a text that is not set. */
export interface RouteTransform {
  expr: string | null;
  /** Further variables of `expr` and the signals that they are. */
  inputs: Record<string, string>;
  /** Values as text and what they become; `*` is everything else. */
  map: Record<string, Value>;
  invert: boolean;
  scale: number | null;
  offset: number | null;
  deadband: number | null;
  every_ms: number | null;
}

/** A route as it is added or changed. */
export interface RouteWanted extends Partial<RouteTransform> {
  from: string;
  to: string;
  on_stale: OnStale;
}

/** A route as it is listed. A hub of before transforms tells only of plain ones. */
export interface RouteRow extends Partial<RouteTransform> {
  id: number;
  from: string;
  to: string;
  on_stale: OnStale;
  source: 'project' | 'piplc' | 'api';
  state: 'active' | 'waiting';
  /** Why it waits. */
  reason: string | null;
  /** Values passed, withheld and not transformed. */
  count: number;
  held?: number;
  failed?: number;
  /** Why the last value could not be transformed. */
  error?: string | null;
  last_value: Value;
  last_at_ms: number | null;
  /** The route with the pattern that this one stands for. */
  pattern?: number | null;
  /** For a route with a pattern: how many routes it stands for. */
  fits?: number | null;
}

export interface RouteList {
  now_ms: number;
  routes: RouteRow[];
}

/** What an import of routes did. */
export interface RouteImport {
  added: number;
  changed: number;
  same: number;
  removed: number;
}

export type ClockMode = 'real' | 'scaled' | 'stepped' | 'recording';

/** The hub's clock. */
export interface ClockState {
  mode: ClockMode;
  rate: number;
  running: boolean;
  /** The hub's time. */
  now_ms: number;
  /** Where a step ends. */
  until_ms: number | null;
  /** The time since the start of the hub, as the world goes. */
  real_ms: number;
  /** Peers, links and engines that live in the world's time; the live channel does not name them. */
  does_not_follow?: string[];
}

export type ClockWanted = { mode: 'real' | 'stepped' | 'recording' } | { mode: 'scaled'; rate: number };

/** A recording that is being made. */
export interface ActiveRecording {
  name: string;
  /** The hub's time. */
  started_ms: number;
  duration_ms: number;
  bytes: number;
  samples: number;
  inputs: number;
  gaps: number;
  lost: number;
  /** It ends by itself at these limits. */
  max_bytes: number | null;
  max_ms: number | null;
  /** Who or what has started it. */
  by: string;
}

/** A recording that is there. */
export interface RecordingRow {
  name: string;
  bytes: number;
  /** RFC 3339. */
  started: string;
  duration_ms: number;
  signals: number;
  samples: number;
  inputs: number;
  gaps: number;
  /** It was ended as it should, and not cut. */
  whole: boolean;
  /** It is being written. */
  running?: boolean;
  /** It began with the hub, so it can be executed again. */
  from_start: boolean;
}

export interface RecordingList {
  now_ms: number;
  folder: string;
  free_bytes: number | null;
  active: ActiveRecording | null;
  recordings: RecordingRow[];
}

export interface RecordingDetail extends RecordingRow {
  project: string;
  /** The first 1,000. */
  signal_names: string[];
}

export interface RecordingWanted {
  name: string | null;
  max_mb: number | null;
  max_minutes: number | null;
  signals: string[] | null;
}

/** The replay, if there is one. */
export interface ReplayState {
  state: 'idle' | 'playing' | 'paused' | 'ended';
  recording: string | null;
  position_ms: number;
  duration_ms: number;
  /** How many times as fast; 0 for as fast as the hub can. */
  speed: number;
  loop: boolean;
  leads_clock: boolean;
  /** How many signals it says. */
  signals: number;
  /** The first 100 that it does not say, and why. */
  skipped: { name: string; reason: string }[];
  /** All of them. */
  skipped_count?: number;
  error: string | null;
}

export interface ReplayWanted {
  recording: string;
  signals: string[] | null;
  speed: number;
  loop: boolean;
  leads_clock: boolean;
  paused: boolean;
  position_ms: number;
  /** Also what a connected peer writes now. */
  force?: true;
}

export type ReplayChange = Partial<Pick<ReplayState, 'speed' | 'loop' | 'position_ms'>>;

export interface TestLast {
  passed: boolean;
  took_ms: number;
  cases: number;
  failed: number;
  /** The first difference, with its diagram. */
  text: string | null;
}

export interface TestRow {
  name: string;
  kind: 'recording' | 'scan' | 'script';
  last: TestLast | null;
}

export interface TestList {
  folder: string;
  tests: TestRow[];
  running: string | null;
}

/** One case of a run. */
export interface TestCase {
  test: string;
  case: string;
  passed: boolean;
  text: string | null;
}

export interface TestRun {
  passed: boolean;
  cases: number;
  failed: number;
  took_ms: number;
  results: TestCase[];
}

/** What the live channel may say of the clock and of a replay. */
export type RailsFrame = ({ type: 'clock' } & ClockState) | ({ type: 'replay' } & ReplayState);
