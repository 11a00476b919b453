import { describe, expect, it } from 'vitest';
import { en } from './classroom/en';
import { fr } from './classroom/fr';
import { vi } from './classroom/vi';
import { countIn, periodWords, pluralIn, spanWords } from './measures';

const HOUR = 3_600_000;

describe('spans of time', () => {
  it('stand in their largest unit, and in two from an hour on', () => {
    const spans = [-5, 999, 1_000, 59_999, 60_000, HOUR, HOUR + 125_000, 25 * HOUR];
    expect(spans.map((span) => spanWords(en.units, span))).toEqual(['< 1 s', '< 1 s', '1 s', '59 s', '1 min', '1 h 0 min', '1 h 2 min', '1 d 1 h']);
    expect(spanWords(vi.units, 125_000)).toBe('2 phút');
    expect(spanWords(fr.units, 25 * HOUR)).toBe('1 j 1 h');
  });

  it('are not rounded where somebody has set them', () => {
    expect([periodWords(en.units, 5000), periodWords(en.units, 250)]).toEqual(['5 s', '250 ms']);
  });
});

describe('counts', () => {
  it('are marked as the language does', () => {
    expect([countIn('en')(123_456), countIn('vi')(123_456), countIn('fr')(123_456)]).toEqual(['123,456', '123.456', '123\u202f456']);
  });

  it('have the noun in its form: none is one in French, and more in English', () => {
    expect([0, 1, 2].map((count) => pluralIn('en')(count, 'player', 'players'))).toEqual(['0 players', '1 player', '2 players']);
    expect([0, 1, 2].map((count) => pluralIn('fr')(count, 'joueur', 'joueurs'))).toEqual(['0 joueur', '1 joueur', '2 joueurs']);
  });
});
