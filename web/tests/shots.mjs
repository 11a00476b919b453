/**
 * Takes pictures of every page in both themes, at a desk, on a tablet and on a phone: `npm run shots [folder]`, default
 * `test-results`. The pictures are for people to look at, nothing is compared.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { enterKey, openLive, startBrowser, startMock } from './support.mjs';

const folder = process.argv[2] ?? 'test-results';
mkdirSync(folder, { recursive: true });

const SIZES = { desk: { width: 1280, height: 720 }, tablet: { width: 834, height: 1112 }, phone: { width: 390, height: 844 } };
/** What is shown: a name, the mock's arguments, the path, and what to do and wait for before the picture. */
const SCENES = [
  ['overview', [], '/', async (page) => page.waitForFunction(() => document.querySelector('polyline').getAttribute('points').split(' ').length > 12)],
  ['problems', ['--problems'], '/', async (page) => page.locator('[data-problem]').first().waitFor()],
  ['empty', ['--empty'], '/', async (page) => page.locator('[data-health]').waitFor()],
  ['signals', ['--signals', '100000'], '/#/signals', async (page) => page.getByText('100,018 signals', { exact: true }).waitFor()],
  [
    'detail',
    [],
    '/#/signals?filter=twin&signal=twin%2Fline%2FSpeedSetpoint',
    async (page) => {
      await page.getByLabel('New value of').fill('900');
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.getByText('Written as').waitFor();
    },
  ],
  ['no-signals', ['--empty'], '/#/signals', async (page) => page.getByText('There is no signal yet').waitFor()],
  [
    'lost',
    [],
    '/#/signals',
    async (page, hub) => {
      await page.locator('[data-name="twin/line/Run"]').waitFor();
      await hub.stop('SIGKILL');
      await page.locator('[data-banner=lost]').waitFor();
    },
  ],
];

/** The PLC page: what to do before the picture, and which of the contexts is shown. */
const PLC = [
  ['plc', '/#/plc', async (page) => page.locator('[data-instruction][data-on]').first().waitFor()],
  [
    'plc-operand',
    '/#/plc',
    async (page) => {
      await page.locator('[data-rung="0"] [data-target="I:0/1"]').click();
      await page.locator('[data-operand="I:0/1"] [data-now] .value').waitFor();
    },
  ],
  [
    'plc-step',
    '/#/plc',
    async (page) => {
      await page.getByRole('button', { name: 'Breakpoint at rung 2' }).click();
      await page.locator('[data-plc-state=Paused]').waitFor();
      await page.getByRole('tab', { name: 'Memory' }).click();
      await page.locator('[data-place="I:0"]').waitFor();
    },
  ],
  [
    'plc-messages',
    '/#/plc',
    async (page) => {
      await page.getByRole('tab', { name: /Messages/ }).click();
      await page.locator('[data-message]').getByRole('button').first().click();
      await page.locator('[data-rung="7"]').waitFor();
    },
  ],
  [
    'plc-refused',
    '/#/plc',
    async (page) => {
      await page.getByRole('tab', { name: 'Program' }).click();
      await page.locator('input[type=file]').setInputFiles({ name: 'new.plcproj', mimeType: 'text/plain', buffer: Buffer.from('SOR XIC Nothing OTE O:0/0 EOR\nSOR FOO EOR') });
      await page.getByRole('button', { name: 'Stop and download' }).click();
      await page.getByText('What is wrong in new.plcproj').waitFor();
    },
  ],
  ['plc-empty', '/#/plc/press', async (page) => page.locator('[data-no-program]').waitFor()],
  [
    'plc-lost',
    '/#/plc',
    async (page, hub) => {
      await page.locator('[data-instruction][data-on]').first().waitFor();
      await hub.stop('SIGKILL');
      await page.locator('[data-ladder=old]').waitFor();
    },
  ],
  ['plc-overview', '/', async (page) => page.locator('[data-plc]').first().waitFor()],
];
for (const [name, path, prepare] of PLC) SCENES.push([name, ['--plc'], path, prepare]);

const turn = (hub, word) => fetch(`${hub.url}/mock/${word}`, { method: 'POST' });
const pane = (page, name) => page.getByRole('tab', { name }).click();
/** A PLC with devices and retained places, and one that runs elsewhere. */
const FIELD = [
  [
    'plc-timing',
    '/#/plc',
    async (page) => {
      await pane(page, 'Timing');
      await page.locator('[data-mark=max]').waitFor();
    },
  ],
  [
    'plc-profile',
    '/#/plc',
    async (page) => {
      await pane(page, 'Timing');
      await page.getByRole('switch', { name: /Measure rungs/ }).click();
      await page.locator('[data-cost="5"]').waitFor();
      await page.locator('[data-cost="5"]').scrollIntoViewIfNeeded();
      await page.locator('[data-cost-of="0"]').waitFor();
    },
  ],
  [
    'plc-devices',
    '/#/plc',
    async (page, hub) => {
      await turn(hub, 'plc-io?state=down');
      await pane(page, 'I/O');
      await page.locator('[data-device=down]').waitFor();
    },
  ],
  [
    'plc-retained',
    '/#/plc',
    async (page) => {
      await pane(page, 'Memory');
      await page.getByRole('button', { name: 'N Integers' }).click();
      await page.locator('[data-place="N:8"] [data-driven]').waitFor();
    },
  ],
  [
    'plc-driven',
    '/#/plc',
    async (page) => {
      await page.locator('[data-rung="1"] [data-target="I:0/2"]').click();
      await page.locator('[data-operand] [data-now] .value').waitFor();
    },
  ],
  [
    'plc-preset',
    '/#/plc',
    async (page) => {
      await page.locator('[data-rung="1"] [data-target="T:0"]').click();
      await page.getByRole('button', { name: 'PRE', exact: true }).click();
      await page.getByLabel('Value').fill('900');
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.getByText('Written: 900').waitFor();
    },
  ],
  ['plc-remote', '/#/plc/oven', async (page) => page.locator('[data-no-flow]').waitFor()],
  [
    'plc-remote-down',
    '/#/plc/oven',
    async (page, hub) => {
      await page.locator('[data-ladder=alive]').waitFor();
      await turn(hub, 'plc-link?color=red');
      await page.locator('[data-ladder=old]').waitFor();
    },
  ],
  [
    'plc-overview-down',
    '/',
    async (page, hub) => {
      await turn(hub, 'plc-link?color=red');
      await page.locator('[data-plc=oven] [data-plc-link=red]').waitFor();
    },
  ],
  [
    'plc-new',
    '/#/plc',
    async (page) => {
      await page.getByRole('button', { name: 'New context' }).click();
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'plc-none',
    '/#/plc',
    async (page, hub) => {
      await turn(hub, 'plc-none');
      await page.getByText('There is no PLC context').waitFor();
    },
  ],
];
for (const [name, path, prepare] of FIELD) SCENES.push([name, ['--plc-field'], path, prepare]);

const lesson = (page, word) => page.locator(`[data-lesson=${word}]`).waitFor();
const order = (page, word) => page.locator(`.orders [data-order=${word}]`).click();
/** A class: the mock's further arguments, and what to do before the picture. */
const CLASS = [
  ['class', [], async (page) => page.locator('img').first().waitFor()],
  [
    'class-running',
    ['--players', '4', '--practice'],
    async (page, hub) => {
      await order(page, 'launch');
      await lesson(page, 'PAUSED');
      await order(page, 'resume');
      await lesson(page, 'RUNNING');
      await turn(hub, 'class-player?id=Player_103&alive=false');
      await turn(hub, 'class-player?id=Player_104&connected=false&in_game=false&waits_for=its+connection+is+gone');
      await turn(hub, 'class-player?id=Player_101&doubled=true');
      await page.locator('[data-dropped]').first().waitFor();
      await page.locator('[data-doubled]').waitFor();
    },
  ],
  [
    'class-waits',
    [],
    async (page, hub) => {
      await turn(hub, 'class-hold');
      await order(page, 'launch');
      await page.locator('[data-waits]').waitFor();
      // A grey button answers with its reason; a driver would wait until it is no longer grey.
      await page.locator('.orders [data-order=pause]').click({ force: true });
      await page.locator('[data-told]').waitFor();
    },
  ],
  [
    'class-away',
    [],
    async (page, hub) => {
      await turn(hub, 'class-link?to=waiting');
      await lesson(page, 'waiting');
    },
  ],
  [
    'class-error',
    ['--players', '6'],
    async (page, hub) => {
      await order(page, 'launch');
      await lesson(page, 'PAUSED');
      await turn(hub, 'class-error');
      await page.locator('[data-fault]').waitFor();
    },
  ],
  [
    'class-stop',
    [],
    async (page) => {
      await order(page, 'launch');
      await lesson(page, 'PAUSED');
      await order(page, 'stop');
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'class-folder',
    [],
    async (page) => {
      await page.locator('[data-folder=Water]').click();
      await page.locator('[data-problems] summary').click();
      await page.locator('[data-package-problem]').first().scrollIntoViewIfNeeded();
    },
  ],
  ['class-gamaless', ['--gamaless'], async (page) => lesson(page, 'gamaless')],
  ['class-empty', ['--players', '0', '--no-models'], async (page) => page.locator('[data-no-models]').waitFor()],
  [
    'class-lost',
    [],
    async (page, hub) => {
      await order(page, 'launch');
      await lesson(page, 'PAUSED');
      await hub.stop('SIGKILL');
      await lesson(page, 'old');
    },
  ],
];
/** The same class in other languages: the longest words, and letters with signs above and below. */
for (const code of ['fr', 'vi', 'th', 'lo', 'km']) {
  CLASS.push([
    `class-${code}`,
    ['--players', '4', '--practice'],
    async (page, hub) => {
      await page.locator('[data-language]').selectOption(code);
      await order(page, 'launch');
      await lesson(page, 'PAUSED');
      await turn(hub, 'class-player?id=Player_101&doubled=true');
      await page.locator('[data-doubled]').waitFor();
    },
  ]);
}
for (const [name, args, prepare] of CLASS) SCENES.push([name, ['--classroom', ...args], '/#/classroom', prepare]);
SCENES.push(['class-none', [], '/#/classroom', async (page) => page.getByText('has no classroom').waitFor()]);
SCENES.push(['class-overview', ['--classroom', '--plc', '--practice'], '/', async (page) => page.locator('[data-peer-headsets]').waitFor()]);

/** What ties the rails: a name, the mock's further arguments, the path, and what to do and wait for. */
const asked = (hub, path, method, body) => fetch(`${hub.url}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const replayed = async (page, hub) => {
  await asked(hub, 'replay', 'POST', { recording: 'lesson', signals: null, speed: 10, loop: true, leads_clock: true, paused: false, position_ms: 31_000 });
  await page.locator('[data-replay=playing]').waitFor();
  await page.locator('[data-clock=recording]').waitFor();
};
for (const [name, path, prepare] of [
  ['routes', '/#/routes', async (page) => page.getByRole('button', { name: /^Unfold/ }).click()],
  [
    'route-fate',
    '/#/routes',
    async (page) => {
      await page.locator('[data-route]', { hasText: 'TankLevel' }).click();
      await page.locator('[data-step=Expression]').waitFor();
      await page.locator('[data-side] .value').first().waitFor();
    },
  ],
  [
    'route-form',
    '/#/routes',
    async (page) => {
      await page.locator('[data-route]', { hasText: 'LabelPrinter' }).click();
      await page.getByRole('button', { name: 'Change', exact: true }).click();
      await page.getByLabel('Expression', { exact: true }).fill('value = 3');
      await page.locator('[data-side=form]').getByRole('button', { name: 'Change', exact: true }).click();
      await page.locator('[data-trouble=expr]').waitFor();
    },
  ],
  [
    'route-import',
    '/#/routes',
    async (page) => {
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      await page.getByRole('textbox', { name: 'Table' }).fill('from,to,scale\ntwin/line/State,twin/hmi/State,\ntwin/line/FillLevel,twin/hmi/Fill,0.1\n');
      await page.getByRole('checkbox', { name: /^Replace/ }).check();
      await page.locator('[data-forecast]').waitFor();
    },
  ],
  ['routes-graph', '/#/routes?view=graph', async (page) => page.locator('[data-tie]').first().waitFor()],
  [
    'routes-graph-fate',
    '/#/routes?view=graph',
    async (page) => {
      await page.locator('[data-tie=r9] .hit').press('Enter');
      await page.locator('[data-side=fate]').waitFor();
    },
  ],
  [
    'routes-graph-port',
    '/#/routes?view=graph',
    async (page) => {
      await page.locator('[data-port="twin/line/TankLevel"] button').press('Enter');
      await page.locator('[data-sheet=port]').waitFor();
      await page.getByLabel('Route from twin/line/TankLevel to').pressSequentially('gua');
      await page.getByRole('option').first().waitFor();
    },
  ],
  [
    'recordings',
    '/#/recordings',
    async (page, hub) => {
      await asked(hub, 'recordings', 'POST', { name: 'jam', max_mb: 10, max_minutes: null, signals: null });
      await turn(hub, 'rails-lose');
      await page.locator('[data-loss]').waitFor();
      await page.locator('[data-recording="lesson"] .name').click();
      await page.locator('[data-recording-detail] .names').waitFor();
    },
  ],
  [
    'replay-start',
    '/#/recordings',
    async (page) => {
      await page.getByRole('button', { name: 'Replay lesson' }).click();
      await page.locator('[data-replay-start]').waitFor();
    },
  ],
  [
    'player',
    '/#/recordings',
    async (page, hub) => {
      await replayed(page, hub);
      await page.locator('[data-skipped] summary').click();
    },
  ],
  ['replay-band', '/#/signals', replayed],
  [
    'tests',
    '/#/tests',
    async (page) => {
      await page.getByRole('button', { name: 'Run all' }).click();
      await page.locator('[data-difference]').waitFor();
    },
  ],
  [
    'clock',
    '/#/tests',
    async (page, hub) => {
      await asked(hub, 'clock', 'PUT', { mode: 'scaled', rate: 10 });
      await page.locator('[data-clock=scaled]').click();
      await page.locator('[data-outside]').waitFor();
    },
  ],
]) {
  SCENES.push([name, ['--rails', '--plc', '--classroom'], path, prepare]);
}
SCENES.push(['rails-old', ['--old'], '/#/recordings', async (page) => page.locator('[data-obstacle=unknown]').waitFor()]);
SCENES.push(['rails-empty', ['--empty'], '/#/recordings', async (page) => page.getByText('Nothing is recorded yet').waitFor()]);
SCENES.push(['routes-empty', ['--empty'], '/#/routes', async (page) => page.getByText('Nothing is tied yet').waitFor()]);
SCENES.push([
  'pages',
  ['--rails', '--plc', '--classroom', '--problems'],
  '/',
  async (page, hub) => {
    await asked(hub, 'clock', 'PUT', { mode: 'scaled', rate: 10 });
    await page.locator('[data-clock=scaled]').waitFor();
    const menu = page.locator('[data-opens=pages]');
    if ((await menu.count()) > 0) await menu.click();
  },
]);

/** Pages of a hub that wants a key: what to do with the card, and the path that is shown. */
const KEYED = ['--keys', '--links', '--problems', '--tls', '--audit', '130'];
for (const [name, path, prepare] of [
  ['key', '/', async (page) => page.locator('[data-key-card]').waitFor()],
  [
    'key-wrong',
    '/',
    async (page) => {
      await page.getByLabel('Key', { exact: true }).fill('ct_wrong');
      await page.getByRole('button', { name: 'Use this key' }).click();
      await page.getByText('does not know this key').waitFor();
    },
  ],
  [
    'links',
    '/',
    async (page) => {
      await enterKey(page, 'ct_engineer');
      await page.locator('[data-endpoint=press]').getByRole('button', { name: 'Test connection' }).click();
      await page.getByText('It works').waitFor();
      await page.getByRole('button', { name: /^Acknowledge hmi/ }).click();
      await page.getByText('acknowledged', { exact: true }).waitFor();
    },
  ],
  [
    'links-below',
    '/',
    async (page) => {
      await enterKey(page, 'ct_engineer');
      await page.locator('[data-endpoint=oven]').scrollIntoViewIfNeeded();
    },
  ],
  [
    'who',
    '/',
    async (page) => {
      await enterKey(page, 'ct_viewer');
      await page.locator('[data-who] [data-opens=who]').click();
      await page.locator('[data-problem]').first().waitFor();
    },
  ],
  [
    'settings',
    '/#/settings',
    async (page) => {
      await enterKey(page, 'ct_engineer');
      const field = page.getByRole('textbox', { name: 'update_cycle_ms' });
      await field.fill('0');
      await field.press('Enter');
      await page.getByText('from 1 to 60000').waitFor();
    },
  ],
  [
    'keys',
    '/#/settings/keys',
    async (page) => {
      await enterKey(page, 'ct_engineer');
      await page.locator('[data-key]').first().waitFor();
    },
  ],
  [
    'new-key',
    '/#/settings/keys',
    async (page) => {
      await enterKey(page, 'ct_engineer');
      await page.getByLabel('Name').fill('Panel');
      await page.getByRole('button', { name: 'Make the key' }).click();
      await page.locator('[data-new-key]').waitFor();
    },
  ],
  [
    'revoke',
    '/#/settings/keys',
    async (page) => {
      await enterKey(page, 'ct_engineer');
      await page.getByRole('button', { name: 'Revoke the key of Maria' }).click();
      await page.getByRole('dialog').waitFor();
    },
  ],
  ...['certificate', 'log', 'audit', 'about'].map((section) => [
    section,
    `/#/settings/${section}`,
    async (page) => {
      await enterKey(page, 'ct_engineer');
      await page.locator('[data-fingerprint], #log-filter, [data-entry], [data-version]').first().waitFor();
    },
  ]),
]) {
  SCENES.push([name, KEYED, path, prepare, true]);
}
SCENES.push([
  'trends',
  ['--history'],
  '/#/trends?signals=twin/line/TankLevel,twin/line/FillLevel,twin/line/ConveyorSpeed,twin/line/SensorFiller,twin/line/State,twin/line/LabelPrinter&bus=6',
  async (page) => {
    const picture = async () => Number(await page.locator('[data-trends]').getAttribute('data-picture'));
    while ((await picture()) < 40) await page.locator('[data-lane] canvas').first().waitFor();
    const { width } = await page.locator('[data-plot]').first().boundingBox();
    for (const part of [0.3, 0.8]) await page.locator('[data-plot]').first().click({ position: { x: width * part, y: 20 } });
    await page.locator('[data-cursors] [data-between]').waitFor();
  },
]);
SCENES.push(['trends-empty', [], '/#/trends', async (page) => page.getByText('No signal is chosen yet').waitFor()]);

/** Joining without a headset: the teacher's panel, and what a pupil sees. */
const sit = async (page) => {
  await page.locator('#name').fill('Player_142');
  await page.locator('[data-join-card] button.primary').click();
  await page.locator('[data-wait=here]').waitFor();
};
const orderOf = (hub, word) => fetch(`${hub.url}/api/v1/classroom/${word}`, { method: 'POST' });
const play = async (page, hub) => {
  await sit(page);
  await orderOf(hub, 'launch');
  await page.locator('[data-play=here]').waitFor();
  await page.waitForFunction(async () => (await (await fetch('api/v1/classroom')).json()).orders.includes('resume'));
  await orderOf(hub, 'resume');
  await page.locator('[data-still]').waitFor({ state: 'detached' });
  await page.locator('[data-world=shown]').waitFor();
};
for (const [name, path, prepare] of [
  [
    'class-join',
    '/#/classroom',
    async (page) => {
      await enterKey(page, 'ct_operator');
      await page.locator('[data-join-code]').scrollIntoViewIfNeeded();
    },
  ],
  [
    'class-join-large',
    '/#/classroom',
    async (page) => {
      await enterKey(page, 'ct_operator');
      await page.getByRole('button', { name: 'Show large' }).click();
    },
  ],
  [
    'join-code',
    '/join',
    async (page) => {
      await page.locator('#code').fill('WRONG2');
      await page.locator('[data-join-card] button.primary').click();
      await page.locator('[data-halt=code]').waitFor();
    },
  ],
]) {
  SCENES.push([name, ['--classroom', '--keys'], path, prepare, true]);
}
for (const [name, prepare] of [
  ['join-wait', sit],
  ['join-game', play],
  [
    'join-details',
    async (page, hub) => {
      await play(page, hub);
      await turn(hub, `class-headset-say?text=${encodeURIComponent('{"contents":{"wallId":1},"type":"json_output"}')}`);
      await page.getByRole('button', { name: 'Details' }).click();
      await page.locator('[data-kind]').waitFor();
    },
  ],
  [
    'join-lost',
    async (page, hub) => {
      await play(page, hub);
      await hub.stop('SIGKILL');
      await page.locator('[data-play=waiting] [data-gap]').waitFor();
    },
  ],
]) {
  SCENES.push([name, ['--classroom', '--players', '2'], '/join', prepare, true]);
}

const only = process.argv.slice(3);
const browser = await startBrowser();
try {
  for (const [name, args, path, prepare, isKeyed] of SCENES) {
    if (only.length > 0 && !only.includes(name)) continue;
    for (const colorScheme of ['light', 'dark']) {
      for (const [size, viewport] of Object.entries(SIZES)) {
        const hub = await startMock(...args);
        try {
          const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 1 });
          const page = await context.newPage();
          page.on('console', (message) => message.type() === 'error' && console.error(name, message.text()));
          page.on('pageerror', (error) => console.error(name, error));
          if (isKeyed) await page.goto(hub.url + path);
          else await openLive(page, hub.url + path);
          await prepare(page, hub);
          await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${size}.png`) });
          await context.close();
        } finally {
          await hub.stop();
        }
      }
    }
  }
} finally {
  await browser.close();
}
