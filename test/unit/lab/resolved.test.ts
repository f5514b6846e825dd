import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../../src/lab/model.js';
import { parseLab } from '../../../src/lab/parse.js';
import { resolvedFile } from '../../../src/lab/resolved.js';
import { listTemplates, readTemplate } from '../../../src/lab/templates.js';
import { anyLab } from '../../fakes/arbitrary-lab.js';
import { anyKeywordText } from '../../fakes/arbitrary-text.js';
import { labFrom } from '../../fakes/labs.js';

const FOLDER = new URL('../../fixtures/lab/', import.meta.url);
const GOOD = readdirSync(FOLDER).filter(name => name.startsWith('good-'));

/** What is printed gives the same lab from another folder, and is printed the same again. */
function checkResolved(lab: Lab): void {
  const text = JSON.stringify(resolvedFile(lab), null, 2);
  const again = labFrom(text, '/elsewhere/resolved.json');
  expect({ ...again, file: lab.file }).toEqual(lab);
  expect(JSON.stringify(resolvedFile(again), null, 2)).toBe(text);
}

describe('a resolved lab', () => {
  test.each(GOOD)('loads to the same lab: %s', name =>
    checkResolved(labFrom(readFileSync(new URL(`${name}/lab.json`, FOLDER), 'utf8'))),
  );

  test.each(listTemplates())('loads to the same lab: the template $name', ({ name }) =>
    checkResolved(labFrom(readTemplate(name))),
  );

  test('loads to the same lab, whatever the lab', () => {
    fc.assert(
      fc.property(anyLab, lab => checkResolved(labFrom(lab))),
      { numRuns: 200 },
    );
  });

  test('loads to the same lab, with groups, counts and names that are words', () => {
    let copies = 0;
    fc.assert(
      fc.property(anyKeywordText, text => {
        const { lab } = parseLab(text, '/labs/lab.json');
        if (lab === null) return;
        checkResolved(lab);
        if (text.includes('"count":2')) copies++;
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(copies).toBeGreaterThan(30);
  });

  test('has nothing left to resolve', () => {
    const file = resolvedFile(
      labFrom({
        version: 1,
        name: 'farm',
        bridges: { br0: {} },
        defaults: { vm: { boot: 'probe' } },
        groups: { workers: { vcpus: 2 } },
        vms: { 'w-{index}': { group: 'workers', count: 2, nics: [{ bridge: 'br0' }] } },
      }),
    );
    expect(Object.keys(file)).toEqual(['version', 'name', 'bridges', 'vms']);
    expect(Object.keys(file.vms ?? {})).toEqual(['w-1', 'w-2']);
    expect(file.vms?.['w-2']).toMatchObject({ boot: 'probe', memory: '128MiB', vcpus: 2, accel: 'auto' });
  });
});
