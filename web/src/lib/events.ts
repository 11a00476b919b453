/**
 * The hub's problems as a list to work through: unacknowledged before acknowledged, errors before warnings, oldest
 * first. A problem that is over while somebody looks stays in the list, marked as gone, so that nothing vanishes
 * between two glances.
 */

import type { Problem } from './protocol';

export interface EventRow {
  problem: Problem;
  /** It is over; shown until the list is visited anew. */
  isGone: boolean;
}

/** Gone events beyond these are left out, the oldest first. */
export const GONE_MAX = 50;

export class EventList {
  #now = new Map<string, Problem>();
  #gone = new Map<string, Problem>();

  /** Takes the hub's newest list. */
  update(problems: readonly Problem[]): void {
    const now = new Map(problems.map((problem) => [problem.id, problem]));
    for (const [id, problem] of this.#now) {
      if (!now.has(id)) this.#gone.set(id, problem);
    }
    for (const id of now.keys()) this.#gone.delete(id);
    for (const id of this.#gone.keys()) {
      if (this.#gone.size <= GONE_MAX) break;
      this.#gone.delete(id);
    }
    this.#now = now;
  }

  forgetGone(): void {
    this.#gone.clear();
  }

  clear(): void {
    this.#now.clear();
    this.#gone.clear();
  }

  rows(): EventRow[] {
    const rows = [
      ...[...this.#now.values()].map((problem) => ({ problem, isGone: false })),
      ...[...this.#gone.values()].map((problem) => ({ problem, isGone: true })),
    ];
    return rows.sort((left, right) => weight(left) - weight(right) || left.problem.first_seen_ms - right.problem.first_seen_ms);
  }
}

/** Smaller comes first. */
function weight({ problem, isGone }: EventRow): number {
  return (isGone ? 4 : 0) + (problem.acknowledged ? 2 : 0) + (problem.severity === 'error' ? 0 : 1);
}

/** The number for the top bar: what nobody has acknowledged yet. */
export function countNew(problems: readonly Problem[]): number {
  return problems.filter((problem) => !problem.acknowledged).length;
}
