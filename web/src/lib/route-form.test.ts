import { describe, expect, test } from 'vitest';
import type { RouteRow } from './rails-protocol';
import { draftOf, EMPTY_DRAFT, forecast, parseCsv, readDraft, typedOf, valueOf } from './route-form';

const ROW: RouteRow = {
  id: 3,
  from: 'twin/line/TankLevel',
  to: 'twin/hmi/Alarm',
  on_stale: 'zero',
  source: 'project',
  state: 'active',
  reason: null,
  count: 0,
  last_value: null,
  last_at_ms: null,
  expr: 'value > 80.0 && running',
  inputs: { running: 'plc/line/Run' },
  map: { '0': 'Stopped', '1': '7', true: false, '*': 2.5 },
  invert: true,
  scale: 0.1,
  offset: -5,
  deadband: 0,
  every_ms: 200,
};

test('a route survives the form unchanged', () => {
  const { from, to, on_stale, expr, inputs, map, invert, scale, offset, deadband, every_ms } = ROW;
  expect(readDraft(draftOf(ROW))).toEqual({ ok: true, route: { from, to, on_stale, expr, inputs, map, invert, scale, offset, deadband, every_ms } });
});

test('a plain route asks for nothing but its ends', () => {
  expect(readDraft({ ...EMPTY_DRAFT, from: ' a/b ', to: 'c/d' })).toEqual({ ok: true, route: { from: 'a/b', to: 'c/d', on_stale: 'hold' } });
});

test('what cannot be read is said at its field', () => {
  const field = (change: Partial<typeof EMPTY_DRAFT>): string | null => {
    const read = readDraft({ ...EMPTY_DRAFT, from: 'a', to: 'b', ...change });
    return read.ok ? null : read.field;
  };
  expect(field({ from: ' ' })).toBe('from');
  expect(field({ to: '' })).toBe('to');
  expect(field({ scale: 'ten' })).toBe('scale');
  expect(field({ offset: 'Infinity' })).toBe('offset');
  expect(field({ deadband: '-1' })).toBe('deadband');
  for (const typed of ['0', '1.5', '-3']) expect(field({ every_ms: typed })).toBe('every_ms');
  expect(field({ inputs: [{ left: 'a', right: '' }] })).toBe('inputs');
  expect(field({ map: [{ left: '1', right: 'x' }, { left: '1', right: 'y' }] })).toBe('map');
  // Lines that say nothing are left out.
  expect(field({ map: [{ left: '', right: ' ' }], inputs: [{ left: '', right: '' }] })).toBeNull();
});

test('typed values keep their kind there and back', () => {
  for (const value of [true, false, 0, 3, -1.5, 1e-3, 'Ready', 'true', '7', '', ' a ', '"x"']) expect(valueOf(typedOf(value))).toBe(value);
  expect(valueOf('0x10')).toBe('0x10');
  expect(valueOf('')).toBe('');
});

describe('a table', () => {
  test('is read with quotes, blanks and both ends of line', () => {
    expect(parseCsv('\ufefffrom,to\r\n"a,""b""",c\n\nx,\n')).toEqual([['from', 'to'], ['a,"b"', 'c'], ['x', '']]);
    expect(parseCsv('')).toEqual([]);
    expect(parseCsv('a,"b\nc"')).toEqual([['a', 'b\nc']]);
  });

  test('says before what it would do', () => {
    const sent: RouteRow = { ...ROW, id: 4, to: 'x', source: 'piplc' };
    const child: RouteRow = { ...ROW, id: 5, to: 'y', pattern: 1 };
    const other: RouteRow = { ...ROW, id: 6, to: 'z' };
    const csv = 'scale,to,from\n1,twin/hmi/Alarm,twin/line/TankLevel\n,twin/hmi/New,twin/line/New\n';
    expect(forecast(csv, [ROW, sent, child, other])).toEqual({
      ok: true,
      forecast: { rows: 2, fresh: [{ from: 'twin/line/New', to: 'twin/hmi/New' }], known: 1, gone: [{ from: ROW.from, to: 'z' }] },
    });
  });

  test('without its columns is refused with what was expected', () => {
    expect(forecast('a,b\n1,2', [])).toEqual({ ok: false, expected: 'The first line names the columns. Expected at least from and to.' });
    expect(forecast('from,to\na,b\nc,', [])).toEqual({ ok: false, expected: 'Row 3 of the table has no to.' });
  });
});
