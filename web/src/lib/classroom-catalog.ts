/** The catalog of models as folders to walk through. */

import type { CatalogEntry, CatalogFolder, CatalogModel, CatalogProblem, ClassCatalog } from './classroom-protocol';

/** What stands on one tile. */
export type Tile = { kind: 'model'; model: CatalogModel } | { kind: 'folder'; folder: CatalogFolder; at: number; count: number };

export function isFolder(entry: CatalogEntry): entry is CatalogFolder {
  return 'entries' in entry;
}

/** The folders on the way to a place; `path` has the position of each in the one before. A way that is gone ends early. */
export function foldersOf({ entries }: Pick<ClassCatalog, 'entries'>, path: readonly number[]): CatalogFolder[] {
  const way: CatalogFolder[] = [];
  let here: readonly CatalogEntry[] = entries;
  for (const at of path) {
    const entry = here[at];
    if (entry === undefined || !isFolder(entry)) break;
    way.push(entry);
    here = entry.entries;
  }
  return way;
}

/** The tiles of the folder at the end of `path`; a model that the list does not have gets none. */
export function tilesOf(catalog: ClassCatalog, path: readonly number[]): Tile[] {
  const models = new Map(catalog.models.map((model) => [model.index, model]));
  const here = foldersOf(catalog, path).at(-1)?.entries ?? catalog.entries;
  return here.flatMap((entry, at): Tile[] => {
    if (isFolder(entry)) return [{ kind: 'folder', folder: entry, at, count: countModels(entry) }];
    const model = models.get(entry.model);
    return model === undefined ? [] : [{ kind: 'model', model }];
  });
}

/** Models in a folder and all folders below it. */
export function countModels({ entries }: CatalogFolder): number {
  return entries.reduce((sum, entry) => sum + (isFolder(entry) ? countModels(entry) : 1), 0);
}

/** The path to the folder that holds a model; the outermost where none does. */
export function pathTo(entries: readonly CatalogEntry[], index: number): number[] {
  for (const [at, entry] of entries.entries()) {
    if (!isFolder(entry)) continue;
    if (entry.entries.some((inner) => !isFolder(inner) && inner.model === index)) return [at];
    const below = pathTo(entry.entries, index);
    if (below.length > 0) return [at, ...below];
  }
  return [];
}

/** Where a picture is, below the folder that the page came from; null for an address of another host. */
export function splashUrl(splash: string | null, base: string): string | null {
  if (splash === null) return null;
  const url = new URL(splash.replace(/^\/+/, ''), base);
  return url.origin === new URL(base).origin ? url.href : null;
}

/** The place of a problem, as compilers write it: `settings.json:3:5`. */
export function placeOf({ file, line, column }: CatalogProblem): string {
  return [file, line, column].filter((part) => part !== null).join(':');
}

/**
 * The tile that an arrow leads to, or null where it leads to none. `columns` is the number of tiles in a row: up and
 * down keep the column, left and right go on in the next row.
 */
export function nextTile(key: string, at: number, count: number, columns: number): number | null {
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  if (key === 'Home') return count > 0 ? 0 : null;
  if (key === 'End') return count > 0 ? count - 1 : null;
  const step = steps[key];
  if (step === undefined) return null;
  const next = at + step;
  return next >= 0 && next < count ? next : null;
}
