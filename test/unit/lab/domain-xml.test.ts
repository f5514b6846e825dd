import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LabError, loadLab } from '../../../src/lab/load.js';
import { readOwnDomain } from '../../../src/lab/xml/domain.js';
import type { XmlElement } from '../../../src/lab/xml/model.js';
import { scanXml } from '../../../src/lab/xml/scan.js';
import { hostThings } from '../../../src/lab/xml/uses.js';
import { parse } from '../../../src/render/xml.js';
import { anyDomainXml } from '../../fakes/arbitrary-xml.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmnet-own-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function own(text: string) {
  const read = readOwnDomain(text);
  if ('fault' in read) throw new Error(read.fault.message);
  return read;
}

describe('the file of a domain', () => {
  const load = async (domainXml: string) => {
    const file = join(folder, 'lab.json');
    const vms = { a: { boot: { domainXml }, nics: [{ bridge: 'br0' }] } };
    writeFileSync(file, JSON.stringify({ version: 1, name: 'own', bridges: { br0: {} }, vms }));
    return loadLab(file);
  };
  const refusal = async (domainXml: string) => {
    const error = await load(domainXml).catch((reason: unknown) => reason);
    if (!(error instanceof LabError)) throw new Error(`expected a LabError, got ${String(error)}`);
    return error.problems.map(({ where, message, fix }) => `${where}: ${message}; ${fix}`);
  };
  const path = (name: string) => JSON.stringify(join(folder, name));

  test('is found beside the lab', async () => {
    writeFileSync(join(folder, 'a.xml'), '<domain><devices/></domain>');
    const lab = await load('a.xml');
    expect(lab.vms[0]?.boot).toMatchObject({ kind: 'domainXml', file: join(folder, 'a.xml') });
    expect(JSON.stringify(lab)).not.toContain('<devices');
  });

  test('that is none is refused', async () => {
    writeFileSync(join(folder, 'large.xml'), `<domain><devices/></domain>${' '.repeat(2 ** 20)}`);
    writeFileSync(join(folder, 'latin1.xml'), Buffer.from('<domain><title>\xe4</title></domain>', 'latin1'));
    writeFileSync(join(folder, 'utf16.xml'), Buffer.from('\ufeff<domain/>', 'utf16le'));
    const start = 'vms.a.boot.domainXml: the domainXml';
    const reread = 'correct the path (it is relative to the lab file), or make the file readable';
    const other = 'name the XML of a domain, such as "virsh dumpxml --inactive NAME" prints it';
    expect(await refusal('none.xml')).toEqual([`${start} ${path('none.xml')} does not exist; ${reread}`]);
    expect(await refusal('.')).toEqual([`${start} ${JSON.stringify(folder)} is a folder; ${reread}`]);
    expect(await refusal('/dev/null')).toEqual([`${start} "/dev/null" is no plain file; ${other}`]);
    expect(await refusal('large.xml')).toEqual([
      `${start} ${path('large.xml')} is larger than 1 MiB; ${other}`,
    ]);
    for (const name of ['latin1.xml', 'utf16.xml'])
      expect(await refusal(name)).toEqual([`${start} ${path(name)} is not UTF-8; ${other}`]);
  });

  test('is not needed to take a lab down', async () => {
    const file = join(folder, 'lab.json');
    await refusal('none.xml');
    expect((await loadLab(file, { files: 'skip' })).vms[0]?.boot).toMatchObject({ xml: null });
  });
});

describe('what is read of a domain', () => {
  test.each([
    ['<memory>1048576</memory>', 1024],
    ["<memory unit='KiB'>1048576</memory>", 1024],
    ["<memory unit='GiB'> 2 </memory>", 2048],
    ["<memory unit='M'>512</memory>", 512],
    ["<memory unit='MB'>512</memory>", 489],
    ["<memory unit='b'>1</memory>", 1],
    ["<memory unit='pages'>7</memory>", 0],
    ['<memory>much</memory>', 0],
    ['', 0],
  ])('the memory in %s', (memory, MiB) =>
    expect(own(`<domain>${memory}<devices/></domain>`).memoryMiB).toBe(MiB),
  );

  test('what it takes from the host, of which a throw-away one has none', () => {
    const disk = (more: string, source = '<source file="/srv/a&amp;b.qcow2"/>') =>
      `<disk type='file'${more}>${source}<target dev='vda'/></disk>`;
    const things = (devices: string) =>
      hostThings(own(`<domain><devices>${devices}</devices></domain>`).root);
    expect(things(disk(''))).toEqual(['<disk> /srv/a&b.qcow2']);
    expect(things(disk('', "<source dev='/dev/sdb'/>"))).toEqual(['<disk> /dev/sdb']);
    expect(things(`<hostdev mode='subsystem'/><filesystem><source dir='/home'/></filesystem>`)).toEqual([
      '<hostdev>',
      '<filesystem> /home',
    ]);
    expect(
      things(disk(' device="cdrom"') + disk('', '') + disk('', '<source file="a"/><readonly/>')),
    ).toEqual([]);
    expect(things(`<!-- ${disk('')} --><x:disk xmlns:x='u'><source file='a'/></x:disk>`)).toEqual([]);
  });
});

describe('the reader of XML', () => {
  /** Names and attributes, as far as another parser keeps them. */
  const namesOf = (element: XmlElement): string[] => [
    element.name,
    ...[...element.attributes.keys()].map(key => `@${key}`),
    ...element.children.flatMap(namesOf),
  ];
  const otherNames = (name: string, element: unknown): string[] => {
    const { $ = {}, _, ...children } = (typeof element === 'object' ? element : {}) as Record<string, object>;
    return [
      name,
      ...Object.keys($ ?? {}).map(key => `@${key}`),
      ...Object.entries(children).flatMap(([child, list]) =>
        (list as unknown[]).flatMap(one => otherNames(child, one)),
      ),
    ];
  };

  test('sees what another parser sees', () => {
    fc.assert(
      fc.property(anyDomainXml, text => {
        const scanned = scanXml(text);
        if ('fault' in scanned) throw new Error(scanned.fault.message);
        expect(namesOf(scanned.root).sort()).toEqual(otherNames('domain', parse(text)).sort());
      }),
      { numRuns: 100 },
    );
  });

  test('tells every element where it stands', () => {
    fc.assert(
      fc.property(anyDomainXml, text => {
        const check = ({ name, start, inner, innerEnd, end, isEmpty, children }: XmlElement) => {
          expect(text.startsWith(`<${name}`, start)).toBe(true);
          expect(text[inner - 1]).toBe('>');
          expect(text[end - 1]).toBe('>');
          expect(text.slice(innerEnd, end).startsWith(isEmpty ? '' : `</${name}`)).toBe(true);
          let at = inner;
          for (const child of children) {
            expect(child.start).toBeGreaterThanOrEqual(at);
            at = child.end;
            check(child);
          }
          expect(innerEnd).toBeGreaterThanOrEqual(at);
        };
        const { root } = own(text);
        check(root);
      }),
      { numRuns: 100 },
    );
  });

  test('never fails but with a line, whatever the text', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '"',
      "'",
      '&',
      ';',
      '=',
      ' ',
      '\n',
      'domain',
      'devices',
      '<!DOCTYPE',
      '<domain>',
      '</domain>',
      '<devices/>',
      '\u0000',
      'ä',
      '😀',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        const text = pieces.join('');
        const read = readOwnDomain(text);
        if (!('fault' in read)) return;
        const { line, message, fix } = read.fault;
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(text.split('\n').length);
        expect(`${message}${fix}`).not.toMatch(/\p{Cc}|\p{Cs}/u);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['deep', '<a>'.repeat(300_000)],
    ['wide', `<domain>${'<a/>'.repeat(250_000)}<devices/></domain>`],
    ['spaces', `<domain>${' '.repeat(1_000_000)}<devices/></domain>`],
    ['dashes', `<domain><!--${' -'.repeat(500_000)}--><devices/></domain>`],
    ['open comments', '<!--'.repeat(250_000)],
    ['ampersands', `<domain>${'&amp;'.repeat(200_000)}<devices/></domain>`],
    ['cards', `<domain><devices>${'<interface/>\n'.repeat(80_000)}</devices></domain>`],
    ['one long name', `<${'a'.repeat(1_000_000)}`],
  ])('is done with a hostile file: %s', (_, text) => {
    readOwnDomain(text);
  });
});
