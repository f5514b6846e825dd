import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readOwnDomain } from '../../../src/lab/xml/domain.js';
import { type Edit, edited } from '../../../src/render/edits.js';
import { renderInterface } from '../../../src/render/interface.js';
import { interfacesOf } from '../../../src/render/interfaces.js';
import { domainEdits } from '../../../src/render/splice.js';
import { children, parse } from '../../../src/render/xml.js';
import { anyDomainXml } from '../../fakes/arbitrary-xml.js';
import { labFrom } from '../../fakes/labs.js';

const FOLDER = new URL('../../fixtures/domain-xml/', import.meta.url);
const CASES = readdirSync(FOLDER);

const NAMESPACE = 'urn:vmnet:lab:1';
const MARK = `<vmnet:endpoint xmlns:vmnet='${NAMESPACE}' lab='lab' vm='web' digest='0011223344556677'/>`;
const UUID = '0f2e4a57-75d8-4d9a-9c77-3b8d0d6d2b11';

const NICS = labFrom({
  version: 1,
  name: 'lab',
  bridges: { br0: { mtu: 9000 } },
  vms: {
    web: {
      boot: 'probe',
      nics: [
        { bridge: 'br0', mac: '52:54:00:00:00:01', tap: 'tap-a' },
        { bridge: 'br0', mac: '52:54:00:00:00:02', tap: 'tap-b', model: 'e1000e' },
      ],
    },
  },
}).vms.flatMap(({ nics }) => nics);

function spliced(text: string): { xml: string; edits: Edit[] } {
  const own = readOwnDomain(text);
  if ('fault' in own) throw new Error(`line ${own.fault.line}: ${own.fault.message}`);
  const edits = domainEdits(text, own.root, {
    name: 'lab-web',
    uuid: UUID,
    mark: { namespace: NAMESPACE, xml: MARK },
    interfaces: NICS.map(nic => renderInterface(nic, 9000)),
  });
  return { xml: edited(text, edits), edits };
}

/** The original again, out of the spliced text and what was changed in it. */
function undone(text: string, xml: string, edits: readonly Edit[]): string {
  let shift = 0;
  const back = edits.map(({ start, end, text: added }) => {
    const at = start + shift;
    shift += added.length - (end - start);
    return { start: at, end: at + added.length, text: text.slice(start, end) };
  });
  return edited(xml, back);
}

/** What libvirt would see in it, told by another parser. */
function seen(xml: string) {
  const root = parse(xml);
  const text = (name: string) => children(root, name)[0] as unknown as string;
  return { name: text('name'), uuid: text('uuid').trim().toLowerCase(), cards: interfacesOf(xml) };
}

const OURS = NICS.map(({ mac, tap }) => ({ type: 'ethernet', mac, target: tap }));

function checkSpliced(text: string): void {
  const { xml, edits } = spliced(text);
  expect(undone(text, xml, edits)).toBe(text);
  const { name, uuid, cards } = seen(xml);
  expect([name, uuid]).toEqual(['lab-web', UUID]);
  expect(cards.slice(-2)).toEqual(OURS);
  expect(cards.slice(0, -2)).toEqual(seenCards(text));
  expect(xml.split(NAMESPACE)).toHaveLength(text.includes(`:v="${NAMESPACE}"`) ? 3 : 2);
  // A second time there is nothing to change but the cards, which are there already.
  expect(
    spliced(xml)
      .edits.map(edit => xml.slice(edit.start, edit.end))
      .sort(),
  ).toEqual(['', MARK]);
}

const seenCards = (text: string) => interfacesOf(text);

describe('vmnet in the domain XML of a user', () => {
  test('there are cases', () => expect(CASES.length).toBeGreaterThan(9));

  test.each(CASES)('%s', name => {
    const read = (file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');
    expect(readdirSync(new URL(`${name}/`, FOLDER)).sort()).toEqual(['expected.xml', 'own.xml']);
    expect(spliced(read('own.xml')).xml).toBe(read('expected.xml'));
    checkSpliced(read('own.xml'));
  });

  test('leaves every other byte of any domain as it is', () => {
    fc.assert(fc.property(anyDomainXml, checkSpliced), {
      numRuns: 100,
      // The mark comes right behind the one, where the other begins.
      examples: [["<domain type='qemu'><uuid/><name/><devices></devices></domain>"]],
    });
  });
});
