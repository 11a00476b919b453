import { describe, expect, it } from 'vitest';
import { classState, gama, player } from './classroom-fixtures';
import type { ConsoleLine } from './classroom-protocol';
import {
  badgeOf,
  clockWords,
  codeParts,
  countHint,
  freeSeats,
  gamaSign,
  hasGame,
  headsetWords,
  heardWords,
  hueOf,
  joinLines,
  lessonSign,
  linkText,
  ORDERS,
  orderHint,
  playersWords,
  retryWords,
  screenWords,
  seatSign,
  stopWords,
} from './classroom-words';

const inState = (state: string) => classState({ gama: gama({ state }) });

describe('the sign of a lesson', () => {
  it('follows the experiment', () => {
    const signs = ['NONE', 'NOTREADY', 'PAUSED', 'RUNNING', 'FINISHED', 'DREAMING'].map((state) => lessonSign(inState(state)));
    expect(signs.map(({ tone, word }) => `${tone} ${word}`)).toEqual(['off Ready', 'moving Loading', 'moving Paused', 'up Running', 'off Finished', 'moving DREAMING']);
    expect(signs[0]?.text).toBe('Launch loads Flood.');
    expect(lessonSign(classState({ gama: gama({ state: 'NONE', waits_for: "GAMA to load 'vr_xp'" }) })).word).toBe('Loading');
    expect(lessonSign(classState({ model: null })).text).toBe('There is no model to launch.');
    expect(lessonSign(classState({ gama: gama({ state: 'RUNNING' }), players: [player({ in_game: true }), player()] })).text).toBe('1 player in the game.');
  });

  it('says first what stands in the way of GAMA', () => {
    const signs = (['connecting', 'greeting', 'waiting'] as const).map((link) => lessonSign(classState({ gama: gama({ link, state: 'RUNNING' }) })));
    expect(signs.map(({ tone, word }) => `${tone} ${word}`)).toEqual(['moving Connecting to GAMA', 'moving Waiting for the greeting of GAMA', 'down GAMA is away']);
    expect(lessonSign(classState({ mode: 'gamaless', gama: null })).word).toBe('Without GAMA');
  });
});

describe('the link to GAMA', () => {
  it('has a word, and its kind while it is up', () => {
    expect(gamaSign(gama())).toEqual({ tone: 'up', word: 'connected (with a window)' });
    expect(gamaSign(gama({ flavour: null })).word).toBe('connected');
    expect(gamaSign(gama({ flavour: 'headless', practice: true })).word).toBe('connected (practice, headless)');
    expect(gamaSign(gama({ link: 'waiting', practice: true }))).toEqual({ tone: 'down', word: 'not connected' });
  });

  it('counts down to the next attempt, never below nothing and never above what was said', () => {
    const away = gama({ link: 'waiting', retry_in_ms: 4000 });
    expect([-300, 0, 100, 3900, 4000, 9000].map((passed) => retryWords(away, passed))).toEqual([
      'next attempt in 4 s',
      'next attempt in 4 s',
      'next attempt in 4 s',
      'next attempt in 1 s',
      'next attempt now',
      'next attempt now',
    ]);
    expect(retryWords(gama(), 0)).toBeNull();
  });

  it('is told without the countdown of the hub, and commands are set apart', () => {
    const text = linkText(gama({ text: 'GAMA is not reachable: connection refused. Start GAMA (or `crosstie practice gama`); next attempt in 4 s' }));
    expect(text).toBe('GAMA is not reachable: connection refused. Start GAMA (or `crosstie practice gama`).');
    expect(linkText(gama({ text: 'It was lost. next attempt in 5 s.' }))).toBe('It was lost.');
    expect(linkText(gama({ text: 'connection refused. Start GAMA; trying again now' }))).toBe('Connection refused. Start GAMA.');
    expect(codeParts(text).filter(({ isCode }) => isCode)).toEqual([{ text: 'crosstie practice gama', isCode: true }]);
    expect(codeParts('plain')).toEqual([{ text: 'plain', isCode: false }]);
  });
});

describe('orders', () => {
  it('have no hint where the hub offers them', () => {
    expect(ORDERS.map(({ order }) => orderHint(order, classState({ orders: ORDERS.map((words) => words.order) })))).toEqual(ORDERS.map(() => null));
  });

  it('say why they cannot be given', () => {
    expect(orderHint('launch', classState({ mode: 'gamaless', gama: null }))).toMatch(/GAMALESS/);
    expect(orderHint('launch', classState({ gama: gama({ link: 'waiting' }) }))).toBe('GAMA is not connected.');
    expect(orderHint('connect', classState())).toBe('GAMA is connected.');
    expect(orderHint('connect', classState({ gama: gama({ link: 'connecting' }) }))).toBe('An attempt is under way.');
    expect(orderHint('pause', classState({ gama: gama({ waits_for: "GAMA to load 'vr_xp'" }) }))).toBe("First the hub waits for GAMA to load 'vr_xp'.");
    expect(orderHint('pause', inState('NONE'))).toBe('No experiment is loaded: launch one first.');
    expect(orderHint('launch', classState({ model: null }))).toMatch(/no model/);
    expect(orderHint('launch', inState('RUNNING'))).toBe('An experiment is loaded already: stop it first.');
    expect(orderHint('resume', inState('NOTREADY'))).toMatch(/not ready/);
    expect(orderHint('resume', inState('FINISHED'))).toMatch(/end/);
    expect(orderHint('pause', inState('PAUSED'))).toBe('It does not run.');
    expect(orderHint('resume', inState('RUNNING'))).toBe('It runs already.');
    expect(orderHint('step', inState('RUNNING'))).toBe('It runs: pause it first.');
    expect(orderHint('stop', inState('PAUSED'))).toBe('The hub does not offer it now.');
  });

  it('stopping names what it does to headsets', () => {
    const running = gama({ state: 'RUNNING', experiment_name: 'vr_xp' });
    expect(stopWords(classState({ gama: running, players: [player(), player({ id: 'B' }), player({ id: 'C', connected: false })] }))).toContain('vr_xp ends. All 2 headsets are sent away');
    expect(stopWords(classState({ gama: running, players: [player()] }))).toContain('The one headset is sent away');
    expect(stopWords(classState({ gama: running }))).toContain('No headset is connected');
  });
});

describe('players', () => {
  it('too few and too many are said', () => {
    const { model } = classState();
    expect(countHint(model, [player()])).toBe('Flood is made for at least 2 players; 1 is here.');
    expect(countHint(model, [])).toContain('0 are here');
    expect(countHint(model, [player(), player()])).toBeNull();
    expect(countHint(model, [1, 2, 3, 4, 5].map((at) => player({ id: `${at}` })))).toBe('Flood takes at most 4 players; 5 are here. The others watch.');
    expect(countHint(null, [])).toBeNull();
  });

  it('the numbers of a model are words', () => {
    const words = (minimal_players: number | null, maximal_players: number | null) => playersWords({ minimal_players, maximal_players });
    expect([words(null, null), words(2, null), words(0, 4), words(null, 1), words(3, 3), words(2, 4)]).toEqual([
      'any number of players',
      '2 players or more',
      'up to 4 players',
      'up to 1 player',
      '3 players',
      '2 to 4 players',
    ]);
  });

  it('a seat says how it is, and why it is not in the game', () => {
    expect(hasGame(inState('PAUSED'))).toBe(true);
    expect(hasGame(inState('NONE'))).toBe(false);
    expect(hasGame(classState({ gama: gama({ state: 'RUNNING', link: 'waiting' }) }))).toBe(false);
    expect(seatSign(player({ connected: false, in_game: true }), true)).toEqual({ tone: 'off', word: 'away', text: 'Its place in the game is kept.' });
    expect(seatSign(player({ connected: false, waits_for: 'gone' }), true).text).toBe('gone');
    expect(seatSign(player({ alive: false }), true).word).toBe('silent');
    expect(seatSign(player({ in_game: true }), true)).toEqual({ tone: 'up', word: 'in the game', text: '' });
    expect(seatSign(player({ waits_for: 'full' }), true)).toEqual({ tone: 'moving', word: 'not in the game', text: 'full' });
    expect(seatSign(player(), false)).toMatchObject({ tone: 'up', word: 'here' });
  });

  it('a heartbeat has an age that grows', () => {
    expect(heardWords(player({ seen_ms: 1500 }), 600)).toBe('heard 2 s ago, asked every 5 s');
    expect(heardWords(player({ heartbeat_ms: 250 }), -10)).toBe('heard < 1 s ago, asked every 250 ms');
  });

  it('a name gives a colour and a badge', () => {
    expect(hueOf('Player_101')).toBe(hueOf('Player_101'));
    const hues = [101, 102, 103, 104, 105, 106].map((number) => hueOf(`Player_${number}`)).toSorted((left, right) => left - right);
    expect(Math.min(...hues.slice(1).map((hue, at) => hue - (hues[at] ?? 0)))).toBeGreaterThan(20);
    expect(hueOf('Anna')).not.toBe(hueOf('Minh'));
    expect([badgeOf('Player_101'), badgeOf('Anna'), badgeOf('seat 7 left'), badgeOf('')]).toEqual(['101', 'AN', '7', '']);
  });

  it('free seats are drawn up to a limit', () => {
    const { model } = classState();
    expect([freeSeats(model, [player()], 8), freeSeats(model, [player()], 2), freeSeats(null, [], 8)]).toEqual([3, 2, 0]);
  });

  it('all headsets on one line', () => {
    expect(headsetWords(classState())).toBe('no headset');
    const players = [player({ in_game: true }), player({ id: 'B', alive: false, doubled: true }), player({ id: 'C', connected: false })];
    expect(headsetWords(classState({ players }))).toBe('2 headsets, 1 in the game, 1 silent, a name twice');
    expect(headsetWords(classState({ players: [player()], gama: null, mode: 'gamaless' }))).toBe('1 headset');
  });
});

describe('the console', () => {
  const line = (number: number): ConsoleLine => ({ number, at_ms: 0, level: 'console', kind: '', text: '' });

  it('takes each line once and keeps the newest', () => {
    const known = joinLines([], [line(1), line(2)], 3);
    expect(joinLines(known, [], 3)).toBe(known);
    expect(joinLines(known, [line(2), line(3), line(4)], 3).map(({ number }) => number)).toEqual([2, 3, 4]);
  });

  it('writes the time of day', () => {
    expect(clockWords(Date.UTC(2026, 10, 21, 9, 16, 40), 'UTC')).toBe('09:16:40');
  });
});

it('what monitors show is a word, or its JSON', () => {
  expect([screenWords(null), screenWords('stream'), screenWords({ type: 'stream' })]).toEqual([null, 'stream', '{"type":"stream"}']);
});
