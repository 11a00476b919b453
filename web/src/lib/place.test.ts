import { describe, expect, it } from 'vitest';
import { baseOf, liveUrl, routeOf } from './place';

describe('the place of the page', () => {
  it('is the folder it came from, whatever follows', () => {
    for (const [address, base] of [
      ['http://hub:8000/', 'http://hub:8000/'],
      ['http://hub:8000/signals?filter=x', 'http://hub:8000/'],
      ['https://host/line/', 'https://host/line/'],
      ['https://host/line/index.html#/settings/keys', 'https://host/line/'],
      ['https://host/plant/2/line/?a=/b/#/signals?filter=a/b', 'https://host/plant/2/line/'],
    ] as const) {
      expect(baseOf(address)).toBe(base);
    }
  });

  it('gives the live channel its scheme, its folder and the key', () => {
    expect(liveUrl('http://hub:8000/', null).href).toBe('ws://hub:8000/api/v1/live');
    expect(liveUrl('https://host/line/', 'ct_a').href).toBe('wss://host/line/api/v1/live?access_token=ct_a');
    expect(liveUrl('http://hub/', 'a&b=c').searchParams.get('access_token')).toBe('a&b=c');
  });
});

describe('the route of an address', () => {
  it('stands in the fragment', () => {
    expect(routeOf('http://hub/')).toEqual({ path: '/', search: '' });
    expect(routeOf('http://hub/line/#/signals?filter=a/b')).toEqual({ path: '/signals', search: '?filter=a/b' });
    expect(routeOf('http://hub/#/settings/keys')).toEqual({ path: '/settings/keys', search: '' });
    expect(routeOf('http://hub/signals#/')).toEqual({ path: '/', search: '' });
  });

  it('is the name at the end where there is no fragment', () => {
    expect(routeOf('http://hub/signals?filter=x')).toEqual({ path: '/signals', search: '?filter=x' });
    expect(routeOf('https://host/line/settings')).toEqual({ path: '/settings', search: '' });
    expect(routeOf('https://host/line/index.html')).toEqual({ path: '/', search: '' });
  });
});
