import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RenderContext, renderDomain } from '../../../src/render/domain.js';
import { machineFor } from '../../../src/render/machine.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';

const FOLDER = new URL('../../fixtures/xml/', import.meta.url);
const CASES = readdirSync(FOLDER);

/** vm.txt, where a case is not the first VM on x86-64 under emulation: `NAME [kvm|tcg] [arm64]`. */
function chosen(name: string): { vm: string | undefined; context: Partial<RenderContext> } {
  const file = new URL(`${name}/vm.txt`, FOLDER);
  if (!existsSync(file)) return { vm: undefined, context: {} };
  const [vm, accel, arch] = readFileSync(file, 'utf8').trim().split(' ');
  return {
    vm,
    context: {
      ...(accel === 'kvm' || accel === 'tcg' ? { accel } : {}),
      ...(arch === undefined ? {} : { machine: machineFor(arch) }),
    },
  };
}

function rendered(name: string): string {
  const lab = labFrom(readFileSync(new URL(`${name}/lab.json`, FOLDER), 'utf8'));
  const { vm: wanted, context } = chosen(name);
  const vm = lab.vms.find(it => it.name === wanted) ?? lab.vms[0];
  if (!vm || (wanted !== undefined && vm.name !== wanted)) throw new Error(`no VM ${wanted}`);
  return renderDomain(lab, vm, renderContext(lab, new FakeHost().observe(), context)).xml;
}

/** libvirt's own schema; where it is not installed, CI fails and a workplace is told. */
const VALIDATOR = spawnSync('virt-xml-validate', ['--help']).error === undefined;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmnet-xml-'));
  if (!VALIDATOR)
    console.warn('skipped: virt-xml-validate is not installed (apt-get install libvirt-clients)');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('domain XML', () => {
  test('there are cases', () => expect(CASES.length).toBeGreaterThan(8));

  test.each(CASES)('%s', name => {
    const files = readdirSync(new URL(`${name}/`, FOLDER)).filter(file => file !== 'vm.txt');
    expect(files.sort()).toEqual(['expected.xml', 'lab.json']);
    expect(rendered(name)).toBe(readFileSync(new URL(`${name}/expected.xml`, FOLDER), 'utf8'));
  });

  test.skipIf(!VALIDATOR && !process.env.CI)('is what libvirt takes', () => {
    for (const name of CASES) {
      const file = join(folder, `${name}.xml`);
      writeFileSync(file, rendered(name));
      const { status, stderr } = spawnSync('virt-xml-validate', [file, 'domain'], { encoding: 'utf8' });
      expect({ name, status, stderr }).toEqual({
        name,
        status: 0,
        stderr: expect.stringContaining('validates'),
      });
    }
  });
});
