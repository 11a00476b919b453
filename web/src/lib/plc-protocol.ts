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
