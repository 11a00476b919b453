/** A trend as a picture to put into a report: title and time, each lane with its legend, the time below. Twice as large as on the page. */

import { formatValue, seen } from './format';
import { drawMarks, type Box, type Inks } from './trend-draw';
import { LaneDraw } from './trend-lane-draw';
import { styleOf, type Lane, type TrendSignal } from './trend-lanes';
import { makePlot, show } from './trend-plot';
import type { TrendRoom } from './trend-room.svelte';
import { dayWords, momentWords, timeTicks } from './trend-view';

const SCALE = 2;
const [HEAD, AXIS, MARKS, EDGE, TITLE, FOOT] = [240, 58, 24, 16, 58, 40];

export interface PictureLane {
  lane: Lane;
  height: number;
}

export function trendPicture(room: TrendRoom, lanes: readonly PictureLane[], inks: Inks, title: string): HTMLCanvasElement {
  const plotWidth = room.width;
  const width = EDGE * 2 + HEAD + AXIS + plotWidth + MARKS;
  const height = TITLE + lanes.reduce((sum, lane) => sum + lane.height, 0) + FOOT;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width * SCALE, height * SCALE];
  const ctx = canvas.getContext('2d');
  if (!ctx) throw new Error('this browser gives no canvas to draw on');
  ctx.fillStyle = inks.ground;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  drawTitle(ctx, room, inks, title);
  let top = TITLE;
  for (const { lane, height: laneHeight } of lanes) {
    drawLane(ctx, room, lane, inks, { left: EDGE, top, width: width - 2 * EDGE, height: laneHeight });
    top += laneHeight;
  }
  drawTime(ctx, room, inks, EDGE + HEAD + AXIS, top, plotWidth);
  return canvas;
}

function write(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, size: number, colour: string, inks: Inks, weight = 400): void {
  ctx.font = `${weight} ${size * SCALE}px ${inks.font}`;
  ctx.fillStyle = colour;
  ctx.fillText(text, x * SCALE, y * SCALE);
}

function drawTitle(ctx: CanvasRenderingContext2D, room: TrendRoom, inks: Inks, title: string): void {
  const { from, to } = room.seen;
  write(ctx, seen(title), EDGE, 26, 16, inks.text, inks, 600);
  const words = (at: number): string => `${dayWords(at)} ${momentWords(at, Math.min(to - from, 3_600_000))}`;
  write(ctx, `${words(from)} to ${words(to)}`, EDGE, 46, 12, inks.soft, inks);
}

function drawLane(ctx: CanvasRenderingContext2D, room: TrendRoom, lane: Lane, inks: Inks, box: Box): void {
  ctx.fillStyle = inks.line;
  ctx.fillRect(box.left * SCALE, box.top * SCALE, box.width * SCALE, SCALE);
  for (const [index, signal] of lane.signals.entries()) drawName(ctx, room, signal, inks, box.left, box.top + 18 + index * 36);
  const left = box.left + HEAD;
  const plotBox = { left: (left + AXIS) * SCALE, top: (box.top + 1) * SCALE, width: room.width * SCALE, height: (box.height - 1) * SCALE };
  if (lane.kind === 'analog') drawAxis(ctx, room, lane, inks, left, box.top, box.height);
  else new LaneDraw(room, lane, inks).flat(ctx, plotBox, SCALE);
}

function drawName(ctx: CanvasRenderingContext2D, room: TrendRoom, signal: TrendSignal, inks: Inks, left: number, y: number): void {
  const ink = inks.palette[styleOf(signal.mark).colour - 1] ?? inks.text;
  drawMarks(ctx, [{ mark: signal.mark, y: (y - 4) * SCALE, colour: ink }], { left: (left - 3) * SCALE, top: 0, width: 0, height: Number.MAX_SAFE_INTEGER }, inks, SCALE);
  const room_px = HEAD - 32;
  let name = seen(signal.name);
  ctx.font = `${12 * SCALE}px ${inks.font}`;
  while (name.length > 4 && ctx.measureText(name).width > room_px * SCALE) name = `…${name.slice(2)}`;
  write(ctx, name, left + 24, y, 12, inks.text, inks);
  const kind = room.kindOf(signal.name);
  const value = kind === null ? '–' : formatValue(kind, room.valueOf(signal.name, room.numberAt(signal.name, room.seen.to)));
  write(ctx, value.slice(0, 32), left + 24, y + 15, 11, inks.soft, inks);
}

function drawAxis(ctx: CanvasRenderingContext2D, room: TrendRoom, lane: Lane, inks: Inks, left: number, top: number, height: number): void {
  const size = { width: AXIS + room.width + MARKS, height, axis: AXIS, marks: MARKS, scale: SCALE };
  const { behind, lines } = new LaneDraw(room, lane, inks);
  const plot = makePlot(size, inks, behind, lines);
  show(plot, room.ranges.get(lane.number ?? 0) ?? [0, 1]);
  ctx.drawImage(plot.ctx.canvas, left * SCALE, top * SCALE, size.width * SCALE, height * SCALE);
  plot.destroy();
}

function drawTime(ctx: CanvasRenderingContext2D, room: TrendRoom, inks: Inks, left: number, top: number, width: number): void {
  const { from, to } = room.seen;
  ctx.fillStyle = inks.line;
  ctx.fillRect(left * SCALE, top * SCALE, width * SCALE, SCALE);
  for (const { at, label } of timeTicks(room.seen, width)) {
    const x = left + ((at - from) / (to - from)) * width;
    ctx.fillRect(x * SCALE, top * SCALE, SCALE, 8 * SCALE);
    write(ctx, label, x + 4, top + 15, 11, inks.soft, inks);
  }
}
