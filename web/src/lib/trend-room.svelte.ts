/** What the page of trends knows and does: its signals, the span that is seen, the cursors, and the picture of each moment. */

import { untrack } from 'svelte';
import type { Row } from './catalog';
import { house } from './house.svelte';
import type { Kind, Value } from './protocol';
import { router } from './router.svelte';
import { Columns, extent, fillColumns, fillGaps, type Grid } from './trend-columns';
import { History, type Question, type Remembered } from './trend-history';
import { added, axisRange, changed, fromSearch, lanesOf, movedBefore, movedBy, removed, toSearch, withLanes, type Lane, type Scale, type Trend, type TrendSignal } from './trend-lanes';
import { Recorder } from './trend-recorder';
import { valueAt } from './trend-statistics';
import { GAP, type Source } from './trend-track';
import { panned, spanOf, zoomed, SPAN_FIRST, type Span, type View } from './trend-view';

/** How often the picture follows the values at most. */
const PICTURE_EVERY_MS = 100;
/** How long a value that came waits for its picture at most. */
const PICTURE_REST_MS = 400;
/** Of so many pictures one is a glance. */
const GLANCE_EVERY = 4;
/** Of so many turns one shows new values in the legend. */
const BEAT_EVERY = 3;
/** The history is asked when nobody has moved the view for so long. */
const HISTORY_REST_MS = 250;
/** So long a lane waits for the history to say how large a signal was. */
const LANE_WAIT_MS = 1_500;
/** What the clocks of the hub and of this machine may differ before the hub's counts. */
const SKEW_MS = 50;

/** How exactly it is known when the hub was started. */
const START_MS = 500;

const NO_SOURCE: Source = { rings: () => [] };

export type CursorWord = 'a' | 'b';

export class TrendRoom {
  trend = $state.raw<Trend>({ signals: [], scales: {} });
  view = $state.raw<View>({ kind: 'live', span: SPAN_FIRST });
  cursors = $state.raw<{ a: number | null; b: number | null }>({ a: null, b: null });
  /** The cursor that arrows move. */
  active = $state.raw<CursorWord | null>(null);
  /** Where the pointer is. */
  hover = $state.raw<number | null>(null);
  /** Pixels of the plot. */
  width = $state(600);
  /** Grows with each picture; whoever draws reads it. */
  picture = $state(0);
  /** What is seen in the picture. */
  seen = $state.raw<Span>({ from: 0, to: 1 });
  /** What could not be added, in words. */
  notice = $state.raw('');
  readonly columns = new Map<string, Columns>();
  /** The smallest and the largest of each signal in the picture. */
  readonly extents = new Map<string, [number, number] | null>();
  /** Grows a few times a second: for live values, which nobody reads faster. */
  beat = $state(0);
  /** Grows with some of the pictures of a live view, and with each of one that is held: for words, which nobody reads ten times a second. */
  glance = $state(0);
  readonly ranges = new Map<number, [number, number]>();
  readonly recorder = new Recorder();
  readonly history: History;
  lanes = $derived.by(() => {
    void this.#kinds;
    return lanesOf(this.trend, (name) => this.kindOf(name));
  });
  /** Grows when the kind of a signal became known. */
  #kinds = $state(0);
  #kindsKnown = '';
  #historyKinds = new Map<string, Kind>();
  #askedAt = new Map<string, number>();
  #skew = 0;
  #written = '';
  #isDirty = true;
  /** Values came. */
  #isHeard = false;
  #turns = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #movedAt = 0;
  #other = new Columns(0);

  constructor() {
    this.history = new History(house.api, {
      numberOf: (name, value) => this.#numberOf(name, value),
      startedAt: () => this.now() - house.hubAge() - START_MS,
      now: () => this.now(),
      clock: (hub_ms, now, uncertain_ms) => this.#compare(hub_ms, now, uncertain_ms),
      heard: () => this.touch(),
    });
    this.#read();
  }

  /** The world's time, by the hub's machine where that is known. */
  now(): number {
    return performance.timeOrigin + performance.now() + this.#skew;
  }

  /** Listens and draws until what is returned is called. */
  begin(): () => void {
    const end = house.listen({
      greeted: (now_ms) => {
        this.recorder.greet(now_ms, this.now());
        this.history.begin();
        this.touch();
      },
      message: (message) => {
        this.recorder.hear(message, this.now());
        this.#isHeard = true;
      },
      lost: () => {
        this.recorder.lose();
        this.history.cancel();
        this.touch();
      },
      left: () => {
        this.recorder.clear();
        this.history.begin();
        this.touch();
      },
    });
    this.#signalsChanged();
    // Who begins to listen later than the channel has not heard how the hub's clock goes.
    const clock = house.time.clock.state;
    if (house.isLive && clock) this.recorder.time.go(clock.running ? clock.rate : 0, clock.until_ms, house.hubTime(), this.now());
    const timer = setInterval(() => this.#turn(), PICTURE_EVERY_MS);
    return () => {
      end();
      clearInterval(timer);
      this.history.cancel();
      house.setView([]);
    };
  }

  /** Something has changed: the next turn draws. */
  touch(): void {
    this.#isDirty = true;
  }

  // What the address says.

  /** To be read by an effect: back and forward of the browser change the address from outside. */
  follow(): void {
    if (router.search !== this.#written) untrack(() => this.#read());
  }

  #read(): void {
    const { trend, view, cursors } = fromSearch(router.search);
    this.#written = router.search;
    this.trend = trend;
    this.view = view ?? { kind: 'live', span: SPAN_FIRST };
    this.cursors = cursors;
    this.#signalsChanged();
  }

  #write(): void {
    this.#written = toSearch({ trend: this.trend, view: this.view, cursors: this.cursors });
    router.replaceSearch(this.#written);
    this.touch();
  }

  get search(): string {
    return toSearch({ trend: this.trend, view: this.view, cursors: this.cursors });
  }

  // Signals.

  rowOf(name: string): Row | undefined {
    return house.catalog.byName(name);
  }

  /** The name under which the channel tells a signal: a symbol stands for another one. */
  #ownName(name: string): string {
    return this.rowOf(name)?.name ?? name;
  }

  kindOf(name: string): Kind | null {
    return this.recorder.of(this.#ownName(name))?.kind ?? this.rowOf(name)?.kind ?? this.#historyKinds.get(name) ?? null;
  }

  valueOf(name: string, number: number): Value {
    return this.recorder.texts.valueFor(number, this.kindOf(name) ?? 'float');
  }

  /** What is known of a signal, the finest first. */
  sourcesOf(name: string): Source[] {
    const own = this.recorder.of(this.#ownName(name))?.track;
    const { source } = this.history.of(name);
    return [...(own ? [own] : []), ...(source ? [source] : [])];
  }

  remembered(name: string): Remembered {
    return this.history.of(name);
  }

  startedAt(name: string): number | null {
    return this.recorder.of(this.#ownName(name))?.track.startedAt ?? null;
  }

  /** Where what a source tells ends: the live one with the link, the history with its answer. */
  untilOf(name: string, source: Source): number {
    const until = this.recorder.until(this.now());
    return source === this.history.of(name).source ? Math.min(this.history.of(name).to, this.now()) : until;
  }

  /** The value at a moment, as a number of its track. */
  numberAt(name: string, at: number): number {
    for (const source of this.sourcesOf(name)) {
      const value = valueAt(source, at, this.untilOf(name, source));
      if (!Number.isNaN(value)) return value;
    }
    return Number.NaN;
  }

  add(names: readonly string[]): void {
    const { trend, left } = added(this.trend, names);
    this.notice = left > 0 ? `A trend holds 32 signals: ${left} found no room. Remove some, or open a second trend in another tab.` : '';
    this.#setTrend(trend);
  }

  remove(name: string): void {
    this.notice = '';
    this.#setTrend(removed(this.trend, name));
  }

  change(name: string, change: Partial<TrendSignal>): void {
    this.#setTrend(changed(this.trend, name, change));
  }

  setScale(lane: number, scale: Scale): void {
    this.#setTrend({ ...this.trend, scales: { ...this.trend.scales, [lane]: scale } });
  }

  /** Puts all numbers into lanes anew. */
  regroup(): void {
    this.ranges.clear();
    this.#setTrend({ signals: this.trend.signals.map((signal) => ({ ...signal, lane: null })), scales: {} });
  }

  moveBefore(name: string, target: string, isAfter: boolean): void {
    this.#setTrend(movedBefore(this.trend, name, target, isAfter, this.#shareAxis(name, target)));
  }

  moveBy(name: string, by: -1 | 1): void {
    const order = this.lanes.flatMap(({ signals }) => signals.map((signal) => signal.name));
    this.#setTrend(movedBy(this.trend, order, name, by, (other) => this.#shareAxis(name, other)));
  }

  #laneOf(name: string): Lane | undefined {
    return this.lanes.find(({ signals }) => signals.some((signal) => signal.name === name));
  }

  #shareAxis(name: string, other: string): boolean {
    return this.#laneOf(name)?.kind === 'analog' && this.#laneOf(other)?.kind === 'analog';
  }

  #setTrend(trend: Trend): void {
    const isOther = trend.signals.length !== this.trend.signals.length;
    this.trend = trend;
    if (isOther) this.#signalsChanged();
    this.#write();
  }

  #signalsChanged(): void {
    const names = this.trend.signals.map(({ name }) => name);
    house.setView(names);
    const own = new Set(names.map((name) => this.#ownName(name)));
    this.recorder.keep(own);
    for (const name of [...this.columns.keys()]) if (!names.includes(name)) this.columns.delete(name);
    this.#movedAt = performance.now() - HISTORY_REST_MS;
    this.touch();
  }

  // The span.

  get isLive(): boolean {
    return this.view.kind === 'live';
  }

  setView(view: View): void {
    this.view = view;
    this.#movedAt = performance.now();
    this.#write();
  }

  /** Holds the picture, or follows the newest again with the same span. */
  togglePause(): void {
    const { from, to } = this.seen;
    this.setView(this.isLive ? { kind: 'held', from, to } : { kind: 'live', span: to - from });
  }

  zoom(factor: number, about = (this.seen.from + this.seen.to) / 2): void {
    this.setView(zoomed(this.view, factor, about));
  }

  pan(by: number): void {
    this.setView(panned(this.view.kind === 'live' ? { kind: 'held', ...this.seen } : this.view, by, this.now()));
  }

  setWindow(span: number): void {
    if (this.view.kind === 'live') return this.setView({ kind: 'live', span });
    return this.setView({ kind: 'held', from: this.view.to - span, to: this.view.to });
  }

  /** From the first to the newest that is known of any signal. */
  fit(): void {
    const first = this.firstKnown();
    const now = this.now();
    if (first !== null) this.setView({ kind: 'held', from: first - (now - first) * 0.02, to: now });
  }

  /** Goes to the oldest that is known, with the same span. */
  toBegin(): void {
    const first = this.firstKnown();
    const { from, to } = this.seen;
    if (first !== null) this.setView({ kind: 'held', from: first, to: first + (to - from) });
  }

  firstKnown(): number | null {
    const starts = this.trend.signals.flatMap(({ name }) => {
      const pieces = this.sourcesOf(name).flatMap((source) => source.rings().map((ring) => (ring.size > 0 ? ring.timeOf(0) : Number.NaN)));
      return pieces.filter((at) => !Number.isNaN(at));
    });
    return starts.length > 0 ? Math.min(...starts) : null;
  }

  // Cursors.

  setCursor(word: CursorWord, at: number | null): void {
    this.cursors = { ...this.cursors, [word]: at };
    this.active = at === null ? null : word;
    this.#write();
  }

  /** A click puts A, then B, then whichever is nearer. */
  putCursor(at: number): void {
    const { a, b } = this.cursors;
    if (a === null) return this.setCursor('a', at);
    if (b === null) return this.setCursor('b', at);
    return this.setCursor(Math.abs(at - a) <= Math.abs(at - b) ? 'a' : 'b', at);
  }

  /** Chooses a cursor for the arrows; one that is not there is put into the middle of what is seen. */
  choose(word: CursorWord): void {
    const { from, to } = this.seen;
    const at = this.cursors[word];
    if (at === null || at < from || at > to) this.setCursor(word, (from + to) / 2);
    else this.active = word;
  }

  moveCursor(pixels: number): void {
    if (this.active === null) return;
    const at = this.cursors[this.active];
    if (at === null) return;
    const { from, to } = this.seen;
    const next = at + (pixels * (to - from)) / this.width;
    this.setCursor(this.active, Math.min(to, Math.max(from, next)));
  }

  clearCursors(): void {
    this.cursors = { a: null, b: null };
    this.active = null;
    this.#write();
  }

  // The picture.

  #turn(): void {
    if (document.hidden) return;
    const now = this.now();
    this.#turns += 1;
    if (this.#turns % BEAT_EVERY === 0) this.beat += 1;
    const step = (this.seen.to - this.seen.from) / this.width;
    // Within a pixel there is little to see: a long span is drawn less often.
    const rest = Math.min(PICTURE_REST_MS, step);
    const isMoving = this.view.kind === 'live' && now - this.#drawnAt >= step;
    // Values do not change a picture that is held, unless it reaches into the time to come.
    const isNews = this.#isHeard && now - this.#drawnAt >= rest && (this.view.kind === 'live' || this.view.to > this.#drawnAt);
    if (isMoving || isNews || this.#isDirty) this.draw();
    this.#learnKinds();
    this.#askHistory(now);
  }

  /** Computes what is seen now. */
  draw(): void {
    const now = this.now();
    this.#isDirty = false;
    this.#isHeard = false;
    this.#drawnAt = now;
    const length = Math.max(16, Math.round(this.width));
    const { from, to } = spanOf(this.view, now);
    const step = (to - from) / length;
    // Pixels of a live picture stand on whole steps, so that an envelope does not dance while it moves.
    const begin = this.view.kind === 'live' ? Math.ceil(to / step) * step - length * step : from;
    const grid = { from: begin, step, length };
    for (const { name, isHidden } of this.trend.signals) if (!isHidden) this.#compute(name, grid);
    this.trend = withLanes(this.trend, (name) => this.kindOf(name), (name) => this.#sizeOf(name));
    for (const lane of this.lanes) this.#setRange(lane);
    this.seen = { from: begin, to: begin + length * step };
    this.picture += 1;
    if (this.view.kind === 'held' || this.picture % GLANCE_EVERY === 0) this.glance += 1;
  }

  #compute(name: string, grid: Grid): void {
    let columns = this.columns.get(name);
    if (columns?.length !== grid.length) {
      columns = new Columns(grid.length);
      this.columns.set(name, columns);
    }
    const [first = NO_SOURCE, second] = this.sourcesOf(name);
    fillColumns(columns, first, grid, this.untilOf(name, first));
    if (second && columns.state.includes(GAP)) {
      if (this.#other.length !== grid.length) this.#other = new Columns(grid.length);
      fillColumns(this.#other, second, grid, this.untilOf(name, second));
      fillGaps(columns, this.#other);
    }
    this.extents.set(name, extent(columns));
  }

  /** How large a signal is, once that can be said. */
  #sizeOf(name: string): number | null {
    const asked = this.#askedAt.get(name) ?? performance.now();
    this.#askedAt.set(name, asked);
    if (this.history.of(name).phase === 'waiting' && performance.now() - asked < LANE_WAIT_MS) return null;
    const found = this.extents.get(name) ?? null;
    return found === null ? (performance.now() - asked < LANE_WAIT_MS ? null : 0) : Math.max(Math.abs(found[0]), Math.abs(found[1]));
  }

  #setRange(lane: Lane): void {
    if (lane.number === null) return;
    if (lane.scale) {
      this.ranges.set(lane.number, [...lane.scale]);
      return;
    }
    let seen: [number, number] | null = null;
    for (const { name, isHidden } of lane.signals) {
      const found = isHidden ? null : this.extents.get(name);
      if (found) seen = seen ? [Math.min(seen[0], found[0]), Math.max(seen[1], found[1])] : found;
    }
    this.ranges.set(lane.number, axisRange(seen, this.ranges.get(lane.number) ?? null));
  }

  #learnKinds(): void {
    const known = this.trend.signals.map(({ name }) => this.kindOf(name) ?? '').join(',');
    if (known === this.#kindsKnown) return;
    this.#kindsKnown = known;
    this.#kinds += 1;
    this.touch();
  }

  // The history.

  #askHistory(now: number): void {
    if (!house.isLive || this.history.isOff || performance.now() - this.#movedAt < HISTORY_REST_MS) return;
    const { from, to } = this.seen;
    const step = (to - from) / this.width;
    const missing = this.trend.signals.flatMap(({ name }) => {
      const track = this.recorder.of(this.#ownName(name))?.track;
      // A signal that the hub has not told yet will say itself since when it is known here.
      if (!track && !house.unknown.includes(name)) return [];
      const end = Math.min(to, track?.wholeSince ?? now);
      return end > from ? [{ name, from, to: end }] : [];
    });
    if (missing.every((each) => this.history.covers(each, step))) return;
    if (this.history.waiting > 0 && this.#movedAt < this.#historyAskedAt) return;
    this.#historyAskedAt = performance.now();
    const span = to - from;
    const questions: Question[] = missing
      .filter((each) => !this.history.covers(each, step))
      .map(({ name, from: begin, to: end }) => ({ name, from: begin - span / 2, to: Math.min(now, end < to ? end : end + span / 2), points: Math.round((this.width * 3) / 2) }));
    void this.history.ask(questions);
  }

  #historyAskedAt = 0;

  #numberOf(name: string, value: Value): number {
    if (value !== null && !this.#historyKinds.has(name)) this.#historyKinds.set(name, typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'text' : 'float');
    return this.recorder.texts.numberFor(value);
  }

  /** The hub's machine has said what its clock is: the history counts in it. */
  #compare(hub_ms: number, now: number, uncertain_ms: number): void {
    const difference = hub_ms - now;
    if (Math.abs(difference) <= SKEW_MS + uncertain_ms) return;
    this.#skew += difference;
    this.recorder.shift(difference);
    this.touch();
  }
}
