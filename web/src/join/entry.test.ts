import { describe, expect, it } from 'vitest';
import { codeOf, doorUrl, nameTrouble, readCode, suggestedName } from './entry';
import { askText, connectionText, isWorldText, moveText, readMessage } from './protocol';

describe('what a pupil enters', () => {
  it('has a name by the rules of the hub', () => {
    expect(nameTrouble('Ada')).toBeNull();
    expect(nameTrouble(' \t')).toBe('empty');
    expect(nameTrouble('ក'.repeat(85))).toBeNull();
    expect(nameTrouble('ក'.repeat(86))).toBe('long');
    expect(nameTrouble('A\u0007da')).toBe('control');
    expect(['.', '..', '...', '.a'].map(nameTrouble)).toEqual(['dots', 'dots', null, null]);
    expect([suggestedName(0), suggestedName(0.9999)]).toEqual(['Player_100', 'Player_999']);
  });

  it('has a code in any case, typed or from the address', () => {
    expect(readCode(' k7q-f3m ')).toBe('K7QF3M');
    expect(codeOf('http://h/join#k7qf3m')).toBe('K7QF3M');
    expect(codeOf('http://h/join#/signals')).toBe('');
  });

  it('leads to the door beside the page', () => {
    expect(doorUrl('http://h:8080/join#K7', '', true).href).toBe('ws://h:8080/headset');
    expect(doorUrl('https://h/line/join', 'K7QF3M', true).href).toBe('wss://h/line/headset?code=K7QF3M');
    expect(doorUrl('http://h/join', 'K', false).href).toBe('http://h/headset?code=K');
  });
});

describe('the messages of the app', () => {
  it('are said as the app says them', () => {
    expect(connectionText('A')).toBe('{"type":"connection","id":"A","heartbeat":"5000"}');
    expect(JSON.parse(askText('send_init_data', 'A'))).toEqual({ type: 'ask', action: 'send_init_data', args: '{"id":"A"}', agent: 'simulation[0].unity_linker[0]' });
    expect(JSON.parse(JSON.parse(moveText('A', 1.6, 2, 90)).args)).toEqual({ id: 'A', x: '2', y: '2', z: '0', angle: '90' });
  });

  it('are told apart', () => {
    expect(readMessage('{"type":"ping"}')).toEqual({ type: 'ping' });
    expect(readMessage('{"type":"json_state","in_game":true}')).toEqual({ type: 'state', isInGame: true, waitsFor: null });
    expect(readMessage('{"type":"seat","waits_for":"the experiment is loading","experiment":"NOTREADY"}')).toEqual({ type: 'seat', waitsFor: 'the experiment is loading', experiment: 'NOTREADY' });
    expect(readMessage('{"type":"seat","waits_for":null,"experiment":7}')).toEqual({ type: 'seat', waitsFor: null, experiment: null });
    expect(readMessage('{"type":"pong"}')).toEqual({ type: 'other' });
    expect(isWorldText('{"contents":{"pointsLoc":[]},"type":"json_output"}')).toBe(true);
    expect(isWorldText('{"contents":{\n\t"pointsLoc":[]}}')).toBe(true);
    expect(isWorldText('{"contents":{"precision":1}}')).toBe(false);
  });
});
