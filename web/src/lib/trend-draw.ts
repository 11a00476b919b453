/** Draws lanes on a canvas: lines with their envelope, bits as a logic analyser shows them, and texts between two rails. */

import type { Columns } from './trend-columns';
import { BAD, GAP, GOOD } from './trend-track';

/** What is drawn with, read from the tokens of the page. */
export interface Inks {
  palette: readonly string[];
  ground: string;
  line: string;
  grid: string;
  text: string;
  soft: string;
  stale: string;
  bad: string;
  font: string;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Pen {
  colour: string;
  dash: readonly number[];
  /** Pixels of the canvas in one of the page. */
  scale: number;
}

/** The tokens as colours that a canvas understands: it knows no variables. */
export function readInks(place: HTMLElement): Inks {
  const probe = document.createElement('span');
  place.append(probe);
  const colour = (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const inks: Inks = {
    palette: Array.from({ length: 8 }, (_, index) => colour(`--trend-${index + 1}`)),
    ground: colour('--surface'),
    line: colour('--line'),
    grid: colour('--trend-grid'),
    text: colour('--text'),
    soft: colour('--text-soft'),
    stale: colour('--stale'),
    bad: colour('--bad'),
    font: getComputedStyle(place).fontFamily,
  };
  probe.remove();
  return inks;
}

/** Runs of pixels in which something is true. */
function* runs(length: number, is: (index: number) => boolean): Generator<[number, number]> {
  for (let index = 0; index < length; index += 1) {
    if (!is(index)) continue;
    const begin = index;
    while (index < length && is(index)) index += 1;
    yield [begin, index];
  }
}

/** A hatched ground where a value is not to be trusted: the other way round where it is bad. */
export function drawHatch(ctx: CanvasRenderingContext2D, columns: Columns, box: Box, inks: Inks, scale: number): void {
  const pixel = box.width / columns.length;
  for (const wanted of [GOOD + 1, BAD]) {
    ctx.save();
    ctx.strokeStyle = wanted === BAD ? inks.bad : inks.stale;
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = scale;
    for (const [begin, end] of runs(columns.length, (index) => columns.state[index] === wanted)) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(box.left + begin * pixel, box.top, (end - begin) * pixel, box.height);
      ctx.clip();
      ctx.beginPath();
      const from = Math.floor((begin * pixel - box.height) / (7 * scale)) * 7 * scale;
      for (let x = from; x < end * pixel + box.height; x += 7 * scale) {
        const [top, bottom] = wanted === BAD ? [x, x + box.height] : [x + box.height, x];
        ctx.moveTo(box.left + bottom, box.top + box.height);
        ctx.lineTo(box.left + top, box.top);
      }
      ctx.stroke();
      ctx.restore();
    }
    ctx.restore();
  }
}

/** A number: a line that holds until it changes, with all that was in a pixel between smallest and largest. */
export function drawLine(ctx: CanvasRenderingContext2D, columns: Columns, box: Box, yOf: (value: number) => number, pen: Pen, inks: Inks): void {
  const pixel = box.width / columns.length;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  ctx.fillStyle = pen.colour;
  ctx.globalAlpha = 0.6;
  for (let index = 0; index < columns.length; index += 1) {
    const [min, max] = [columns.min[index] ?? 0, columns.max[index] ?? 0];
    if (!(max > min)) continue;
    // Whole pixels are filled several times faster than parts of them.
    const [top, bottom] = [Math.floor(yOf(max) - pen.scale / 2), Math.ceil(yOf(min) + pen.scale / 2)];
    ctx.fillRect(Math.round(box.left + index * pixel), top, Math.max(Math.round(pixel), 1), bottom - top);
  }
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.6 * pen.scale;
  ctx.lineJoin = 'bevel';
  const isGood = (index: number): boolean => columns.state[index] === GOOD;
  const isDoubtful = (index: number): boolean => (columns.state[index] ?? GAP) > GOOD;
  ctx.strokeStyle = pen.colour;
  ctx.setLineDash(pen.dash.map((part) => part * pen.scale));
  strokeRuns(ctx, columns, box, yOf, isGood);
  ctx.strokeStyle = inks.soft;
  ctx.setLineDash([1.5 * pen.scale, 3 * pen.scale]);
  strokeRuns(ctx, columns, box, yOf, isDoubtful);
  ctx.restore();
}

function strokeRuns(ctx: CanvasRenderingContext2D, columns: Columns, box: Box, yOf: (value: number) => number, is: (index: number) => boolean): void {
  const pixel = box.width / columns.length;
  ctx.beginPath();
  for (const [begin, end] of runs(columns.length, is)) {
    const first = columns.last[begin] ?? Number.NaN;
    if (Number.isNaN(first) && end - begin === 1) continue;
    let isDown = false;
    let before = Number.NaN;
    let drawn = begin;
    for (let index = begin; index < end; index += 1) {
      const value = columns.last[index] ?? Number.NaN;
      if (Number.isNaN(value)) {
        if (isDown) ctx.lineTo(box.left + index * pixel, before);
        isDown = false;
        continue;
      }
      const y = yOf(value);
      const x = box.left + index * pixel;
      if (!isDown) ctx.moveTo(x, y);
      else if (y !== before) {
        // From pixel to pixel the envelope has the steps, and one point is enough; what has held before goes on level.
        if (index - drawn > 1 || columns.max[index] === columns.min[index]) ctx.lineTo(x, before);
        ctx.lineTo(x, y);
        drawn = index;
      } else if (isDown) continue;
      if (!isDown) drawn = index;
      isDown = true;
      before = y;
    }
    if (isDown) ctx.lineTo(box.left + end * pixel, before);
  }
  ctx.stroke();
}

/** A bit: high with a filled ground, low as a line, and a block where it changed more often than pixels can tell. */
export function drawBit(ctx: CanvasRenderingContext2D, columns: Columns, box: Box, pen: Pen, inks: Inks): void {
  const pixel = box.width / columns.length;
  const [high, low] = [box.top + 5 * pen.scale, box.top + box.height - 5 * pen.scale];
  const isKnown = (index: number): boolean => columns.state[index] !== GAP;
  for (const [begin, end] of runs(columns.length, isKnown)) {
    for (const [from, to] of runs(end - begin, (index) => columns.last[begin + index] === 1 || columns.max[begin + index] === 1)) {
      ctx.fillStyle = pen.colour;
      ctx.globalAlpha = 0.2;
      ctx.fillRect(box.left + (begin + from) * pixel, high, (to - from) * pixel, low - high);
    }
    ctx.globalAlpha = 0.75;
    for (const [from, to] of runs(end - begin, (index) => (columns.count[begin + index] ?? 0) > 1 && columns.min[begin + index] !== columns.max[begin + index])) {
      ctx.fillRect(box.left + (begin + from) * pixel, high, (to - from) * pixel, low - high);
    }
    ctx.globalAlpha = 1;
  }
  drawLine(ctx, columns, box, (value) => (value === 1 ? high : low), pen, inks);
}

/** A text, or a number as one: two rails that cross where it changes, with what it is between them. */
export function drawBus(ctx: CanvasRenderingContext2D, columns: Columns, box: Box, textOf: (number: number) => string, pen: Pen, inks: Inks): void {
  const pixel = box.width / columns.length;
  const [high, low] = [box.top + 5 * pen.scale, box.top + box.height - 5 * pen.scale];
  ctx.save();
  ctx.lineWidth = 1.4 * pen.scale;
  ctx.font = `${11 * pen.scale}px ${inks.font}`;
  ctx.textBaseline = 'middle';
  for (const [begin, end] of runs(columns.length, (index) => columns.state[index] !== GAP)) {
    for (let index = begin; index < end; ) {
      const value = columns.last[index];
      const isMixed = (at: number): boolean => columns.min[at] !== columns.max[at];
      let next = index + 1;
      if (isMixed(index)) while (next < end && isMixed(next)) next += 1;
      else while (next < end && !isMixed(next) && columns.last[next] === value) next += 1;
      const isDoubtful = (columns.state[index] ?? GAP) > GOOD;
      const [left, right] = [box.left + index * pixel, box.left + next * pixel];
      ctx.strokeStyle = isDoubtful ? inks.soft : pen.colour;
      ctx.fillStyle = ctx.strokeStyle;
      ctx.setLineDash(isDoubtful ? [1.5 * pen.scale, 3 * pen.scale] : []);
      if (isMixed(index)) {
        ctx.globalAlpha = 0.6;
        ctx.fillRect(left, high, right - left, low - high);
        ctx.globalAlpha = 1;
      } else drawCell(ctx, left, right, high, low, pen, inks, textOf(value ?? Number.NaN));
      index = next;
    }
  }
  ctx.restore();
}

function drawCell(ctx: CanvasRenderingContext2D, left: number, right: number, high: number, low: number, pen: Pen, inks: Inks, text: string): void {
  const slope = Math.min(3 * pen.scale, (right - left) / 2);
  const middle = (high + low) / 2;
  ctx.beginPath();
  ctx.moveTo(left, middle);
  ctx.lineTo(left + slope, high);
  ctx.lineTo(right - slope, high);
  ctx.lineTo(right, middle);
  ctx.lineTo(right - slope, low);
  ctx.lineTo(left + slope, low);
  ctx.closePath();
  ctx.globalAlpha = 0.12;
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.stroke();
  const room = right - left - 12 * pen.scale;
  if (room < 12 * pen.scale || text === '') return;
  ctx.fillStyle = inks.text;
  ctx.fillText(fitted(ctx, text, room), left + 6 * pen.scale, middle + 0.5 * pen.scale);
}

/** As much of a text as has room. */
function fitted(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  let length = Math.min(text.length, Math.floor(room / 4));
  while (length > 0 && ctx.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return length > 0 ? `${text.slice(0, length)}…` : '';
}

/** Lines of the time behind everything. */
export function drawGrid(ctx: CanvasRenderingContext2D, box: Box, places: readonly number[], inks: Inks, scale: number): void {
  ctx.save();
  ctx.strokeStyle = inks.grid;
  ctx.lineWidth = scale;
  ctx.beginPath();
  for (const place of places) {
    const x = Math.round(box.left + place * box.width) + 0.5 * scale;
    ctx.moveTo(x, box.top);
    ctx.lineTo(x, box.top + box.height);
  }
  ctx.stroke();
  ctx.restore();
}

/** The marks of signals at the right end of their lines, pushed apart where they would cover each other. */
export function drawMarks(ctx: CanvasRenderingContext2D, marks: readonly { mark: number; y: number; colour: string }[], box: Box, inks: Inks, scale: number): void {
  const size = 13 * scale;
  const left = box.left + box.width + 3 * scale;
  const [top, bottom] = [box.top + size / 2, box.top + box.height - size / 2];
  const sorted = marks.map((mark) => ({ ...mark, y: Math.min(bottom, Math.max(top, mark.y)) })).sort((one, other) => one.y - other.y);
  for (let index = 1; index < sorted.length; index += 1) {
    const [before, own] = [sorted[index - 1], sorted[index]];
    if (before && own) own.y = Math.max(own.y, before.y + size);
  }
  ctx.save();
  ctx.font = `600 ${10 * scale}px ${inks.font}`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  for (const { mark, y, colour } of sorted) {
    if (y > bottom + 1) break;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.roundRect(left, y - size / 2 + 0.5 * scale, 17 * scale, size - scale, 3 * scale);
    ctx.fill();
    ctx.fillStyle = inks.ground;
    ctx.fillText(String(mark), left + 8.5 * scale, y + 0.5 * scale);
  }
  ctx.restore();
}
