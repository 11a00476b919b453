import { codeParts } from './format';
import { describe, expect, it } from 'vitest';
import { en } from '../languages/classroom/en';
import { fr } from '../languages/classroom/fr';
import { headsetWords } from './class-peer-words';
import { classState, gama, player } from './classroom-fixtures';
import { joinLines } from './classroom-lines';
import type { ClassState, ConsoleLine, Player } from './classroom-protocol';
import {
  clockWords,
  countHint,
  evaluateHint,
  experimentName,
  freeSeats,
  gamaSign,
  hasGame,
  heardWords,
  hereWords,
  loadedExperiment,
  isAsked,
  lessonSign,
  linkText,
  orderHint,
  orderLabel,
  ORDERS,
  playersWords,
  retryWords,
  rightHint,
  screenWords,
  seatSign,
  stopWords,
} from './classroom-words';
import type { Me, Role } from './protocol';

const inState = (state: string) => classState({ gama: gama({ state }) });

describe('the sign of a lesson', () => {
  it('follows the experiment', () => {
    const signs = ['NONE', 'NOTREADY', 'PAUSED', 'RUNNING', 'FINISHED', 'DREAMING'].map((state) => lessonSign(inState(state), en));
    expect(signs.map(({ tone, word }) => `${tone} ${word}`)).toEqual(['off Ready', 'moving Loading', 'moving Paused', 'up Running', 'off Finished', 'moving DREAMING']);
    expect(signs[0]?.text).toBe('Launch loads Flood.');
    expect(lessonSign(classState({ gama: gama({ state: 'NONE', waits_for: "GAMA to load 'vr_xp'" }) }), en).word).toBe('Loading');
    expect(lessonSign(classState({ model: null }), en).text).toBe('There is no model to launch.');
    expect(lessonSign(classState({ gama: gama({ state: 'RUNNING' }), players: [player({ in_game: true }), player()] }), en).text).toBe('1 player in the game.');
  });

  it('says first what stands in the way of GAMA', () => {
    const signs = (['connecting', 'greeting', 'waiting'] as const).map((link) => lessonSign(classState({ gama: gama({ link, state: 'RUNNING' }) }), en));
    expect(signs.map(({ tone, word }) => `${tone} ${word}`)).toEqual(['moving Connecting to GAMA', 'moving Waiting for the greeting of GAMA', 'down GAMA is away']);
    expect(lessonSign(classState({ mode: 'gamaless', gama: null }), en).word).toBe('Without GAMA');
  });
});

describe('the link to GAMA', () => {
  it('has a word, and its kind while it is up', () => {
    expect(gamaSign(gama(), en)).toEqual({ tone: 'up', word: 'connected (with a window)' });
    expect(gamaSign(gama({ flavour: null }), en).word).toBe('connected');
    expect(gamaSign(gama({ flavour: 'headless', practice: true }), en).word).toBe('connected (practice, headless)');
    expect(gamaSign(gama({ link: 'waiting', practice: true }), en)).toEqual({ tone: 'down', word: 'not connected' });
  });

  it('counts down to the next attempt, never below nothing and never above what was said', () => {
    const away = gama({ link: 'waiting', retry_in_ms: 4000 });
    expect([-300, 0, 100, 3900, 4000, 9000].map((passed) => retryWords(away, passed, en))).toEqual([
      'next attempt in 4 s',
      'next attempt in 4 s',
      'next attempt in 4 s',
      'next attempt in 1 s',
      'next attempt now',
      'next attempt now',
    ]);
    expect(retryWords(gama(), 0, en)).toBeNull();
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
    expect(ORDERS.map((order) => orderHint(order, classState({ orders: [...ORDERS] }), en))).toEqual(ORDERS.map(() => null));
  });

  it('say why they cannot be given', () => {
    expect(orderHint('launch', classState({ mode: 'gamaless', gama: null }), en)).toMatch(/GAMALESS/);
    expect(orderHint('launch', classState({ gama: gama({ link: 'waiting' }) }), en)).toBe('GAMA is not connected.');
    expect(orderHint('connect', classState(), en)).toBe('GAMA is connected.');
    expect(orderHint('connect', classState({ gama: gama({ link: 'connecting' }) }), en)).toBe('An attempt is under way.');
    expect(orderHint('pause', classState({ gama: gama({ waits_for: "GAMA to load 'vr_xp'" }) }), en)).toBe('GAMA is not done with the last order yet.');
    expect(orderHint('pause', inState('NONE'), en)).toBe('No experiment is loaded: launch one first.');
    expect(orderHint('launch', classState({ model: null }), en)).toMatch(/no model/);
    expect(orderHint('launch', inState('RUNNING'), en)).toBe('An experiment is loaded already: stop it first.');
    expect(orderHint('resume', inState('NOTREADY'), en)).toMatch(/not ready/);
    expect(orderHint('resume', inState('FINISHED'), en)).toMatch(/end/);
    expect(orderHint('pause', inState('PAUSED'), en)).toBe('It does not run.');
    expect(orderHint('resume', inState('RUNNING'), en)).toBe('It runs already.');
    expect(orderHint('step', inState('RUNNING'), en)).toBe('It runs: pause it first.');
    expect(orderHint('stop', inState('PAUSED'), en)).toBe('The hub does not offer it now.');
  });

  it('are called as their buttons, and two of them ask first', () => {
    expect([orderLabel('launch', en), orderLabel('connect', en), orderLabel('connect', fr)]).toEqual(['Launch', 'Try now', 'Essayer maintenant']);
    expect(ORDERS.filter(isAsked)).toEqual(['stop', 'reload']);
  });

  it('stopping names what it does to headsets', () => {
    expect(['NONE', 'NOTREADY', 'RUNNING', 'FINISHED'].map((state) => loadedExperiment(gama({ state, experiment_name: 'vr_xp' })))).toEqual([null, 'vr_xp', 'vr_xp', 'vr_xp']);
    expect([loadedExperiment(gama({ state: 'RUNNING' })), loadedExperiment(gama({ state: 'RUNNING', experiment_name: 'vr_xp', link: 'waiting' }))]).toEqual([null, null]);
    const running = gama({ state: 'RUNNING', experiment_name: 'vr_xp' });
    expect(stopWords(classState({ gama: running, players: [player(), player({ id: 'B' }), player({ id: 'C', connected: false })] }), en)).toContain('vr_xp ends. All 2 headsets are sent away');
    expect(stopWords(classState({ gama: running, players: [player()] }), en)).toContain('The one headset is sent away');
    expect(stopWords(classState({ gama: running }), en)).toContain('No headset is connected');
    expect(stopWords(classState(), fr)).toMatch(/^L’expérience se termine\. Aucun casque/);
    expect([experimentName(classState(), en), experimentName(classState({ gama: running }), en)]).toEqual(['the experiment', 'vr_xp']);
  });
});

describe('rights', () => {
  it('are missing without the link, and below a role', () => {
    const me = (role: Role): Me => ({ who: 'Anna', role, key: null, keys_exist: true, view: null, write: null });
    expect(rightHint(false, null, 'operator', en)).toBe('This needs the link to the hub.');
    expect([rightHint(true, null, 'engineer', en), rightHint(true, me('operator'), 'operator', en)]).toEqual([null, null]);
    expect(rightHint(true, me('viewer'), 'operator', en)).toBe('You are here as a viewer. This needs the key of an operator or an engineer.');
    expect(rightHint(true, me('operator'), 'engineer', fr)).toBe('Vous êtes ici en opérateur. Il faut pour cela la clé d’un ingénieur.');
  });

  it('say why the simulation cannot be asked', () => {
    const hints = [classState({ gama: null }), classState({ gama: gama({ link: 'waiting' }) }), inState('NONE'), inState('RUNNING')].map((room) => evaluateHint(room, en));
    expect(hints).toEqual(['There is no GAMA to ask.', 'GAMA is not connected.', 'No experiment is loaded.', null]);
  });
});

describe('players', () => {
  it('too few and too many are said', () => {
    const { model } = classState();
    expect(countHint(model, [player()], en)).toBe('Flood is made for at least 2 players; 1 is here.');
    expect(countHint(model, [], en)).toContain('0 are here');
    expect(countHint(model, [player(), player()], en)).toBeNull();
    expect(countHint(model, [1, 2, 3, 4, 5].map((at) => player({ id: `${at}` })), en)).toBe('Flood takes at most 4 players; 5 are here. The others watch.');
    expect(countHint(null, [], en)).toBeNull();
  });

  it('the numbers of a model are words', () => {
    const words = (minimal_players: number | null, maximal_players: number | null) => playersWords({ minimal_players, maximal_players }, en);
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
    const sign = (more: Partial<Player>, room = inState('RUNNING')) => seatSign(player(more), room, en);
    expect(sign({ connected: false, in_game: true })).toEqual({ state: 'away', tone: 'off', word: 'away', text: 'Its place in the game is kept.', isHubs: false });
    expect(sign({ alive: false })).toMatchObject({ state: 'silent', text: 'It has not answered the last heartbeat.' });
    expect(sign({ in_game: true })).toEqual({ state: 'inGame', tone: 'up', word: 'in the game', text: '', isHubs: false });
    expect(sign({ waits_for: 'full' })).toEqual({ state: 'notInGame', tone: 'moving', word: 'not in the game', text: 'full', isHubs: true });
    expect(sign({}, inState('NONE'))).toMatchObject({ state: 'here', tone: 'up', word: 'here' });
  });

  it('the reason is told in the language as far as the state says it, else in the words of the hub', () => {
    const why = (more: Partial<Player>, room: ClassState) => {
      const { text, isHubs } = seatSign(player({ waits_for: 'x', ...more }), room, fr);
      return isHubs ? `hub: ${text}` : text;
    };
    const away = classState({ gama: gama({ link: 'waiting' }) });
    const stopping = classState({ gama: gama({ waits_for: 'GAMA to stop' }) });
    expect(why({}, classState({ gama: null, mode: 'gamaless' }))).toBe(fr.seat.waits.gamaless);
    expect([why({ connected: false }, away), why({}, away)]).toEqual([fr.seat.waits.headset, fr.seat.waits.gama]);
    expect([why({}, inState('NOTREADY')), why({}, inState('NONE'))]).toEqual([fr.seat.waits.loading, fr.seat.waits.experiment]);
    expect([why({}, stopping), why({}, inState('PAUSED')), why({ waits_for: null }, stopping)]).toEqual(['hub: x', 'hub: x', '']);
  });

  it('a heartbeat has an age that grows', () => {
    expect(heardWords(player({ seen_ms: 1500 }), 600, en)).toBe('heard 2 s ago, asked every 5 s');
    expect(heardWords(player({ heartbeat_ms: 250 }), -10, en)).toBe('heard < 1 s ago, asked every 250 ms');
  });

  it('free seats are drawn up to a limit', () => {
    const { model } = classState();
    expect([freeSeats(model, [player()], 8), freeSeats(model, [player()], 2), freeSeats(null, [], 8)]).toEqual([3, 2, 0]);
  });

  it('who is here stands at the head of the seats', () => {
    const players = [player({ in_game: true }), player({ id: 'B' }), player({ id: 'C', connected: false })];
    expect(hereWords(classState({ players }), en)).toBe('2 headsets here, 1 in the game, 4 at most. 1 monitor looks on.');
    expect(hereWords(classState({ players, gama: null, model: null, monitors: 2 }), en)).toBe('2 headsets here. 2 monitors look on.');
    expect(hereWords(classState({ players: [] }), fr)).toBe('0 casque présent, 0 dans la partie, 4 au plus. 1 écran suit la séance.');
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
