import { describe, expect, it } from 'vitest';
import { drawRung } from './ladder-layout';
import { progress, Sheet, shown, targetName, type Lights, type Look } from './ladder-paint';
import type { PlcElement } from './plc-protocol';
import type { Value } from './protocol';

function element(instruction: number, type: string, operands: Record<string, string>): PlcElement {
  return { instruction, type, column: instruction, operands: Object.entries(operands).map(([role, text]) => ({ role, text, address: text.includes(':') ? text : null })), decorators: [] };
}

const RUNG = [element(0, 'XIC', { address: 'I:0/0' }), element(1, 'TON', { address: 'T:0', preset: '600' }), element(2, 'OTL', { address: 'O:0/<"1' })];
const sheet = new Sheet(drawRung(RUNG, 800), 7, []);

function lit(values: Record<string, Value>, more: Partial<Lights> = {}): Look[] {
  const lights: Lights = { power: null, valueAt: (address): Value | undefined => values[address], formatOf: () => 'dec', isForced: () => false, isDriven: () => false, isDoubtful: () => false, ...more };
  return sheet.spots.map((spot) => spot(lights));
}
const classes = (looks: readonly Look[], name: string): string[] => looks.map((look) => look.class).filter((each) => each.split(' ')[0] === name);

describe('a drawing', () => {
  it('has a spot for each live element, in their order', () => {
    expect(sheet.markup.match(/data-spot/g)).toHaveLength(sheet.spots.length);
    expect(sheet.markup).toContain('id="rung-7-0"');
    expect(sheet.markup).toContain('O:0/&lt;&quot;1');
  });

  it('lights wires and parts by the power', () => {
    expect(lit({}).some(({ class: name, isOn }) => name.includes(' on') || isOn)).toBe(false);
    const looks = lit({ 'I:0/0': true }, { power: new Uint8Array([0b001]) });
    expect(looks.filter(({ isOn }) => isOn)).toHaveLength(1);
    expect(classes(looks, 'sign')).toEqual(['sign on']);
    expect(classes(looks, 'box')).toEqual(['box timer']);
    // Rail and the wires behind the contact, not those behind the timer.
    expect(classes(looks, 'wire')).toEqual(['wire on', 'wire on', 'wire', 'wire']);
  });

  it('marks what is forced, driven and doubtful by shape and words', () => {
    const looks = lit({ 'I:0/0': true, 'T:0.ACC': 5 }, { isForced: (address) => address === 'I:0/0' || address === 'T:0.ACC', isDriven: (address) => address === 'I:0/0', isDoubtful: (address) => address === 'O:0/<"1' });
    expect(classes(looks, 'pennant').filter((name) => name === 'pennant')).toHaveLength(2);
    expect(classes(looks, 'device').filter((name) => name === 'device')).toHaveLength(1);
    expect(looks.filter(({ text }) => text?.startsWith('F ')).map(({ text }) => text)).toEqual(['F 1', 'F 5']);
    expect(looks.find(({ class: name }) => name === 'bit doubtful')).toBeDefined();
  });

  it('shows how far a timer is', () => {
    const width = (values: Record<string, Value>): number | undefined => lit(values).find(({ class: name }) => name === 'bar')?.width;
    const whole = width({ 'T:0.ACC': 600, 'T:0.PRE': 600 }) ?? 0;
    expect(whole).toBeGreaterThan(50);
    expect(width({ 'T:0.ACC': 300, 'T:0.PRE': 600 })).toBe(whole / 2);
    expect(width({})).toBe(0);
  });
});

it('knows the part of a preset', () => {
  expect([progress(300, 600), progress(900, 600), progress(-5, 600), progress(5, 0), progress(undefined, 5)]).toEqual([0.5, 1, 0, 0, 0]);
});

it('says values in their format, and what they are called', () => {
  const values = { valueAt: (address: string): Value | undefined => (address === 'N:1' ? 255 : true), formatOf: () => 'hex' as const };
  expect([shown('N:1', values), shown('B:0/0', values), shown('N:2', { ...values, valueAt: () => undefined })]).toEqual(['0xFF', '1', '–']);
  const target = { address: 'N:1', text: 'Count', instruction: 0, type: 'ADD', role: 'dest', x: 0, y: 0, width: 1, height: 1 };
  const lights = { ...values, power: null, isForced: () => true, isDriven: () => true, isDoubtful: () => true };
  expect(targetName(target, lights)).toBe('ADD Count N:1, dest: 0xFF, forced, driven by a device that is not heard');
  expect(targetName(target, lights, false)).toBe('ADD Count N:1, dest, forced, driven by a device that is not heard');
});
