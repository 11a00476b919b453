/** The Classroom page in its six languages: chosen by keyboard, remembered, whole at every width, and honest where nobody has proofread. */

import test from 'node:test';
import assert from 'node:assert/strict';
import { violations } from '../axe.mjs';
import { eventually, openLive, startMock, story } from '../support.mjs';

/** In the order of the choice: the title, the first order, what it says when the class runs, and why a grey button is grey. */
const LANGUAGES = [
  { code: 'en', title: 'Classroom', launch: 'Launch', running: 'Running', loaded: 'An experiment is loaded already', isReviewed: true },
  { code: 'fr', title: 'Salle de classe', launch: 'Lancer', running: 'En cours', loaded: 'Une expérience est déjà chargée', isReviewed: true },
  { code: 'vi', title: 'Lớp học', launch: 'Khởi chạy', running: 'Đang chạy', loaded: 'Đã nạp một thí nghiệm', isReviewed: true },
  { code: 'th', title: 'ห้องเรียน', launch: 'เริ่ม', running: 'กำลังทำงาน', loaded: 'มีการทดลองโหลดอยู่แล้ว', isReviewed: false },
  { code: 'lo', title: 'ຫ້ອງຮຽນ', launch: 'ເລີ່ມ', running: 'ກຳລັງເຮັດວຽກ', loaded: 'ມີການທົດລອງໂຫຼດຢູ່ແລ້ວ', isReviewed: false },
  { code: 'km', title: 'ថ្នាក់រៀន', launch: 'ចាប់ផ្តើម', running: 'កំពុងដំណើរការ', loaded: 'មានការពិសោធន៍ផ្ទុករួចហើយ', isReviewed: false },
];
const WIDTHS = [
  { width: 1280, height: 720 },
  { width: 834, height: 1112 },
  { width: 390, height: 844 },
];

const classMock = (...args) => ({ start: () => startMock('--classroom', ...args) });
const turn = (url, word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
const open = (page, url) => openLive(page, `${url}/#/classroom`);
const order = (page, word) => page.locator(`.orders [data-order=${word}]`);
const choice = (page) => page.locator('[data-language]');
const lesson = (page, word) => page.locator(`[data-lesson=${word}]`);
const title = (page, text) => page.getByRole('heading', { level: 1, name: text, exact: true }).waitFor();

/** Buttons, headings and badges whose text is wider or higher than they are, and the page where something stands out of it. */
const cutOff = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('[role=region], [role=region] :is(button, h1, h2, h3, select, .word, .state, dd)')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && getComputedStyle(element).display !== 'inline')
      .map((element) => `${element.tagName} ${element.textContent.trim().slice(0, 60)}: ${element.scrollWidth} in ${element.clientWidth}`),
  );

/** A class in which as many states stand as fit: it runs, somebody is silent, somebody is away, a name stands twice. */
async function fullLesson(page, url) {
  await order(page, 'launch').click();
  await lesson(page, 'PAUSED').waitFor();
  await order(page, 'resume').click();
  await lesson(page, 'RUNNING').waitFor();
  await turn(url, 'class-player?id=Player_103&alive=false');
  await turn(url, 'class-player?id=Player_104&connected=false&in_game=false');
  await turn(url, 'class-player?id=Player_101&doubled=true');
  await turn(url, 'class-error');
  await page.locator('[data-doubled]').waitFor();
  await page.locator('[data-fault]').waitFor();
}

test('all six languages are chosen by keyboard, and the last one is remembered', () =>
  story(classMock('--players', '4', '--practice'), async ({ page, url }) => {
    await open(page, url);
    await title(page, 'Classroom');
    await eventually('the tabulator reaches the choice', async () => {
      await page.keyboard.press('Tab');
      return page.evaluate(() => document.activeElement.matches('[data-language]'));
    });
    for (const { code, title: name, launch, isReviewed } of LANGUAGES) {
      await title(page, name);
      assert.equal(await page.getByRole('region', { name, exact: true }).getAttribute('lang'), code);
      assert.equal(await page.getByRole('region', { name, exact: true }).getAttribute('dir'), 'ltr');
      await order(page, 'launch').getByText(launch, { exact: true }).waitFor();
      assert.equal(await page.locator('[data-not-reviewed]').count(), isReviewed ? 0 : 1, `${code} says whether it is reviewed`);
      if (!isReviewed) await page.locator('[data-not-reviewed]').getByText('Not reviewed').waitFor();
      if (code !== 'km') await page.keyboard.press('ArrowDown');
    }
    assert.equal(await page.locator('html').getAttribute('lang'), 'en', 'the rest of the page stays English');
    await page.getByRole('link', { name: 'Classroom' }).waitFor();
    await page.reload();
    await title(page, 'ថ្នាក់រៀន');
    assert.equal(await choice(page).inputValue(), 'km');
  }));

test('the browser says which language comes first', () =>
  story({ ...classMock(), context: { locale: 'fr-CA' } }, async ({ page, url }) => {
    await open(page, url);
    await title(page, 'Salle de classe');
    await choice(page).selectOption('en');
    await title(page, 'Classroom');
    await page.reload();
    await title(page, 'Classroom');
  }));

test('states, reasons and questions are told in the language; the words of the hub and of GAMA stay marked as English', () =>
  story(classMock(), async ({ page, url }) => {
    await open(page, url);
    await choice(page).selectOption('fr');
    await turn(url, 'class-hold');
    await order(page, 'launch').click();
    await page.locator('[data-waits] [lang=en]').getByText("GAMA to load 'vr_xp'").waitFor();
    await turn(url, 'class-go');
    await lesson(page, 'PAUSED').getByText('En pause').waitFor();
    await order(page, 'launch').click({ force: true });
    const told = page.locator('[data-told]');
    for (const { code, loaded } of LANGUAGES) {
      await choice(page).selectOption(code);
      await told.getByText(loaded).waitFor();
    }
    await choice(page).selectOption('vi');
    const evaluate = page.locator('[data-evaluate]');
    await evaluate.getByRole('textbox').fill('nonsense');
    await evaluate.getByRole('button', { name: 'Tính' }).click();
    await evaluate.getByText('Không tính được:').waitFor();
    await evaluate.locator('[lang=en]').getByText('GAMA could not evaluate it').waitFor();
    await choice(page).selectOption('fr');
    await evaluate.getByText('Non évalué').waitFor();
    await order(page, 'stop').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Les 3 casques sont renvoyés').waitFor();
    await dialog.getByRole('button', { name: 'Ne rien changer' }).click();
    await turn(url, 'class-link?to=waiting');
    await page.locator('[data-advice]').getByText('Démarrez GAMA').waitFor();
    await lesson(page, 'waiting').locator('[lang=en]').getByText('connection refused').waitFor();
    await page.locator('[data-retry]').getByText(/prochain essai dans \d s|nouvel essai maintenant/).waitFor();
  }));

test('without the link, without a class and without GAMA it is said in the language', async () => {
  await story({ ...classMock('--gamaless'), context: { locale: 'vi-VN' } }, async ({ page, url, hub }) => {
    await open(page, url);
    await lesson(page, 'gamaless').getByText('Không dùng GAMA').waitFor();
    await hub.stop('SIGKILL');
    await lesson(page, 'old').getByText('Trước đó: Không dùng GAMA').waitFor();
    await page.locator('[data-old]').getByText(/tình trạng cách đây .* giây/).waitFor();
  });
  await story({ start: () => startMock(), context: { locale: 'km' } }, async ({ page, url }) => {
    await open(page, url);
    await title(page, 'គម្រោងនេះគ្មានថ្នាក់រៀនទេ');
    await page.locator('[data-not-reviewed]').waitFor();
    await choice(page).selectOption('en');
    await title(page, 'This project has no classroom');
  });
});

for (const viewport of WIDTHS) {
  test(`no language is cut off at ${viewport.width}`, () =>
    story({ ...classMock('--players', '4', '--practice'), context: { viewport, hasTouch: viewport.width < 1000 } }, async ({ page, url }) => {
      await open(page, url);
      await fullLesson(page, url);
      for (const { code, title: name, running } of LANGUAGES) {
        await choice(page).selectOption(code);
        await title(page, name);
        await lesson(page, 'RUNNING').getByText(running, { exact: true }).waitFor();
        assert.deepEqual(await cutOff(page), [], code);
        for (const button of await page.locator('.orders button').all()) assert.ok((await button.boundingBox()).height >= 40, code);
        if (viewport.width < 1000) assert.ok((await choice(page).boundingBox()).height >= 40, 'a finger meets the choice');
      }
    }));
}

for (const colorScheme of ['light', 'dark']) {
  test(`every language is accessible in ${colorScheme}`, () =>
    story({ ...classMock('--players', '4', '--practice'), context: { colorScheme } }, async ({ page, url }) => {
      await open(page, url);
      await fullLesson(page, url);
      for (const { code, title: name } of LANGUAGES) {
        await choice(page).selectOption(code);
        await title(page, name);
        assert.deepEqual(await violations(page), [], code);
      }
    }));
}
