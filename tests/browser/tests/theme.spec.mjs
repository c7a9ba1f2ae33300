// Light, dark and as the system has it: at once, everywhere, without a flash.
import { expect, openBoard, test } from '../server.mjs';

const scheme = (page) => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
const background = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

test('the system is followed live until someone chooses', async ({ page, server, complaints }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openBoard(page, server);
  const light = await background(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => background(page)).not.toBe(light);
  await page.getByLabel('Theme').selectOption('Light');
  expect(await scheme(page)).toBe('light');
  expect(await background(page)).toBe(light);
  await page.getByLabel('Theme').selectOption('System');
  expect(await background(page)).not.toBe(light);
  expect(complaints).toEqual([]);
});

test('a choice is there before the first paint, and in every window', async ({ page, context, server }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openBoard(page, server);
  const other = await context.newPage();
  await other.emulateMedia({ colorScheme: 'light' });
  await openBoard(other, server);
  await page.getByLabel('Theme').selectOption('Dark');
  await expect(other.getByLabel('Theme')).toHaveValue('dark');
  expect(await scheme(other)).toBe('dark');
  // The theme that the document has when its body begins, which is before anything is painted.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.body) {
        window.themeAtBody = document.documentElement.dataset.theme;
        observer.disconnect();
      }
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto(`${server.url}/projects`);
  expect(await page.evaluate(() => window.themeAtBody)).toBe('dark');
  await expect(page.getByLabel('Theme')).toHaveValue('dark');
});

test('nothing moves where reduced motion is asked for', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openBoard(page, server);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New card' });
  await expect(dialog).toBeVisible();
  const longest = await page.evaluate(() =>
    Math.max(...document.getAnimations().map((animation) => Number(animation.effect.getComputedTiming().duration)), 0),
  );
  expect(longest).toBeLessThan(1);
});

test('the favicon and the title say that something waits', async ({ page, server }) => {
  await openBoard(page, server);
  const favicon = () => page.locator('link[rel=icon]').getAttribute('href');
  const calm = await favicon();
  await expect(page).toHaveTitle('Board · Slipway');
  const card = (await server.api('GET', '/cards')).items[0];
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await expect(page).toHaveTitle('(1) Board · Slipway');
  expect(await favicon()).not.toBe(calm);
  await page.goto(`${server.url}/projects`);
  await expect(page).toHaveTitle('(1) Projects · Slipway');
});
