/** Power flow: which instructions have power behind them, and which wires carry it. */

/** Stands among instruction numbers for the left power rail. */
export const RAIL = -1;

/** Where the power of a wire comes from: it carries power when any of these has it. */
export type Sources = readonly number[];

/** The bytes of a power flow; nothing for text that is no base64. */
export function readPower(base64: string): Uint8Array {
  let text: string;
  try {
    text = atob(base64);
  } catch {
    return new Uint8Array();
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Does a wire of these sources carry power? Without a power flow none does, the rail neither. */
export function isPowered(sources: Sources, power: Uint8Array | null): boolean {
  if (power === null) return false;
  return sources.some((source) => source === RAIL || (((power[source >> 3] ?? 0) >> (source & 7)) & 1) === 1);
}
