/** What the page says of PLC contexts: their states, what may be done in which state, addresses and values. */

import type { PlcCommand, PlcContext, PlcState } from './plc-protocol';
import type { Role } from './protocol';

/** A command as a button: its label, the role it needs, and what it does. */
export interface CommandWords {
  command: PlcCommand;
  label: string;
  role: Exclude<Role, 'viewer'>;
  effect: string;
}

export const COMMANDS: readonly CommandWords[] = [
  { command: 'start', label: 'Start', role: 'operator', effect: 'Scans the program again and again; presets of timers and counters are loaded from it.' },
  { command: 'stop', label: 'Stop', role: 'operator', effect: 'Ends scanning. Memory and forces stay.' },
  { command: 'pause', label: 'Pause', role: 'operator', effect: 'Holds before the next scan; outputs keep their values.' },
  { command: 'resume', label: 'Resume', role: 'operator', effect: 'Goes on scanning where it was paused.' },
  { command: 'step_scan', label: 'Step scan', role: 'engineer', effect: 'Executes one scan, then pauses.' },
  { command: 'step_rung', label: 'Step rung', role: 'engineer', effect: 'Executes one rung, then waits before the next.' },
  { command: 'reset', label: 'Reset', role: 'operator', effect: 'Stops and clears memory, forces, statistics and the fault. Program and breakpoints stay.' },
];

const NEEDS_PROGRAM: ReadonlySet<PlcCommand> = new Set<PlcCommand>(['start', 'step_scan', 'step_rung']);

/** Why a command makes no sense in this state, or null if it does. */
export function commandHint(command: PlcCommand, { state, program }: Pick<PlcContext, 'state' | 'program'>): string | null {
  if (program === null && NEEDS_PROGRAM.has(command)) return 'There is no program: download one first.';
  switch (command) {
    case 'start':
      if (state === 'Running') return 'It runs already.';
      return state === 'Fault' ? 'It is in fault: stop or reset it first.' : null;
    case 'stop':
      return state === 'Stopped' ? 'It is stopped already.' : null;
    case 'pause':
      return state === 'Running' ? null : 'Only a running program can be paused.';
    case 'resume':
      if (state === 'Stepping') return 'It stands within a scan after a step: Start goes on from there.';
      return state === 'Paused' ? null : 'Only a paused program can be resumed.';
    case 'step_scan':
    case 'step_rung':
      if (state === 'Running') return 'It runs: pause or stop it to step.';
      return state === 'Fault' ? 'It is in fault: stop or reset it first.' : null;
    case 'reset':
      return null;
  }
}

/** The command that lets a program go on from where it stands: a resume does nothing between two steps. */
export function goOn({ state }: Pick<PlcContext, 'state'>): PlcCommand {
  return state === 'Stepping' ? 'start' : 'resume';
}

/** Why a context cannot be removed, or null if it can; `count` is how many there are. */
export function removeHint({ name, state }: Pick<PlcContext, 'name' | 'state'>, count: number): string | null {
  if (count <= 1) return 'The last context stays.';
  return state === 'Running' ? `${name} is ${state}: stop it first.` : null;
}

/** The kind of state, for its colour. */
export function plcTone(state: PlcState): 'up' | 'moving' | 'down' | 'off' {
  if (state === 'Running') return 'up';
  if (state === 'Fault') return 'down';
  return state === 'Stopped' ? 'off' : 'moving';
}

/** The state with its reason, as a person reads it. */
export function plcStateWords(context: Pick<PlcContext, 'state' | 'fault' | 'next_rung' | 'program' | 'breakpoints'>): string {
  const { state, fault, next_rung, program, breakpoints } = context;
  switch (state) {
    case 'Running':
      return 'scans the program';
    case 'Fault':
      return fault ?? 'the engine did not say why';
    case 'Stopped':
      return program === null ? 'no program is loaded' : 'nothing is scanned';
    case 'Paused':
    case 'Stepping':
      if (next_rung === null) return 'between two scans';
      return breakpoints.includes(next_rung) ? `at the breakpoint of rung ${next_rung}` : `before rung ${next_rung}`;
  }
}

/** Microseconds in their best unit: `38 µs`, `1.25 ms`, `10 ms`. */
export function formatMicros(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`;
  return `${Number((us / 1_000).toFixed(us < 10_000 ? 2 : 1))} ms`;
}

/** The name of the signal at a place of a context; a slash in the context's name is escaped, one in the address is not. */
export function plcSignal(context: string, address: string): string {
  return `plc/${context.replaceAll('~', '~0').replaceAll('/', '~1')}/${address}`;
}

/** What lies at an address. */
export type Place = 'bit' | 'word' | 'timer' | 'counter';

const FLAGS: ReadonlySet<string> = new Set(['EN', 'TT', 'DN', 'OV', 'UN', 'CU', 'CD']);

/** What lies at a canonical address such as `I:0/3`, `N:7`, `T:4`, `T:4.DN`. */
export function placeOf(address: string): Place {
  const member = address.split('.')[1];
  if (member !== undefined) return FLAGS.has(member) ? 'bit' : 'word';
  if (address.startsWith('T:')) return 'timer';
  if (address.startsWith('C:')) return 'counter';
  return address.includes('/') ? 'bit' : 'word';
}

/** Is this the preset of a timer or counter, which each start loads from the program? */
export function isPreset(address: string): boolean {
  return address.endsWith('.PRE');
}

/** The members of a timer or counter, each with its address; the address itself of anything else. */
export function membersOf(address: string): string[] {
  const place = placeOf(address);
  if (place === 'timer') return ['PRE', 'ACC', 'EN', 'TT', 'DN'].map((member) => `${address}.${member}`);
  if (place === 'counter') return ['PRE', 'ACC', 'DN', 'OV', 'UN', 'CU', 'CD'].map((member) => `${address}.${member}`);
  return [address];
}

/** The limits of a word: presets and accumulated values have 16 bits, all others 32. */
export function wordLimits(address: string): [number, number] {
  if (address.startsWith('T:') && address.endsWith('.PRE')) return [0, 32_767];
  return address.includes('.') ? [-32_768, 32_767] : [-2_147_483_648, 2_147_483_647];
}

/** Reads a typed whole number for a word; hexadecimal with `0x` too. */
export function readWord(address: string, typed: string): { ok: true; value: number } | { ok: false; expected: string } {
  const [low, high] = wordLimits(address);
  const text = typed.trim();
  const value = /^(-?\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return { ok: true, value };
  return { ok: false, expected: `a whole number from ${low} to ${high}` };
}

/** Why a force is there and until when, as a person reads it. */
export function forceWords(value: boolean | number): string {
  return typeof value === 'boolean' ? (value ? 'forced on' : 'forced off') : `forced to ${value}`;
}

/** Is any part of this place forced? `forced` are addresses of bits and words. */
export function isForced(address: string, forced: ReadonlySet<string>): boolean {
  if (forced.has(address)) return true;
  const word = address.split('/')[0];
  return word !== undefined && word !== address && forced.has(word);
}

/** A file name for a document of this program: a project file is XML, anything else the text form. */
export function documentName(program: string, text: string): string {
  const stem = program.trim().replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[-.]+|-+$/g, '') || 'program';
  return `${stem}.${text.trimStart().startsWith('<') ? 'plcproj' : 'txt'}`;
}

/** The context that a problem is about, told from its id (`plc:<name>:<what>`); null for the problems of others. */
export function plcOfProblem(id: string): string | null {
  const [, name] = /^plc:(.+):[^:]+$/.exec(id) ?? [];
  return name ?? null;
}
