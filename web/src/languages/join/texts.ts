/** The texts of the Join page and of the Classroom page's panel for it. A text with a gap is a function. */

import type { Gap, Halt } from '../../join/link';
import type { NameTrouble } from '../../join/entry';
import type { Trouble } from '../../join/protocol';

/** Why a pupil waits for the game: the hub's own reasons, and what is said where none is known. */
export interface WaitTexts {
  notRunning: string;
  loading: string;
  gamaAway: string;
  making: string;
  full: (taken: string, most: string) => string;
  withoutGama: string;
  refused: (words: string) => string;
  toBeAdded: string;
  unknown: string;
}

export interface JoinTexts {
  language: string;
  notReviewed: string;
  card: {
    title: string;
    about: string;
    name: string;
    nameHint: string;
    code: string;
    codeHint: string;
    join: string;
    nameTrouble: Record<NameTrouble, string>;
  };
  /** Why nothing goes on before somebody acts. */
  halt: Record<Halt, string>;
  tryAgainIn: (seconds: number) => string;
  joinAgain: string;
  takeBack: string;
  /** Back to the card, where no code is asked for and where one is. */
  otherName: string;
  otherNameOrCode: string;
  /** Why there is no connection just now. */
  gap: Record<Gap, string>;
  /** Said beside a lost connection where the hub itself is there. */
  seatKept: string;
  nextTry: (seconds: number) => string;
  tryNow: string;
  asking: string;
  connecting: string;
  inClass: string;
  wait: WaitTexts;
  waitForWorld: string;
  waitForPlace: string;
  game: {
    inGame: string;
    map: string;
    keys: string;
    paused: string;
    still: (seconds: number) => string;
    old: (seconds: number) => string;
    held: string;
    ended: (words: string) => string;
    stick: string;
    left: string;
    right: string;
    closer: string;
    further: string;
    follow: string;
    whole: string;
    leave: string;
  };
  details: {
    title: string;
    close: string;
    legend: string;
    none: string;
    model: string;
    cannot: string;
    only: string;
    kinds: string;
    allShown: string;
    figures: (worlds: string, leftOut: string) => string;
    troubles: string;
    trouble: Record<Trouble['word'], string>;
    times: (count: number) => string;
    stickSide: string;
  };
  panel: {
    title: string;
    about: string;
    /** Where no other device can reach the address; the address follows. */
    aboutHere: string;
    /** What opening does where no other device can reach the address. */
    proxyCode: string;
    codeWanted: string;
    noCode: string;
    closed: string;
    open: string;
    close: string;
    closeHint: string;
    openHint: string;
    alwaysOpen: string;
    hidden: string;
    address: string;
    qr: string;
    big: string;
    bigTitle: string;
    bigClose: string;
    /** What the hub advises follows. */
    unreachable: string;
    waiting: string;
    failed: (words: string) => string;
    needsLink: string;
    needsOperator: string;
    then: string;
  };
}
