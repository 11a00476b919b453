/** The sign of a seat: its colour and its badge, the same on the teacher's page and on the pupil's device. */

/** This part of the circle between one number and the next keeps neighbours far apart. */
const GOLDEN_ANGLE = 137.508;

/** The hue of a player's colour in degrees, the same for the same name everywhere; names that count up are far apart. */
export function hueOf(id: string): number {
  const number = /(\d+)\D*$/.exec(id)?.[1];
  let seed = number === undefined ? 0 : Number(number) % 100_000;
  if (number === undefined) for (const char of id) seed = (seed * 31 + (char.codePointAt(0) ?? 0)) % 100_000;
  return Math.round(seed * GOLDEN_ANGLE) % 360;
}

/** At most three characters that stand for a name on its badge: its last number, else its first letters. */
export function badgeOf(id: string): string {
  const digits = /(\d{1,3})\D*$/.exec(id)?.[1];
  return digits ?? [...id].slice(0, 2).join('').toUpperCase();
}
