// Cards for the tests of a card's page: made and moved through the API, opened in the browser.
import { expect } from './server.mjs';

export const STAGES = ['plan', 'build', 'review', 'ship'];

// Changes a file of the sample, makes one, moves one: three files in a diff, in two languages.
export const LENS = {
  title: 'Give the lamp a lens',
  body: `The lamp needs a **lens**.

\`\`\`edit lib/units.sh
<<<<<<< SEARCH
    echo $(( ($1 * 1852 + 500) / 1000 ))
=======
    echo $(( ($1 * 1852 + 501) / 1000 ))
>>>>>>> REPLACE
\`\`\`

\`\`\`edit src/lens.rs
<<<<<<< SEARCH
=======
// How the lens turns.
pub fn turn(seconds: u32) -> u32 {
    let name = "Fresnel";
    seconds * 6 + name.len() as u32
}
>>>>>>> REPLACE
\`\`\`

\`\`\`move attic/1989.txt -> log/1989.txt
\`\`\`
`,
};

export async function createCard(server, { title, body }) {
  const [project] = (await server.api('GET', '/projects')).items;
  return server.api('POST', '/cards', { project_id: project.id, title, body });
}

// Waits until the card needs a person, and answers with it as it is then.
export async function atGate(server, card, stage) {
  await expect
    .poll(async () => {
      const now = await server.api('GET', `/cards/${card.id}`);
      return `${now.stage} ${now.status}`;
    })
    .toBe(`${stage} needs_approval`);
  return server.api('GET', `/cards/${card.id}`);
}

// Moves a card of the backlog onward until it stands at the gate of `goal`.
export async function advance(server, card, goal) {
  for (const stage of STAGES) {
    await server.api('POST', `/cards/${card.id}/moves`, { to: stage });
    card = await atGate(server, card, stage);
    if (stage === goal) return card;
  }
  throw new Error(`${goal} is no stage`);
}

// Opens a card's page and waits until the browser has taken it over.
export async function openCard(page, server, card, query = '') {
  await page.goto(server.link);
  await page.goto(`${server.url}/cards/${card.id}${query}`);
  await alive(page);
}

export async function alive(page) {
  await expect(page.locator('.card-page[data-live]')).toBeAttached();
}

export const gate = (page) => page.getByRole('region', { name: 'Gate' });
export const artifact = (page, kind) => page.getByRole('article', { name: new RegExp(`^${kind} v`) });
