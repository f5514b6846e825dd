import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { linesOfBatches } from '../support/batches.js';
import { Box } from '../support/box.js';

// A provision that fails, wherever it fails, leaves the host as it was, says so, and exits with 1.

const CUTTING_IP = fileURLToPath(new URL('../fixtures/bin', import.meta.url));

let box: Box;
let file: string;
let before: Snapshot;

beforeAll(async () => {
  box = await Box.up();
  await box.run('ip', 'route', 'add', '10.10.0.0/16', 'via', '192.0.2.7', 'table', '100');
  await box.run('ip', 'rule', 'add', 'iif', 'eth0', 'lookup', '100', 'pref', '70');
  await box.run('ip', '-6', 'rule', 'add', 'iif', 'eth0', 'lookup', '100', 'pref', '71');
  file = await box.lab({
    name: 'fails',
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }, { bridge: 'br0' }] } },
  });
  before = await box.snapshot();
});

afterAll(() => box?.down());

describe('a batch that stops after any of its lines', () => {
  it('is undone', async () => {
    const plan = await box.vmnet('plan', '--network-only', file);
    const batches = linesOfBatches(plan.json.plan.phases);
    expect(batches.length).toBe(4);
    let points = 0;
    for (const [batch, lines] of batches.entries()) {
      for (let line = 0; line < lines; line++, points++) {
        const counter = join(box.folder, `count-${batch}-${line}`);
        const env = {
          PATH: `${CUTTING_IP}:${process.env.PATH}`,
          CUT_COUNTER: counter,
          CUT_BATCH: String(batch + 1),
          CUT_LINE: String(line),
        };
        const answer = await box.vmnetWith(env, 'provision', '--network-only', file);
        const where = `batch ${batch + 1}, line ${line + 1}`;
        expect([answer.code, answer.json.error?.code], where).toEqual([1, 'command-failed']);
        expect(answer.json.error.message, where).toContain('Cut by the test');
        expect(answer.json.error.hint, where).toContain('as it was');
        expect(await box.differenceFrom(before), where).toEqual([]);
      }
    }
    console.log(`${points} points tried, ${points} restored`);
  });
});

describe('libvirt', () => {
  it('not there: nothing is changed', async () => {
    const answer = await box.vmnet(
      '--connect',
      'qemu+unix:///system?socket=/run/no/such/socket',
      'provision',
      file,
    );
    expect([answer.code, answer.json.error.code]).toEqual([1, 'libvirt']);
    expect(answer.json.error.hint).toBeTruthy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('without QEMU: said before anything is changed', async () => {
    const qemu = (await box.run('sh', '-c', 'command -v qemu-system-x86_64')).trim();
    await box.run('mount', '--bind', '/dev/null', qemu);
    const answer = await box.vmnet('provision', file);
    await box.run('umount', qemu);
    expect([answer.code, answer.json.error.code, answer.json.changed]).toEqual([1, 'missing-tool', 0]);
    expect(answer.json.error.hint).toContain('qemu-system');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('libvirt', () => {
  it('refusing to start a guest: the network plane and the other guests are undone', async () => {
    const greedy = await box.lab(
      {
        name: 'greedy',
        bridges: { br0: { uplink: 'eth0' } },
        vms: {
          small: { boot: 'probe', nics: [{ bridge: 'br0' }] },
          huge: { boot: 'probe', memory: '8TiB', nics: [{ bridge: 'br0' }] },
        },
      },
      'greedy.json',
    );
    const answer = await box.vmnet('provision', greedy);
    expect([answer.code, answer.json.error.code]).toEqual([1, 'libvirt']);
    expect(answer.json.error.message).toContain('greedy-huge');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('a guest', () => {
  it('that dies at boot is quoted, and all is undone', async () => {
    const probe = await box.vmnet('xml', file);
    const [, kernel, initrd] =
      /<kernel>(.*)<\/kernel>\s*<initrd>(.*)<\/initrd>/.exec(probe.json.domains[0].xml) ?? [];
    const dying = await box.lab(
      {
        name: 'dying',
        bridges: { br0: { uplink: 'eth0' } },
        vms: {
          d: {
            // The probe's own switch for powering off as soon as it is up.
            boot: { kernel, initrd, cmdline: 'console=ttyS0 quiet vmnet.once' },
            memory: '128MiB',
            nics: [{ bridge: 'br0' }],
          },
        },
      },
      'dying.json',
    );
    const answer = await box.vmnet('provision', dying);
    expect([answer.code, answer.json.error.code]).toEqual([1, 'guest-died']);
    expect(answer.json.error.message).toContain('dying-d');
    expect(answer.json.error.hint).toContain('vmnet-probe: up');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
