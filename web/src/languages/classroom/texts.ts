/**
 * Every text of the Classroom page, by its panel. A language that lacks one does not build.
 *
 * A text with gaps is a function of what goes into them. What stands between backticks is a command or a name to type. A text
 * that ends with a colon is followed by words that nobody translates: those of the hub, of GAMA or of a model.
 */

import type { ClassOrder, ConsoleLevel, GamaLinkWord } from '../../lib/classroom-protocol';
import type { Role } from '../../lib/protocol';
import type { Units } from '../measures';

/** The sign of a lesson: its word, and a sentence that says what it means. */
interface SignTexts {
  word: string;
  text: string;
}

/** The sign of a lesson whose sentence counts the players. */
interface CountedTexts {
  word: string;
  text: (players: number) => string;
}

/** What is asked before something that cannot be taken back: `name` is the experiment, or the player. */
interface AskTexts {
  title: (name: string) => string;
  deed: (name: string) => string;
}

export interface ClassroomTexts {
  units: Units;
  language: {
    label: string;
    notReviewed: string;
  };
  page: {
    title: string;
    asItWas: (span: string) => string;
    ago: (span: string) => string;
    waitsForLink: (host: string) => string;
    waitsForState: string;
    refused: string;
    hubSays: string;
    none: string;
    howToGetOne: string;
    whatItDoes: string;
  };
  rights: {
    needsLink: string;
    youAre: Record<Role, string>;
    needs: Record<Exclude<Role, 'viewer'>, string>;
  };
  ask: {
    leave: string;
  };
  refusal: {
    unreachable: string;
    /** Of an order; a sentence of its own. */
    unanswered: string;
  };
  lesson: {
    label: string;
    was: (word: string) => string;
    waits: string;
    gamaless: SignTexts;
    link: Record<GamaLinkWord, string>;
    ready: { word: string; launches: (model: string) => string; noModel: string };
    loading: string;
    paused: CountedTexts;
    running: CountedTexts;
    finished: SignTexts;
    unknown: string;
  };
  gama: {
    link: Record<GamaLinkWord, string>;
    practice: string;
    gui: string;
    headless: string;
    retryIn: (span: string) => string;
    retryNow: string;
    /** What to do about the link; in English the hub's own sentence says it. */
    advice: Record<GamaLinkWord, string>;
    tryNow: string;
    tryNowTitle: string;
  };
  orders: {
    label: string;
    each: Record<Exclude<ClassOrder, 'connect'>, { label: string; effect: string }>;
    told: (order: string, hint: string) => string;
    refused: (order: string) => string;
    ask: Record<'stop' | 'reload', AskTexts>;
    /** An experiment without a name, inside a sentence. */
    unnamed: string;
    ends: (experiment: string) => string;
    nobodyAway: string;
    oneAway: string;
    allAway: (headsets: number) => string;
    lost: string;
  };
  /** Why an order cannot be given now. */
  hints: {
    gamaless: string;
    connected: string;
    underWay: string;
    notConnected: string;
    waitsFirst: string;
    noExperiment: string;
    noModel: string;
    notOffered: string;
    loaded: string;
    notReady: string;
    finished: string;
    notRunning: string;
    running: string;
    pauseFirst: string;
  };
  facts: {
    since: (span: string) => string;
    at: string;
    experiment: string;
    kind: string;
    practice: string;
    practiceTitle: string;
    model: string;
    noModel: string;
    players: string;
  };
  players: {
    tooFew: (model: string, least: number, here: number) => string;
    tooMany: (model: string, most: number, here: number) => string;
    any: string;
    orMore: (least: number) => string;
    upTo: (most: number) => string;
    exactly: (count: number) => string;
    between: (least: number, most: number) => string;
  };
  seats: {
    title: string;
    here: (headsets: number) => string;
    inGame: (players: number) => string;
    atMost: (players: number) => string;
    monitors: (monitors: number) => string;
    none: string;
    free: string;
    remove: AskTexts & { effect: (name: string) => string };
    notRemoved: (name: string) => string;
    notJoined: (name: string) => string;
    notForgotten: (name: string) => string;
  };
  seat: {
    label: (name: string) => string;
    away: string;
    silent: string;
    inGame: string;
    notInGame: string;
    here: string;
    kept: string;
    silentText: string;
    /** Why somebody is not in the game, where the state says it. */
    waits: { gamaless: string; headset: string; gama: string; loading: string; experiment: string };
    doubled: (name: string) => string;
    heard: (span: string, period: string) => string;
    cameAt: (time: string) => string;
    worlds: (count: number) => string;
    worldsTitle: string;
    dropped: (count: number) => string;
    droppedTitle: string;
    notPassed: (count: number) => string;
    notPassedTitle: string;
    rejoin: string;
    rejoinTitle: (name: string) => string;
    remove: string;
    removeTitle: (name: string) => string;
    forget: string;
    forgetTitle: (name: string) => string;
  };
  models: {
    title: string;
    forNextLaunch: string;
    hide: string;
    show: (models: number) => string;
    folders: string;
    all: string;
    unreadable: string;
    readAgain: string;
    waits: string;
    noneReadable: string;
    noPackage: string;
    noPackageIn: (folders: string) => string;
    whatAPackageIs: string;
    count: (models: number) => string;
    active: string;
    tileTitle: (experiment: string, file: string) => string;
    elsewhere: string;
    elsewhereTitle: (file: string) => string;
    /** Why letters stand where a picture is wanted. */
    largePicture: (megabytes: number) => string;
    errors: (count: number) => string;
    notes: (count: number) => string;
    notSelected: string;
  };
  console: {
    title: string;
    follow: string;
    levels: string;
    level: Record<ConsoleLevel, string>;
    lines: string;
    nothing: string;
    filtered: string;
  };
  screen: {
    title: string;
    nothing: string;
    shows: string;
    choice: string;
    choiceTitle: (type: string) => string;
    other: string;
    otherHint: string;
    show: string;
    showTitle: string;
    notSwitched: string;
    told: (monitors: number) => string;
  };
  evaluate: {
    title: string;
    expression: string;
    button: string;
    buttonTitle: string;
    noGama: string;
    notConnected: string;
    noExperiment: string;
    waits: string;
    is: string;
    notEvaluated: string;
  };
}
