/** The watch list of this browser: names of signals that the overview shows live. */

import { recall, remember } from './memory';

/** More would not be seen at a glance; the signals page is for more. */
export const PINS_MAX = 24;

function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

class Pins {
  names = $state.raw<readonly string[]>(recall('pins', isNameList, []).slice(0, PINS_MAX));

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** Pins or unpins; a full list takes no more. */
  toggle(name: string): void {
    if (this.has(name)) this.names = this.names.filter((pinned) => pinned !== name);
    else if (this.names.length < PINS_MAX) this.names = [...this.names, name];
    remember('pins', this.names);
  }
}

export const pins = new Pins();
