/** Why a pupil is not in the game yet: the hub's sentences in the pupil's language. */

import type { JoinTexts, WaitTexts } from '../languages/join/texts';
import type { Gap } from './link';

/** The sentences that the hub is known to say. */
const KNOWN: readonly [RegExp, (texts: WaitTexts, gaps: string[]) => string][] = [
  [/^the experiment is not running$/, (texts) => texts.notRunning],
  [/^the experiment is loading$/, (texts) => texts.loading],
  [/^GAMA is not connected$/, (texts) => texts.gamaAway],
  [/^GAMA is making the player$/, (texts) => texts.making],
  [/^the class is full \((\d+) of (\d+)\)$/, (texts, [taken = '', most = '']) => texts.full(taken, most)],
  [/^this class runs without GAMA/, (texts) => texts.withoutGama],
  [/^GAMA has not made the player: (.*)$/s, (texts, [words = '']) => texts.refused(words)],
  [/^add it to the game/, (texts) => texts.toBeAdded],
];

/** The words for what the hub says; a sentence that is not known stays as it came, and null is what is always true. */
export function waitWords(sentence: string | null, texts: WaitTexts): { text: string; isForeign: boolean } {
  if (sentence === null) return { text: texts.unknown, isForeign: false };
  for (const [pattern, words] of KNOWN) {
    const found = pattern.exec(sentence);
    if (found) return { text: words(texts, found.slice(1)), isForeign: false };
  }
  return { text: sentence, isForeign: true };
}

/** Why there is no connection just now. That the seat is kept is promised only while the hub, which keeps it, is there. */
export function gapWords(gap: Gap, isHubReached: boolean, { gap: gaps, seatKept }: Pick<JoinTexts, 'gap' | 'seatKept'>): string {
  return gap === 'lost' && isHubReached ? `${gaps.lost} ${seatKept}` : gaps[gap];
}
