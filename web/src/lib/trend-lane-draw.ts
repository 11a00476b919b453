/** How a lane is drawn, on the page and in a picture of it. */

import { formatValue } from './format';
import { drawBit, drawBus, drawGrid, drawHatch, drawLine, drawMarks, type Box, type Inks, type Pen } from './trend-draw';
import { styleOf, type Lane } from './trend-lanes';
import type { Draw } from './trend-plot';
import type { TrendRoom } from './trend-room.svelte';
import { timeTicks } from './trend-view';

export class LaneDraw {
  constructor(
    readonly room: TrendRoom,
    readonly lane: Lane,
    readonly inks: Inks,
  ) {}

  /** Lines of the time, and hatches where a value is not to be trusted. */
  behind: Draw = (ctx, box, _, scale) => {
    const { room, inks } = this;
    const { from, to } = room.seen;
    drawGrid(ctx, box, timeTicks(room.seen, room.width).map(({ at }) => (at - from) / (to - from)), inks, scale);
    for (const { columns } of this.#shown()) drawHatch(ctx, columns, box, inks, scale);
  };

  /** The lines of numbers with their marks. */
  lines: Draw = (ctx, box, yOf, scale) => {
    const ends = [];
    for (const { columns, mark } of this.#shown()) {
      const pen = this.#pen(mark, scale);
      drawLine(ctx, columns, box, yOf, pen, this.inks);
      const last = columns.last.findLast((value) => !Number.isNaN(value));
      if (last !== undefined) ends.push({ mark, colour: pen.colour, y: yOf(last) });
    }
    drawMarks(ctx, ends, box, this.inks, scale);
  };

  /** A bit, or a text between rails. */
  flat(ctx: CanvasRenderingContext2D, box: Box, scale: number): void {
    this.behind(ctx, box, Number, scale);
    for (const { name, columns, mark } of this.#shown()) {
      const pen = { ...this.#pen(mark, scale), dash: [] };
      if (this.lane.kind === 'digital') drawBit(ctx, columns, box, pen, this.inks);
      else if (this.lane.kind === 'bus') drawBus(ctx, columns, box, (number) => formatValue(this.room.kindOf(name) ?? 'float', this.room.valueOf(name, number)), pen, this.inks);
    }
  }

  #pen(mark: number, scale: number): Pen {
    const { colour, dash } = styleOf(mark);
    return { colour: this.inks.palette[colour - 1] ?? this.inks.text, dash, scale };
  }

  *#shown() {
    for (const { name, mark, isHidden } of this.lane.signals) {
      const columns = this.room.columns.get(name);
      if (columns && !isHidden) yield { name, mark, columns };
    }
  }
}
