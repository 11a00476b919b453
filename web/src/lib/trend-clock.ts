/**
 * From the hub's time, in which live values are, to the world's, in which the history is and a person reads a trend.
 *
 * The hub's time goes at a rate of its own, stands, makes steps and begins anew with each start of the hub. What it was
 * told as is kept as a few spans with a rate each, so that a value is put where it was when the rate was another one.
 */

/** Spans that are remembered: a value is never late by more of them. */
const SPANS_MAX = 64;
/** What a word of the hub may differ from what was expected before it counts as a jump. */
const JUMP_MS = 2_000;
/** How fast two clocks of real machines may drift apart, with a good margin: a part in 2,000. */
const DRIFT = 1 / 2_000;

interface Span {
  hub: number;
  world: number;
  /** Milliseconds of the hub in one of the world; 0 while it stands. */
  rate: number;
  /** Where a step ends, in the hub's time. */
  until: number;
}

export class WorldTime {
  #spans: Span[] = [];
  #heardAt = Number.NEGATIVE_INFINITY;

  /** Another hub, or the same one anew: what was before says nothing of its time. */
  begin(hub: number, world: number): void {
    this.#spans = [{ hub, world, rate: 1, until: Number.POSITIVE_INFINITY }];
    this.#heardAt = world;
  }

  /** The hub has said how its time goes from now on. */
  go(rate: number, until: number | null, hub: number, world: number): void {
    const newest = this.#newest;
    const end = until ?? Number.POSITIVE_INFINITY;
    if (newest && newest.rate === rate && newest.until === end) return this.heard(hub, world);
    if (newest && hub < newest.hub) this.#spans = [];
    this.#add({ hub, world, rate, until: end });
  }

  /** The hub has said what its time is. The word that was on its way for the shortest time tells best. */
  heard(hub: number, world: number): void {
    const newest = this.#newest;
    if (!newest) return this.begin(hub, world);
    const elapsed = Math.max(0, world - this.#heardAt);
    this.#heardAt = world;
    if (hub < newest.hub - JUMP_MS) return this.begin(hub, world);
    if (newest.rate === 0) return hub > newest.hub + JUMP_MS ? this.#add({ ...newest, hub, world }) : undefined;
    const expected = newest.world + (Math.min(hub, newest.until) - newest.hub) / newest.rate;
    if (hub >= newest.until) return undefined;
    if (Math.abs(world - expected) > JUMP_MS) this.#add({ ...newest, hub, world });
    else newest.world += Math.min(world - expected, elapsed * DRIFT);
    return undefined;
  }

  /** When it was in the world that the hub's time was `hub`; never after the moment at which the page heard of it. */
  at(hub: number, heard: number): number {
    for (let index = this.#spans.length - 1; index >= 0; index -= 1) {
      const span = this.#spans[index];
      if (!span || (hub < span.hub && index > 0)) continue;
      // While the time stands, and after the end of a step, nothing but the hearing tells when.
      if (span.rate === 0 || hub >= span.until) return heard;
      return Math.min(heard, span.world + (hub - span.hub) / span.rate);
    }
    return heard;
  }

  /** The page has learnt that its own clock was wrong by so much. */
  shift(by: number): void {
    for (const span of this.#spans) span.world += by;
    this.#heardAt += by;
  }

  get #newest(): Span | undefined {
    return this.#spans.at(-1);
  }

  #add(span: Span): void {
    this.#spans.push(span);
    if (this.#spans.length > SPANS_MAX) this.#spans.shift();
    this.#heardAt = span.world;
  }
}
