/** Where a program writes and reads each place: what its instructions do with their operands, and what is odd about it. */

import { instructionsOf } from './ladder-layout';
import { Places } from './plc-places';
import type { PlcOperand, PlcProgram } from './plc-protocol';
import { placeOf } from './plc-words';

/** What an instruction does with an operand. A number and an empty operand have no place and do not count. */
export type Deed = 'reads' | 'writes' | 'resets';

interface Role {
  deeds: readonly Deed[];
  /** A bit that is named here means its whole word. */
  isWord?: boolean;
}

const READ: Role = { deeds: ['reads'] };
const WRITE: Role = { deeds: ['writes'] };
const SOURCE: Role = { deeds: ['reads'], isWord: true };
const DEST: Role = { deeds: ['writes'], isWord: true };
const CONTROL: Role = { deeds: ['reads', 'writes'], isWord: true };

type Roles = Readonly<Record<string, Role>>;

const CONTACT: Roles = { address: READ };
const COIL: Roles = { address: WRITE };
/** ACC and flags go on from where they were; the preset is loaded by a start. */
const SLOT: Roles = { address: WRITE, preset: READ };
const COMPARE: Roles = { sourceA: SOURCE, sourceB: SOURCE };
const TWO: Roles = { sourceA: SOURCE, sourceB: SOURCE, dest: DEST };
const ONE: Roles = { sourceA: SOURCE, dest: DEST };
const SHIFT: Roles = { ...TWO, ctrl: CONTROL };

/** The operands of every instruction, by its mnemonic. */
export const INSTRUCTION_ROLES: Readonly<Record<string, Roles>> = {
  XIC: CONTACT, XIO: CONTACT,
  OTE: COIL, OTL: COIL, OTU: COIL,
  TON: SLOT, TOF: SLOT, RTO: SLOT, CTU: SLOT, CTD: SLOT,
  RES: { address: { deeds: ['resets'] } },
  ADD: TWO, SUB: TWO, MUL: TWO, DIV: TWO, MOD: TWO, NEG: ONE, ABS: ONE,
  SCL: { source: SOURCE, inMin: READ, inMax: READ, outMin: READ, outMax: READ, dest: DEST },
  EQU: COMPARE, NEQ: COMPARE, LES: COMPARE, LEQ: COMPARE, GRT: COMPARE, GEQ: COMPARE,
  MOV: { source: SOURCE, dest: DEST },
  BAND: TWO, BOR: TWO, BXOR: TWO, BNOT: ONE, BSL: SHIFT, BSR: SHIFT, N2B: ONE,
};

/** The same of the decorators of contacts. */
export const DECORATOR_ROLES: Readonly<Record<string, Roles>> = {
  TON: SLOT, TOF: SLOT, COUNTER: SLOT, OSR: {}, OSF: {}, DEBOUNCE: { debounceTime: READ },
};

/** One operand that uses a place. */
export interface Use {
  rung: number;
  title: string;
  instruction: number;
  type: string;
  role: string;
  deeds: readonly Deed[];
  /** The place that is used: of a bit that stands for its word, the word. */
  address: string;
  /** The address as it stands in the drawing. */
  shown: string;
}

function useOf(operand: PlcOperand, roles: Roles, rest: Pick<Use, 'rung' | 'title' | 'instruction' | 'type'>): Use[] {
  const role = roles[operand.role];
  if (role === undefined || operand.address === null) return [];
  const address = role.isWord ? wordOf(operand.address) : operand.address;
  return [{ ...rest, role: operand.role, deeds: role.deeds, address, shown: operand.address }];
}

/** Every use of a place in a program, in the order of execution. */
export function usesOf({ rungs }: Pick<PlcProgram, 'rungs'>): Use[] {
  return rungs.flatMap(({ title, elements }, rung) =>
    instructionsOf(elements).flatMap(({ instruction, type, operands, decorators }) => [
      ...operands.flatMap((operand) => useOf(operand, INSTRUCTION_ROLES[type] ?? {}, { rung, title, instruction, type })),
      ...decorators.flatMap((decorator) =>
        decorator.operands.flatMap((operand) => useOf(operand, DECORATOR_ROLES[decorator.type] ?? {}, { rung, title, instruction, type: `${type} {${decorator.type}}` })),
      ),
    ]),
  );
}

/** The word of a bit; a member of a timer stays what it is. */
function wordOf(address: string): string {
  return address.split('/')[0] ?? address;
}

/** Word, timer or counter of a place. */
export function slotOf(address: string): string {
  return address.split(/[./]/)[0] ?? address;
}

/** Do two addresses share memory: the same, or one is the whole of the other? */
export function overlaps(left: string, right: string): boolean {
  if (left === right) return true;
  return slotOf(left) === slotOf(right) && (left === slotOf(left) || right === slotOf(right));
}

export type Oddity = 'unwritten' | 'unread' | 'double' | 'unused';
export type Mark = Oddity | 'forced' | 'driven' | 'retained' | 'fed';

/** What the page knows of a place besides the program. */
export interface Surroundings {
  forced: ReadonlySet<string>;
  driven: Places;
  retained: Places;
  /** Places that routes write. */
  fed: readonly string[];
}

/** A place of a program with its uses. */
export interface PlaceRow {
  address: string;
  symbol: string | null;
  description: string;
  writes: number;
  reads: number;
  marks: Mark[];
}

/** Uses by the word, timer or counter that they touch, so that a place is looked up at once. */
export class CrossReference {
  readonly #bySlot = new Map<string, Use[]>();
  readonly #places: readonly { address: string; symbol: string | null; description: string }[];

  constructor(program: Pick<PlcProgram, 'rungs' | 'symbols'>) {
    const uses = usesOf(program);
    for (const use of uses) {
      const slot = slotOf(use.address);
      const known = this.#bySlot.get(slot);
      if (known) known.push(use);
      else this.#bySlot.set(slot, [use]);
    }
    const symbols = new Map(program.symbols.toReversed().map((symbol) => [symbol.address, symbol]));
    const addresses = new Set([...uses.map(({ address }) => address), ...symbols.keys()]);
    this.#places = [...addresses].sort(inOrder).map((address) => ({
      address,
      symbol: symbols.get(address)?.name ?? memberName(address, symbols.get(slotOf(address))?.name),
      description: symbols.get(address)?.description ?? '',
    }));
  }

  /** Every use that touches a place: of a bit those of its word, of a timer those of its members. */
  of(address: string): Use[] {
    return (this.#bySlot.get(slotOf(address)) ?? []).filter((use) => overlaps(use.address, address));
  }

  /** All places that the program uses or names, with what is to say of each. */
  rows(around: Surroundings): PlaceRow[] {
    return this.#places.map((place) => {
      const uses = this.of(place.address);
      return {
        ...place,
        writes: uses.filter(({ deeds }) => deeds.some((deed) => deed !== 'reads')).length,
        reads: uses.filter(({ deeds }) => deeds.includes('reads')).length,
        marks: [...oddities(place.address, uses, around), ...circumstances(place.address, around)],
      };
    });
  }
}

function memberName(address: string, slot: string | undefined): string | null {
  const member = address.split('.')[1];
  return slot === undefined || member === undefined ? null : `${slot}.${member}`;
}

const REGIONS = 'IOBNTC';

/** By region, then by number, then by bit or member. */
function inOrder(left: string, right: string): number {
  const [a, b] = [left, right].map((address) => {
    const [, region = '', word, part = ''] = /^([A-Z]):(\d+)(?:[./](.+))?$/.exec(address) ?? [];
    return { region: REGIONS.indexOf(region), word: Number(word), part };
  });
  if (!a || !b) return 0;
  return a.region - b.region || a.word - b.word || (Number(a.part) - Number(b.part) || a.part.localeCompare(b.part));
}

/** What is odd about the uses of a place. Inputs are written and outputs are read by what is outside. */
function oddities(address: string, uses: readonly Use[], { driven, fed }: Surroundings): Oddity[] {
  if (uses.length === 0) return ['unused'];
  const found: Oddity[] = [];
  const writes = uses.filter(({ deeds }) => deeds.includes('writes'));
  const isFed = driven.touches(address) || fed.some((place) => overlaps(place, address));
  const isWritten = uses.some(({ deeds }) => deeds.some((deed) => deed !== 'reads'));
  if (!isWritten && !address.startsWith('I:') && !isFed) found.push('unwritten');
  if (!uses.some(({ deeds }) => deeds.includes('reads')) && !address.startsWith('O:')) found.push('unread');
  if (isDouble(address, writes)) found.push('double');
  return found;
}

/** Is it written in several rungs where one of them undoes the others? A latch has its unlatch, and RES belongs to its timer. */
function isDouble(address: string, writes: readonly Use[]): boolean {
  const rungs = new Set(writes.map(({ rung }) => rung));
  if (rungs.size < 2) return false;
  return placeOf(address) !== 'bit' || writes.some(({ type }) => type !== 'OTL' && type !== 'OTU');
}

function circumstances(address: string, { forced, driven, retained, fed }: Surroundings): Mark[] {
  const all: [Mark, boolean][] = [
    ['forced', [...forced].some((place) => overlaps(place, address))],
    ['driven', driven.touches(address)],
    ['fed', fed.some((place) => overlaps(place, address))],
    ['retained', retained.touches(address)],
  ];
  return all.filter(([, is]) => is).map(([mark]) => mark);
}

export const MARK_WORDS: Readonly<Record<Mark, { label: string; title: string }>> = {
  unwritten: { label: 'never written', title: 'Only read: nothing in the program, no device and no route writes it' },
  unread: { label: 'never read', title: 'Only written: nothing in the program reads it' },
  double: { label: 'written twice', title: 'Written in several rungs: the last one in a scan wins' },
  unused: { label: 'unused', title: 'It has a name, and the program does not use it' },
  forced: { label: 'forced', title: 'Forced now' },
  driven: { label: 'device', title: 'Driven by a device' },
  retained: { label: 'retained', title: 'Keeps its value over a restart' },
  fed: { label: 'route', title: 'A route writes it' },
};

/** Is it odd, and not only so? */
export function isOdd(mark: Mark): mark is Oddity {
  return mark === 'unwritten' || mark === 'unread' || mark === 'double' || mark === 'unused';
}

/** The address of a place in a context by the name of its signal, or null for what is none; `symbols` are those of the program. */
function placeOfSignal(context: string, signal: string, symbols: readonly { name: string; address: string }[]): string | null {
  const prefix = `plc/${context.replaceAll('~', '~0').replaceAll('/', '~1')}/`;
  if (!signal.startsWith(prefix) || signal.includes('*')) return null;
  const place = signal.slice(prefix.length);
  const addressOf = (word: string): string | undefined => symbols.find(({ name }) => name === word)?.address;
  const [name = '', member] = place.split('.');
  const slot = addressOf(name);
  return addressOf(place) ?? (slot !== undefined && member !== undefined ? `${slot}.${member}` : place);
}

/** The places of a context that routes write, each with the routes that do; `routes` go to names of signals. */
export function fedPlaces<Route extends { to: string }>(context: string, routes: readonly Route[], symbols: readonly { name: string; address: string }[]): Map<string, Route[]> {
  const fed = new Map<string, Route[]>();
  for (const route of routes) {
    const place = placeOfSignal(context, route.to, symbols);
    if (place !== null) fed.set(place, [...(fed.get(place) ?? []), route]);
  }
  return fed;
}

/** The deeds of a use in words. */
export function deedWords({ deeds }: Pick<Use, 'deeds'>): string {
  return deeds.join(', ');
}
