/** Pictures of the hub as `data:` addresses: an `<img>` cannot show the page's key, so they are fetched as all else and kept. */

import { HubError, type HubApi } from './hub';

/** Bytes of a picture; of a larger one nothing is shown. */
export const PICTURE_LEN_MAX = 2_000_000;
/** Bytes of all pictures that are kept; the oldest go first. */
const KEPT_LEN_MAX = 32_000_000;

/** What became of a picture: it is there, it is larger than the page takes, or there is none. */
export type Picture = { kind: 'shown'; url: string } | { kind: 'large' } | { kind: 'none' };

export class Pictures {
  #kept = new Map<string, { length: number; picture: Promise<Picture> }>();

  constructor(
    readonly api: HubApi,
    readonly kept_len_max = KEPT_LEN_MAX,
  ) {}

  /** The picture at this address of the hub, asked for once. Where the hub could not be reached the next one asks again. */
  at(address: string): Promise<Picture> {
    const kept = this.#kept.get(address);
    if (kept) return kept.picture;
    const entry = { length: 0, picture: this.#read(address) };
    this.#kept.set(address, entry);
    return entry.picture;
  }

  /** Nothing of what was seen stays for whoever comes without the right to it. */
  forget(): void {
    this.#kept.clear();
  }

  async #read(address: string): Promise<Picture> {
    try {
      const bytes = await this.api.picture(address, PICTURE_LEN_MAX);
      const entry = this.#kept.get(address);
      if (entry) entry.length = bytes.size;
      this.#makeRoom();
      return { kind: 'shown', url: await dataUrl(bytes) };
    } catch (error) {
      if (error instanceof HubError && error.code === 'too_large') return { kind: 'large' };
      if (!(error instanceof HubError) || error.status !== 404) this.#kept.delete(address);
      return { kind: 'none' };
    }
  }

  #makeRoom(): void {
    let sum = [...this.#kept.values()].reduce((all, { length }) => all + length, 0);
    for (const [address, { length }] of this.#kept) {
      if (sum <= this.kept_len_max) return;
      sum -= length;
      if (length > 0) this.#kept.delete(address);
    }
  }
}

async function dataUrl(picture: Blob): Promise<string> {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  const CHUNK = 0x8000;
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return `data:${picture.type};base64,${btoa(text)}`;
}
