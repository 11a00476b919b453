import { describe, expect, it } from 'vitest';
import type { Trouble } from './protocol';
import { CORNERS_MAX, KINDS_MAX, SPECIES_MAX, THINGS_MAX, World } from './world';

const PROPERTIES = {
  properties: [
    { id: 'people', hasPrefab: true, size: 1000, visible: true, toFollow: true },
    { id: 'water', hasPrefab: false, visible: true, toFollow: false, red: 60, green: 120, blue: 200, alpha: 255 },
    { id: 'wall', hasPrefab: false, visible: false, toFollow: false, red: 'x' },
  ],
};

function taken(...messages: unknown[]): { world: World; troubles: string[] } {
  const world = new World();
  const troubles: string[] = [];
  for (const contents of messages) world.take(contents, ({ word, where }: Trouble) => troubles.push(`${word} ${where}`));
  return { world, troubles };
}

describe('the world', () => {
  it('has measures', () => {
    const { world, troubles } = taken({ precision: 100, world: [2000, 1000], position: [1, 2] });
    expect([world.precision, world.extent, troubles]).toEqual([100, { width: 2000, depth: 1000 }, []]);
    expect(taken({ precision: 0, world: ['a', 1] }).troubles).toEqual(['number precision', 'number world']);
  });

  it('gives each thing the next place or outline by its property', () => {
    const { world, troubles } = taken(PROPERTIES, {
      pointsLoc: [{ c: [1, 2, 0, 90] }, { c: [3, 4] }],
      names: ['a', 'w', 'b'],
      propertyID: ['people', 'water', 'people'],
      pointsGeom: [{ c: [0, 0, 5, 0, 5, 5] }],
    });
    expect(troubles).toEqual([]);
    expect(world.groups.get('people')).toMatchObject({ names: ['a', 'b'], places: [1, 2, 90, 3, 4, Number.NaN] });
    expect(world.groups.get('water')).toMatchObject({ names: ['w'], outlines: [[0, 0, 5, 0, 5, 5]] });
    expect(world.species.get('water')?.colour).toEqual([60, 120, 200, 255]);
    expect(world.species.get('wall')).toMatchObject({ colour: null, isVisible: false });
  });

  it('takes things without properties as they come', () => {
    const { world } = taken({ pointsLoc: [{ c: [1, 2, 3] }], names: ['a'] });
    expect(world.groups.get('')?.names).toEqual(['a']);
  });

  it('keeps what came once and drops what comes no more', () => {
    const first = { pointsLoc: [{ c: [1, 2] }], names: ['a', 'w'], propertyID: ['people', 'water'], pointsGeom: [{ c: [0, 0, 5, 5] }] };
    const people = { pointsLoc: [{ c: [2, 2] }], names: ['a'], propertyID: ['people'] };
    expect([...taken(PROPERTIES, first, people).world.groups.keys()].sort()).toEqual(['people', 'water']);
    expect([...taken(PROPERTIES, first, first, people).world.groups.keys()]).toEqual(['people']);
    expect([...taken(PROPERTIES, first, { pointsLoc: [] }).world.groups.keys()]).toEqual(['water']);
  });

  it('lives on with what is broken, and says where', () => {
    const { world, troubles } = taken(PROPERTIES, {
      pointsLoc: [{ c: [1, null] }, { c: [5] }, { c: [1e300, 0] }, 'x', { c: [7, 8] }],
      propertyID: ['people', 'people', 'people', 'people', 'people', 'people', 'water'],
      names: 3,
    });
    expect(troubles).toEqual(['shape names', 'number pointsLoc[0].c', 'shape pointsLoc[1].c', 'number pointsLoc[2].c', 'number pointsLoc[3].c', 'missing pointsLoc[5]', 'missing pointsGeom[0]']);
    expect(world.groups.get('people')?.places.slice(0, 2)).toEqual([7, 8]);
    expect(taken(null, [1], 'text', {}).troubles).toEqual(['shape contents', 'shape contents', 'shape contents']);
    expect(taken({ properties: 1 }, { properties: [null, { id: 3 }] }).troubles).toEqual(['shape properties', 'shape properties[0]', 'shape properties[1]']);
  });

  it('has limits that are said', () => {
    const many = { pointsLoc: Array.from({ length: THINGS_MAX + 1 }, (_, at) => ({ c: [at, 0] })) };
    const { world, troubles } = taken(many);
    expect(troubles).toEqual([`many pointsLoc: ${THINGS_MAX + 1} > ${THINGS_MAX}`]);
    expect(world.groups.get('')?.names).toHaveLength(THINGS_MAX);
    const corners = { pointsLoc: [], pointsGeom: [{ c: Array.from({ length: CORNERS_MAX * 2 + 2 }, () => 1) }, { c: [0, 0, 1, 1] }] };
    expect(taken(corners).troubles).toEqual([`many pointsGeom[0]: ${CORNERS_MAX + 1} > ${CORNERS_MAX}`]);
    const species = { properties: Array.from({ length: SPECIES_MAX + 1 }, (_, at) => ({ id: String(at) })) };
    expect(taken(species).troubles).toHaveLength(1);
  });

  it('counts by kind what it does not show', () => {
    const { world } = taken({ wallId: 1 }, { wallId: 2 }, { triggers: [] });
    expect([...world.notShown]).toEqual([['wallId', 2], ['triggers', 1]]);
    const kinds = taken(...Array.from({ length: 100 }, (_, at) => ({ [`kind${at}`]: 1 }))).world.notShown;
    expect([kinds.size, kinds.get('…')]).toEqual([KINDS_MAX + 1, 100 - KINDS_MAX]);
  });

  it('reads what the model says of itself', () => {
    const { world } = taken({ pointsLoc: [], attributes: [{ cycle: 3, gate: true, deep: { a: 1 } }] });
    expect(world.facts).toEqual([{ name: 'cycle', value: '3' }, { name: 'gate', value: 'true' }]);
  });
});
