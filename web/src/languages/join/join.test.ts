import { beforeAll, describe, expect, it } from 'vitest';
import { LANGUAGES, type LanguageCode } from '../language.svelte';
import { gapWords, waitWords } from '../../join/waits';
import { JOIN } from './index.svelte';
import type { JoinTexts } from './texts';

/** Every text by its path, functions called with their gaps marked. */
function textsOf(value: unknown, path = ''): [string, string, number][] {
  if (typeof value === 'string') return [[path, value, -1]];
  if (typeof value === 'function') return [[path, String(value(...Array.from({ length: value.length }, (_, at) => `<${at}>`))), value.length]];
  return Object.entries(value as object).flatMap(([key, part]) => textsOf(part, `${path}.${key}`));
}

/** Words that are the same everywhere. */
const SAME = new Set(['.details.times', '.panel.codeWanted', '.notReviewed']);

describe('the texts of joining', () => {
  const all = {} as Record<LanguageCode, JoinTexts>;
  beforeAll(async () => {
    for (const { code } of LANGUAGES) all[code] = await JOIN[code]();
  });

  it.each(LANGUAGES.map(({ code, isReviewed }) => [code, isReviewed] as const))('%s has every text with every gap', (code, isReviewed) => {
    const english = textsOf(all.en);
    const texts = textsOf(all[code]);
    expect(texts.map(([path, , gaps]) => [path, gaps])).toEqual(english.map(([path, , gaps]) => [path, gaps]));
    for (const [path, text, gaps] of texts) {
      if (path !== '.notReviewed') expect(text.trim(), path).not.toBe('');
      for (let at = 0; at < gaps; at += 1) expect(text, path).toContain(`<${at}>`);
    }
    expect(all[code].notReviewed !== '').toBe(!isReviewed);
    if (code === 'en') return;
    const left = texts.filter(([path, text], at) => !SAME.has(path) && text === english[at]?.[1]);
    expect(left).toEqual([]);
  });

  it('says the reasons of the hub in the language of the pupil', () => {
    const { wait } = all.fr;
    expect(waitWords('the class is full (4 of 4)', wait)).toEqual({ text: wait.full('4', '4'), isForeign: false });
    expect(waitWords('GAMA has not made the player: no room', wait).text).toBe(wait.refused('no room'));
    for (const [sentence, text] of [
      ['the experiment is not running', wait.notRunning],
      ['the experiment is loading', wait.loading],
      ['GAMA is not connected', wait.gamaAway],
      ['GAMA is making the player', wait.making],
      ['this class runs without GAMA: there is no game to be in', wait.withoutGama],
      ['add it to the game, or let its headset connect again', wait.toBeAdded],
    ] as const) expect(waitWords(sentence, wait)).toEqual({ text, isForeign: false });
    expect(waitWords('something new', wait)).toEqual({ text: 'something new', isForeign: true });
    expect(waitWords(null, wait).text).toBe(wait.unknown);
  });

  it('promises the seat only while the hub is there', () => {
    expect(gapWords('lost', true, all.en)).toBe('The connection is lost. Your seat is kept.');
    expect(gapWords('lost', false, all.en)).toBe('The connection is lost.');
    expect(gapWords('ended', true, all.en)).toBe(all.en.gap.ended);
  });
});
