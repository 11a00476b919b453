import { describe, expect, it } from 'vitest';
import { isPowered, RAIL, readPower } from './power';

describe('a power flow', () => {
  it('has the power of instruction k in bit k, counted from the lowest of the first byte', () => {
    const power = readPower(btoa(String.fromCharCode(0b0000_0101, 0b1000_0000)));
    const lit = Array.from({ length: 24 }, (_, instruction) => instruction).filter((instruction) => isPowered([instruction], power));
    expect(lit).toEqual([0, 2, 15]);
  });

  it('lights a wire when any of its sources has power, and the rail always', () => {
    const power = new Uint8Array([0b10]);
    expect(isPowered([0, 1], power)).toBe(true);
    expect(isPowered([0, 2, 900], power)).toBe(false);
    expect(isPowered([RAIL], power)).toBe(true);
    expect(isPowered([], power)).toBe(false);
  });

  it('that is not there lights nothing', () => {
    expect(isPowered([RAIL, 0], null)).toBe(false);
    expect(readPower('no base64 …')).toEqual(new Uint8Array());
    expect(readPower('')).toEqual(new Uint8Array());
  });
});
