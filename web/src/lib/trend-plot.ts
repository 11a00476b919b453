/** One lane with an axis: uPlot draws the axis and its grid, and what is drawn over it is the trend's own. */

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Box, Inks } from './trend-draw';

export interface PlotSize {
  width: number;
  height: number;
  /** Room for the axis on the left and for marks on the right. */
  axis: number;
  marks: number;
  /** Larger than on the page, for a picture. */
  scale: number;
}

export type Draw = (ctx: CanvasRenderingContext2D, box: Box, yOf: (value: number) => number, scale: number) => void;

/** A plot that is drawn anew with `show`; `behind` comes before its grid, `over` after it. */
export function makePlot(size: PlotSize, inks: Inks, behind: Draw, over: Draw): uPlot {
  const { scale } = size;
  const draw = (what: Draw) => (plot: uPlot) => {
    what(plot.ctx, plot.bbox, (value) => plot.valToPos(value, 'y', true), uPlot.pxRatio * scale);
  };
  const axis: uPlot.Axis = {
    scale: 'y',
    size: size.axis * scale,
    gap: 4 * scale,
    space: 26 * scale,
    font: `${11 * scale}px ${inks.font}`,
    stroke: inks.soft,
    grid: { stroke: inks.grid, width: scale },
    ticks: { stroke: inks.line, width: scale, size: 4 * scale },
    values: (_, splits) => axisWords(splits),
  };
  return new uPlot({
    width: size.width * scale,
    height: size.height * scale,
    padding: [4 * scale, size.marks * scale, 4 * scale, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, auto: false }, y: { auto: false } },
    axes: [{ show: false }, axis],
    series: [{}, { show: false, scale: 'y' }],
    hooks: { drawClear: [draw(behind)], draw: [draw(over)] },
  }, [[0, 1], [0, 1]]);
}

/** Draws with this range. */
export function show(plot: uPlot, [low, high]: readonly [number, number]): void {
  plot.batch(() => {
    plot.setScale('x', { min: 0, max: 1 });
    plot.setScale('y', { min: low, max: high });
    plot.redraw(false, true);
  });
}

/** Numbers of an axis: with as many digits as tell them apart, large and tiny ones by their power. */
export function axisWords(splits: readonly number[]): string[] {
  const step = Math.abs((splits[1] ?? 0) - (splits[0] ?? 0)) || 1;
  const size = Math.max(...splits.map(Math.abs));
  if (size >= 1e6 || (size > 0 && size < 1e-3)) return splits.map((split) => (split === 0 ? '0' : split.toExponential(Math.max(0, Math.min(4, Math.ceil(Math.log10(size / step) - 1e-9)))).replace('e+', 'e')));
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  return splits.map((split) => split.toFixed(digits));
}
