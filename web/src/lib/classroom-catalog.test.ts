import { describe, expect, it } from 'vitest';
import { countModels, foldersOf, nextTile, pathTo, placeOf, splashUrl, tilesOf } from './classroom-catalog';
import { model } from './classroom-fixtures';
import type { CatalogFolder, ClassCatalog } from './classroom-protocol';

const RIVERS: CatalogFolder = { name: 'Rivers', splash: null, entries: [{ model: 2 }] };
const WATER: CatalogFolder = { name: 'Water', splash: null, entries: [{ model: 1 }, RIVERS] };
const CATALOG: ClassCatalog = { active: 0, models: [model(0), model(1), model(2)], entries: [{ model: 0 }, WATER, { model: 9 }], problems: [], roots: [] };

describe('the catalog', () => {
  it('is walked folder by folder', () => {
    expect(foldersOf(CATALOG, [1, 1]).map(({ name }) => name)).toEqual(['Water', 'Rivers']);
    expect(foldersOf(CATALOG, [0])).toEqual([]);
    expect(foldersOf(CATALOG, [1, 7])).toEqual([WATER]);
    expect(countModels(WATER)).toBe(2);
  });

  it('shows tiles, without models that the list does not have', () => {
    expect(tilesOf(CATALOG, []).map((tile) => (tile.kind === 'model' ? tile.model.index : `${tile.folder.name} ${tile.at} ${tile.count}`))).toEqual([0, 'Water 1 2']);
    expect(tilesOf(CATALOG, [1, 1])).toEqual([{ kind: 'model', model: model(2) }]);
  });

  it('finds the folder of a model', () => {
    expect([pathTo(CATALOG.entries, 2), pathTo(CATALOG.entries, 1), pathTo(CATALOG.entries, 0), pathTo(CATALOG.entries, 77)]).toEqual([[1, 1], [1], [], []]);
  });

  it('takes pictures from below the folder of the page only', () => {
    expect(splashUrl('/learning-packages/a b.png', 'https://host/line/')).toBe('https://host/line/learning-packages/a%20b.png');
    expect(splashUrl('https://evil.example/x.png', 'https://host/line/')).toBeNull();
    expect(splashUrl('//evil.example/x.png', 'https://host/line/')).toBe('https://host/line/evil.example/x.png');
    expect(splashUrl(null, 'https://host/')).toBeNull();
  });

  it('names places as compilers do', () => {
    const problem = { error: true, file: 'settings.json', line: 3, column: 5, text: '' };
    expect([placeOf(problem), placeOf({ ...problem, column: null }), placeOf({ ...problem, line: null, column: null })]).toEqual(['settings.json:3:5', 'settings.json:3', 'settings.json']);
  });

  it('is gone through by arrows', () => {
    const from4 = (key: string) => nextTile(key, 4, 7, 3);
    expect(['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'x'].map(from4)).toEqual([5, 3, 1, null, 0, 6, null]);
    expect([nextTile('ArrowLeft', 0, 7, 3), nextTile('Home', 0, 0, 1), nextTile('End', 0, 0, 1)]).toEqual([null, null, null]);
  });
});
