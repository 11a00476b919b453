/** How close rows stand: with room, or as many as fit, for whoever looks at signals all day. A phone has its own. */

import { recall, remember } from './memory';

export type Density = 'comfortable' | 'compact';
export const DENSITIES: readonly Density[] = ['comfortable', 'compact'];
/** The height of a row of the table of signals in pixels: the token `--row` for those who reckon. */
export const ROW_PX: Readonly<Record<Density, number>> = { comfortable: 28, compact: 22 };

function isDensity(value: unknown): value is Density {
  return DENSITIES.includes(value as Density);
}

class DensityChoice {
  density = $state<Density>(recall('density', isDensity, 'comfortable'));

  constructor() {
    this.#show();
  }

  choose(density: Density): void {
    this.density = density;
    remember('density', density);
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset['density'] = this.density;
  }
}

export const densityChoice = new DensityChoice();
