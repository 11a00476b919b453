/**
 * Where everything of a rung stands in its drawing: instructions, wires, and the places that can be chosen.
 *
 * Pure arithmetic in pixels. Elements run from the left rail along one line; outputs that end a rung or a path stand at
 * its right end, as ladders are drawn. The paths of a branch stand below each other. A wire knows which instructions
 * give it its power, so that the drawing is made once and only lit anew.
 */

import type { PlcBranch, PlcDecorator, PlcElement, PlcInstruction, PlcOperand } from './plc-protocol';
import { RAIL, type Sources } from './power';

/** Room between two elements, for the wire between them. */
const GAP = 14;
/** Room between the outer wire of a branch and its paths. */
const FORK = 14;
/** Room between two paths. */
const PATH_GAP = 8;
/** From the edge of the drawing to a rail, and from a rail to the first element. */
const RAIL_X = 6;
/** Width of a character of operand texts. */
export const CHAR = 7.2;
const LABEL_CHARS_MAX = 20;
const CONTACT_MIN = 72;
const BADGE = 76;
export const ROW = 17;
const BOX_HEAD = 24;
const BOX_MIN = 124;
/** Room for a live value in a row of a box. */
export const VALUE_CHARS = 12;

/** A place in the drawing that can be chosen: an operand with an address. */
export interface Target {
  address: string;
  /** What the program calls it. */
  text: string;
  instruction: number;
  type: string;
  role: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Wire {
  path: string;
  power: Sources;
}

/** A line of a box: what it is called, and where its live value is. */
export interface BoxRow {
  label: string;
  /** Text on the right that is always the same; null where the live value stands. */
  fixed: string | null;
  address: string | null;
  y: number;
}

export interface Badge {
  type: string;
  x: number;
  width: number;
  /** A fixed second line, such as the preset; the slot's accumulated value stands before it. */
  preset: string | null;
  accumulated: string | null;
}

export type Shape = 'contact' | 'coil' | 'box';

export interface Part {
  instruction: number;
  column: number;
  type: string;
  shape: Shape;
  x: number;
  /** The line of power. */
  y: number;
  width: number;
  /** From the line of power up and down. */
  above: number;
  below: number;
  /** Where its power comes from; what leaves it is its own. */
  power: Sources;
  /** The name above a contact or coil, cut where it is too long, and the address below that name if the name is a symbol. */
  label: string;
  sub: string;
  /** The place whose value decides over a contact or is written by a coil. */
  address: string | null;
  rows: BoxRow[];
  /** Addresses of the flags of a timer or counter box. */
  flags: { label: string; address: string; x: number; y: number }[];
  badges: Badge[];
}

export interface Drawing {
  width: number;
  height: number;
  /** The x of the rails. */
  left: number;
  right: number;
  parts: Part[];
  wires: Wire[];
  targets: Target[];
}

interface Size {
  width: number;
  above: number;
  below: number;
}

export function isBranch(element: PlcElement): element is PlcBranch {
  return 'branch' in element;
}

const CONTACTS: ReadonlySet<string> = new Set(['XIC', 'XIO']);
const COILS: ReadonlySet<string> = new Set(['OTE', 'OTL', 'OTU', 'RES']);
const COMPARES: ReadonlySet<string> = new Set(['EQU', 'NEQ', 'LES', 'LEQ', 'GRT', 'GEQ']);
export const TIMERS: ReadonlySet<string> = new Set(['TON', 'TOF', 'RTO']);
export const COUNTERS: ReadonlySet<string> = new Set(['CTU', 'CTD']);

export function shapeOf(type: string): Shape {
  if (CONTACTS.has(type)) return 'contact';
  return COILS.has(type) ? 'coil' : 'box';
}

/** May it take the power away? All others are outputs. */
export function isCondition(type: string): boolean {
  return CONTACTS.has(type) || COMPARES.has(type);
}

const ROLE_WORDS: Record<string, string> = {
  sourceA: 'A',
  sourceB: 'B',
  source: 'Source',
  dest: 'Dest',
  inMin: 'In min',
  inMax: 'In max',
  outMin: 'Out min',
  outMax: 'Out max',
  ctrl: 'Control',
  preset: 'PRE',
};

/** A text of at most `max` characters; its beginning and its end are kept, for names of a kind differ at either. */
export function cut(text: string, max: number): string {
  const characters = [...text];
  if (characters.length <= max) return text;
  const ahead = Math.ceil((max - 1) / 2);
  return `${characters.slice(0, ahead).join('')}…${characters.slice(characters.length - (max - 1 - ahead)).join('')}`;
}

function operand(operands: readonly PlcOperand[], role: string): PlcOperand | undefined {
  return operands.find((each) => each.role === role);
}

/** The rows of a box: a timer's or counter's own three, else one per operand that is there. */
function rowsOf({ type, operands }: PlcInstruction): Omit<BoxRow, 'y'>[] {
  if (TIMERS.has(type) || COUNTERS.has(type)) {
    const slot = operand(operands, 'address');
    const preset = operand(operands, 'preset');
    const at = slot?.address ?? null;
    return [
      { label: cut(slot?.text || '?', LABEL_CHARS_MAX), fixed: at !== null && at !== slot?.text ? at : '', address: null },
      { label: 'PRE', fixed: at === null ? preset?.text || '?' : null, address: at === null ? null : `${at}.PRE` },
      { label: 'ACC', fixed: at === null ? '–' : null, address: at === null ? null : `${at}.ACC` },
    ];
  }
  return operands
    .filter(({ role, text }) => text !== '' || role !== 'ctrl')
    .map(({ role, text, address }) => {
      const word = ROLE_WORDS[role] ?? role;
      return address === null ? { label: word, fixed: text || '?', address } : { label: `${word} ${cut(text, LABEL_CHARS_MAX)}`, fixed: null, address };
    });
}

function flagNames(type: string): string[] {
  if (TIMERS.has(type)) return ['EN', 'TT', 'DN'];
  if (type === 'CTU') return ['CU', 'OV', 'DN'];
  return type === 'CTD' ? ['CD', 'UN', 'DN'] : [];
}

/** Name and address of a contact or coil: the symbol large, its address below; a bare address alone. */
function labelsOf({ operands }: PlcInstruction): { label: string; sub: string; address: string | null } {
  const first = operand(operands, 'address') ?? operands[0];
  const text = first?.text || '?';
  const address = first?.address ?? null;
  return { label: cut(text, LABEL_CHARS_MAX), sub: address !== null && address !== text ? address : '', address };
}

function sizeOf(element: PlcElement): Size {
  if (isBranch(element)) return branchSize(element);
  if (shapeOf(element.type) === 'box') {
    const rows = rowsOf(element);
    const chars = Math.max(...rows.map(({ label, fixed }) => [...label].length + (fixed === null ? VALUE_CHARS : [...fixed].length + 2)), 0);
    const flags = flagNames(element.type).length > 0 ? ROW + 4 : 0;
    return { width: Math.max(BOX_MIN, Math.ceil(chars * CHAR) + 16), above: 16, below: BOX_HEAD - 12 + rows.length * ROW + flags + 8 };
  }
  const { label, sub } = labelsOf(element);
  const width = Math.max(CONTACT_MIN, Math.ceil(Math.max([...label].length, [...sub].length) * CHAR) + 10);
  return { width: width + element.decorators.length * (BADGE + 6), above: 44, below: 28 };
}

function branchSize({ branch }: PlcBranch): Size {
  const paths = branch.length === 0 ? [[]] : branch;
  const sizes = paths.map(seriesSize);
  const [first] = sizes;
  const rest = sizes.slice(1).reduce((sum, { above, below }) => sum + PATH_GAP + above + below, 0);
  return {
    width: Math.max(...sizes.map(({ width }) => width)) + 2 * FORK,
    above: first?.above ?? 0,
    below: (first?.below ?? 0) + rest,
  };
}

function seriesSize(elements: readonly PlcElement[]): Size {
  const sizes = elements.map(sizeOf);
  return {
    width: Math.max(40, sizes.reduce((sum, { width }) => sum + width + GAP, GAP)),
    above: Math.max(14, ...sizes.map(({ above }) => above)),
    below: Math.max(14, ...sizes.map(({ below }) => below)),
  };
}

/** Does it end in an output, as what stands at the right end of a rung does? */
function endsInOutput(element: PlcElement): boolean {
  if (!isBranch(element)) return !isCondition(element.type);
  return element.branch.length > 0 && element.branch.every((path) => {
    const last = path.at(-1);
    return last !== undefined && endsInOutput(last);
  });
}

/** How many of the last elements stand at the right end. */
function tailLen(elements: readonly PlcElement[]): number {
  let count = 0;
  while (count < elements.length) {
    const element = elements[elements.length - 1 - count];
    if (element === undefined || !endsInOutput(element)) break;
    count += 1;
  }
  return count;
}

class Pen {
  parts: Part[] = [];
  wires: Wire[] = [];
  targets: Target[] = [];

  line(x1: number, y1: number, x2: number, y2: number, power: Sources): void {
    if (x1 === x2 && y1 === y2) return;
    this.wires.push({ path: x1 === x2 ? `M${x1} ${y1}V${y2}` : `M${x1} ${y1}H${x2}`, power });
  }

  /** Draws a series from `x` to `end` and gives the sources of the power that leaves it. */
  series(elements: readonly PlcElement[], x: number, end: number, y: number, power: Sources): Sources {
    const tail = tailLen(elements);
    const tailWidth = elements.slice(elements.length - tail).reduce((sum, element) => sum + sizeOf(element).width + GAP, 0);
    let at = x;
    let sources = power;
    elements.forEach((element, index) => {
      const { width } = sizeOf(element);
      const isFirstOfTail = tail > 0 && index === elements.length - tail;
      const from = isFirstOfTail ? Math.max(at + GAP, end - tailWidth) : at + GAP;
      this.line(at, y, from, y, sources);
      sources = isBranch(element) ? this.branch(element, from, width, y, sources) : this.instruction(element, from, width, y, sources);
      at = from + width;
    });
    this.line(at, y, end, y, sources);
    return sources;
  }

  branch({ branch }: PlcBranch, x: number, width: number, y: number, power: Sources): Sources {
    const paths = branch.length === 0 ? [[]] : branch;
    const lines: { y: number; out: Sources }[] = [];
    let top = y;
    paths.forEach((path, index) => {
      const size = seriesSize(path);
      const line = index === 0 ? y : top + PATH_GAP + size.above;
      lines.push({ y: line, out: this.series(path, x, x + width, line, power) });
      top = line + size.below;
    });
    const last = lines.at(-1)?.y ?? y;
    this.line(x, y, x, last, power);
    // What flows up on the right between two paths is the power of all paths below.
    for (let index = 1; index < lines.length; index += 1) {
      const below = union(lines.slice(index).map(({ out }) => out));
      this.line(x + width, lines[index - 1]?.y ?? y, x + width, lines[index]?.y ?? y, below);
    }
    return union(lines.map(({ out }) => out));
  }

  instruction(element: PlcInstruction, x: number, width: number, y: number, power: Sources): Sources {
    const { instruction, type, column } = element;
    const { above, below } = sizeOf(element);
    const shape = shapeOf(type);
    const part: Part = {
      instruction, type, column, shape, x, y, width, above, below, power,
      ...labelsOf(element), rows: [], flags: [], badges: [],
    };
    if (shape === 'box') this.#box(element, part);
    else this.#contact(element, part);
    this.parts.push(part);
    return [instruction];
  }

  #contact(element: PlcInstruction, part: Part): void {
    const { x, y, width, above } = part;
    const own = width - element.decorators.length * (BADGE + 6);
    const first = operand(element.operands, 'address') ?? element.operands[0];
    if (first) this.#target(element, first.role, first.text, first.address, x, y - above + 2, own, above + 24);
    element.decorators.forEach((decorator, index) => {
      const at = x + own + index * (BADGE + 6) + 3;
      const badge = badgeOf(decorator, at);
      part.badges.push(badge);
      const slot = operand(decorator.operands, 'address');
      if (slot) this.#target(element, decorator.type, slot.text, slot.address, at, y - 18, BADGE, 36);
    });
  }

  #box(element: PlcInstruction, part: Part): void {
    const { x, y, width } = part;
    const top = y + BOX_HEAD - 12;
    part.rows = rowsOf(element).map((row, index) => ({ ...row, y: top + index * ROW }));
    const slot = operand(element.operands, 'address');
    if (TIMERS.has(part.type) || COUNTERS.has(part.type)) {
      if (slot) this.#target(element, slot.role, slot.text, slot.address, x + 2, top, width - 4, ROW);
    }
    for (const row of part.rows) {
      if (row.address === null) continue;
      const found = element.operands.find(({ address }) => address === row.address);
      const isMember = found === undefined;
      this.#target(element, isMember ? row.label : found.role, isMember ? row.address : found.text, row.address, x + 2, row.y, width - 4, ROW);
    }
    const address = slot?.address;
    if (!address) return;
    const flagsY = top + part.rows.length * ROW + 4;
    flagNames(part.type).forEach((label, index, all) => {
      const room = (width - 12) / all.length;
      const flag = { label, address: `${address}.${label}`, x: x + 6 + index * room, y: flagsY };
      part.flags.push(flag);
      this.#target(element, label, flag.address, flag.address, flag.x, flagsY, room, ROW);
    });
  }

  #target(element: PlcInstruction, role: string, text: string, address: string | null, x: number, y: number, width: number, height: number): void {
    if (address === null) return;
    this.targets.push({ address, text, instruction: element.instruction, type: element.type, role, x, y, width, height });
  }
}

function badgeOf({ type, operands }: PlcDecorator, x: number): Badge {
  const slot = operand(operands, 'address')?.address ?? null;
  const preset = operands.find(({ role }) => role !== 'address')?.text;
  return { type, x, width: BADGE, preset: preset || null, accumulated: slot === null ? null : `${slot}.ACC` };
}

function union(all: readonly Sources[]): Sources {
  return [...new Set(all.flat())];
}

/** The width that a rung needs at least. */
export function neededWidth(elements: readonly PlcElement[]): number {
  return seriesSize(elements).width + 2 * RAIL_X;
}

/** The height of the drawing of a rung. */
export function neededHeight(elements: readonly PlcElement[]): number {
  const { above, below } = seriesSize(elements);
  return above + below + 8;
}

/** Draws a rung into `width`, or wider if it needs more. */
export function drawRung(elements: readonly PlcElement[], width: number): Drawing {
  const full = Math.max(Math.floor(width), neededWidth(elements));
  const { above } = seriesSize(elements);
  const pen = new Pen();
  const [left, right, y] = [RAIL_X, full - RAIL_X, above + 4];
  pen.series(elements, left, right, y, [RAIL]);
  return { width: full, height: neededHeight(elements), left, right, parts: pen.parts, wires: pen.wires, targets: pen.targets };
}

/** Every address whose live value a rung shows. */
export function addressesOf({ parts }: Drawing): string[] {
  const found = new Set<string>();
  for (const { address, shape, rows, flags, badges } of parts) {
    if (shape !== 'box' && address !== null && shapedAsBit(address)) found.add(address);
    for (const row of rows) if (row.address !== null) found.add(row.address);
    for (const flag of flags) found.add(flag.address);
    for (const { accumulated } of badges) if (accumulated !== null) found.add(accumulated);
  }
  return [...found];
}

/** A timer or counter as a whole, which RES names, has no value of its own. */
function shapedAsBit(address: string): boolean {
  return address.includes('/') || address.includes('.');
}

/** The instructions of a rung in the order of execution. */
export function instructionsOf(elements: readonly PlcElement[]): PlcInstruction[] {
  return elements.flatMap((element) => (isBranch(element) ? element.branch.flatMap(instructionsOf) : [element]));
}
