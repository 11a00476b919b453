import { expect, test } from 'vitest';
import { isWholeForm, offerNames, symbolName, takenByEnter } from './name-offer';

const row = (name: string, symbol: string | null = null) => ({ name, key: name.toLowerCase(), symbol });
const ROWS = [row('twin/line/OverRun'), row('twin/run/Speed'), row('twin/line/Run'), row('twin/line/RunTime'), row('plc/line/O:0/0', 'Running'), row('twin/hmi/Lamp')];

test('three letters find a name, by its last part first, and by its symbol', () => {
  expect(offerNames(ROWS, 'run')).toEqual(['twin/line/Run', 'plc/line/Running', 'twin/line/RunTime', 'twin/run/Speed', 'twin/line/OverRun', 'plc/line/O:0/0']);
  expect(offerNames(ROWS, 'LINE run')).not.toContain('twin/run/Speed');
  expect(offerNames(ROWS, 'nothing')).toEqual([]);
});

test('what cannot be chosen is not offered, and not too many', () => {
  expect(offerNames(ROWS, 'run', ({ name }) => name.startsWith('plc/'))).toEqual(['plc/line/Running', 'plc/line/O:0/0']);
  expect(offerNames(Array.from({ length: 100_000 }, (_, at) => row(`twin/line/P${at}`)), 'p').length).toBe(40);
});

test('a symbol is named in its context', () => {
  expect(symbolName({ name: 'plc/line/O:0/0', symbol: 'Lamp' })).toBe('plc/line/Lamp');
  expect(symbolName({ name: 'plc/line/O:0/0', symbol: null })).toBeNull();
});

test('a name that was typed in full is taken, and not what is offered for it', async () => {
  const knows = (...names: string[]) => (name: string) => Promise.resolve(names.includes(name));
  expect(await takenByEnter('plc/line/Run', ['sys/plc/line/running'], knows())).toBe('plc/line/Run');
  expect(await takenByEnter('plc/line/Run', ['plc/line/Running'], knows('plc/line/Run'))).toBe('plc/line/Run');
  expect(await takenByEnter('plc/line/Run', ['plc/line/Running'], knows())).toBe('plc/line/Running');
  expect(await takenByEnter('plc/line/run', ['sys/plc/line/run', 'plc/line/Run'], knows())).toBe('plc/line/Run');
  expect(await takenByEnter('twin/line/New', [], knows())).toBe('twin/line/New');
});

test('a whole name has a kind, a thing and what it has', () => {
  expect(['plc/line/Run', 'plc/line/O:0/0', 'twin/*/x'].map(isWholeForm)).toEqual([true, true, true]);
  expect(['run', 'plc/line', 'plc/line/', 'line run', 'plc/line/a b'].map(isWholeForm)).toEqual([false, false, false, false, false]);
});
