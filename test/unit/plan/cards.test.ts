import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Card, cardsOf, compared } from '../../../src/plan/cards.js';

const read = (name: string) =>
  readFileSync(new URL(`../../fixtures/existing/${name}.xml`, import.meta.url), 'utf8');

/** As libvirt 9.0 wrote them: a domain of type q35, and the same with a NIC of ours, for which it added two ports. */
const [before, given] = [read('before'), read('given')];
const isOurs = ({ alias }: Card) => alias?.startsWith('ua-vmnet-') ?? false;
const taken = given.replace(/^ {4}<interface[\s\S]*?<\/interface>\n/m, '');

describe('cards in a definition', () => {
  test('are read with what tells whose they are, without their place on the bus', () => {
    const [card, ...rest] = cardsOf(given);
    expect(rest).toEqual([]);
    expect(card).toMatchObject({
      mac: '52:54:00:aa:bb:01',
      target: 'dbt0',
      alias: 'ua-vmnet-exl-db-0-0123abcd',
    });
    expect(card?.xml).toMatch(/^ {4}<interface [\s\S]*<rom enabled='no'\/>\n {4}<\/interface>\n$/);
  });

  test('are not looked for in metadata, which may hold anything', () => {
    const [card = { xml: '' }] = cardsOf(given);
    const odd = `  <metadata>\n  <devices>\n${card.xml}  </devices>\n  </metadata>\n  <devices>\n`;
    expect(cardsOf(before.replace('  <devices>\n', odd))).toEqual([]);
  });
});

describe('a definition compared with an earlier one', () => {
  test('is the same', () => expect(compared(before, before, isOurs)).toBe('same'));

  test.each([
    ['has our card', given],
    ['has lost our card, but not the ports that libvirt had added for it', taken],
  ])('%s: that is ours', (_, now) => expect(compared(before, now, isOurs)).toBe('ours'));

  const port = /^ {4}<controller type='pci' index='1'[\s\S]*?<\/controller>\n/m.exec(given)?.[0] ?? '';

  test.each([
    ['has more memory', given.replaceAll('131072', '262144')],
    ['has a card of somebody else', given.replace('ua-vmnet-exl-db-0-0123abcd', 'ua-mine')],
    ['lacks a device', given.replace(/^ {4}<audio.*\n/m, '')],
    ['has another name', given.replace('<name>db</name>', '<name>bd</name>')],
  ])('%s: that is theirs', (_, now) => {
    expect(now).not.toBe(given);
    expect(compared(before, now, isOurs)).toBe('theirs');
  });

  test('lacks a port that it had: that is theirs', () => {
    const had = before.replace('    <serial', `${port}    <serial`);
    expect(compared(had, before, isOurs)).toBe('theirs');
  });
});
