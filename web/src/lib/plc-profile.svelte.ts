/** What the rungs of the open context cost, asked for once a second as long as somebody looks and the hub measures. */

import { Asked } from './asked.svelte';
import { house } from './house.svelte';
import type { PlcProfile, PlcRungTime } from './plc-protocol';

const EVERY_MS = 1_000;

export class ProfileWatch {
  #context = $state<string | null>(null);
  #asked = $derived.by(() => {
    const id = this.#context;
    return id === null ? null : new Asked(() => house.api.plcProfile(id));
  });

  readonly profile: PlcProfile | null = $derived(this.#asked?.answer ?? null);
  readonly trouble: string | null = $derived(this.#asked?.trouble ?? null);
  /** By the number of the rung. */
  readonly times: ReadonlyMap<number, PlcRungTime> = $derived(new Map((this.profile?.rungs ?? []).map((time) => [time.rung, time])));

  /** Asks for this context from now on, or for none; gives what ends it. */
  watch(context: string | null): () => void {
    this.#context = context;
    if (context === null) return () => undefined;
    const ask = (): void => {
      if (!document.hidden && this.#asked?.isWaiting === false) void this.#asked.ask();
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => clearInterval(timer);
  }
}
