/**
 * The shapes of the hub's interface to its PLC contexts, as the manual's page "HTTP and live API" states them.
 *
 * Rungs and columns count from 0. Times ending in `_ms` are milliseconds on the hub's clock, durations ending in `_us`
 * microseconds. Nothing here is decided by the page.
 */

export type PlcState = 'Stopped' | 'Running' | 'Paused' | 'Stepping' | 'Fault';

export type PlcCommand = 'start' | 'stop' | 'pause' | 'resume' | 'step_scan' | 'step_rung' | 'reset';

export interface PlcScan {
  count: number;
  last_us: number;
  min_us: number;
  max_us: number;
  avg_us: number;
  /** Scans that began late because the one before was not over. */
  overruns: number;
  target_us: number;
  /** A scan that takes longer is a fault; null is off. */
  watchdog_us: number | null;
  /** Scans whose changes came together because the hub was slow. */
  merged: number;
  /** Scans that were left out because the one before took their time. Older hubs do not say it. */
  missed?: number;
  /** How much later than due scans began. Older hubs do not say it. */
  lateness?: PlcLateness;
}

/** How many scans began how late. The bounds of the middle and of the last percent are those of their buckets. */
export interface PlcLateness {
  max_us: number;
  p50_us: number | null;
  p99_us: number | null;
  buckets: PlcLatenessBucket[];
}

export interface PlcLatenessBucket {
  /** Its upper bound, itself included; null is without end. */
  le_us: number | null;
  /** Scans in this bucket alone. */
  count: number;
}

/** What the scan thread of a context got of what it asked the system for. */
export interface PlcRealtime {
  /** Of SCHED_FIFO; null is the plain scheduler. */
  priority: number | null;
  cpu: number | null;
  spin: boolean;
  locked_memory: boolean;
  /** What the system did not permit, a sentence each, with what to do. */
  denied: string[];
}

export type PlcIoState = 'virtual' | 'waiting' | 'up' | 'down';

export interface PlcDevice {
  name: string;
  state: PlcIoState;
  reason: string | null;
  errors: number;
}

/** What drives the inputs of a context, and what its outputs drive. */
export interface PlcIo {
  provider: string;
  state: PlcIoState;
  reason: string | null;
  /** Places that devices write: `I:0/0`, `N:3`. */
  drives: string[];
  devices: PlcDevice[];
}

export type PlcLinkColor = 'green' | 'yellow' | 'red';

/** The link to an engine that runs elsewhere. */
export interface PlcLink {
  color: PlcLinkColor;
  reason: string | null;
  url: string;
  /** Name and version of the engine, once it has greeted. */
  server: string | null;
  dialect: '0.1' | '0.2' | null;
  remote_context: string | null;
  attempts: number;
  /** Time to the next attempt; null when none is planned. */
  retry_in_ms: number | null;
}

/** Which places keep their values over a restart of the hub. */
export interface PlcRetain {
  /** `N:0-9`, `T:3`, `B:3/1`, `C:*`. */
  places: string[];
  saved_at_ms: number | null;
  /** The hub began with values that were kept. */
  restored: boolean;
  error: string | null;
}

export interface PlcProgramSummary {
  name: string;
  /** Counts the programs of a context: another number is another program. */
  number: number;
  rungs: number;
  instructions: number;
  diagnostics: number;
  by: string;
  loaded_at_ms: number;
}

export interface PlcForce {
  address: string;
  symbol: string | null;
  value: boolean | number;
  by: string;
  reason: string;
  since_ms: number;
  expires_at_ms: number | null;
}

export interface PlcContext {
  id: string;
  name: string;
  state: PlcState;
  fault: string | null;
  /** The rung that comes next in a scan that was begun. */
  next_rung: number | null;
  program: PlcProgramSummary | null;
  scan: PlcScan;
  breakpoints: number[];
  forces: PlcForce[];
  io_provider: string;
  /** Outputs keep their values when it stops. */
  hold_outputs: boolean;
  /** It is gone when the hub ends. */
  temporary: boolean;
  /** Null for an engine that runs elsewhere. This and what follows: older hubs do not say it. */
  realtime?: PlcRealtime | null;
  io?: PlcIo | null;
  /** Null for an engine of the hub's own. */
  link?: PlcLink | null;
  /** Null where nothing is retained. */
  retain?: PlcRetain | null;
  /** The times of its rungs are measured. */
  profiling?: boolean;
}

export interface PlcContextList {
  now_ms: number;
  contexts: PlcContext[];
}

export interface PlcContextAnswer {
  now_ms: number;
  context: PlcContext;
}

export interface PlcDiagnostic {
  code: string;
  severity: 'error' | 'warning';
  /** Such a program is not taken. */
  refuses: boolean;
  rung: number | null;
  column: number | null;
  line: number | null;
  character: number | null;
  text: string;
}

export interface PlcSymbol {
  name: string;
  address: string;
  type: string;
  description: string;
}

export interface PlcOperand {
  role: string;
  text: string;
  /** Where it leads; null for a number or for nothing. */
  address: string | null;
}

export interface PlcDecorator {
  type: string;
  operands: PlcOperand[];
}

export interface PlcInstruction {
  /** Its number in the order of execution through all rungs: the bit of the power flow. */
  instruction: number;
  type: string;
  column: number;
  operands: PlcOperand[];
  decorators: PlcDecorator[];
}

export interface PlcBranch {
  branch: PlcElement[][];
}

export type PlcElement = PlcInstruction | PlcBranch;

export interface PlcRung {
  title: string;
  comment: string;
  text: string;
  elements: PlcElement[];
}

export interface PlcProgram {
  context: string;
  name: string;
  number: number;
  by: string;
  loaded_at_ms: number;
  symbols: PlcSymbol[];
  diagnostics: PlcDiagnostic[];
  rungs: PlcRung[];
}

export interface PlcDownloadAnswer extends PlcContextAnswer {
  diagnostics: PlcDiagnostic[];
}

/** What stands at a place after it was written or forced. */
export interface PlcWritten {
  name: string;
  stored: boolean | number;
  /** Another value than the given one was taken. */
  coerced: boolean;
  /** The place is forced: what was written stands underneath. */
  forced: boolean;
  /** The next start loads it from the program again. */
  until_start?: boolean;
  /** The device that drives the place, so that what was written has no effect; null where none does. */
  driven_by?: string | null;
  /** What a toggle has made of the bit, underneath where it is forced. */
  toggled?: boolean | null;
}

/** What a rung has cost since measuring began. Times in nanoseconds; `share` is of all rungs together, 0 to 1. */
export interface PlcRungTime {
  rung: number;
  instructions: number;
  last_ns: number;
  avg_ns: number;
  max_ns: number;
  share: number;
}

export interface PlcProfile {
  on: boolean;
  /** Scans that were measured. */
  scans: number;
  target_us: number;
  /** So much longer does a rung take because it is measured; the times are without it. */
  overhead_ns?: number;
  rungs: PlcRungTime[];
}

export interface PlcTimer {
  pre: number;
  acc: number;
  en: boolean;
  tt: boolean;
  dn: boolean;
}

export interface PlcCounter {
  pre: number;
  acc: number;
  dn: boolean;
  ov: boolean;
  un: boolean;
  cu: boolean;
  cd: boolean;
}

export interface PlcMemory {
  now_ms: number;
  state: PlcState;
  inputs: number[];
  outputs: number[];
  bits: number[];
  integers: number[];
  timers: PlcTimer[];
  counters: PlcCounter[];
  /** Masks of the forced bits, only of words that have any. */
  forced: Record<string, number>;
}

/** How a watched context stands, on the live channel: on each change, and at least once a second. */
export interface PlcFrame {
  type: 'plc';
  context: string;
  now_ms: number;
  state: PlcState;
  fault: string | null;
  next_rung: number | null;
  /** Number of the program; null without one. */
  program: number | null;
  scan: PlcScan;
  forced: string[];
  breakpoints: number[];
  /** Base64 of bytes, bit k counted from the lowest of the first: power behind instruction k. */
  power: string;
}
