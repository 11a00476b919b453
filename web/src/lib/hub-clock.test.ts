import { expect, test } from 'vitest';
import { HubClock } from './hub-clock';

test('the hub’s time goes at its rate, stands, and never passes the end of a step', () => {
  const clock = new HubClock();
  clock.set(1_000, 50);
  expect(clock.at(150)).toBe(1_100);
  clock.go(10, null, 150);
  expect(clock.at(150)).toBe(1_100);
  expect(clock.at(250)).toBe(2_100);
  clock.go(0, null, 250);
  expect(clock.at(9_000)).toBe(2_100);
  clock.go(1, 2_150, 9_000);
  expect(clock.at(9_020)).toBe(2_120);
  expect(clock.at(9_999)).toBe(2_150);
  // What the hub says is right, also beyond the end that was known.
  clock.set(2_400, 10_000);
  expect(clock.at(10_100)).toBe(2_400);
});
