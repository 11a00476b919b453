import { describe, expect, test } from 'vitest';
import { frequencyWords, panned, spanOf, spanWords, timeTicks, zoomed } from './trend-view';

describe('the view', () => {
  test('zooming keeps the moment below the pointer where it is', () => {
    const view = zoomed({ kind: 'held', from: 0, to: 1_000 }, 0.5, 250);
    expect(view).toEqual({ kind: 'held', from: 125, to: 625 });
  });

  test('a live view goes on to live when it is zoomed, and is held when it is moved', () => {
    expect(zoomed({ kind: 'live', span: 1_000 }, 2, 0)).toEqual({ kind: 'live', span: 2_000 });
    expect(panned({ kind: 'live', span: 1_000 }, -300, 5_000)).toEqual({ kind: 'held', from: 3_700, to: 4_700 });
    expect(spanOf({ kind: 'live', span: 1_000 }, 5_000)).toEqual({ from: 4_000, to: 5_000 });
  });

  test('nobody gets far into the time to come', () => {
    expect(panned({ kind: 'held', from: 4_000, to: 5_000 }, 9_000, 5_000)).toEqual({ kind: 'held', from: 4_100, to: 5_100 });
  });

  test('nobody gets nearer than can be told apart', () => {
    expect(zoomed({ kind: 'live', span: 60 }, 0.01, 0)).toEqual({ kind: 'live', span: 50 });
  });
});

describe('the time', () => {
  const noon = Date.UTC(2026, 2, 1, 12);

  test('is written at round moments with room between', () => {
    const ticks = timeTicks({ from: noon + 1, to: noon + 60_000 }, 900, 90, 0);
    expect(ticks[0]).toEqual({ at: noon + 10_000, label: '12:00:10', isDay: false });
    expect(ticks.length).toBe(6);
    expect(timeTicks({ from: noon, to: noon + 500 }, 900, 90, 0)[1]?.label).toBe('12:00:00.050');
  });

  test('stands on the hours of the clock on the wall, and says when a day begins', () => {
    const ticks = timeTicks({ from: noon, to: noon + 86_400_000 }, 600, 90, 5.5 * 3_600_000);
    expect(ticks.every(({ at }) => (at + 5.5 * 3_600_000) % 14_400_000 === 0 || (at + 5.5 * 3_600_000) % 3_600_000 === 0)).toBe(true);
    expect(ticks.find(({ isDay }) => isDay)?.label).toBe('2026-03-02');
  });

  test('spans and their frequency in words', () => {
    expect(spanWords(12.345)).toBe('12.3 ms');
    expect(spanWords(-1_500)).toBe('1.5 s');
    expect(spanWords(600_000)).toBe('10 min');
    expect(frequencyWords(20)).toBe('50 Hz');
    expect(frequencyWords(0.1)).toBe('10 kHz');
    expect(frequencyWords(0)).toBe('–');
  });
});
