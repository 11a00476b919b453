/**
 * The texts of joining, in the language that was chosen on this device. Thirty phones load the page over one WLAN, so each fetches
 * its own language only, from the hub.
 */

import { language, type LanguageCode, type Table } from '../language.svelte';
import type { JoinTexts } from './texts';

export const JOIN: Table<() => Promise<JoinTexts>> = {
  en: async () => (await import('./en')).en,
  fr: async () => (await import('./fr')).fr,
  vi: async () => (await import('./vi')).vi,
  th: async () => (await import('./th')).th,
  lo: async () => (await import('./lo')).lo,
  km: async () => (await import('./km')).km,
};

class JoinLanguage {
  texts = $state.raw<JoinTexts | null>(null);

  /** Fetches a language; while it is on its way, and when it does not come, what is shown stays. */
  async read(code: LanguageCode): Promise<void> {
    const texts = await JOIN[code]();
    if (code === language.code) this.texts = texts;
  }
}

export const joinLanguage = new JoinLanguage();

/** The texts in the chosen language, once they are there; where it is read in markup it follows the choice. */
export function joinTexts(): JoinTexts {
  if (joinLanguage.texts === null) throw new Error('the texts of joining are read before the page is shown');
  return joinLanguage.texts;
}
