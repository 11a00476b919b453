/** Trends that somebody keeps in this browser, each under a name. */

import { recall, remember } from './memory';

export interface SavedTrend {
  name: string;
  /** The query of its address. */
  search: string;
}

function isList(value: unknown): value is SavedTrend[] {
  return Array.isArray(value) && value.every((each) => typeof each?.name === 'string' && typeof each?.search === 'string');
}

class SavedTrends {
  list = $state.raw<readonly SavedTrend[]>(recall('trends', isList, []));

  /** Keeps a trend; one of the same name is replaced. */
  save(name: string, search: string): void {
    this.#set([...this.list.filter((each) => each.name !== name), { name, search }].sort((one, other) => one.name.localeCompare(other.name)));
  }

  remove(name: string): void {
    this.#set(this.list.filter((each) => each.name !== name));
  }

  #set(list: readonly SavedTrend[]): void {
    this.list = list;
    remember('trends', list);
  }
}

export const savedTrends = new SavedTrends();
