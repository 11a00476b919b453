import { expect, it } from 'vitest';
import { OrderClock } from './order-clock';

it('counts the word of the hub that was the shortest on its way', () => {
  const clock = new OrderClock();
  expect(clock.at(5)).toBeNull();
  clock.heard(1_000, 100);
  expect(clock.at(100)).toBe(1_000);
  // The next one was held up for four seconds: the hub is no younger for that.
  clock.heard(2_000, 5_100);
  expect(clock.at(5_100)).toBe(6_000);
  clock.heard(6_100.4, 5_200);
  expect(clock.at(5_201)).toBe(6_101);
});

it('follows a hub whose clock goes more slowly, and begins anew with another run', () => {
  const clock = new OrderClock();
  for (let second = 0; second <= 120; second += 1) clock.heard(second * 990, second * 1_000);
  // A hundredth of a minute, at most.
  expect(Math.abs((clock.at(120_000) ?? 0) - 118_800)).toBeLessThanOrEqual(600);
  clock.forget();
  expect(clock.at(120_000)).toBeNull();
  clock.heard(3, 120_000);
  expect(clock.at(120_000)).toBe(3);
  expect(clock.at(0)).toBe(0);
});
