import { describe, expect, it } from 'vitest';
import { badgeOf, hueOf, ownMark, seatMarks } from './seat-sign';

const NAMES = 'Anna Minh Ada Bo Cleo Dara Emil Fay Gus Hoa Ida Jan Kim Lan Mai Nam Olga Pia Quy Rosa Sam Thu Uma Van Wim Xuan Yen Zoe Ana Ben'.split(' ');
const told = (ids: readonly string[]): string[] => [...seatMarks(ids).values()].map(({ hue, shape }) => `${hue} ${shape}`);

describe('the signs of seats', () => {
  it('differ for thirty pupils, by name and by number', () => {
    expect(NAMES.length).toBe(30);
    expect(new Set(told(NAMES)).size).toBe(30);
    expect(new Set(told(NAMES.map((_, at) => `Player_${101 + at * 12}`))).size).toBe(30);
    expect(new Set(told(Array.from({ length: 48 }, (_, at) => `seat ${at}`))).size).toBe(48);
    expect(told(Array.from({ length: 60 }, (_, at) => `seat ${at}`)).length).toBe(60);
  });

  it('have a colour each while there are colours, and neighbours are far apart', () => {
    const hues = [...seatMarks(NAMES.slice(0, 12)).values()].map(({ hue }) => hue);
    expect(new Set(hues).size).toBe(12);
    const [first, second] = [ownMark('Player_101').hue, ownMark('Player_102').hue];
    expect(Math.abs(first - second)).toBeGreaterThanOrEqual(90);
  });

  it('stay as others come, and mostly as they go', () => {
    const before = seatMarks(NAMES.slice(0, 10));
    const after = seatMarks(NAMES.slice(0, 9));
    for (const id of NAMES.slice(0, 9)) expect(after.get(id)).toEqual(before.get(id));
    for (const id of NAMES) expect([...seatMarks([id]).values()]).toEqual([ownMark(id)]);
    const firsts = NAMES.filter((id, at) => !NAMES.slice(0, at).some((other) => ownMark(other).hue === ownMark(id).hue));
    const marks = seatMarks(NAMES);
    for (const id of firsts) expect(marks.get(id)).toEqual(ownMark(id));
  });

  it('have a badge, and species a hue', () => {
    expect([badgeOf('Player_101'), badgeOf('Anna'), badgeOf('seat 7 left'), badgeOf('')]).toEqual(['101', 'AN', '7', '']);
    const hues = [101, 102, 103, 104, 105, 106].map((number) => hueOf(`Player_${number}`)).toSorted((left, right) => left - right);
    expect(Math.min(...hues.slice(1).map((hue, at) => hue - (hues[at] ?? 0)))).toBeGreaterThan(20);
  });
});
