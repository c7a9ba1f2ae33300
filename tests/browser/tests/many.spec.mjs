// A board of a thousand cards: what is seen is drawn, and everything works on all of them.
import { column, expect, openBoard, signIn, test, tile } from '../server.mjs';

const COUNT = 1_000;
// Requests under way at once while the board is filled.
const HANDS = 8;

const rows = (page, where) => column(page, where).getByRole('article');
const drawn = (page, where) => rows(page, where).count();
const list = (page) => column(page, 'Backlog').getByRole('list');

// The sample's five cards and as many more as it takes. The titles have every length, and the last one is known.
async function fill(server) {
  const project = (await server.api('GET', '/projects')).items[0].id;
  let made = 5;
  const hand = async () => {
    while (made < COUNT) {
      const nth = ++made;
      const title = nth % 7 ? `Card ${nth}` : `Card ${nth} has a title that is long enough to need a second line, or even a third one`;
      await server.api('POST', '/cards', { project_id: project, title, body: '' });
    }
  };
  await Promise.all(Array.from({ length: HANDS }, hand));
  await server.api('POST', '/cards', { project_id: project, title: 'مرحبا 👋🏽 last of all', body: '' });
}

test('a thousand cards', async ({ page, server, complaints }) => {
  await fill(server);
  const whole = COUNT + 1;

  await test.step('the page holds the top of the column and every count', async () => {
    await openBoard(page, server);
    await expect(column(page, 'Backlog').getByLabel(`${whole} cards`)).toBeVisible();
    await expect.poll(() => list(page).evaluate((element) => element.scrollHeight)).toBeGreaterThan(50_000);
    expect(await drawn(page, 'Backlog')).toBeLessThan(60);
    await expect(page.getByRole('listitem').first()).toHaveAttribute('aria-setsize', String(whole));
  });

  await test.step('End and Home reach both ends', async () => {
    await page.locator('article[tabindex="0"]').focus();
    // The rest comes once the page is alive.
    await expect(async () => {
      await page.keyboard.press('End');
      await expect(tile(page, 'Backlog', 'مرحبا 👋🏽 last of all')).toBeFocused({ timeout: 500 });
    }).toPass();
    await expect(tile(page, 'Backlog', 'مرحبا 👋🏽 last of all')).toBeInViewport();
    expect(await drawn(page, 'Backlog')).toBeLessThan(60);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await expect(rows(page, 'Backlog').and(page.locator(':focus'))).toBeInViewport();
    await page.keyboard.press('Home');
    await expect(page.locator('[aria-posinset="1"] article')).toBeFocused();
    await expect(page.locator('[aria-posinset="1"] article')).toBeInViewport();
  });

  await test.step('scrolling draws what comes into view and leaves no holes', async () => {
    const holes = () =>
      list(page).evaluate((element) => {
        const view = element.getBoundingClientRect();
        return [0.1, 0.3, 0.5, 0.7, 0.9].filter((share) => {
          const at = document.elementFromPoint(view.x + view.width / 2, view.y + view.height * share);
          return !at?.closest('[data-row]');
        }).length;
      });
    for (const share of [0.5, 0.1, 0.9, 0.4]) {
      await list(page).evaluate((element, share) => (element.scrollTop = element.scrollHeight * share), share);
      await expect.poll(holes).toBe(0);
      expect(await drawn(page, 'Backlog')).toBeLessThan(60);
    }
    // Up again by the wheel: what stood there before stands there still.
    await list(page).hover();
    const anchor = await rows(page, 'Backlog').evaluateAll((cards) => {
      const card = cards.find((card) => card.getBoundingClientRect().top > 250);
      return { title: card.getAttribute('aria-label'), top: card.getBoundingClientRect().top };
    });
    await page.mouse.wheel(0, -100);
    await expect.poll(async () => (await tile(page, 'Backlog', anchor.title).boundingBox()).y).toBeGreaterThan(anchor.top + 80);
    await expect.poll(async () => (await tile(page, 'Backlog', anchor.title).boundingBox()).y).toBeLessThan(anchor.top + 120);
  });

  await test.step('a filter looks at all of them', async () => {
    await page.getByRole('searchbox').fill('#777');
    await expect(column(page, 'Backlog').getByLabel('1 card')).toBeVisible();
    expect(await drawn(page, 'Backlog')).toBe(1);
    await page.goto(`${server.url}/?q=%23777`);
    await expect(column(page, 'Backlog').getByLabel('1 card')).toBeVisible();
    await page.getByRole('button', { name: 'Clear filter' }).click();
    await expect(column(page, 'Backlog').getByLabel(`${whole} cards`)).toBeVisible();
  });

  await test.step('a card is dragged to below the fold', async () => {
    await list(page).evaluate((element) => (element.scrollTop = 0));
    const title = 'Tidy the attic';
    const card = await tile(page, 'Backlog', title).boundingBox();
    const view = await list(page).boundingBox();
    await page.mouse.move(card.x + 40, card.y + 30);
    await page.mouse.down();
    await page.mouse.move(card.x + 40, card.y + 60, { steps: 3 });
    await page.mouse.move(card.x + 40, view.y + view.height - 6, { steps: 5 });
    await expect.poll(() => list(page).evaluate((element) => element.scrollTop)).toBeGreaterThan(1_500);
    await page.mouse.move(card.x + 40, view.y + view.height / 2, { steps: 2 });
    await page.mouse.up();
    await expect(tile(page, 'Backlog', title)).toBeInViewport();
    await expect(tile(page, 'Backlog', title)).toBeFocused();
    const order = (await server.api('GET', '/cards?stage=backlog&limit=1000')).items.map((card) => card.title);
    const seen = await rows(page, 'Backlog').evaluateAll((cards) => cards.map((card) => card.getAttribute('aria-label')));
    expect(order.indexOf(title)).toBeGreaterThan(10);
    expect(seen[seen.indexOf(title) - 1]).toBe(order[order.indexOf(title) - 1]);
  });
  expect(complaints).toEqual([]);

  await test.step('without JavaScript a link leads to all of a column', async () => {
    const context = await page.context().browser().newContext({ javaScriptEnabled: false });
    const plain = await context.newPage();
    await signIn(plain, server);
    await expect(rows(plain, 'Backlog')).toHaveCount(20);
    await plain.getByRole('link', { name: `Show all ${whole} cards of Backlog` }).click();
    await expect(rows(plain, 'Backlog')).toHaveCount(whole);
    await context.close();
  });
});
