import { describe, expect, test } from 'vitest';
import { type RenderContext, renderDomain } from '../../../src/render/domain.js';
import { renderInterface } from '../../../src/render/interface.js';
import { machineFor, probeCmdline } from '../../../src/render/machine.js';
import { parse } from '../../../src/render/xml.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';

const WEB = { boot: 'probe', nics: [{ bridge: 'br0' }] };
const DB = { boot: { image: '/db.qcow2' }, nics: [{ bridge: 'br0' }] };

const file = (vms: object, bridges: object = { br0: {} }) => ({ version: 1, name: 'l', bridges, vms });

function digest(content: object, more: Partial<RenderContext> = {}): string {
  const lab = labFrom(content);
  const vm = lab.vms.find(it => it.name === 'web');
  if (!vm) throw new Error('no web');
  return renderDomain(lab, vm, renderContext(lab, new FakeHost().observe(), more)).digest;
}

describe('the digest of a definition', () => {
  const plain = digest(file({ web: WEB }));

  test('is 16 hex digits that stand in the XML', () => {
    expect(plain).toMatch(/^[0-9a-f]{16}$/);
    const lab = labFrom(file({ web: WEB }));
    const [vm] = lab.vms;
    if (!vm) throw new Error('no VM');
    const { xml } = renderDomain(lab, vm, renderContext(lab, new FakeHost().observe()));
    expect(xml).toContain(`lab="l" vm="web" digest="${plain}"`);
  });

  test('is the same wherever the VM stands in the file', () => {
    expect(digest(file({ web: WEB, db: DB }))).toBe(plain);
    expect(digest(file({ db: DB, web: WEB }))).toBe(plain);
    expect(digest(file({ web: WEB }, { br1: {}, br0: {} }))).toBe(plain);
  });

  test.each<[string, object]>([
    ['memory', { ...WEB, memory: '256MiB' }],
    ['vcpus', { ...WEB, vcpus: 2 }],
    ['boot', { ...WEB, boot: { image: '/web.qcow2' } }],
    ['accel', { ...WEB, accel: 'kvm' }],
    ['MAC', { ...WEB, nics: [{ bridge: 'br0', mac: '52:54:00:00:00:01' }] }],
    ['tap', { ...WEB, nics: [{ bridge: 'br0', tap: 'webtap' }] }],
    ['model', { ...WEB, nics: [{ bridge: 'br0', model: 'e1000e' }] }],
    ['queues', { ...WEB, nics: [{ bridge: 'br0', queues: 2 }] }],
    ['mtu', { ...WEB, nics: [{ bridge: 'br0', mtu: 1400 }] }],
    ['address', { ...WEB, nics: [{ bridge: 'br0', address: '192.0.2.1/24' }] }],
    ['number of NICs', { ...WEB, nics: [{ bridge: 'br0' }, { bridge: 'br0' }] }],
  ])('changes with %s', (_, web) => expect(digest(file({ web }))).not.toBe(plain));

  test('changes with what the host gives', () => {
    const digests = [
      plain,
      digest(file({ web: WEB }), { accel: 'kvm' }),
      digest(file({ web: WEB }), { machine: machineFor('arm64') }),
      digest(file({ web: WEB }), { mtus: { br0: 9000 } }),
      digest(file({ web: WEB }), { stateDir: '/elsewhere' }),
      digest(file({ web: WEB }), { probe: { kernel: '/k', initrd: '/i' } }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('what a lab may contain', () => {
  test.each(['a=<b> & "c" \'d\'', ']]></cmdline><devices/>', '<!--', '&amp;', 'ü → 漢'])(
    '%s stays text',
    cmdline => {
      const lab = labFrom(file({ web: { ...WEB, boot: { kernel: '/k', cmdline } } }));
      const [vm] = lab.vms;
      if (!vm) throw new Error('no VM');
      const { xml } = renderDomain(lab, vm, renderContext(lab, new FakeHost().observe()));
      expect(parse(xml)).toMatchObject({ os: [{ cmdline: [cmdline] }] });
      expect(xml.match(/<devices>/g)).toHaveLength(1);
    },
  );

  test('paths are escaped too', () => {
    const lab = labFrom(file({ web: { ...WEB, boot: { kernel: '/a&b<c>"d/vmlinuz' } } }));
    const [vm] = lab.vms;
    if (!vm) throw new Error('no VM');
    const { xml } = renderDomain(lab, vm, renderContext(lab, new FakeHost().observe()));
    expect(parse(xml)).toMatchObject({ os: [{ kernel: ['/a&b<c>"d/vmlinuz'] }] });
  });
});

describe('an interface by itself', () => {
  const nic = labFrom(file({ web: WEB })).vms[0]?.nics[0];

  test('is a tap that libvirt leaves alone', () => {
    if (!nic) throw new Error('no NIC');
    expect(parse(renderInterface(nic, 1500))).toMatchObject({
      $: { type: 'ethernet' },
      mac: [{ $: { address: nic.mac } }],
      target: [{ $: { dev: nic.tap, managed: 'no' } }],
      model: [{ $: { type: 'virtio' } }],
    });
  });

  test('tells the guest its MTU only where it is an unusual one that virtio can tell', () => {
    if (!nic) throw new Error('no NIC');
    expect(renderInterface(nic, 1500)).not.toContain('<mtu');
    expect(renderInterface(nic, 9000)).toContain('<mtu size="9000"/>');
    expect(renderInterface({ ...nic, mtu: 1400 }, 9000)).toContain('<mtu size="1400"/>');
    expect(renderInterface({ ...nic, model: 'e1000e' }, 9000)).not.toContain('<mtu');
  });
});

test('a probe guest that routes is told so, with its ways out', () => {
  const nics = [{ bridge: 'br0', mac: '52:54:00:00:00:01', address: '192.0.2.5/24', gateway: '192.0.2.1' }];
  const [vm] = labFrom(file({ web: { boot: { probe: { forward: true } }, nics } })).vms;
  if (!vm) throw new Error('no VM');
  expect(probeCmdline(vm, machineFor('x64'), new Set()).split(' ').slice(-2)).toEqual([
    'vmnet.via=52:54:00:00:00:01,192.0.2.1',
    'vmnet.forward',
  ]);
});

test("the probe guest's kernel is told MACs, addresses and MTUs", () => {
  const nics = [
    { bridge: 'br0', mac: '52:54:00:00:00:01', address: ['192.0.2.5/24', 'fd00::5/64'] },
    { bridge: 'br0', mac: '52:54:00:00:00:02', mtu: 1400 },
  ];
  const [vm] = labFrom(file({ web: { boot: 'probe', nics } })).vms;
  if (!vm) throw new Error('no VM');
  expect(probeCmdline(vm, machineFor('x64'), new Set()).split(' ').slice(-3)).toEqual([
    'vmnet.nic=52:54:00:00:00:01,192.0.2.5/24,fd00::5/64',
    'vmnet.nic=52:54:00:00:00:02',
    'vmnet.mtu=52:54:00:00:00:02,1400',
  ]);
  expect(probeCmdline(vm, machineFor('arm64'), new Set())).toMatch(/^console=ttyAMA0 /);
});

describe('guests in the libvirt of a user', () => {
  const lab = labFrom(
    file({ web: { boot: { image: '/w.qcow2' }, firmware: 'uefi', nics: [{ bridge: 'br0' }] } }),
  );
  const xml = (more: Partial<RenderContext>) => {
    const [vm] = lab.vms;
    if (!vm) throw new Error('no VM');
    return renderDomain(lab, vm, renderContext(lab, new FakeHost().observe(), more)).xml;
  };

  test('log to a file that is there, and have UEFI variables where that libvirt keeps them', () => {
    expect(xml({})).toMatch(/<nvram>.*append="off"/s);
    const users = xml({ user: 1000, stateDir: '/var/lib/vmnet/users/1000' });
    expect(users).toContain('<log file="/var/lib/vmnet/users/1000/consoles/l/web.log" append="on"/>');
    expect(users).not.toContain('<nvram>');
    expect(users).toContain('firmware="efi"');
  });
});
