/**
 * The values of a table, drawn over its rows on canvases.
 *
 * A text of the page that changes is laid out, painted and sorted into layers by the browser; a thousand of them ten times a second
 * leave no time for anything else. A text on a canvas is only painted. The rows keep their values as hidden text, for whoever hears the
 * page, and tell the sheet of each that has changed; what is seen of a row is drawn in the same picture as the rest of it.
 */

import { formatValue } from './format';
import type { Kind, Value } from './protocol';

/** Rows that are drawn together: fewer make more canvases, more of them draw rows anew that have not changed. */
const TILE_ROWS = 64;
/** Canvases that are kept while nothing is drawn on them. */
const SPARES_MAX = 8;
const LAMP_PX = 9;
const LAMP_GAP_PX = 6;
const LAMP_LINE_PX = 1.5;

/** How a value looks beside its text. */
type Look = 'plain' | 'text' | 'empty' | 'true' | 'false';

export interface Shown {
  text: string;
  look: Look;
}

/** A value as the sheet shows it: the same words and signs as everywhere. */
export function shownOf(kind: Kind, value: Value): Shown {
  if (value === '') return { text: '(empty)', look: 'empty' };
  const text = formatValue(kind, value);
  if (typeof value === 'boolean') return { text, look: value ? 'true' : 'false' };
  return { text, look: typeof value === 'string' ? 'text' : 'plain' };
}

/** `text` as far as it fits into `width`, with a sign where it was cut. */
export function cutToFit(text: string, width: number, widthOf: (text: string) => number): string {
  if (widthOf(text) <= width) return text;
  const signs = [...text];
  let [fits, fails] = [0, signs.length];
  while (fails - fits > 1) {
    const middle = (fits + fails) >> 1;
    if (widthOf(`${signs.slice(0, middle).join('')}…`) <= width) fits = middle;
    else fails = middle;
  }
  return `${signs.slice(0, fits).join('')}…`;
}

interface Cell extends Shown {
  place: HTMLElement;
}

interface Tile {
  canvas: HTMLCanvasElement;
  ctx: CanvasRenderingContext2D;
  rows: Map<number, Cell>;
  /** Rows that do not show what they should. */
  old: Set<number>;
  /** What its place and size were reckoned from. */
  laidBy: Measures | null;
}

/** Where the values of all rows stand, in pixels of the page, and what they are drawn with. */
interface Measures {
  ratio: number;
  rowHeight: number;
  left: number;
  width: number;
  /** From the top of a row. */
  baseline: number;
  /** Of one figure, in pixels of the canvas. */
  figure: number;
  fonts: Record<Look, string>;
  colours: Record<Look, string>;
}

export class ValueSheet {
  #sheet: HTMLElement | null = null;
  #tiles = new Map<number, Tile>();
  #spares: HTMLCanvasElement[] = [];
  #measures: Measures | null = null;
  #isDrawAsked = false;

  /** Draws into `sheet`, which lies over the rows, until what is returned is called. */
  lay(sheet: HTMLElement): () => void {
    this.#sheet = sheet;
    sheet.append(...[...this.#tiles.values()].map(({ canvas }) => canvas));
    const watch = new ResizeObserver(() => this.restyle());
    watch.observe(sheet);
    return () => {
      watch.disconnect();
      this.#sheet = null;
    };
  }

  /** Colours or sizes are others now: all is drawn anew. */
  restyle(): void {
    this.#measures = null;
    this.#askDraw();
  }

  /** From now on row `index`, whose value stands in `place`, shows this. */
  write(index: number, place: HTMLElement, { text, look }: Shown): void {
    const number = Math.floor(index / TILE_ROWS);
    const tile = this.#tiles.get(number) ?? this.#newTile(number);
    if (!tile) return;
    tile.rows.set(index, { place, text, look });
    tile.old.add(index);
    this.#askDraw();
  }

  /** Row `index` is not in `place` any more. */
  clear(index: number, place: HTMLElement): void {
    const number = Math.floor(index / TILE_ROWS);
    const tile = this.#tiles.get(number);
    // Another row may stand there by now.
    if (tile?.rows.get(index)?.place !== place) return;
    tile.rows.delete(index);
    tile.old.add(index);
    this.#askDraw();
  }

  #newTile(number: number): Tile | null {
    const canvas = this.#spares.pop() ?? document.createElement('canvas');
    const ctx = canvas.getContext('2d');
    if (!ctx) return null;
    this.#sheet?.append(canvas);
    const tile = { canvas, ctx, rows: new Map(), old: new Set<number>(), laidBy: null };
    this.#tiles.set(number, tile);
    return tile;
  }

  /** After all that happens now, and before the browser shows it. */
  #askDraw(): void {
    if (this.#isDrawAsked) return;
    this.#isDrawAsked = true;
    queueMicrotask(() => {
      this.#isDrawAsked = false;
      this.#draw();
    });
  }

  #draw(): void {
    for (const [number, { canvas, rows }] of this.#tiles) {
      if (rows.size > 0) continue;
      this.#tiles.delete(number);
      canvas.remove();
      if (this.#spares.length < SPARES_MAX) this.#spares.push(canvas);
    }
    if (this.#measures?.ratio !== devicePixelRatio) this.#measures = this.#measure();
    const measures = this.#measures;
    if (!measures) return;
    for (const [number, tile] of this.#tiles) {
      if (tile.laidBy === measures) drawChanges(tile, number * TILE_ROWS, measures);
      else {
        layTile(tile, number * TILE_ROWS, measures);
        drawRows(tile, tile.rows.keys(), number * TILE_ROWS, measures);
      }
      tile.old.clear();
    }
  }

  /** All rows are alike: what holds for one of them holds for all. */
  #measure(): Measures | null {
    const [tile] = this.#tiles.values();
    const [cell] = tile?.rows.values() ?? [];
    const row = cell?.place.parentElement;
    if (!this.#sheet || !tile || !cell || !row) return null;
    // A box of no height stands on the line of the text.
    const probe = document.createElement('span');
    probe.className = 'live mono';
    probe.style.display = 'inline-block';
    cell.place.append(probe);
    const colour = (token: string): string => {
      probe.style.color = `var(${token})`;
      return getComputedStyle(probe).color;
    };
    const box = cell.place.getBoundingClientRect();
    const place = row.getBoundingClientRect();
    const baseline = probe.getBoundingClientRect().bottom - place.top;
    const ratio = devicePixelRatio;
    const { fontSize, fontFamily, fontStyle } = getComputedStyle(probe);
    const font = (style: string, weight: number): string => `${style} ${weight} ${Number.parseFloat(fontSize) * ratio}px ${fontFamily}`;
    const plain = font(fontStyle, 400);
    const text = colour('--text');
    const on = colour('--true');
    const soft = colour('--text-soft');
    probe.remove();
    tile.ctx.font = plain;
    return {
      ratio,
      rowHeight: place.height,
      left: box.left - this.#sheet.getBoundingClientRect().left,
      width: box.width,
      baseline,
      figure: tile.ctx.measureText('0').width,
      fonts: { plain, text: plain, empty: font('italic', 400), true: font(fontStyle, 600), false: plain },
      colours: { plain: text, text, empty: soft, true: on, false: text },
    };
  }
}

function layTile(tile: Tile, first: number, measures: Measures): void {
  const { ratio, rowHeight, left, width } = measures;
  const { canvas } = tile;
  tile.laidBy = measures;
  [canvas.width, canvas.height] = [Math.ceil(width * ratio), Math.ceil(TILE_ROWS * rowHeight * ratio)];
  const { style } = canvas;
  style.left = `${left + width - canvas.width / ratio}px`;
  style.top = `${first * rowHeight}px`;
  style.width = `${canvas.width / ratio}px`;
  style.height = `${canvas.height / ratio}px`;
}

/** Where many rows have changed it is cheaper to wipe and draw all. */
function drawChanges(tile: Tile, first: number, measures: Measures): void {
  const { canvas, ctx, rows, old } = tile;
  const { ratio, rowHeight } = measures;
  if (2 * old.size > rows.size) {
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    drawRows(tile, rows.keys(), first, measures);
    return;
  }
  for (const index of old) {
    const top = Math.round((index - first) * rowHeight * ratio);
    ctx.clearRect(0, top, canvas.width, Math.round((index - first + 1) * rowHeight * ratio) - top);
  }
  drawRows(tile, old, first, measures);
}

/** Draws the values of these rows, as far as there are such, where nothing stands. */
function drawRows({ canvas: { width }, ctx, rows }: Tile, indexes: Iterable<number>, first: number, { ratio, rowHeight, baseline, figure, fonts, colours }: Measures): void {
  const widthOf = (text: string): number => ctx.measureText(text).width;
  ctx.textAlign = 'right';
  let drawn: Look | null = null;
  for (const index of indexes) {
    const cell = rows.get(index);
    if (!cell) continue;
    const { text, look } = cell;
    if (look !== drawn) {
      ctx.font = fonts[look];
      ctx.fillStyle = colours[look];
      drawn = look;
    }
    const y = Math.round(((index - first) * rowHeight + baseline) * ratio);
    // Only texts have signs of other widths.
    const isSure = look !== 'text' && text.length * figure <= width;
    ctx.fillText(isSure ? text : cutToFit(text, width, widthOf), width, y);
    if (look === 'true' || look === 'false') drawLamp(ctx, width - widthOf(text) - (LAMP_GAP_PX + LAMP_PX / 2) * ratio, y, look === 'true', ratio);
  }
}

/** The sign of a bit, standing on the line of its text. */
function drawLamp(ctx: CanvasRenderingContext2D, x: number, y: number, isOn: boolean, ratio: number): void {
  ctx.beginPath();
  ctx.arc(x, y - (LAMP_PX / 2) * ratio, ((LAMP_PX - LAMP_LINE_PX) / 2) * ratio, 0, 2 * Math.PI);
  ctx.strokeStyle = ctx.fillStyle;
  ctx.lineWidth = LAMP_LINE_PX * ratio;
  ctx.stroke();
  if (isOn) ctx.fill();
}
