import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDrivers } from '../../src/drivers/drivers.js';
import { buildProbe } from '../../src/guest/build.js';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';

// Domains that vmnet did not make: they get NICs, live and in their definition, and lose them without a trace.

let box: Box;
let before: Snapshot;
let file: string;
const original: Record<string, string> = {};

const nics = [{ bridge: 'br0' }];
const lab = (vms: object) => ({ name: 'guestroom', bridges: { br0: { uplink: 'eth0' } }, vms });

const OWN_CARD =
  "<interface type='user'><mac address='52:54:00:99:99:99'/><model type='virtio'/><rom enabled='no'/></interface>";

/** With what vmnet knows nothing of: metadata, a password, a network card of its own; with free ports, or none at all. */
const domain = (name: string, { kernel, initrd }: { kernel: string; initrd: string }, ports: number) => `
<domain type='qemu'>
  <name>${name}</name>
  <metadata><note xmlns='urn:others:1'>  <devices>
    <interface type='user'><alias name='ua-vmnet-guestroom-db-0-00000000'/></interface>
  </devices></note></metadata>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${kernel}</kernel><initrd>${initrd}</initrd><cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <on_reboot>destroy</on_reboot>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    ${Array.from({ length: ports }, (_, i) => `<controller type='pci' index='${i + 1}' model='pcie-root-port'/>`).join('')}
    ${ports > 0 ? OWN_CARD : ''}
    <serial type='file'><source path='${consoleOf(name)}'/></serial>
    <graphics type='vnc' autoport='yes' passwd='hunter2'/>
    <memballoon model='none'/>
  </devices>
</domain>`;

/** Aliases of NICs of the lab, but not what is in the metadata. */
const OURS = /ua-vmnet-guestroom-\w+-\d-(?!00000000)/g;

const consoleOf = (name: string) => join(box.folder, `${name.replace(' ', '-')}.log`);
const dump = (name: string) => box.run('virsh', 'dumpxml', '--inactive', '--security-info', name);
const live = (name: string) => box.run('virsh', 'dumpxml', name);

/** A card that is plugged in while a guest boots can get lost. */
async function isUp(name: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await readFile(consoleOf(name), 'latin1')).includes(': up')) return;
    await sleep(100);
  }
  throw new Error(`${name} did not come up`);
}

const path = (answer: Answer) =>
  answer.json.checks
    .filter((check: { name: string }) => check.name === 'path')
    .map(({ vm, verdict, reason }: { vm: string; verdict: string; reason: string }) => [vm, verdict, reason]);

async function define(name: string, ports: number): Promise<void> {
  const probe = await buildProbe(makeDrivers({}, { ...process.env }));
  const xml = join(box.folder, 'domain.xml');
  await writeFile(xml, domain(name, probe, ports));
  await box.run('virsh', 'define', xml);
  original[name] = await dump(name);
}

beforeAll(async () => {
  box = await Box.up();
  await define('my db', 4);
  await define('still', 0);
  await box.run('virsh', 'start', 'my db');
  await isUp('my db');
  before = await box.snapshot();
  file = await box.lab(lab({ db: { domain: 'my db', nics } }));
});

afterAll(() => box?.down());

const restored = async () => {
  for (const name of ['my db', 'still']) expect(await dump(name)).toBe(original[name]);
  expect(await live('my db')).not.toMatch(OURS);
  expect(await box.differenceFrom(before)).toEqual([]);
};

describe('a running domain', () => {
  it('gets a NIC while it runs, which is proven direct', async () => {
    const pid = await box.run('virsh', 'domid', 'my db');
    const answer = await box.vmnet('provision', file);
    expect(answer.json.error).toBeNull();
    expect(path(answer)).toEqual([['db', 'direct', null]]);
    expect(answer.code).toBe(0);
    expect(await box.run('virsh', 'domid', 'my db')).toBe(pid);
    for (const xml of [await live('my db'), await dump('my db')]) expect(xml.match(OURS)).toHaveLength(1);
  });

  it('needs no step a second time', async () => {
    const { json, code } = await box.vmnet('provision', file);
    expect([code, json.steps]).toEqual([0, []]);
  });

  it('is shown by status, verify and xml', async () => {
    const { json } = await box.vmnet('status', 'guestroom');
    expect(json.vms).toMatchObject([{ name: 'db', domain: 'my db', existing: true, state: 'running' }]);
    expect(path(await box.vmnet('verify', 'guestroom'))).toEqual([['db', 'direct', null]]);
    const xml = await box.vmnet('xml', file);
    expect(xml.json.domains[0].xml).toMatch(/^<interface type="ethernet">[\s\S]*ua-vmnet-guestroom-db-0-/);
  });

  it('shows its password to nobody', async () => {
    const plan = await box.vmnet('destroy', '--dry-run', 'guestroom');
    expect(plan.json.plan.phases).not.toEqual([]);
    expect(plan.stdout).not.toContain('hunter2');
  });

  it('gets another NIC, and has one exchanged', async () => {
    const more = await box.lab(
      lab({ db: { domain: 'my db', nics: [{ bridge: 'br0', queues: 2 }, { bridge: 'br0' }] } }),
      'more.json',
    );
    const { json } = await box.vmnet('provision', more, '--no-verify');
    expect(json.error).toBeNull();
    const xml = await live('my db');
    expect(xml).toContain("queues='2'");
    expect(xml.match(OURS)).toHaveLength(2);
    expect((await box.vmnet('plan', more)).json.plan.phases).toEqual([]);
    expect((await box.vmnet('provision', file, '--no-verify')).json.error).toBeNull();
    expect((await live('my db')).match(OURS)).toHaveLength(1);
  });

  it('is as it was after destroy, which needs no file', async () => {
    const { json, code } = await box.vmnet('destroy', 'guestroom');
    expect([code, json.error]).toEqual([0, null]);
    await restored();
  });
});

describe('a macvtap', () => {
  it('is given to a running domain, proven, and taken away', async () => {
    const direct = await box.lab(
      { ...lab({ db: { domain: 'my db', nics: [{ type: 'macvtap', uplink: 'eth0' }] } }), bridges: {} },
      'direct.json',
    );
    expect(path(await box.vmnet('provision', direct))).toEqual([['db', 'direct', null]]);
    expect(await live('my db')).toContain("<interface type='direct'>");
    expect((await box.vmnet('plan', direct)).json.plan.phases).toEqual([]);
    expect((await box.vmnet('destroy', 'guestroom')).json.error).toBeNull();
    await restored();
  });
});

describe('a domain that does not run', () => {
  it('gets its NIC in its definition, and is not started', async () => {
    const stopped = await box.lab(lab({ it: { domain: 'still', nics } }), 'stopped.json');
    const answer = await box.vmnet('provision', stopped);
    expect(answer.json.error).toBeNull();
    expect([answer.code, path(answer)]).toEqual([3, [['it', 'unproven', 'guest-not-running']]]);
    expect(answer.json.notes.join()).toContain('virsh start still');
    expect(await box.run('virsh', 'domstate', 'still')).toContain('shut off');
    // libvirt has added the ports that it needs.
    expect(await dump('still')).toContain('pcie-root-port');
    expect((await box.vmnet('plan', stopped)).json.plan.phases).toEqual([]);
  });

  it('runs with it when its owner starts it, and is proven', async () => {
    await box.run('virsh', 'start', 'still');
    await isUp('still');
    expect(path(await box.vmnet('verify', 'guestroom'))).toEqual([['it', 'direct', null]]);
  });

  it('loses it while it runs', async () => {
    expect((await box.vmnet('destroy', 'guestroom')).json.error).toBeNull();
    expect(await live('still')).not.toMatch(OURS);
    await box.run('virsh', 'destroy', 'still');
    await restored();
  });
});

describe('what is no longer as vmnet left it', () => {
  it('a change of somebody else stays', async () => {
    await box.vmnet('provision', '--no-verify', file);
    await box.run('virsh', 'desc', 'my db', '--config', '--new-desc', 'mine');
    const { json } = await box.vmnet('destroy', 'guestroom');
    expect(json.error).toBeNull();
    const left = await dump('my db');
    expect(left).toContain('<description>mine</description>');
    expect(left).not.toMatch(OURS);
    const own = join(box.folder, 'original.xml');
    await writeFile(own, original['my db'] ?? '');
    await box.run('virsh', 'define', own);
    await restored();
  });

  it('a domain that was renamed is found by its UUID', async () => {
    const stopped = await box.lab(lab({ it: { domain: 'still', nics } }), 'stopped.json');
    await box.vmnet('provision', '--no-verify', stopped);
    await box.run('virsh', 'domrename', 'still', 'quiet');
    expect((await box.vmnet('plan', stopped)).json.plan).toMatchObject({
      phases: [],
      notes: expect.arrayContaining([expect.stringContaining('called quiet now')]),
    });
    expect((await box.vmnet('destroy', 'guestroom')).json.error).toBeNull();
    expect(await dump('quiet')).not.toMatch(OURS);
    await box.run('virsh', 'undefine', 'quiet');
    await define('still', 0);
  });

  it('a domain that is gone hinders no destroy', async () => {
    const stopped = await box.lab(lab({ it: { domain: 'still', nics } }), 'stopped.json');
    await box.vmnet('provision', '--no-verify', stopped);
    await box.run('virsh', 'undefine', 'still');
    const { code, stderr } = await box.vmnet('destroy', 'guestroom');
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    await define('still', 0);
    before = await box.snapshot();
  });
});

describe('killed with -9', () => {
  /** Killed as soon as a condition of the shell holds. */
  const killedWhen = (condition: string, ...words: string[]) =>
    box.killedIn(
      [
        'sh',
        '-c',
        `"$@" & pid=$!; until ${condition}; do kill -0 $pid || break; done; kill -9 $pid; wait $pid`,
        'sh',
      ],
      ...words,
    );
  const MARK = 'ua-vmnet-guestroom-db-0-[1-9a-f]';
  const PLUGGED = `grep -q ${MARK} "/run/libvirt/qemu/my db.xml"`;
  const DEFINED = `grep -q ${MARK} "/etc/libvirt/qemu/my db.xml"`;

  it.each([
    ['the running guest has the NIC', PLUGGED],
    ['its definition has it, too', DEFINED],
  ])('as soon as %s: recover takes it back', async (_, condition) => {
    // With the proof, which comes after all steps and belongs to the run.
    await killedWhen(condition, 'provision', file);
    expect((await box.vmnet('recover')).json).toMatchObject({
      error: null,
      recovered: { guestroom: 'undone' },
    });
    await restored();
  });

  it('as destroy takes the NIC out: destroy ends it', async () => {
    await box.vmnet('provision', '--no-verify', file);
    await killedWhen(`! ${PLUGGED}`, 'destroy', 'guestroom');
    expect((await box.vmnet('destroy', 'guestroom')).json.error).toBeNull();
    await restored();
  });
});

describe('what cannot be', () => {
  const refused = async (vms: object) => {
    const { code, json } = await box.vmnet('provision', await box.lab(lab(vms), 'bad.json'));
    return [code, json.error.message, json.error.hint];
  };

  it('a domain that is not there', async () => {
    expect(await refused({ db: { domain: 'my dc', nics } })).toEqual([
      2,
      'vms.db.domain: libvirt has no domain "my dc"',
      'did you mean "my db"?',
    ]);
  });

  it('a MAC that the domain has already', async () => {
    const own = [{ bridge: 'br0', mac: '52:54:00:99:99:99' }];
    expect((await refused({ db: { domain: 'my db', nics: own } }))[1]).toContain(
      'is that of a NIC which the domain my db has already',
    );
  });

  it('a NIC for a running guest without a free port: nothing is changed, and the way out is told', async () => {
    await box.run('virsh', 'start', 'still');
    const [code, message, hint] = await refused({ it: { domain: 'still', nics } });
    expect([code, message]).toEqual([1, expect.stringContaining('No more available PCI slots')]);
    expect(hint).toMatch(/Shut it down and repeat.*Everything was undone/s);
    await box.run('virsh', 'destroy', 'still');
    await restored();
  });
});
