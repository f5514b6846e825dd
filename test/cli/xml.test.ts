import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseStringPromise } from 'xml2js';
import { Folder, run, vmnet } from './vmnet.js';

// Emulation is forced and the kernel is a dummy, so that nothing is booted to find out about KVM.

let folder: Folder;
let file: string;
beforeAll(() => {
  folder = new Folder();
  folder.file('vmlinuz', 'no kernel');
  folder.file('disk.qcow2', 'no disk');
  const kernel = { kernel: 'vmlinuz', cmdline: 'console=ttyS0 a="<&>\'"' };
  file = folder.file('lab.json', {
    version: 1,
    name: 'drawn',
    bridges: { brt0: {}, brt1: { mtu: 9000 } },
    defaults: { vm: { accel: 'tcg', boot: kernel } },
    vms: {
      plain: { nics: [{ bridge: 'brt0' }] },
      rich: {
        boot: { image: 'disk.qcow2' },
        memory: '1GiB',
        vcpus: 4,
        nics: [
          { bridge: 'brt0', mac: '52:54:00:00:00:01', tap: 'rich0', queues: 4, mtu: 1400 },
          { bridge: 'brt1', model: 'e1000e', mtu: 1300 },
        ],
      },
    },
  });
});
afterAll(() => folder.remove());

const xml = (...words: string[]) =>
  vmnet(['xml', ...words], { env: { VMNET_STATE_DIR: folder.file('state'), LIBVIRT_DEFAULT_URI: '' } });

describe('xml', () => {
  it.each(['plain', 'rich'])('of %s passes virt-xml-validate', async name => {
    const { code, stdout, stderr } = await xml(file, name);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const checked = await run(['virt-xml-validate', folder.file(`${name}.xml`, stdout), 'domain']);
    expect(checked).toMatchObject({ code: 0 });
  });

  it('says what the lab says', async () => {
    const { domain } = await parseStringPromise((await xml(file, 'rich')).stdout);
    expect(domain.name).toEqual(['drawn-rich']);
    expect(
      domain.vcpu.map((vcpu: { _: string } | string) => (typeof vcpu === 'string' ? vcpu : vcpu._)),
    ).toEqual(['4']);
    const [first, second] = domain.devices[0].interface;
    expect(first).toMatchObject({
      $: { type: 'ethernet' },
      mac: [{ $: { address: '52:54:00:00:00:01' } }],
      target: [{ $: { dev: 'rich0', managed: 'no' } }],
      model: [{ $: { type: 'virtio' } }],
      driver: [{ $: { queues: '4' } }],
    });
    // Only virtio can tell its guest the MTU.
    expect(second).toMatchObject({ model: [{ $: { type: 'e1000e' } }] });
    expect(first.mtu).toEqual([{ $: { size: '1400' } }]);
    expect(second.mtu).toBeUndefined();
  });

  it('of all VMs, and as JSON', async () => {
    const [text, program] = await Promise.all([xml(file), xml('--json', file)]);
    expect(text.stdout.match(/<domain /g)).toHaveLength(2);
    const { domains, ...rest } = program.json;
    expect(rest).toMatchObject({ ok: true, command: 'xml', lab: 'drawn', changed: 0, error: null });
    expect(domains.map(({ name }: { name: string }) => name)).toEqual(['plain', 'rich']);
    expect(text.stdout).toBe(domains.map((domain: { xml: string }) => `${domain.xml.trimEnd()}\n`).join(''));
  });

  it('is the same every time', async () => {
    expect((await xml(file)).stdout).toBe((await xml(file)).stdout);
  });

  it('of a VM that the lab does not have: names it and those it has', async () => {
    const { code, stdout, stderr } = await xml(file, 'web\x1b[31m');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('the lab drawn has no VM "web\\u{1b}[31m"');
    expect(stderr).toContain('plain, rich');
  });
});
