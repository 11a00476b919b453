import { describe, expect, it } from 'vitest';
import { memoryRows } from './plc-memory';
import type { PlcCommand, PlcMemory, PlcProgramSummary, PlcState } from './plc-protocol';
import { COMMANDS, commandHint, documentName, formatMicros, goOn, isForced, isPreset, membersOf, placeOf, plcOfProblem, plcSignal, plcStateWords, readWord, removeHint } from './plc-words';

const PROGRAM: PlcProgramSummary = { name: 'Line', number: 1, rungs: 3, instructions: 9, diagnostics: 0, by: 'project file', loaded_at_ms: 0 };

function offered(state: PlcState, program: PlcProgramSummary | null = PROGRAM): PlcCommand[] {
  return COMMANDS.map(({ command }) => command).filter((command) => commandHint(command, { state, program }) === null);
}

describe('commands', () => {
  it('are offered where the state takes them', () => {
    expect(offered('Stopped')).toEqual(['start', 'step_scan', 'step_rung', 'reset']);
    expect(offered('Running')).toEqual(['stop', 'pause', 'reset']);
    expect(offered('Paused')).toEqual(['start', 'stop', 'resume', 'step_scan', 'step_rung', 'reset']);
    // A resume does nothing between two steps of a rung.
    expect(offered('Stepping')).toEqual(['start', 'stop', 'step_scan', 'step_rung', 'reset']);
    expect([goOn({ state: 'Stepping' }), goOn({ state: 'Paused' })]).toEqual(['start', 'resume']);
    expect(offered('Fault')).toEqual(['stop', 'reset']);
  });

  it('that need a program say so without one', () => {
    expect(offered('Stopped', null)).toEqual(['reset']);
    expect(commandHint('start', { state: 'Stopped', program: null })).toMatch(/download one/);
  });
});

it('states are told with their reason', () => {
  const base = { fault: null, next_rung: null, program: PROGRAM, breakpoints: [2] };
  expect(plcStateWords({ ...base, state: 'Fault', fault: 'Division by zero at rung 3' })).toBe('Division by zero at rung 3');
  expect(plcStateWords({ ...base, state: 'Paused', next_rung: 2 })).toBe('at the breakpoint of rung 2');
  expect(plcStateWords({ ...base, state: 'Stepping', next_rung: 1 })).toBe('before rung 1');
  expect(plcStateWords({ ...base, state: 'Stopped', program: null })).toBe('no program is loaded');
});

it('a context is removed when it does not run and is not the last', () => {
  expect(removeHint({ name: 'line', state: 'Stopped' }, 2)).toBeNull();
  expect(removeHint({ name: 'line', state: 'Stopped' }, 1)).toMatch(/last/);
  expect(removeHint({ name: 'line', state: 'Running' }, 2)).toBe('line is Running: stop it first.');
});

it('presets are those of timers and counters', () => {
  expect(['T:4.PRE', 'C:4.PRE', 'T:4.ACC', 'N:7'].map(isPreset)).toEqual([true, true, false, false]);
});

describe('places', () => {
  it('are told apart by their address', () => {
    expect(['I:0/3', 'N:7', 'N:7/3', 'T:4', 'C:4', 'T:4.DN', 'T:4.ACC', 'C:1.OV'].map(placeOf)).toEqual(['bit', 'word', 'bit', 'timer', 'counter', 'bit', 'word', 'bit']);
    expect(membersOf('N:7')).toEqual(['N:7']);
    expect(membersOf('T:4')).toContain('T:4.ACC');
  });

  it('take numbers within their limits only', () => {
    expect(readWord('N:7', ' -12 ')).toEqual({ ok: true, value: -12 });
    expect(readWord('N:7', '0xFF')).toEqual({ ok: true, value: 255 });
    expect(readWord('T:4.PRE', '32767').ok).toBe(true);
    for (const [address, typed] of [['T:4.PRE', '-1'], ['C:4.PRE', '32768'], ['N:7', '2147483648'], ['N:7', '1.5'], ['N:7', '']] as const) {
      expect(readWord(address, typed)).toMatchObject({ ok: false });
    }
  });

  it('are forced with their word', () => {
    const forced = new Set(['I:0/3', 'N:7']);
    expect(['I:0/3', 'N:7', 'N:7/2', 'I:0/4', 'T:7'].map((address) => isForced(address, forced))).toEqual([true, true, true, false, false]);
  });

  it('are signals below their context', () => {
    expect(plcSignal('line', 'I:0/3')).toBe('plc/line/I:0/3');
    expect(plcSignal('a/b~c', 'N:7')).toBe('plc/a~1b~0c/N:7');
  });
});

it('times of scans are short', () => {
  expect([38, 999, 1_250, 10_000, 250_000].map(formatMicros)).toEqual(['38 µs', '999 µs', '1.25 ms', '10 ms', '250 ms']);
});

it('a document is called after its program and what it is', () => {
  expect(documentName('Bottling line / 2', '<?xml version="1.0"?>')).toBe('Bottling-line-2.plcproj');
  expect(documentName('../..', 'SOR EOR')).toBe('program.txt');
});

it('a problem leads to its context', () => {
  expect(plcOfProblem('plc:Press 2:fault')).toBe('Press 2');
  expect(plcOfProblem('port:hmi')).toBe(null);
});

describe('the memory', () => {
  const timer = { pre: 0, acc: 0, en: false, tt: false, dn: false };
  const memory: PlcMemory = {
    now_ms: 0, state: 'Running', inputs: [0x8000_0001, 0], outputs: [0], bits: [0], integers: [0, -5],
    timers: [timer, { ...timer, acc: 40 }], counters: [], forced: { 'I:0': 0x8000_0000 },
  };

  it('shows the bits of a word, the highest too, with forces and names', () => {
    const [row] = memoryRows('I', memory, [{ name: 'Start', address: 'I:0/0', type: 'BOOL', description: '' }]);
    expect(row?.parts.filter(({ value }) => value).map(({ address }) => address)).toEqual(['I:0/0', 'I:0/31']);
    expect(row?.parts.filter((part) => part.isForced).map(({ address }) => address)).toEqual(['I:0/31']);
    expect(row?.parts[0]?.symbol).toBe('Start');
  });

  it('knows which rows are used', () => {
    expect(memoryRows('I', memory, []).map(({ isUsed }) => isUsed)).toEqual([true, false]);
    expect(memoryRows('N', memory, []).map(({ isUsed }) => isUsed)).toEqual([false, true]);
    expect(memoryRows('T', memory, []).map(({ isUsed }) => isUsed)).toEqual([false, true]);
    expect(memoryRows('O', memory, [{ name: 'Lamp', address: 'O:0/4', type: '', description: '' }]).map(({ isUsed }) => isUsed)).toEqual([true]);
  });
});
