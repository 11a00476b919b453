/**
 * The world of a simulation as far as it can be seen from above: species, the things of each with places or outlines, and what the
 * model says of itself. What is broken in a message becomes a trouble with its place; the rest of the message is taken.
 */

import { isObject, type Trouble } from './protocol';

/** Things of one message that are drawn; what is above is left out, and said. */
export const THINGS_MAX = 20_000;
/** Corners of all outlines of one message; the outlines above are left out, and said. */
export const CORNERS_MAX = 200_000;
/** Species that are known by their properties; further ones are left out, and said. */
export const SPECIES_MAX = 500;
/** Texts that the model says of itself and that are shown. */
export const FACTS_MAX = 12;
/** Kinds of messages that are counted by name; further ones are counted together. */
export const KINDS_MAX = 16;
/** A coordinate further out than this is a mistake. */
const COORDINATE_MAX = 1e12;
/** Characters of a name that are kept. */
const NAME_LEN_MAX = 256;

/** A property of the model: what all things of one species look like. */
export interface Species {
  id: string;
  /** It stands at a place; else it has an outline. */
  isPoint: boolean;
  isVisible: boolean;
  /** Across, in units of the world; 0 where none is said. */
  size: number;
  /** Red, green, blue, and how opaque, from 0 to 255. */
  colour: readonly [number, number, number, number] | null;
  /** Its things are said anew with each world. */
  isFollowed: boolean;
}

/** The things of one species. */
export interface Group {
  species: string;
  names: string[];
  /** Three numbers for each: x, y and the angle in degrees, NaN where none is said. */
  places: number[];
  /** The corners of each outline: x, y, x, y, … */
  outlines: number[][];
  /** Worlds in which it came. */
  came: number;
}

type Json = Record<string, unknown>;

export class World {
  /** Units in a metre. */
  precision = 1_000;
  /** From the origin, in units; null until it is said. */
  extent: { width: number; depth: number } | null = null;
  species = new Map<string, Species>();
  groups = new Map<string, Group>();
  facts: { name: string; value: string }[] = [];
  /** Messages by kind that came and are not drawn. */
  notShown = new Map<string, number>();

  /** Takes the contents of a message that is a world, properties or the measures of the world; others are counted. */
  take(contents: unknown, found: (trouble: Trouble) => void): void {
    const kind = isObject(contents) ? (Object.keys(contents)[0] ?? '{}') : '?';
    if (!isObject(contents)) found({ word: 'shape', where: 'contents' });
    else if (kind === 'precision') this.#takeMeasures(contents, found);
    else if (kind === 'properties') this.#takeSpecies(contents['properties'], found);
    else if (kind === 'pointsLoc') this.#takeThings(contents, found);
    else this.#count(kind);
  }

  #count(kind: string): void {
    const name = this.notShown.has(kind) || this.notShown.size < KINDS_MAX ? kind.slice(0, 64) : '…';
    this.notShown.set(name, (this.notShown.get(name) ?? 0) + 1);
  }

  #takeMeasures(contents: Json, found: (trouble: Trouble) => void): void {
    const { precision } = contents;
    if (typeof precision === 'number' && precision >= 1 && precision <= COORDINATE_MAX) this.precision = precision;
    else found({ word: 'number', where: 'precision' });
    const extent = pairOf(contents['world']);
    if (extent !== null && extent[0] > 0 && extent[1] > 0) this.extent = { width: extent[0], depth: extent[1] };
    else if (contents['world'] !== undefined) found({ word: 'number', where: 'world' });
  }

  #takeSpecies(list: unknown, found: (trouble: Trouble) => void): void {
    if (!Array.isArray(list)) return found({ word: 'shape', where: 'properties' });
    for (const [at, one] of list.entries()) {
      const id = isObject(one) ? one['id'] : undefined;
      if (!isObject(one) || typeof id !== 'string') found({ word: 'shape', where: `properties[${at}]` });
      else if (this.species.size >= SPECIES_MAX && !this.species.has(id)) return found({ word: 'many', where: `properties: ${list.length} > ${SPECIES_MAX}` });
      else this.species.set(id, speciesOf(id, one));
    }
  }

  #takeThings(contents: Json, found: (trouble: Trouble) => void): void {
    const list = (key: string): unknown[] => {
      const value = contents[key];
      if (Array.isArray(value)) return value;
      if (value !== undefined && value !== null) found({ word: 'shape', where: key });
      return [];
    };
    const [places, outlines, names, kinds] = [list('pointsLoc'), list('pointsGeom'), list('names'), list('propertyID')];
    const count = Math.max(names.length, kinds.length, places.length + outlines.length);
    if (count > THINGS_MAX) found({ word: 'many', where: `pointsLoc: ${count} > ${THINGS_MAX}` });
    const groups = new Map<string, Group>();
    let [place, outline, corners] = [0, 0, 0];
    for (let at = 0; at < Math.min(count, THINGS_MAX); at += 1) {
      const kind = textOf(kinds[at]);
      const isPoint = this.species.get(kind)?.isPoint ?? place < places.length;
      const number = isPoint ? place++ : outline++;
      const thing = isPoint ? places[number] : outlines[number];
      const where = `${isPoint ? 'pointsLoc' : 'pointsGeom'}[${number}]`;
      let group = groups.get(kind);
      if (group === undefined) groups.set(kind, (group = { species: kind, names: [], places: [], outlines: [], came: 1 }));
      if (thing === undefined) {
        found({ word: 'missing', where });
        continue;
      }
      const numbers = numbersOf(thing);
      if (numbers === null || numbers.length < (isPoint ? 2 : 4)) found({ word: numbers === null ? 'number' : 'shape', where: `${where}.c` });
      else if (isPoint) {
        group.names.push(textOf(names[at]));
        group.places.push(numbers[0] as number, numbers[1] as number, numbers[3] ?? Number.NaN);
      } else if ((corners += numbers.length / 2) > CORNERS_MAX) {
        found({ word: 'many', where: `${where}: ${Math.round(corners)} > ${CORNERS_MAX}` });
        break;
      } else {
        group.names.push(textOf(names[at]));
        group.outlines.push(numbers);
      }
    }
    this.#replace(groups);
    this.#takeFacts(contents['attributes']);
  }

  /** What came once, such as a background, stays; what comes with every world and is missing in the newest is gone. */
  #replace(groups: Map<string, Group>): void {
    for (const [kind, known] of this.groups) {
      const fresh = groups.get(kind);
      if (fresh !== undefined) fresh.came = known.came + 1;
      else if (known.came === 1 && this.species.get(kind)?.isFollowed !== true) groups.set(kind, known);
    }
    this.groups = groups;
  }

  /** One object for all is the model's word of itself; one for each thing would be too much to read. */
  #takeFacts(attributes: unknown): void {
    const only: unknown = Array.isArray(attributes) && attributes.length === 1 ? attributes[0] : null;
    if (!isObject(only)) return;
    const shown = Object.entries(only).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
    this.facts = shown.slice(0, FACTS_MAX).map(([name, value]) => ({ name: name.slice(0, 64), value: String(value).slice(0, 64) }));
  }
}

function speciesOf(id: string, one: Json): Species {
  const part = (key: string): number => (typeof one[key] === 'number' && Number.isFinite(one[key]) ? Math.min(255, Math.max(0, one[key])) : -1);
  const [red, green, blue, alpha] = [part('red'), part('green'), part('blue'), part('alpha')];
  const { size } = one;
  return {
    id,
    isPoint: one['hasPrefab'] === true,
    isVisible: one['visible'] !== false,
    size: typeof size === 'number' && size > 0 && size < COORDINATE_MAX ? size : 0,
    colour: red < 0 || green < 0 || blue < 0 ? null : [red, green, blue, alpha < 0 ? 255 : alpha],
    isFollowed: one['toFollow'] === true,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, NAME_LEN_MAX) : typeof value === 'number' ? String(value) : '';
}

/** The numbers of a thing, `{"c":[…]}` or the list itself; null where one of them is none. */
function numbersOf(thing: unknown): number[] | null {
  const list: unknown = isObject(thing) ? thing['c'] : thing;
  if (!Array.isArray(list)) return null;
  for (const number of list) if (typeof number !== 'number' || !(Math.abs(number) <= COORDINATE_MAX)) return null;
  return list as number[];
}

/** The first two numbers of a list, or null. */
export function pairOf(list: unknown): [number, number] | null {
  const numbers = numbersOf(list);
  return numbers === null || numbers.length < 2 ? null : [numbers[0] as number, numbers[1] as number];
}

/** Is this the species of players? The app's models call it so, or tag it so. */
export function isPlayers(species: string): boolean {
  return /player/i.test(species);
}
