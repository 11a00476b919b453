import { expect, it } from 'vitest';
import { Catalog } from './catalog';
import { signal } from './fixtures';
import { HubError } from './hub';
import type { Signal } from './protocol';
import { isSymbol, Symbols } from './symbols';

/** A hub with one program, which notes what it was asked. */
function house(table: Record<string, Signal>) {
  const catalog = new Catalog();
  const asked: string[] = [];
  const symbols = new Symbols(
    catalog,
    async (name) => {
      asked.push(name);
      const found = table[name];
      if (!found) throw new HubError('not_found', 'no signal is called so', 404);
      return found;
    },
    () => undefined,
  );
  return { catalog, asked, symbols };
}

it('tells a symbol from an address and from everything else', () => {
  for (const name of ['plc/line/Run', 'plc/Line~12/_x1', 'plc/line/Fill.ACC']) expect(isSymbol(name)).toBe(true);
  for (const name of ['plc/line/O:0/0', 'plc/line/T:4.DN', 'plc/PLC1/Area0/Point1', 'twin/line/Run', 'plc/line', 'sys/plc/line/state']) expect(isSymbol(name)).toBe(false);
});

it('finds the row of a symbol, by its case, and asks once for each', async () => {
  const { catalog, asked, symbols } = house({ 'plc/line/Run': signal(1, 'plc/line/O:0/0', { symbol: 'Run', value: true }) });
  const view = ['plc/line/Run', 'plc/line/run', 'plc/line/N:61', 'twin/line/Run'];
  await symbols.follow(view, 'line 1');
  await symbols.follow(view, 'line 1');
  expect(asked).toEqual(['plc/line/Run', 'plc/line/run']);
  expect(catalog.byName('plc/line/Run')?.name).toBe('plc/line/O:0/0');
  expect(catalog.byName('plc/line/run')).toBeUndefined();
  // Live values come by the signal's own number.
  catalog.apply([[1, false, 'good', 300, null]]);
  expect(catalog.byName('plc/line/Run')?.value).toBe(false);
});

it('asks anew under another program, also for what there was none of', async () => {
  const table: Record<string, Signal> = { 'plc/line/Run': signal(1, 'plc/line/O:0/0') };
  const { catalog, symbols } = house(table);
  await symbols.follow(['plc/line/Run', 'plc/line/Stop'], 'line 1');
  table['plc/line/Run'] = signal(2, 'plc/line/O:0/1');
  table['plc/line/Stop'] = signal(3, 'plc/line/I:0/1');
  await symbols.follow(['plc/line/Run', 'plc/line/Stop'], 'line 2');
  expect(['Run', 'Stop'].map((word) => catalog.byName(`plc/line/${word}`)?.id)).toEqual([2, 3]);
  symbols.forget();
  expect(catalog.byName('plc/line/Run')).toBeUndefined();
});

it('drops an answer that comes after the programs have changed, and asks again', async () => {
  const catalog = new Catalog();
  const answers: ((signal: Signal) => void)[] = [];
  const symbols = new Symbols(catalog, () => new Promise((resolve) => answers.push(resolve)), () => undefined);
  const first = symbols.follow(['plc/line/Run'], 'line 1');
  await symbols.follow(['plc/line/Run'], 'line 2');
  answers[0]?.(signal(1, 'plc/line/O:0/0'));
  await expect.poll(() => answers.length).toBe(2);
  expect(catalog.byName('plc/line/Run')).toBeUndefined();
  answers[1]?.(signal(2, 'plc/line/O:0/1'));
  await first;
  expect(catalog.byName('plc/line/Run')?.id).toBe(2);
});

it('waits for the next call after a failure', async () => {
  const catalog = new Catalog();
  let isUp = false;
  const ask = async (): Promise<Signal> => {
    if (!isUp) throw new HubError('unreachable', 'no answer');
    return signal(1, 'plc/line/O:0/0');
  };
  const symbols = new Symbols(catalog, ask, () => undefined);
  await symbols.follow(['plc/line/Run'], 'line 1');
  expect(catalog.byName('plc/line/Run')).toBeUndefined();
  isUp = true;
  await symbols.follow(['plc/line/Run'], 'line 1');
  expect(catalog.byName('plc/line/Run')?.id).toBe(1);
});
