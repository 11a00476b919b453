/** In which format the numbers of each place are shown: chosen at an operand, remembered on this device. */

import { recallFormats, withFormat, type NumberFormat } from './number-format';

class Formats {
  #known = $state.raw(recallFormats());

  /** The format of a place, by the name of its signal. */
  of(name: string): NumberFormat {
    return this.#known[name] ?? 'dec';
  }

  choose(name: string, format: NumberFormat): void {
    this.#known = withFormat(this.#known, name, format);
  }
}

export const formats = new Formats();
