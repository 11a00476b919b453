import { describe, expect, it } from 'vitest';
import { Game, READ_ALL_MS } from './game';
import { TEXT_LEN_MAX } from './protocol';
import { LINES_MAX } from './troubles';

const output = (contents: unknown): string => JSON.stringify({ contents, type: 'json_output' });
const world = (x: number): string => output({ pointsLoc: [{ c: [x, 0] }], names: ['a'], propertyID: ['people'] });

describe('the game', () => {
  it('reads all worlds at first, and only the newest afterwards', () => {
    const game = new Game();
    game.begin(0);
    for (const x of [1, 2, 3]) game.hear(world(x), 10);
    expect([game.catchUp(), game.leftOut, game.world.groups.get('people')?.came]).toEqual([true, 0, 3]);
    for (const x of [4, 5, 6]) game.hear(world(x), READ_ALL_MS + 1);
    game.catchUp();
    expect([game.worlds, game.leftOut, game.world.groups.get('people')?.places[0]]).toEqual([6, 2, 6]);
    expect(game.catchUp()).toBe(false);
  });

  it('knows where the player stands once it is told', () => {
    const game = new Game();
    game.begin(0);
    game.hear(output({ precision: 10, world: [100, 100], position: [3, 4, 0] }), 1);
    expect([game.isInitialised, game.walker.x, game.walker.y]).toEqual([true, 3, 4]);
    game.begin(2);
    expect(game.isInitialised).toBe(false);
  });

  it('hears whether players may walk and that the game is over', () => {
    const game = new Game();
    game.hear(output({ enableMove: false }), 1);
    game.hear(output({ endOfGame: 'Well done' }), 1);
    expect([game.isHeld, game.ended]).toEqual([true, 'Well done']);
  });

  it('lives on with broken texts', () => {
    const game = new Game();
    for (const text of ['', 'null', '[]', '{"type":"json_output"', '{"type":"json_output","contents":NaN}', output(null), 'x'.repeat(TEXT_LEN_MAX + 1)]) game.hear(text, 1);
    game.hear('{"contents":{"pointsLoc":[{"c":[1,NaN]}]},"type":"json_output"}', 1);
    game.catchUp();
    expect(game.troubles.lines.map(({ word }) => word)).toEqual(expect.arrayContaining(['json', 'shape', 'long']));
    for (let at = 0; at < 100; at += 1) game.found({ word: 'json', where: 'abcdefghijklmnopqrstuvwxyz'.repeat(4).slice(0, at) });
    expect(game.troubles.lines).toHaveLength(LINES_MAX);
    game.found({ word: 'number', where: 'pointsLoc[3].c' });
    game.found({ word: 'number', where: 'pointsLoc[9].c' });
    expect(game.troubles.lines.at(-1)).toEqual({ word: 'number', where: 'pointsLoc[9].c', count: 2 });
  });
});
