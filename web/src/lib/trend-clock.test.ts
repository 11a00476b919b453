import { expect, test } from 'vitest';
import { WorldTime } from './trend-clock';

const WORLD = 1_700_000_000_000;

test('at the rate of the world the word that came fastest tells when', () => {
  const time = new WorldTime();
  time.begin(1_000, WORLD + 80);
  time.heard(2_000, WORLD + 1_020);
  time.heard(3_000, WORLD + 2_090);
  expect(time.at(2_500, WORLD + 3_000)).toBeCloseTo(WORLD + 1_520, -1);
});

test('a value is never later than it was heard', () => {
  const time = new WorldTime();
  time.begin(1_000, WORLD);
  expect(time.at(9_000, WORLD + 50)).toBe(WORLD + 50);
});

test('a hub that hurries: ten of its seconds are one of the world', () => {
  const time = new WorldTime();
  time.begin(0, WORLD);
  time.go(10, null, 5_000, WORLD + 5_000);
  expect(time.at(15_000, WORLD + 7_000)).toBe(WORLD + 6_000);
  // What was before the change is where it was.
  expect(time.at(4_000, WORLD + 7_000)).toBe(WORLD + 4_000);
});

test('while the time stands only the hearing tells, and a step has an end', () => {
  const time = new WorldTime();
  time.begin(0, WORLD);
  time.go(0, null, 1_000, WORLD + 1_000);
  expect(time.at(1_000, WORLD + 60_000)).toBe(WORLD + 60_000);
  time.go(1, 1_500, 1_000, WORLD + 70_000);
  expect(time.at(1_200, WORLD + 71_000)).toBe(WORLD + 70_200);
  expect(time.at(1_500, WORLD + 99_000)).toBe(WORLD + 99_000);
});

test('after a replay has led it the world goes on where it was', () => {
  const time = new WorldTime();
  time.begin(0, WORLD);
  time.go(4, null, 1_000, WORLD + 1_000);
  time.go(0, null, 9_000, WORLD + 3_000);
  time.go(1, null, 9_000, WORLD + 10_000);
  expect(time.at(5_000, WORLD + 20_000)).toBe(WORLD + 2_000);
  expect(time.at(9_500, WORLD + 20_000)).toBe(WORLD + 10_500);
});

test('a hub that was started again has another time', () => {
  const time = new WorldTime();
  time.begin(500_000, WORLD);
  time.heard(100, WORLD + 10_000);
  expect(time.at(600, WORLD + 12_000)).toBe(WORLD + 10_500);
});

test('a jump that nobody has announced is believed', () => {
  const time = new WorldTime();
  time.begin(0, WORLD);
  time.heard(60_000, WORLD + 1_000);
  expect(time.at(60_500, WORLD + 9_000)).toBe(WORLD + 1_500);
  expect(time.at(400, WORLD + 9_000)).toBe(WORLD + 400);
});

test('moves with a clock of this machine that was wrong', () => {
  const time = new WorldTime();
  time.begin(0, WORLD);
  time.shift(5_000);
  expect(time.at(1_000, WORLD + 90_000)).toBe(WORLD + 6_000);
});
