/** A text as a QR code, drawn as one path: nothing is loaded and no markup is pasted. */

import { encode } from 'uqr';

export interface QrDrawing {
  /** Modules along each side, with the quiet border. */
  size: number;
  /** The dark modules, one unit each, as the path of an SVG. */
  path: string;
}

/** The quiet zone that readers expect, in modules. */
const BORDER = 4;

/** Draws a text; null if it is longer than the largest code holds. */
export function drawQr(text: string): QrDrawing | null {
  let modules: boolean[][];
  try {
    modules = encode(text, { ecc: 'M', border: BORDER }).data;
  } catch {
    return null;
  }
  const path = modules
    .flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('');
  return { size: modules.length, path };
}
