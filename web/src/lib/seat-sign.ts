/** The sign of a seat: its colour, its shape and its badge, the same on the teacher's page and on the pupil's device. */

/** This part of the circle between one number and the next keeps neighbours far apart. */
const GOLDEN_ANGLE = 137.508;
/** Colours of seats: more of them could not be told apart across a room. */
const HUES = 12;
const SHAPES = ['circle', 'square', 'drop', 'leaf'] as const;
export type SeatShape = (typeof SHAPES)[number];

/** What tells a seat from the others of its class. */
export interface SeatMark {
  /** In degrees. */
  hue: number;
  shape: SeatShape;
}

/** The number of a name; names that count up count up here, too. */
function numberOf(id: string): number {
  const number = /(\d+)\D*$/.exec(id)?.[1];
  let seed = number === undefined ? 0 : Number(number) % 100_000;
  if (number === undefined) for (const char of id) seed = (seed * 31 + (char.codePointAt(0) ?? 0)) % 100_000;
  return seed;
}

/** The hue of a name in degrees, the same everywhere; names that count up are far apart. */
export function hueOf(id: string): number {
  return Math.round(numberOf(id) * GOLDEN_ANGLE) % 360;
}

/** Where a name would sit if it could choose: one of twelve colours, five steps from one number to the next. */
function wishOf(id: string): number {
  return (numberOf(id) * 5) % HUES;
}

function markAt(place: number): SeatMark {
  return { hue: ((place % HUES) * 360) / HUES, shape: SHAPES[Math.floor(place / HUES) % SHAPES.length] ?? 'circle' };
}

/** The mark of a name of whose class nothing is known. */
export function ownMark(id: string): SeatMark {
  return markAt(wishOf(id));
}

/**
 * The marks of a class in the order of its seats: no two are the same as long as there are enough, and no two colours while there
 * are colours. Who is the first to want a colour has it whoever comes or goes behind; only those who found it taken may move.
 */
export function seatMarks(ids: readonly string[]): Map<string, SeatMark> {
  const taken = new Map<number, string>();
  const places = new Map<string, number>();
  const take = (id: string, place: number): void => {
    taken.set(place, id);
    places.set(id, place);
  };
  for (const id of ids) if (!taken.has(wishOf(id))) take(id, wishOf(id));
  for (const id of ids) if (!places.has(id)) take(id, freeFor(id, taken));
  return new Map(ids.map((id) => [id, markAt(places.get(id) ?? 0)]));
}

/** The free place nearest behind the wish, with one more shape only when all colours of the one before are taken. */
function freeFor(id: string, taken: ReadonlyMap<number, string>): number {
  const wish = wishOf(id);
  for (let shape = 0; shape < SHAPES.length; shape += 1) {
    for (let step = 0; step < HUES; step += 1) {
      const place = shape * HUES + ((wish + step) % HUES);
      if (!taken.has(place)) return place;
    }
  }
  return wish;
}

/** At most three characters that stand for a name on its badge: its last number, else its first letters. */
export function badgeOf(id: string): string {
  const digits = /(\d{1,3})\D*$/.exec(id)?.[1];
  return digits ?? [...id].slice(0, 2).join('').toUpperCase();
}
