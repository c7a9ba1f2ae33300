// Code that is loaded when it is needed, and what is said when it cannot be had.
import { expect, openBoard, test } from '../server.mjs';

const CARD_CODE = '**/split_card.*.wasm';
const DIALOG_CODE = '**/split_dialogs.*.wasm';

test('the board loads without the code of other pages and dialogs', async ({ page, server, complaints }) => {
  const fetched = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
  await openBoard(page, server);
  const chunks = () => fetched.filter((path) => /split_|chunk_/.test(path));
  expect(chunks()).toEqual([]);
  await page.keyboard.press('c');
  await expect(page.getByRole('dialog', { name: 'New card' })).toBeVisible();
  expect(chunks().some((path) => path.includes('split_dialogs'))).toBe(true);
  expect(chunks().some((path) => path.includes('split_card'))).toBe(false);
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Tidy the attic' }).click();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  expect(chunks().some((path) => path.includes('split_card'))).toBe(true);
  expect(complaints).toEqual([]);
});

test('a dialog whose code cannot be had says so, and opens once it can', async ({ page, server }) => {
  await openBoard(page, server);
  await page.route(DIALOG_CODE, (route) => route.abort());
  await page.keyboard.press('c');
  const alert = page.getByRole('alert').filter({ hasText: 'This could not be opened' });
  await expect(alert.getByRole('button', { name: 'Load the page anew' })).toBeVisible();
  await page.unroute(DIALOG_CODE);
  await page.keyboard.press('c');
  await expect(page.getByRole('dialog', { name: 'New card' })).toBeVisible();
});

test('a page whose code cannot be had says so, and is there when tried again', async ({ page, server }) => {
  await openBoard(page, server);
  await page.route(CARD_CODE, (route) => route.abort());
  await page.getByRole('link', { name: 'Tidy the attic' }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'This page could not be loaded' });
  await expect(alert).toBeVisible();
  await page.unroute(CARD_CODE);
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
});

test('a page that the server drew can be read when its code cannot be had', async ({ page, server }) => {
  await openBoard(page, server);
  const address = await page.getByRole('link', { name: 'Tidy the attic' }).getAttribute('href');
  await page.route(CARD_CODE, (route) => route.abort());
  await page.goto(`${server.url}${address}`);
  const alert = page.getByRole('alert').filter({ hasText: 'its code could not be loaded' });
  await expect(alert).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await page.unroute(CARD_CODE);
  await alert.getByRole('link', { name: 'Load the page anew' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'its code could not be loaded' })).toBeHidden();
  await expect(page.getByRole('button', { name: 'Move to Plan' })).toBeEnabled();
});
