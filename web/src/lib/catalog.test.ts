import { expect, it } from 'vitest';
import { Catalog } from './catalog';
import { signal } from './fixtures';

function names(catalog: Catalog): string[] {
  return catalog.rows.map((row) => row.name);
}

it('keeps the order of creation and finds by name', () => {
  const catalog = new Catalog();
  catalog.put(signal(2, 'b'));
  catalog.put(signal(1, 'a'));
  expect(names(catalog)).toEqual(['b', 'a']);
  expect(catalog.byName('a')?.id).toBe(1);
});

it('does not let an older page of the catalog undo a live value', () => {
  const catalog = new Catalog();
  const row = catalog.put(signal(1, 'a', { value: 1, changed_at_ms: 100 }));
  catalog.apply([[1, 2, 'good', 200, null]]);
  catalog.put(signal(1, 'a', { value: 1, changed_at_ms: 100 }));
  expect(row.value).toBe(2);
  catalog.put(signal(1, 'a', { value: 3, changed_at_ms: 200, quality: 'stale' }));
  expect([row.value, row.quality]).toEqual([3, 'stale']);
});

it('reads quality with and without a reason', () => {
  const catalog = new Catalog();
  const row = catalog.put(signal(1, 'a'));
  catalog.apply([[1, 0, ['bad', 'not a number'], 200, null]]);
  expect([row.quality, row.reason]).toEqual(['bad', 'not a number']);
  catalog.apply([[1, 0, 'good', 300, null]]);
  expect([row.quality, row.reason]).toEqual(['good', null]);
});

it('skips live rows of signals that it does not know', () => {
  const catalog = new Catalog();
  catalog.apply([[9, 1, 'good', 200, 3]]);
  expect(catalog.rows).toEqual([]);
});

it('names the writer, also one whose name comes later, and this side', () => {
  const catalog = new Catalog();
  const row = catalog.put(signal(1, 'a', { writer: null }));
  catalog.apply([[1, 1, 'good', 200, 3]]);
  expect(row.writer).toBe('client 3');
  catalog.nameClients([{ id: 3, name: 'Practice twin' }]);
  catalog.apply([[1, 2, 'good', 300, 3]]);
  expect(row.writer).toBe('Practice twin');
  catalog.apply([[1, 3, 'good', 400, 'route 1']]);
  expect(row.writer).toBe('route 1');
});

it('calls the engine of a PLC by the name of its context', () => {
  const catalog = new Catalog();
  const row = catalog.put(signal(1, 'plc/Line~12/O:0/3', { writer: null }));
  const steady = catalog.put(signal(2, 'plc/Line~12/O:0/4', { writer: 'Line/2' }));
  catalog.apply([[1, true, 'good', 200, 'plc 0']]);
  expect(row.writer).toBe('Line/2');
  catalog.confirm([row, steady], { 'plc 0': 500, 'plc 1': 700 });
  expect([row, steady].map(({ confirmedAt }) => confirmedAt)).toEqual([500, 500]);
});

it('knows the only engine of a view before it has written anything', () => {
  const catalog = new Catalog();
  const steady = catalog.put(signal(1, 'plc/line/O:0/4', { writer: 'line' }));
  const other = catalog.put(signal(2, 'plc/press/O:0/4', { writer: 'press' }));
  catalog.confirm([steady, other], { 'plc 0': 500 });
  catalog.confirm([steady, other], { 'plc 0': 500, 'plc 1': 500 });
  expect(steady.confirmedAt).toBe(100);
  catalog.confirm([steady], { 'plc 0': 500 });
  expect([steady, other].map(({ confirmedAt }) => confirmedAt)).toEqual([500, 100]);
});

it('keeps the symbol of a row when the live channel does not say it, until it is known to have none', () => {
  const catalog = new Catalog();
  const row = catalog.put(signal(1, 'plc/line/I:0/0', { symbol: 'Start' }));
  catalog.put(signal(1, 'plc/line/I:0/0'));
  expect(row.symbol).toBe('Start');
  catalog.put(signal(1, 'plc/line/I:0/0', { symbol: null }));
  expect(row.symbol).toBeNull();
});

it('moves the sign of life of rows whose writer lives, and never back', () => {
  const catalog = new Catalog();
  catalog.nameClients([{ id: 3, name: 'Twin' }]);
  const living = catalog.put(signal(1, 'a'));
  const other = catalog.put(signal(2, 'b', { writer: 'Gone' }));
  const unnamed = catalog.put(signal(3, 'c', { writer: 'client 3' }));
  const early = catalog.put(signal(4, 'd', { confirmed_at_ms: 900 }));
  catalog.confirm(catalog.rows, { 3: 500 });
  expect([living, other, unnamed, early].map((row) => row.confirmedAt)).toEqual([500, 100, 500, 900]);
});

it('replaces a row whose number or name now belongs to another', () => {
  const catalog = new Catalog();
  catalog.put(signal(1, 'a'));
  catalog.put(signal(1, 'b'));
  expect(names(catalog)).toEqual(['b']);
  catalog.put(signal(2, 'b'));
  expect(names(catalog)).toEqual(['b']);
  expect([catalog.byName('a'), catalog.byName('b')?.id]).toEqual([undefined, 2]);
});

it('removes what a whole pass did not find', () => {
  const catalog = new Catalog();
  for (const id of [1, 2, 3]) catalog.put(signal(id, `s${id}`));
  catalog.keepOnly(new Set([1, 3]));
  expect(names(catalog)).toEqual(['s1', 's3']);
  catalog.remove([3, 99]);
  expect(names(catalog)).toEqual(['s1']);
  catalog.clear();
  expect([catalog.rows, catalog.byName('s1')]).toEqual([[], undefined]);
});

it('tells who watches a row of its changes, once for each picture, and nobody of the others', () => {
  const catalog = new Catalog();
  const [watched, other] = [catalog.put(signal(1, 'a')), catalog.put(signal(2, 'b'))];
  const told: string[] = [];
  const end = catalog.watch(watched, () => told.push('a'));
  catalog.apply([[1, 2, 'good', 200, null], [2, 2, 'good', 200, null]]);
  catalog.apply([[1, 3, 'good', 300, null]]);
  catalog.tellWatchers();
  expect(told).toEqual(['a']);
  catalog.tellWatchers();
  catalog.put(signal(1, 'a', { value: 4, changed_at_ms: 400 }));
  catalog.tellWatchers();
  expect(told).toEqual(['a', 'a']);
  end();
  catalog.apply([[1, 5, 'good', 500, null]]);
  catalog.tellWatchers();
  expect([told.length, other.value]).toEqual([2, 2]);
});

it('tells apart what has changed but for the value', () => {
  const catalog = new Catalog();
  const row = catalog.put(signal(1, 'a', { writer: 'client 7' }));
  const told: boolean[] = [];
  catalog.watch(row, (isMore) => told.push(isMore));
  const after = (change: () => void): boolean | undefined => {
    change();
    catalog.tellWatchers();
    return told.pop();
  };
  expect(after(() => catalog.apply([[1, 2, 'good', 200, 7]]))).toBe(false);
  expect(after(() => catalog.apply([[1, 2, 'bad', 300, 7]]))).toBe(true);
  expect(after(() => catalog.apply([[1, 2, ['bad', 'silent'], 400, 7]]))).toBe(true);
  expect(after(() => catalog.apply([[1, 2, ['bad', 'silent'], 500, 8]]))).toBe(true);
  // An age that was seen as seconds is seen as none.
  expect(after(() => catalog.apply([[1, 3, ['bad', 'silent'], 1_499, 8]]))).toBe(false);
  expect(after(() => catalog.apply([[1, 3, ['bad', 'silent'], 2_499, 8]]))).toBe(true);
  expect(after(() => catalog.confirm([row], { 8: 3_000 }))).toBe(false);
  expect(after(() => catalog.confirm([row], { 8: 4_000 }))).toBe(true);
  // More of one change is more of all until it is told.
  expect(after(() => catalog.apply([[1, 3, 'good', 4_100, 8], [1, 4, 'good', 4_200, 8]]))).toBe(true);
  expect(after(() => catalog.put(signal(1, 'a', { changed_at_ms: 1 })))).toBe(true);
  expect(after(() => undefined)).toBe(undefined);
});
