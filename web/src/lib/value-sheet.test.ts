import { expect, it } from 'vitest';
import { cutToFit, shownOf } from './value-sheet';

it('shows values in the words that they have everywhere, with the sign of their kind', () => {
  expect(shownOf('float', 1 / 3)).toEqual({ text: '0.333', look: 'plain' });
  expect(shownOf('int', -7)).toEqual({ text: '-7', look: 'plain' });
  expect(shownOf('bool', true)).toEqual({ text: 'true', look: 'true' });
  expect(shownOf('bool', false)).toEqual({ text: 'false', look: 'false' });
  expect(shownOf('text', 'Water')).toEqual({ text: 'Water', look: 'text' });
  expect(shownOf('text', '')).toEqual({ text: '(empty)', look: 'empty' });
  expect(shownOf('float', null)).toEqual({ text: '–', look: 'plain' });
});

it('cuts what does not fit, and never within a sign', () => {
  const widthOf = (text: string): number => [...text].length * 10;
  expect(cutToFit('Water 0.5 l', 110, widthOf)).toBe('Water 0.5 l');
  expect(cutToFit('Water 0.5 l', 109, widthOf)).toBe('Water 0.5…');
  expect(cutToFit('🌊🌊🌊', 20, widthOf)).toBe('🌊…');
  expect(cutToFit('Water', 5, widthOf)).toBe('…');
  expect(cutToFit('', 0, widthOf)).toBe('');
});
