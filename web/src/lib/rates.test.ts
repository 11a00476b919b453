import { expect, it } from 'vitest';
import { RateMeter } from './rates';

it('needs two readings', () => {
  const meter = new RateMeter();
  expect(meter.read('line', 1_000, { updates_in: 10, updates_out: 0 })).toBeNull();
  expect(meter.read('line', 3_000, { updates_in: 30, updates_out: 5 })).toEqual({ updates_in: 10, updates_out: 2.5 });
});

it('begins again when a counter went back or time stood still', () => {
  const meter = new RateMeter();
  meter.read('line', 1_000, { updates_in: 10, updates_out: 10 });
  expect(meter.read('line', 1_000, { updates_in: 12, updates_out: 12 })).toBeNull();
  expect(meter.read('line', 2_000, { updates_in: 0, updates_out: 13 })).toBeNull();
  expect(meter.read('line', 3_000, { updates_in: 1, updates_out: 14 })).toEqual({ updates_in: 1, updates_out: 1 });
});

it('forgets who has gone', () => {
  const meter = new RateMeter();
  meter.read('a', 1_000, { updates_in: 0, updates_out: 0 });
  meter.keep([]);
  expect(meter.read('a', 2_000, { updates_in: 5, updates_out: 0 })).toBeNull();
});
