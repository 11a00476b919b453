import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CrossReference, DECORATOR_ROLES, deedWords, fedPlaces, INSTRUCTION_ROLES, overlaps, usesOf, type Surroundings } from './ladder-uses';
import { Places } from './plc-places';
import type { PlcDecorator, PlcElement, PlcInstruction, PlcRung } from './plc-protocol';

const SOURCE = readFileSync(new URL('../../../crates/ladder/src/instruction.rs', import.meta.url), 'utf8');

let count = 0;

function instruction(type: string, operands: Record<string, string>, decorators: PlcDecorator[] = []): PlcInstruction {
  const list = Object.entries(operands).map(([role, text]) => ({ role, text, address: text.includes(':') ? text : null }));
  return { instruction: count++, type, column: 0, operands: list, decorators };
}

function rung(title: string, ...elements: PlcElement[]): PlcRung {
  return { title, comment: '', text: '', elements };
}

/** What the engine's own source names in a function: `Xic => "XIC"` or `"address"`. */
function part(from: string, to: string): string {
  const begin = SOURCE.indexOf(from);
  return SOURCE.slice(begin, SOURCE.indexOf(to, begin));
}

describe('the table of instructions', () => {
  const mnemonics = [...part('pub const fn mnemonic', 'pub const fn operands').matchAll(/=> "([A-Z0-9]+)"/g)].map(([, name]) => name ?? '');
  const decorators = [...part('pub const fn name(self)', 'pub const fn operands').matchAll(/=> "([A-Z0-9]+)"/g)].map(([, name]) => name ?? '');

  it('has every instruction and decorator of the engine, and no other', () => {
    expect(mnemonics.length).toBeGreaterThan(30);
    expect(Object.keys(INSTRUCTION_ROLES).toSorted()).toEqual(mnemonics.toSorted());
    expect(decorators.length).toBeGreaterThan(5);
    expect(Object.keys(DECORATOR_ROLES).toSorted()).toEqual(decorators.toSorted());
  });

  it('has the operands that the engine names, each with its deed', () => {
    const engine = part('pub const fn operands(self)', '/// Whether it is a condition');
    const lists = new Map([...engine.matchAll(/const ([A-Z]+): &\[OperandSpec\] = &\[([^;]*)\];/g)].map(([, name = '', specs = '']) => [name, [...specs.matchAll(/spec\("(\w+)", (\w+)\)/g)].map(([, role = '', kind = '']) => ({ role, kind }))]));
    const writing = new Set(['OutputBit', 'Timer', 'Counter', 'Destination', 'MoveDestination', 'Control']);
    for (const [, kinds = '', list = ''] of engine.matchAll(/^ {12}([A-Z][\w| ]*) => ([A-Z]+),$/gm)) {
      for (const kind of kinds.split('|').map((word) => word.trim().toUpperCase())) {
        const roles = INSTRUCTION_ROLES[kind] ?? {};
        expect(Object.keys(roles), kind).toEqual(lists.get(list)?.map(({ role }) => role));
        for (const { role, kind: wanted } of lists.get(list) ?? []) {
          expect(roles[role]?.deeds.includes('writes'), `${kind} ${role}`).toBe(writing.has(wanted));
          if (wanted === 'TimerOrCounter') expect(roles[role]?.deeds).toEqual(['resets']);
        }
      }
    }
  });
});

const PROGRAM = {
  symbols: [
    { name: 'Motor', address: 'O:0/0', type: 'BOOL', description: 'conveyor' },
    { name: 'Fill', address: 'T:0', type: 'TIMER', description: '' },
    { name: 'Spare', address: 'B:9/1', type: 'BOOL', description: '' },
  ],
  rungs: [
    rung('Conveyor', { branch: [[instruction('XIC', { address: 'I:0/0' })], [instruction('XIC', { address: 'O:0/0' })]] }, instruction('OTE', { address: 'O:0/0' })),
    rung('Filling', instruction('XIO', { address: 'T:0.DN' }), instruction('TON', { address: 'T:0', preset: '600' })),
    rung('Words', instruction('XIC', { address: 'N:7/3' }), instruction('BAND', { sourceA: 'B:3/1', sourceB: '15', dest: 'N:7' })),
    rung('Latch', instruction('OTL', { address: 'B:1/0' })),
    rung('Unlatch', instruction('OTU', { address: 'B:1/0' }), instruction('RES', { address: 'T:0' })),
    rung('Again', instruction('OTE', { address: 'O:0/0' })),
    rung('Decorated', instruction('XIC', { address: 'B:5/0' }, [{ type: 'TON', operands: [{ role: 'address', text: 'T:4', address: 'T:4' }] }])),
  ],
};
const NOTHING: Surroundings = { forced: new Set(), driven: new Places([]), retained: new Places([]), fed: [] };

describe('the uses of a place', () => {
  const reference = new CrossReference(PROGRAM);
  const told = (address: string): string[] => reference.of(address).map((use) => `${use.rung} ${use.type} ${deedWords(use)}`);

  it('are found within branches and decorators', () => {
    expect(told('O:0/0')).toEqual(['0 XIC reads', '0 OTE writes', '5 OTE writes']);
    expect(told('T:4')).toEqual(['6 XIC {TON} writes']);
  });

  it('are those of the members of a timer, and a reset', () => {
    expect(told('T:0')).toEqual(['1 XIO reads', '1 TON writes', '4 RES resets']);
    expect(told('T:0.DN')).toEqual(['1 XIO reads', '1 TON writes', '4 RES resets']);
    expect(overlaps('T:0.DN', 'T:0.ACC')).toBe(false);
  });

  it('are those of the word of a bit, and a bit that stands for its word', () => {
    expect(told('N:7/3')).toEqual(['2 XIC reads', '2 BAND writes']);
    expect(usesOf(PROGRAM).find(({ role }) => role === 'sourceA')).toMatchObject({ address: 'B:3', shown: 'B:3/1' });
  });
});

describe('the table of places', () => {
  const marksOf = (around: Surroundings, address: string): string[] => new CrossReference(PROGRAM).rows(around).find((row) => row.address === address)?.marks ?? ['none'];

  it('says what is odd', () => {
    expect(marksOf(NOTHING, 'O:0/0')).toEqual(['double']);
    expect(marksOf(NOTHING, 'B:1/0')).toEqual(['unread']);
    expect(marksOf(NOTHING, 'B:5/0')).toEqual(['unwritten']);
    expect(marksOf(NOTHING, 'B:9/1')).toEqual(['unused']);
    expect(marksOf(NOTHING, 'I:0/0')).toEqual([]);
    expect(marksOf(NOTHING, 'T:0')).toEqual([]);
  });

  it('knows forces, devices, retained places and routes', () => {
    const around = { forced: new Set(['B:5/0']), driven: new Places(['N:7']), retained: new Places(['B:5/0']), fed: ['B:5/0'] };
    expect(marksOf(around, 'B:5/0')).toEqual(['forced', 'fed', 'retained']);
    expect(marksOf(around, 'N:7')).toEqual(['driven']);
  });

  it('stands in the order of the memory', () => {
    expect(new CrossReference(PROGRAM).rows(NOTHING).map(({ address }) => address)).toEqual(['I:0/0', 'O:0/0', 'B:1/0', 'B:3', 'B:5/0', 'B:9/1', 'N:7', 'N:7/3', 'T:0', 'T:0.DN', 'T:4']);
  });
});

it('finds what routes write of a context, by address and by symbol', () => {
  const routes = ['plc/a~1b/N:1', 'plc/a~1b/Motor', 'plc/a~1b/Fill.PRE', 'plc/a~1b/N:1', 'plc/a~1b/*', 'plc/other/N:1', 'twin/x'].map((to, id) => ({ id, to }));
  const fed = fedPlaces('a/b', routes, PROGRAM.symbols);
  expect([...fed].map(([place, those]) => [place, those.map(({ id }) => id)])).toEqual([['N:1', [0, 3]], ['O:0/0', [1]], ['T:0.PRE', [2]]]);
});
