/**
 * Something that is done to the class. What became of it is kept as what happened, not as words: it is read in the language
 * that is chosen then, and whoever does not understand an answer may switch.
 */

import type { ClassroomTexts } from '../languages/classroom/texts';
import { HubError, isUnanswered } from './hub';

/** A text in the language of the moment. */
export type Told = (texts: ClassroomTexts) => string;

/** What became of it: what to say, or what failed and why. */
export type ClassOutcome = { ok: true; told: Told } | { ok: false; what: Told; error: unknown };

export class ClassAct {
  outcome = $state.raw<ClassOutcome | null>(null);
  isWaiting = $state(false);

  /** Does `act`, one thing at a time, and keeps what it tells; `what` says what failed and ends with a colon. */
  async do(what: Told, act: () => Promise<Told | void>): Promise<boolean> {
    if (this.isWaiting) return false;
    this.isWaiting = true;
    this.outcome = null;
    try {
      const told = await act();
      this.outcome = told ? { ok: true, told } : null;
      return true;
    } catch (error) {
      this.outcome = { ok: false, what, error };
      return false;
    } finally {
      this.isWaiting = false;
    }
  }

  forget(): void {
    this.outcome = null;
  }
}

/** Why something failed: in the chosen language where the page knows it by its code, else in the hub's own words. `isWhole` says all. */
export function refusalWords(error: unknown, { refusal }: ClassroomTexts): { text: string; isHubs: boolean; isWhole: boolean } {
  if (isUnanswered(error)) return { text: refusal.unanswered, isHubs: false, isWhole: true };
  if (error instanceof HubError && error.code === 'unreachable') return { text: refusal.unreachable, isHubs: false, isWhole: false };
  return { text: error instanceof Error ? error.message : String(error), isHubs: true, isWhole: false };
}
