import { describe, expect, it } from 'vitest';
import { drawQr } from './qr';

describe('a QR code', () => {
  it('has its three finders and its quiet border', () => {
    const drawing = drawQr('http://192.168.1.20:8000/');
    expect(drawing).not.toBeNull();
    const { size, path } = drawing ?? { size: 0, path: '' };
    const isDark = (x: number, y: number): boolean => path.includes(`M${x} ${y}h1v1h-1z`);
    // Versions have 21, 25, 29 … modules, and four of border on each side.
    expect((size - 8 - 21) % 4).toBe(0);
    for (const [x, y] of [[4, 4], [size - 11, 4], [4, size - 11]] as const) {
      expect([isDark(x, y), isDark(x + 6, y + 6), isDark(x + 3, y + 3), isDark(x + 1, y + 1)]).toEqual([true, true, true, false]);
    }
    expect([isDark(3, 3), isDark(size - 4, 4)]).toEqual([false, false]);
  });

  it('is none for a text beyond its limit', () => {
    expect(drawQr('x'.repeat(5_000))).toBeNull();
  });
});
