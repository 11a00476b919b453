import { describe, expect, it } from 'vitest';
import { addressesOf, cut, drawRung, instructionsOf, isCondition, neededHeight, neededWidth, type Drawing, type Part, type Wire } from './ladder-layout';
import type { PlcElement, PlcInstruction, PlcOperand } from './plc-protocol';
import { RAIL } from './power';

let next = 0;

function instruction(type: string, ...places: string[]): PlcInstruction {
  const roles = type === 'TON' || type === 'CTU' ? ['address', 'preset'] : type === 'ADD' ? ['sourceA', 'sourceB', 'dest'] : ['address'];
  const operands: PlcOperand[] = places.map((text, index) => ({ role: roles[index] ?? '', text, address: /^[A-Z]:/.test(text) ? text : null }));
  return { instruction: next, type, column: next++, operands, decorators: [] };
}

function rung(...elements: PlcElement[]): PlcElement[] {
  return elements;
}

function part(drawing: Drawing, number: number): Part {
  const found = drawing.parts.find((each) => each.instruction === number);
  if (!found) throw new Error(`instruction ${number} is drawn`);
  return found;
}

/** The end points of a wire. */
function ends({ path }: Wire): [number, number, number, number] {
  const [, x, y, way, to] = /^M([\d.]+) ([\d.]+)([HV])([\d.]+)$/.exec(path) ?? [];
  const [x1, y1, end] = [Number(x), Number(y), Number(to)];
  return way === 'H' ? [x1, y1, end, y1] : [x1, y1, x1, end];
}

function wiresAt(drawing: Drawing, x: number, y: number): Wire[] {
  return drawing.wires.filter((wire) => {
    const [x1, y1, x2, y2] = ends(wire);
    return (x1 === x && y1 === y) || (x2 === x && y2 === y);
  });
}

/** Everything that is connected, from the left rail to the right: no wire hangs in the air. */
function expectConnected(drawing: Drawing): void {
  const points = new Set(drawing.wires.flatMap((wire) => {
    const [x1, y1, x2, y2] = ends(wire);
    return [`${x1} ${y1}`, `${x2} ${y2}`];
  }));
  for (const { x, y, width } of drawing.parts) {
    expect(points, `left of ${x}`).toContain(`${x} ${y}`);
    expect(points, `right of ${x}`).toContain(`${x + width} ${y}`);
  }
}

describe('a series', () => {
  it('puts conditions at the left rail and outputs at the right one', () => {
    next = 0;
    const drawing = drawRung(rung(instruction('XIC', 'I:0/0'), instruction('XIO', 'I:0/1'), instruction('OTE', 'O:0/0')), 900);
    expect(drawing.width).toBe(900);
    expect(part(drawing, 0).x).toBeLessThan(part(drawing, 1).x);
    expect(part(drawing, 1).x).toBeLessThan(200);
    const coil = part(drawing, 2);
    expect(drawing.right - (coil.x + coil.width)).toBeLessThan(20);
    expect(new Set(drawing.parts.map(({ y }) => y)).size).toBe(1);
    expectConnected(drawing);
  });

  it('knows of each wire which instruction gives it its power', () => {
    next = 0;
    const drawing = drawRung(rung(instruction('XIC', 'I:0/0'), instruction('OTE', 'O:0/0')), 600);
    const [contact, coil] = [part(drawing, 0), part(drawing, 1)];
    expect(contact.power).toEqual([RAIL]);
    expect(coil.power).toEqual([0]);
    expect(wiresAt(drawing, contact.x, contact.y).map(({ power }) => power)).toEqual([[RAIL]]);
    expect(wiresAt(drawing, coil.x + coil.width, coil.y).map(({ power }) => power)).toEqual([[1]]);
  });

  it('draws a rung without elements as a wire from rail to rail', () => {
    const drawing = drawRung([], 500);
    expect(drawing.wires.map(ends)).toEqual([[drawing.left, expect.any(Number), drawing.right, expect.any(Number)]]);
    expect(drawing.wires[0]?.power).toEqual([RAIL]);
  });

  it('is wider than asked for when it does not fit, and says so before', () => {
    next = 0;
    const elements = Array.from({ length: 20 }, (_, bit) => instruction('XIC', `I:0/${bit}`));
    const drawing = drawRung(elements, 300);
    expect(drawing.width).toBe(neededWidth(elements));
    expect(drawing.width).toBeGreaterThan(1_400);
    for (const { x, width } of drawing.parts) expect(x + width).toBeLessThanOrEqual(drawing.right);
    expectConnected(drawing);
  });
});

describe('a branch', () => {
  it('draws its paths below each other, and joins their power', () => {
    next = 0;
    const seal = rung({ branch: [[instruction('XIC', 'I:0/0')], [instruction('XIC', 'O:0/0')]] }, instruction('OTE', 'O:0/0'));
    const drawing = drawRung(seal, 600);
    const [above, below, coil] = [part(drawing, 0), part(drawing, 1), part(drawing, 2)];
    expect(below.y - below.above).toBeGreaterThanOrEqual(above.y + above.below);
    expect(above.power).toEqual([RAIL]);
    expect(below.power).toEqual([RAIL]);
    expect(coil.power).toEqual([0, 1]);
    expectConnected(drawing);
  });

  it('lights the right side only as far down as power comes from', () => {
    next = 0;
    const three = rung({ branch: [[instruction('XIC', 'I:0/0')], [instruction('XIC', 'I:0/1')], [instruction('XIC', 'I:0/2')]] }, instruction('OTE', 'O:0/0'));
    const drawing = drawRung(three, 600);
    const uprights = drawing.wires.filter((wire) => ends(wire)[0] === ends(wire)[2]).map(({ power }) => power);
    expect(uprights).toEqual([[RAIL], [1, 2], [2]]);
  });

  it('of an empty path conducts the power from its left', () => {
    next = 0;
    const drawing = drawRung(rung(instruction('XIC', 'I:0/0'), { branch: [[instruction('XIC', 'I:0/1')], []] }, instruction('OTE', 'O:0/0')), 600);
    expect(part(drawing, 2).power).toEqual([1, 0]);
  });

  it('may stand in branches, and nothing of one path reaches into another', () => {
    next = 0;
    const inner = { branch: [[instruction('XIO', 'I:0/1')], [instruction('XIC', 'I:0/2')]] };
    const elements = rung({ branch: [[instruction('XIC', 'I:0/0')], [inner, instruction('XIC', 'I:0/3')], [instruction('XIC', 'I:0/4')]] }, instruction('TON', 'T:0', '500'));
    const drawing = drawRung(elements, 700);
    expect(instructionsOf(elements)).toHaveLength(6);
    for (const one of drawing.parts) {
      for (const other of drawing.parts) {
        if (one === other) continue;
        const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
        const isAbove = one.y + one.below <= other.y - other.above || other.y + other.below <= one.y - one.above;
        expect(isBeside || isAbove, `${one.instruction} and ${other.instruction}`).toBe(true);
      }
      expect(one.y + one.below).toBeLessThanOrEqual(neededHeight(elements));
    }
    expectConnected(drawing);
  });

  it('at the end of a rung puts the outputs of its paths at the right', () => {
    next = 0;
    const drawing = drawRung(rung(instruction('XIC', 'I:0/0'), { branch: [[instruction('OTE', 'O:0/0')], [instruction('XIC', 'I:0/1'), instruction('OTL', 'O:0/1')]] }), 900);
    const [first, latched] = [part(drawing, 1), part(drawing, 3)];
    expect(first.x + first.width).toBe(latched.x + latched.width);
    expect(first.x).toBeGreaterThan(700);
  });
});

describe('what can be chosen', () => {
  it('is each operand with an address, and the members of timers', () => {
    next = 0;
    const drawing = drawRung(rung(instruction('XIC', 'I:0/0'), instruction('TON', 'T:4', '500')), 600);
    expect(drawing.targets.map(({ address }) => address)).toEqual(['I:0/0', 'T:4', 'T:4.PRE', 'T:4.ACC', 'T:4.EN', 'T:4.TT', 'T:4.DN']);
    expect(addressesOf(drawing)).toEqual(['I:0/0', 'T:4.PRE', 'T:4.ACC', 'T:4.EN', 'T:4.TT', 'T:4.DN']);
  });

  it('leaves numbers out, and lies within its instruction', () => {
    next = 0;
    const drawing = drawRung(rung(instruction('ADD', 'N:7', '1', 'N:8')), 600);
    expect(drawing.targets.map(({ address, role }) => [address, role])).toEqual([['N:7', 'sourceA'], ['N:8', 'dest']]);
    for (const { x, width } of drawing.targets) {
      expect(x).toBeGreaterThanOrEqual(part(drawing, 0).x);
      expect(x + width).toBeLessThanOrEqual(part(drawing, 0).x + part(drawing, 0).width);
    }
  });

  it('shows the slot of a decorator with its accumulated value', () => {
    next = 0;
    const contact = instruction('XIC', 'I:0/0');
    contact.decorators = [{ type: 'TON', operands: [{ role: 'address', text: 'T:3', address: 'T:3' }, { role: 'preset', text: '100', address: null }] }];
    const drawing = drawRung(rung(contact, instruction('OTE', 'O:0/0')), 600);
    expect(part(drawing, 0).badges).toMatchObject([{ type: 'TON', preset: '100', accumulated: 'T:3.ACC' }]);
    expect(addressesOf(drawing)).toContain('T:3.ACC');
  });
});

describe('texts', () => {
  it('are cut where they are too long', () => {
    expect(cut('Conveyor', 8)).toBe('Conveyor');
    expect(cut('ConveyorMotor', 8)).toBe('Conv…tor');
  });

  it('tell conditions from outputs', () => {
    expect(['XIC', 'XIO', 'EQU', 'GEQ'].every(isCondition)).toBe(true);
    expect(['OTE', 'TON', 'RES', 'MOV', 'BSL'].some(isCondition)).toBe(false);
  });
});
