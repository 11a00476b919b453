import { expect, test } from 'vitest';
import { settingKey, unitOf } from './setting-help';

test('the name of an endpoint or a context is left out, dots or not', () => {
  expect(settingKey('web.port')).toBe('web.port');
  expect(settingKey('realvirtual.line.port')).toBe('realvirtual.port');
  expect(settingKey('realvirtual.hall.2.port')).toBe('realvirtual.port');
});

test('units are read from the ends of names', () => {
  expect(['hub.stale_after_ms', 'record.max_minutes', 'history.max_mb', 'history.seconds_days', 'realvirtual.cell.reconnect_interval_seconds'].map(unitOf)).toEqual(['ms', 'min', 'MB', 'days', 's']);
  expect(unitOf('web.port')).toBeNull();
  expect(unitOf('web.ms')).toBeNull();
});
