import { describe, expect, it } from 'vitest';
import { broken, lineChars, rungHeight, Stack, textLines } from './ladder-stack';
import type { PlcRung } from './plc-protocol';

const RUNG: PlcRung = { title: 'Conveyor', comment: 'Start seals itself in.', text: '', elements: [] };

describe('texts', () => {
  it('are broken between words, and within one that is too long', () => {
    expect(broken('one two three', 7)).toEqual(['one two', 'three']);
    expect(broken('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(broken('a\nb', 10)).toEqual(['a', 'b']);
    expect(broken('日本語の', 4)).toEqual(['日本', '語の']);
  });

  it('stand in one line where they fit, else the comment below the title', () => {
    expect(textLines(RUNG, [], 80)).toEqual([{ kind: 'title', text: 'Conveyor', beside: 'Start seals itself in.' }]);
    expect(textLines(RUNG, [], 24)).toEqual([{ kind: 'title', text: 'Conveyor' }, { kind: 'comment', text: 'Start seals itself in.' }]);
    const message = { code: 'E006', severity: 'error', refuses: false, rung: 0, column: 2, line: null, character: null, text: 'twice' } as const;
    expect(textLines({ ...RUNG, title: '', comment: '' }, [message], 80)).toEqual([{ kind: 'error', text: 'E006 column 2: twice' }]);
  });

  it('have lines between short and long', () => {
    expect([lineChars(0), lineChars(740), lineChars(10_000)]).toEqual([24, 100, 110]);
  });

  it('make a rung higher by a line each', () => {
    const tall = { ...RUNG, elements: [{ instruction: 0, type: 'XIC', column: 0, operands: [], decorators: [] }] };
    expect(rungHeight(tall, 3) - rungHeight(tall, 2)).toBe(19);
    expect(rungHeight(RUNG, 0)).toBe(101);
  });
});

describe('a stack', () => {
  const stack = new Stack([100, 50, 200, 100]);

  it('knows where each box stands', () => {
    expect([stack.count, stack.height, stack.top(0), stack.top(2), stack.top(4), stack.top(9)]).toEqual([4, 450, 0, 150, 450, 450]);
  });

  it('finds the box at a height', () => {
    expect([-5, 0, 99, 100, 149, 150, 349, 350, 9_999].map((y) => stack.at(y))).toEqual([0, 0, 0, 1, 1, 2, 2, 3, 3]);
    expect(new Stack([]).at(10)).toBe(0);
  });

  it('scrolls as little as needed, or to the middle, within its ends', () => {
    expect(stack.scrolledTo(1, 0, 200, 'nearest')).toBe(0);
    expect(stack.scrolledTo(2, 0, 250, 'nearest')).toBe(100);
    expect(stack.scrolledTo(0, 200, 250, 'nearest')).toBe(0);
    expect(stack.scrolledTo(2, 0, 250, 'center')).toBe(125);
    expect(stack.scrolledTo(3, 0, 250, 'center')).toBe(200);
    expect(stack.scrolledTo(2, 0, 60, 'nearest')).toBe(150);
  });
});
