import { expect, test } from 'vitest';
import { Columns, fillColumns } from './trend-columns';
import { drawLine, type Inks } from './trend-draw';
import { GOOD, Track } from './trend-track';

const BOX = { left: 0, top: 0, width: 100, height: 100 };
const INKS: Inks = { palette: [], ground: '', line: '', grid: '', text: '', soft: '', stale: '', bad: '', font: '' };

/** A canvas that remembers the lines and the filled rectangles. */
class Canvas {
  segments: [number, number, number, number][] = [];
  filled: [number, number, number, number][] = [];
  #at: [number, number] = [0, 0];
  save(): void {}
  restore(): void {}
  beginPath(): void {}
  rect(): void {}
  clip(): void {}
  stroke(): void {}
  setLineDash(): void {}
  moveTo(x: number, y: number): void {
    this.#at = [x, y];
  }
  lineTo(x: number, y: number): void {
    this.segments.push([...this.#at, x, y]);
    this.#at = [x, y];
  }
  fillRect(...rect: [number, number, number, number]): void {
    this.filled.push(rect);
  }
}

function drawn(samples: [number, number][]): Canvas {
  const track = new Track();
  for (const [at, value] of samples) track.push(at, value, GOOD);
  const columns = new Columns(100);
  fillColumns(columns, track, { from: 0, step: 10, length: 100 }, 1_000);
  const canvas = new Canvas();
  drawLine(canvas as unknown as CanvasRenderingContext2D, columns, BOX, (value) => 100 - value, { colour: '', dash: [], scale: 1 }, INKS);
  return canvas;
}

test('what holds is level, also when several samples follow in one pixel', () => {
  const { segments } = drawn([[0, 90], [402, 20], [405, 30], [408, 10], [700, 50]]);
  // A line may lean from one pixel to the next, and no farther.
  for (const [fromX, fromY, toX, toY] of segments) expect(fromY === toY || toX - fromX <= 1, `${fromX} ${fromY} ${toX} ${toY}`).toBe(true);
  expect(segments.at(-1)).toEqual([70, 50, 100, 50]);
});

test('a spike within a pixel is filled from the smallest to the largest', () => {
  const { filled } = drawn([[0, 10], [401, 95], [404, 10]]);
  expect(filled).toHaveLength(1);
  const [x, top, , height] = filled[0] ?? [0, 0, 0, 0];
  expect(x).toBe(40);
  expect(top).toBeLessThanOrEqual(5);
  expect(top + height).toBeGreaterThanOrEqual(90);
});

test('nothing is drawn over a gap', () => {
  const track = new Track();
  track.push(0, 10, GOOD);
  track.gap(300);
  track.push(600, 10, GOOD);
  const columns = new Columns(100);
  fillColumns(columns, track, { from: 0, step: 10, length: 100 }, 1_000);
  const canvas = new Canvas();
  drawLine(canvas as unknown as CanvasRenderingContext2D, columns, BOX, (value) => value, { colour: '', dash: [], scale: 1 }, INKS);
  expect(canvas.segments.every(([from, , to]) => to <= 31 || from >= 59)).toBe(true);
  expect(canvas.segments.length).toBe(2);
});
