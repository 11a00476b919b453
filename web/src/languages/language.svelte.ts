/**
 * The language of the classroom's pages: Classroom and Join. The rest of the page is in English.
 *
 * Each page has one table, typed as a `Table`: every language has every text, or the page does not build. A text with a gap is
 * a function. All languages come with the page that uses them, so a room without internet lacks none.
 */

/** A language by its code (BCP 47), as it calls itself; what nobody has proofread says so on the page. */
export const LANGUAGES = [
  { code: 'en', name: 'English', isReviewed: true },
  { code: 'fr', name: 'Français', isReviewed: true },
  { code: 'vi', name: 'Tiếng Việt', isReviewed: true },
  { code: 'th', name: 'ไทย', isReviewed: false },
  { code: 'lo', name: 'ລາວ', isReviewed: false },
  { code: 'km', name: 'ខ្មែរ', isReviewed: false },
] as const;

export type LanguageCode = (typeof LANGUAGES)[number]['code'];

/** The texts of a page in all languages. */
export type Table<Texts> = Record<LanguageCode, Texts>;

const STORE = 'crosstie-language';

function isCode(code: string | null): code is LanguageCode {
  return LANGUAGES.some((language) => language.code === code);
}

/** The first of the wanted languages (such as `fr-CA`) that there is; English where there is none. */
export function firstOf(wanted: readonly string[]): LanguageCode {
  for (const tag of wanted) {
    const code = tag.toLowerCase().split('-', 1)[0] ?? '';
    if (isCode(code)) return code;
  }
  return 'en';
}

class LanguageChoice {
  /** What was chosen on this device, else what the browser asks for. */
  code = $state<LanguageCode>(read() ?? firstOf(globalThis.navigator?.languages ?? []));
  isReviewed = $derived(LANGUAGES.find(({ code }) => code === this.code)?.isReviewed ?? true);

  choose(code: string): void {
    if (!isCode(code)) return;
    this.code = code;
    try {
      localStorage.setItem(STORE, code);
    } catch {
      // A browser that stores nothing keeps the choice until the page is closed.
    }
  }
}

function read(): LanguageCode | null {
  try {
    const code = localStorage.getItem(STORE);
    return isCode(code) ? code : null;
  } catch {
    return null;
  }
}

export const language = new LanguageChoice();
