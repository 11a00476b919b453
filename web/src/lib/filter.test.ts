import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog';
import { filterRows, fromQuery, nameTest, NO_FILTER, toQuery } from './filter';
import { signal } from './fixtures';

const catalog = new Catalog();
catalog.put(signal(1, 'twin/line/Run', { owner: 'peer' }));
catalog.put(signal(2, 'twin/line/FaultSwitch', { owner: 'hub', quality: 'stale' }));
catalog.put(signal(3, 'twin/cell/Run', { owner: 'peer', quality: 'bad' }));
catalog.put(signal(4, 'plc/PLC1/O:0/3', { owner: 'hub', symbol: 'Motor' }));

describe('names', () => {
  it.each([
    ['', [1, 2, 3, 4]],
    ['run', [1, 3]],
    ['RUN line', [1]],
    ['line run', [1]],
    ['twin/*/run', [1, 3]],
    ['twin/*', []],
    ['twin/**', [1, 2, 3]],
    ['**/fault*', [2]],
    ['fault* ', []],
    ['plc/plc1/o:0/3', [4]],
    ['twin/** cell', [3]],
    ['plc MOTOR', [4]],
    ['plc/PLC1/Motor', [4]],
    ['plc/*/mot*', [4]],
    ['(', []],
    ['t.in', []],
  ])('“%s” finds %j', (text, ids) => {
    const found = catalog.rows.filter(nameTest(text)).map((row) => row.id);
    expect(found).toEqual(ids);
  });
});

describe('rows', () => {
  it('are filtered by name, owner and quality together', () => {
    const found = filterRows(catalog.rows, { text: 'line', owner: 'hub', quality: 'stale' }, null);
    expect(found.map((row) => row.id)).toEqual([2]);
  });

  it('follow the hub on quality where it has answered', () => {
    const found = filterRows(catalog.rows, { ...NO_FILTER, quality: 'stale' }, new Set([1, 4]));
    expect(found.map((row) => row.id)).toEqual([1, 4]);
  });

  it('come as a new list even without a filter, so that a grown catalog is seen', () => {
    const found = filterRows(catalog.rows, NO_FILTER, null);
    expect(found).toEqual(catalog.rows);
    expect(found).not.toBe(catalog.rows);
  });
});

describe('the address', () => {
  it('carries the filter there and back', () => {
    const filter = { text: 'a b/*', quality: 'bad', owner: 'hub' } as const;
    expect(fromQuery(toQuery(filter, 'plc/PLC1/O:0/3'))).toEqual({ filter, signal: 'plc/PLC1/O:0/3' });
    expect(toQuery(NO_FILTER, null)).toBe('');
  });

  it('drops words that mean nothing', () => {
    expect(fromQuery('?quality=great&owner=me&filter=x')).toEqual({ filter: { ...NO_FILTER, text: 'x' }, signal: null });
  });
});
