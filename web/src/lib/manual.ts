/** The manual in the browser. It is fetched piece by piece, and only by those who want it: import this module on demand. */

import { entries, fetchInstructions, fetchPage, fetchSettings, fetchWords } from 'virtual:manual';
import { ManualIndex } from './manual-search';
import type { InstructionsHelp, ManualEntry, ManualPage, ManualSection, SettingHelp } from './manual-types';

export const contents: readonly ManualEntry[] = entries;

/** What was fetched comes once; what did not come is asked for anew. */
function once<T>(fetch: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | null = null;
  return () => {
    known ??= fetch().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
}

/** A page of the manual; null if there is none of this name. */
export async function pageOf(slug: string): Promise<ManualPage | null> {
  if (!Object.hasOwn(fetchPage, slug)) return null;
  return (await fetchPage[slug]?.())?.default ?? null;
}

/** A section, and the headings right below it; the first one of the page without an anchor. Null if there is none. */
export async function sectionOf(slug: string, at: string | null): Promise<{ section: ManualSection; below: ManualSection[] } | null> {
  const sections = (await pageOf(slug))?.sections ?? [];
  const index = at === null ? 0 : sections.findIndex(({ id }) => id === at);
  const section = sections[index];
  if (!section) return null;
  const following = sections.slice(index + 1);
  const end = following.findIndex(({ level }) => level <= section.level);
  const within = end < 0 ? following : following.slice(0, end);
  return { section, below: within.filter(({ level }) => level === section.level + 1) };
}

export const indexOf: () => Promise<ManualIndex> = once(async () => new ManualIndex(entries, (await fetchWords()).default));
export const settingsHelp: () => Promise<Record<string, SettingHelp>> = once(async () => (await fetchSettings()).default);
export const instructionsHelp: () => Promise<InstructionsHelp> = once(async () => (await fetchInstructions()).default);
