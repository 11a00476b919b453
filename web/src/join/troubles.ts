/** What was wrong with messages, one line for each kind of mistake, with how often and where last. */

import type { Trouble } from './protocol';

/** Lines that are kept; a further kind of mistake takes the place of the oldest. */
export const LINES_MAX = 20;

export interface TroubleLine extends Trouble {
  count: number;
}

export class Troubles {
  lines: TroubleLine[] = [];

  add({ word, where }: Trouble): void {
    // The same mistake at another thing is the same line.
    const sign = where.replace(/\d+/g, '#');
    const known = this.lines.find((line) => line.word === word && line.where.replace(/\d+/g, '#') === sign);
    if (known) {
      known.count += 1;
      known.where = where;
    } else this.lines = [...this.lines, { word, where, count: 1 }].slice(-LINES_MAX);
  }
}
