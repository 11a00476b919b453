/**
 * Where this browser keeps the key of a hub: for one tab, or for the device. A hub in a folder of its own (behind a
 * proxy) has a key of its own, though it shares its host with others.
 */

export type Keeping = 'tab' | 'device';

/** The two stores of a browser, as far as keys need them. */
export interface Stores {
  tab: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  device: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

export class KeyStore {
  readonly #name: string;
  readonly #stores: () => Stores;

  /** `base` is the folder of the page. A browser that forbids its stores throws on the first touch, so they come by a function. */
  constructor(base: string, stores: () => Stores = () => ({ tab: sessionStorage, device: localStorage })) {
    this.#name = `crosstie.key ${new URL(base).pathname}`;
    this.#stores = stores;
  }

  /** The kept key and where it is kept; the tab's own goes before the device's. */
  read(): { key: string; keeping: Keeping } | null {
    for (const keeping of ['tab', 'device'] as const) {
      const key = this.#try((stores) => stores[keeping].getItem(this.#name));
      if (key) return { key, keeping };
    }
    return null;
  }

  /** Keeps a key in one place and in no other. A browser that keeps nothing asks again after a reload. */
  write(key: string, keeping: Keeping): void {
    this.forget();
    this.#try((stores) => stores[keeping].setItem(this.#name, key));
  }

  forget(): void {
    this.#try((stores) => stores.tab.removeItem(this.#name));
    this.#try((stores) => stores.device.removeItem(this.#name));
  }

  #try<T>(touch: (stores: Stores) => T): T | null {
    try {
      return touch(this.#stores());
    } catch {
      return null;
    }
  }
}
