/**
 * The signals that the page knows, as plain rows.
 *
 * Rows enter by pages of the catalog and by snapshots, and change by data rows and ticks. The catalog is not
 * reactive: with 100,000 rows the page re-reads the few on screen when something came, instead of watching all.
 */

import type { DataRow, Kind, Owner, Quality, Signal, Value } from './protocol';

export interface Row {
  readonly id: number;
  readonly name: string;
  /** The name in lower case, made once because the filter reads it at every key stroke. */
  readonly key: string;
  /** What the program of its PLC calls it; null where it does not. */
  symbol: string | null;
  kind: Kind;
  value: Value;
  quality: Quality;
  reason: string | null;
  owner: Owner;
  writer: string | null;
  conflict: boolean;
  writable: boolean;
  changedAt: number;
  confirmedAt: number;
}

/**
 * Is told of a row that has changed; `isMore` where it is more than the value and the time of its last change. Of a row that changes all
 * the time that time is told only after a rest of `REST_MS`.
 */
export type Tell = (isMore: boolean) => void;

/** Ages are shown in seconds: a row whose value came after a shorter rest has the age that it had. */
export const REST_MS = 1_000;

export class Catalog {
  /** In the order of creation. */
  rows: Row[] = [];
  #byId = new Map<number, Row>();
  #byName = new Map<string, Row>();
  /** Other names of signals, such as symbols: which name each stands for. */
  #aliases = new Map<string, string>();
  #clientNames = new Map<number, string>();
  /** PLCs by the words that the live channel has for them, such as `plc 0`. */
  #plcNames = new Map<string, string>();
  /** Who wants to be told of changes of a row, by its id. */
  #watchers = new Map<number, Set<Tell>>();
  /** Watched rows that have changed since the watchers were told last, and whether more than their values has. */
  #changed = new Map<number, boolean>();

  /** From now on `tell` is called when the row has changed, at most once for each `tellWatchers`; the answer ends it. */
  watch({ id }: Row, tell: Tell): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(tell));
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    };
  }

  /** Tells those who watch rows that have changed: what the screen shows costs what has changed, and no more. */
  tellWatchers(): void {
    for (const [id, isMore] of this.#changed) this.#watchers.get(id)?.forEach((tell) => tell(isMore));
    this.#changed.clear();
  }

  #touch(id: number, isMore: boolean): void {
    if (this.#watchers.has(id)) this.#changed.set(id, isMore || this.#changed.get(id) === true);
  }

  /** The row of this name, or of the signal that it is another name of. */
  byName(name: string): Row | undefined {
    return this.#byName.get(name) ?? this.#byName.get(this.#aliases.get(name) ?? name);
  }

  /** From now on the signal `name` is found as `alias`, too. */
  alias(alias: string, name: string): void {
    this.#aliases.set(alias, name);
  }

  forgetAliases(): void {
    this.#aliases.clear();
  }

  /** Adds or refreshes the row of a signal; an id that now belongs to another name replaces the old row. */
  put(signal: Signal): Row {
    const known = this.#byId.get(signal.id);
    if (known && known.name === signal.name) {
      // A page of the catalog may have been on its way while live data arrived: the newer change stays.
      if (signal.changed_at_ms >= known.changedAt) {
        known.value = signal.value;
        known.quality = signal.quality;
        known.reason = signal.reason;
        known.writer = signal.writer;
        known.changedAt = signal.changed_at_ms;
      }
      if (signal.symbol !== undefined) known.symbol = signal.symbol;
      known.kind = signal.kind;
      known.owner = signal.owner;
      known.conflict = signal.conflict;
      known.writable = signal.writable;
      known.confirmedAt = Math.max(known.confirmedAt, signal.confirmed_at_ms);
      this.#touch(known.id, true);
      return known;
    }
    if (known) this.remove([known.id]);
    const renumbered = this.#byName.get(signal.name);
    if (renumbered) this.remove([renumbered.id]);
    const row: Row = {
      id: signal.id,
      name: signal.name,
      key: signal.name.toLowerCase(),
      symbol: signal.symbol ?? null,
      kind: signal.kind,
      value: signal.value,
      quality: signal.quality,
      reason: signal.reason,
      owner: signal.owner,
      writer: signal.writer,
      conflict: signal.conflict,
      writable: signal.writable,
      changedAt: signal.changed_at_ms,
      confirmedAt: signal.confirmed_at_ms,
    };
    this.rows.push(row);
    this.#byId.set(row.id, row);
    this.#byName.set(row.name, row);
    return row;
  }

  /** Applies live values; rows of unknown ids are skipped, their snapshot has not come yet. */
  apply(data: readonly DataRow[]): void {
    for (const [id, value, quality, changedAt, writer] of data) {
      const row = this.#byId.get(id);
      if (!row) continue;
      const [word, reason] = typeof quality === 'string' ? [quality, null] : quality;
      const by = this.#writerOf(row, writer);
      const isMore = word !== row.quality || reason !== row.reason || by !== row.writer || changedAt - row.confirmedAt >= REST_MS;
      row.value = value;
      row.quality = word;
      row.reason = reason;
      row.writer = by;
      row.changedAt = changedAt;
      row.confirmedAt = Math.max(row.confirmedAt, changedAt);
      this.#touch(id, isMore);
    }
  }

  /** Is a signal written by a client that is there? What one has written that is gone is no longer good. */
  isClients(name: string): boolean {
    const { writer = null, quality = null } = this.byName(name) ?? {};
    return writer !== null && quality === 'good' && [...this.#clientNames.values()].includes(writer);
  }

  /** A client by its number; a route, an operator or a PLC in words; nobody yet. */
  #writerOf({ name }: Row, writer: DataRow[4]): string | null {
    if (typeof writer === 'number') return this.#clientNames.get(writer) ?? `client ${writer}`;
    // An engine writes nothing but its own memory, and a person knows it by its name.
    const plc = writer?.startsWith('plc ') ? plcOfSignal(name) : null;
    if (writer === null || plc === null) return writer;
    this.#plcNames.set(writer, plc);
    return plc;
  }

  /** Moves the sign of life of `rows` by a tick: client id, route or PLC → last sign of life. */
  confirm(rows: readonly Row[], writers: Readonly<Record<string, number>>): void {
    this.#nameSolePlc(rows, Object.keys(writers));
    const lastSign = new Map<string, number>();
    for (const [id, at_ms] of Object.entries(writers)) {
      // A row that changed before its writer's name was known carries the number.
      for (const name of [this.#clientNames.get(Number(id)), this.#plcNames.get(id), `client ${id}`, id]) {
        if (name !== undefined) lastSign.set(name, Math.max(at_ms, lastSign.get(name) ?? 0));
      }
    }
    for (const row of rows) {
      const at_ms = row.writer === null ? undefined : lastSign.get(row.writer);
      if (at_ms === undefined || at_ms <= row.confirmedAt) continue;
      const isMore = at_ms - row.confirmedAt >= REST_MS;
      row.confirmedAt = at_ms;
      this.#touch(row.id, isMore);
    }
  }

  /** Where `rows` know of one PLC as a writer, and the tick of one that is new, it is this one. */
  #nameSolePlc(rows: readonly Row[], writers: readonly string[]): void {
    const [strange, ...others] = writers.filter((writer) => writer.startsWith('plc '));
    if (strange === undefined || others.length > 0 || this.#plcNames.has(strange)) return;
    const [plc, ...more] = new Set(rows.filter(({ name, writer }) => writer !== null && writer === plcOfSignal(name)).map(({ writer }) => writer));
    if (plc && more.length === 0) this.#plcNames.set(strange, plc);
  }

  /** Learns the names of clients. Names of departed clients are kept: their last values still carry them. */
  nameClients(clients: Iterable<{ id: number; name: string }>): void {
    for (const { id, name } of clients) this.#clientNames.set(id, name);
  }

  remove(ids: Iterable<number>): void {
    const gone = new Set(ids);
    if (gone.size === 0) return;
    this.rows = this.rows.filter((row) => !gone.has(row.id));
    for (const id of gone) {
      const row = this.#byId.get(id);
      if (!row) continue;
      this.#byId.delete(id);
      if (this.#byName.get(row.name) === row) this.#byName.delete(row.name);
    }
  }

  /** Removes every row whose id is not in `ids`: what a whole pass over the hub's catalog did not find. */
  keepOnly(ids: ReadonlySet<number>): void {
    this.remove(this.rows.filter((row) => !ids.has(row.id)).map((row) => row.id));
  }

  clear(): void {
    this.rows = [];
    this.#byId.clear();
    this.#byName.clear();
    this.#aliases.clear();
    this.#clientNames.clear();
    this.#plcNames.clear();
  }
}

/** The PLC context whose memory a signal is; null for all others. */
function plcOfSignal(name: string): string | null {
  const [, context] = /^plc\/([^/]+)\/./.exec(name) ?? [];
  return context?.replaceAll('~1', '/').replaceAll('~0', '~') ?? null;
}
