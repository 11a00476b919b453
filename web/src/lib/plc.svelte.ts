/**
 * What the page knows of PLC contexts: their list, and of the one that is open its program and how it stands now.
 *
 * The list is read with the other figures. The open context is watched on the live channel; its frames are newer than
 * the list, so they win. Nothing of a frame counts as alive for longer than the hub would have been silent.
 */

import { HubError, type HubApi } from './hub';
import { withNames } from './ladder-names';
import type { PlcContext, PlcForce, PlcFrame, PlcProgram, PlcScan } from './plc-protocol';
import { readPower } from './power';

/** The hub says how a watched context stands at least once a second: after this the frame is old. */
const FRAME_MS_MAX = 3_000;
/** Points of the scan time's history, one a second. */
const HISTORY_LEN = 60;
const HISTORY_EVERY_MS = 1_000;

/** Where the reading of a program stands. */
export type ProgramState =
  | { phase: 'none' }
  | { phase: 'reading' }
  | { phase: 'here'; program: PlcProgram }
  | { phase: 'failed'; message: string };

export class PlcRoom {
  /** All contexts; null as long as the hub has not said that it has any interface to them. */
  contexts = $state.raw<readonly PlcContext[] | null>(null);
  /** The context that is open, by its id. */
  open = $state<string | null>(null);
  frame = $state.raw<PlcFrame | null>(null);
  /** When the frame came, on the local clock. */
  frameAt = $state(0);
  power = $state.raw<Uint8Array | null>(null);
  program = $state.raw<ProgramState>({ phase: 'none' });
  /** The longest scan of each of the last seconds, in microseconds. */
  scanTimes = $state.raw<number[]>([]);
  // Each frame tells the forces anew: the set is another one only when they are others.
  #forcedWords: string = $derived.by(() => (this.frame?.forced ?? this.listed?.forces.map(({ address }) => address) ?? []).join('\n'));
  /** Addresses that are forced in the open context. */
  forced: ReadonlySet<string> = $derived(new Set(this.#forcedWords === '' ? [] : this.#forcedWords.split('\n')));
  listed: PlcContext | null = $derived(this.contexts?.find(({ id }) => id === this.open) ?? null);
  /** The open context as it stands now: the list's row with what the newest frame says. */
  context: PlcContext | null = $derived.by(() => this.#now());
  #hasNone = false;
  #wanted: string | null = null;
  #second = { at: 0, longest: 0 };

  constructor(
    readonly api: HubApi,
    readonly watch: (context: string | null) => void,
  ) {}

  /** Is the newest frame young enough to be shown as alive? */
  isFresh(now: number): boolean {
    return this.frame !== null && now - this.frameAt < FRAME_MS_MAX;
  }

  /** Reads the list. A hub without PLC contexts in its interface is asked once per connection. */
  async readContexts(): Promise<void> {
    if (this.#hasNone) return;
    try {
      this.contexts = (await this.api.plcContexts()).contexts;
      this.#followProgram();
    } catch (error) {
      if (!(error instanceof HubError) || error.status !== 404) throw error;
      this.#hasNone = true;
      this.contexts = null;
    }
  }

  /** Takes one row anew, as the answer to a command gives it. */
  put(context: PlcContext): void {
    this.contexts = this.contexts?.map((row) => (row.id === context.id ? context : row)) ?? null;
    // The answer is newer than the frame that is shown.
    if (this.frame !== null && this.open === context.id) {
      const { state, fault, next_rung, scan, breakpoints } = context;
      this.frame = { ...this.frame, state, fault, next_rung, scan, breakpoints, forced: context.forces.map(({ address }) => address) };
    }
    this.#followProgram();
  }

  /** Opens a context: its program is read and its state watched. Null leaves it. */
  show(id: string | null): void {
    if (id === this.open) return;
    this.open = id;
    this.#forgetOpen();
    this.watch(id);
    this.#followProgram();
  }

  receive(frame: PlcFrame, now: number): void {
    if (frame.context !== this.open && frame.context !== this.listed?.name) return;
    this.frame = frame;
    this.frameAt = now;
    this.power = frame.power === '' ? null : readPower(frame.power);
    this.#noteScan(frame.scan, now);
    if (frame.program !== this.#programNumber()) this.#followProgram();
  }

  /** A connection began: the hub may be another one. */
  greeted(): void {
    this.#hasNone = false;
    this.#forgetOpen();
    this.#followProgram();
  }

  /** Nothing of what was seen stays for whoever comes without the right to it. */
  leave(): void {
    this.contexts = null;
    this.#forgetOpen();
  }

  /** Reads the program again, after it failed. */
  readAgain(): void {
    this.#wanted = null;
    this.program = { phase: 'none' };
    this.#followProgram();
  }

  #forgetOpen(): void {
    this.frame = null;
    this.power = null;
    this.program = { phase: 'none' };
    this.scanTimes = [];
    this.#wanted = null;
  }

  #now(): PlcContext | null {
    const { listed, frame } = this;
    if (listed === null || frame === null) return listed;
    const { state, fault, next_rung, scan, breakpoints } = frame;
    // What a frame does not tell of the scans stands in the list.
    return { ...listed, state, fault, next_rung, scan: { ...listed.scan, ...scan }, breakpoints };
  }

  #programNumber(): number | null {
    return this.program.phase === 'here' ? this.program.program.number : null;
  }

  /** Reads the program of the open context when it is another one than the page has. */
  #followProgram(): void {
    const { open, frame, listed } = this;
    if (open === null || listed === null) return;
    const number = frame === null ? (listed.program?.number ?? null) : frame.program;
    if (number === null) {
      this.#wanted = null;
      this.program = { phase: 'none' };
      return;
    }
    const wanted = `${open}#${number}`;
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    void this.#readProgram(open, wanted);
  }

  async #readProgram(open: string, wanted: string): Promise<void> {
    if (this.program.phase !== 'here') this.program = { phase: 'reading' };
    try {
      const program = withNames(await this.api.plcProgram(open));
      if (this.#wanted === wanted) this.program = { phase: 'here', program };
    } catch (error) {
      if (this.#wanted !== wanted) return;
      this.program = { phase: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  #noteScan({ last_us }: PlcScan, now: number): void {
    this.#second.longest = Math.max(this.#second.longest, last_us);
    if (now - this.#second.at < HISTORY_EVERY_MS) return;
    this.scanTimes = [...this.scanTimes, this.#second.longest].slice(-HISTORY_LEN);
    this.#second = { at: now, longest: 0 };
  }
}

/** The force on a place, if the list has one: its own, or that of its word. */
export function forceOn(forces: readonly PlcForce[], address: string): PlcForce | null {
  const word = address.split('/')[0];
  return forces.find((force) => force.address === address) ?? forces.find((force) => force.address === word) ?? null;
}
