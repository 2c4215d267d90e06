// Analytics through the whole of a cluster: people write and read, an analyst asks over HTTP and looks at the page in a real
// browser. That a minute is otherwise counted when it is over, roll-ups.int.spec.ts shows; here nobody waits for one to end.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, browserProgram } from '../servers/browser.ts';
import { type Cluster, startCluster } from '../servers/index.ts';
import { waitUntil } from '../servers/wait-until.ts';
import { People, type Person, direct, manyUsersFromOneAddress } from './people.ts';

let cluster: Cluster;
let people: People;
let ana: Person;
let bob: Person;
let analysts: string | undefined;

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_CLUSTER_SHARDS: '2',
      PARLEY_HISTORY_ROLL_UP_SHARE_PERCENT: '100',
      PARLEY_HISTORY_ROLL_UP_RUNNING: 'true',
    },
    envOf: ({ name }): Record<string, string> =>
      name === 'gateway' && analysts !== undefined ? { PARLEY_ANALYTICS_ANALYSTS: analysts } : {},
  });
  people = new People(cluster);
  ana = await people.registerAs('ana');
  bob = await people.registerAs('bob');
  // Whoever is to be an analyst has an account first.
  analysts = `default/${ana.id}`;
  await cluster.app('gateway').restart();
  const [hers, his] = await Promise.all([ana.connect(), bob.connect()]);
  const group = await ana.api.createGroup({ title: 'Team', members: ['bob'] });
  await hers.send(group.conversation, 'one');
  await his.send(group.conversation, 'two');
  const last = await hers.send(direct(ana, bob), 'three');
  await waitUntil(() => his.markRead(direct(ana, bob), last.sequence).then(() => true), {
    what: 'his inbox has the message',
  });
}, 120_000);
afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

interface Answer {
  readonly rows: readonly (readonly (string | number)[])[];
  readonly code?: string;
  readonly countedThroughMs: number;
}

async function ask(person: Person, path: string): Promise<Answer> {
  const url = `${cluster.gateways[0]!.httpUrl}/v1/analytics${path}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${person.token}` } });
  return (await response.json()) as Answer;
}

const total = (rows: Answer['rows'], column: number): number =>
  rows.reduce((sum, row) => sum + Number(row[column]), 0);

describe('analytics', () => {
  it('count what people have written and read', async () => {
    const minutes = await waitUntil(
      async () => {
        const answer = await ask(ana, '/messages-per-minute');
        return total(answer.rows, 1) + total(answer.rows, 2) === 3 ? answer : undefined;
      },
      { what: 'three messages are counted', limitMs: 30_000, everyMs: 200 },
    );
    expect(total(minutes.rows, 1)).toBe(1);
    expect(minutes.countedThroughMs % 60_000).toBe(0);
    const rows = async (question: string) => (await ask(ana, question)).rows;
    const month = expect.stringMatching(/^\d{4}-\d\d-01$/);
    await expect.poll(() => rows('/active-users?period=month')).toEqual([[month, 2, 2]]);
    await expect.poll(async () => total(await rows('/read-delays'), 1)).toBe(1);
    const group = [expect.any(String), 2, 1, 2];
    await expect.poll(() => rows('/busiest-groups')).toEqual([group]);
  });

  it('are not for everybody', async () => {
    expect(await ask(bob, '')).toMatchObject({ code: 'FORBIDDEN' });
    expect(await ask(bob, '/active-users')).toMatchObject({ code: 'FORBIDDEN' });
  });

  const program = browserProgram();
  it.skipIf(program === undefined)('are plots in a browser, each with its numbers', async () => {
    const browser = await Browser.open(program!);
    try {
      await browser.visit(`${ana.httpUrl}/analytics`);
      await signIn(browser, ana.token);
      await browser.until(`document.querySelectorAll('section').length === 7`);
      // Six are asked at once; the seventh wants to know which message.
      await browser.until(`document.querySelectorAll('section:has(tbody)').length === 6`);
      expect(await browser.evaluate(numbersOf('active-users'))).toMatch(/^\d{4}-\d\d-\d\d 2 2$/);
      expect(await browser.evaluate(plotOf('active-users'))).toBe(2);
      expect(await browser.evaluate(plotOf('messages-per-minute'))).toBe(2);
      expect(
        await browser.evaluate(
          `document.querySelector('[data-question=active-users] > div svg[role=img]').ariaLabel`,
        ),
      ).toMatch(/^Active users, from \d{4}-.* at most 2\.$/);
      await browser.evaluate(`{
        const form = document.querySelector('[data-question=reach] form');
        form.conversation.value = '${direct(ana, bob)}';
        form.sequence.value = 1;
        form.querySelector('button').click();
      }`);
      await browser.until(`${numbersOf('reach')} !== undefined`);
      expect(await browser.evaluate(numbersOf('reach'))).toMatch(/^≤ \d+ s 1$/);
      const colors: unknown[] = [];
      for (const scheme of ['dark', 'light'] as const) {
        await browser.prefer(scheme);
        colors.push(await browser.evaluate('getComputedStyle(document.body).color'));
      }
      expect(new Set(colors).size).toBe(2);
      expect(browser.complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it.skipIf(program === undefined)('tell somebody who is no analyst so, in the browser', async () => {
    const browser = await Browser.open(program!);
    try {
      await browser.visit(`${bob.httpUrl}/analytics`);
      await signIn(browser, bob.token);
      await browser.until(`document.getElementById('status').classList.contains('bad')`);
      expect(await browser.evaluate(`document.getElementById('status').textContent`)).toBe(
        'You are not among the analysts of this tenant.',
      );
      expect(await browser.evaluate(`document.querySelectorAll('section').length`)).toBe(0);
    } finally {
      await browser.close();
    }
  });
});

const signIn = (browser: Browser, token: string): Promise<unknown> =>
  browser.evaluate(`{
    const form = document.getElementById('sign-in');
    form.token.value = ${JSON.stringify(token)};
    form.querySelector('button').click();
  }`);

/** The last line of the table of a question, cells apart by a space; undefined without one. */
const numbersOf = (question: string): string =>
  `[...document.querySelectorAll('[data-question=${question}] tbody tr:last-child > *')].map((cell) => cell.textContent).join(' ') || undefined`;

/** How many bars or lines a plot has. */
const plotOf = (question: string): string =>
  `document.querySelectorAll('[data-question=${question}] svg[role=img] :is(rect, path)').length`;
