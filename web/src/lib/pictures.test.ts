import { beforeEach, describe, expect, it } from 'vitest';
import { HubApi } from './hub';
import { PICTURE_LEN_MAX, Pictures } from './pictures';

let asked: { url: string; key: string | null }[];
let answer: () => Response | Promise<Response>;
let api: HubApi;
let pictures: Pictures;

const picture = (text: string, type = 'image/svg+xml') => () => new Response(text, { headers: { 'content-type': type } });

beforeEach(() => {
  asked = [];
  answer = picture('<svg/>');
  api = new HubApi('https://host/line/', (url, init) => {
    asked.push({ url: String(url), key: new Headers(init?.headers).get('authorization') });
    return Promise.resolve(answer());
  });
  pictures = new Pictures(api);
});

describe('pictures of the hub', () => {
  it('are fetched once with the key, and stand in the address', async () => {
    api.key = 'ct_key';
    const url = 'https://host/line/learning-packages/a%20b.svg';
    expect(await pictures.at(url)).toEqual({ kind: 'shown', url: `data:image/svg+xml;base64,${btoa('<svg/>')}` });
    await pictures.at(url);
    expect(asked).toEqual([{ url, key: 'Bearer ct_key' }]);
    pictures.forget();
    await pictures.at(url);
    expect(asked.length).toBe(2);
  });

  it('are not taken beyond their size, whether it is said or not', async () => {
    const said = new Response('x', { headers: { 'content-type': 'image/png', 'content-length': String(PICTURE_LEN_MAX + 1) } });
    answer = () => said;
    expect(await pictures.at('https://host/said.png')).toEqual({ kind: 'large' });
    answer = picture('x'.repeat(PICTURE_LEN_MAX + 1), 'image/png');
    expect(await pictures.at('https://host/silent.png')).toEqual({ kind: 'large' });
    answer = picture('x'.repeat(PICTURE_LEN_MAX), 'image/png');
    expect((await api.picture('https://host/fits.png', PICTURE_LEN_MAX)).size).toBe(PICTURE_LEN_MAX);
  });

  it('that are none are asked for once; those that could not be had, again', async () => {
    answer = () => new Response('{}', { status: 404 });
    expect(await pictures.at('https://host/gone.svg')).toEqual({ kind: 'none' });
    await pictures.at('https://host/gone.svg');
    expect(asked.length).toBe(1);
    answer = picture('<html>', 'text/html');
    expect(await pictures.at('https://host/page.svg')).toEqual({ kind: 'none' });
    answer = () => Promise.reject(new Error('no network'));
    expect(await pictures.at('https://host/later.svg')).toEqual({ kind: 'none' });
    answer = picture('<svg/>');
    expect((await pictures.at('https://host/later.svg')).kind).toBe('shown');
  });

  it('make room for newer ones', async () => {
    const few = new Pictures(api, 20);
    for (let at = 0; at < 4; at += 1) await few.at(`https://host/${at}.svg`);
    await few.at('https://host/3.svg');
    expect(asked.length).toBe(4);
    await few.at('https://host/0.svg');
    expect(asked.length).toBe(5);
  });
});
