/** What part of the world is seen: the place in the middle, and pixels for a unit. The y axis goes down, as on GAMA's own display. */

export interface View {
  x: number;
  y: number;
  /** CSS pixels for a unit of the world. */
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Pixels of a metre below which people would be specks: then the view follows its player instead of showing all. */
const METRE_PX_MIN = 5;
const METRE_PX_FIRST = 9;
/** How far one may look closer or further away, in pixels of a metre. */
const METRE_PX_RANGE: readonly [number, number] = [0.001, 400];
/** Room around the world, as a part of the picture. */
const MARGIN = 0.94;

/** The first look: the whole world, or where it is too large what lies around the player. */
export function firstView(size: Size, extent: { width: number; depth: number } | null, precision: number, at: { x: number; y: number }): View {
  const all = extent === null ? 0 : wholeScale(size, extent);
  const isWhole = extent !== null && all * precision >= METRE_PX_MIN;
  return isWhole ? { x: extent.width / 2, y: extent.depth / 2, scale: all } : { x: at.x, y: at.y, scale: METRE_PX_FIRST / precision };
}

export function wholeScale(size: Size, extent: { width: number; depth: number }): number {
  return Math.min(size.width / extent.width, size.height / extent.depth) * MARGIN;
}

/** Closer by `factor`, with what lies under this point of the picture staying there. */
export function zoomed(view: View, size: Size, factor: number, pixelX: number, pixelY: number, precision: number): View {
  const [least, most] = METRE_PX_RANGE.map((pixels) => pixels / precision) as [number, number];
  const scale = Math.min(most, Math.max(least, view.scale * factor));
  const [dx, dy] = [pixelX - size.width / 2, pixelY - size.height / 2];
  return { x: view.x + dx / view.scale - dx / scale, y: view.y + dy / view.scale - dy / scale, scale };
}

export function panned(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale };
}

/** The longest of 1, 2, 5, 10, 20, … metres that is at most `pixels_max` long. */
export function rulerOf(view: View, precision: number, pixels_max: number): { metres: number; pixels: number } {
  const metre = view.scale * precision;
  const most = pixels_max / metre;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = ([5, 2, 1].find((factor) => factor * power <= most) ?? 1) * power;
  return { metres, pixels: metres * metre };
}

/** A length as a person reads it. */
export function lengthWords(metres: number): string {
  const round = (value: number): string => String(Number(value.toPrecision(3)));
  if (metres >= 1_000) return `${round(metres / 1_000)} km`;
  return metres >= 1 ? `${round(metres)} m` : `${round(metres * 100)} cm`;
}
