import fc from 'fast-check';
import { UPLINKS } from './arbitrary.js';

/** Random labs, as their files say them. */

/** MTUs that IPv6 takes, or what the uplink has. */
const mtu = fc.constantFrom(undefined, 1280, 1400, 1500, 9000, 65535);

const addresses = (n: number) =>
  fc.shuffledSubarray(
    [
      `203.0.113.${n * 32 + 1}/27`,
      `203.0.113.${n * 32 + 2}/27`,
      `203.0.113.${n * 32 + 3}/27`,
      `198.51.${n}.1/24`,
      `fd03:${n}::1/64`,
      `fd03:${n}::2/64`,
    ],
    { minLength: 1 },
  );

/** With STP the kernel takes 2 to 30 seconds, without it any. */
const spanningTree = fc.oneof(
  fc.constant({}),
  fc.record({ stp: fc.constant(true), forwardDelay: fc.constantFrom(undefined, 2, 30) }),
  fc.record({ stp: fc.constant(false), forwardDelay: fc.constantFrom(undefined, 0, 15) }),
);

/** A subnet that vmnet chooses, with DHCP or without. */
const ownSubnet = fc.oneof(
  fc.constant({}),
  fc.record({
    mode: fc.constantFrom('isolated', 'nat', 'routed'),
    address: fc.constant('auto'),
    dhcp: fc.constantFrom<unknown>(true, false, { leaseTime: '2h', dns: ['192.0.2.53'], domain: 'a.test' }),
  }),
);

const bridge = (n: number, uplink: string | undefined) =>
  fc
    .tuple(
      fc.record(
        {
          address: fc.oneof(
            fc.constantFrom<string | string[]>(uplink === undefined ? 'none' : 'inherit', 'none'),
            addresses(n),
          ),
          multicastSnooping: fc.boolean(),
          bridgeNetfilter: fc.constantFrom('keep', 'off'),
        },
        { requiredKeys: [] },
      ),
      spanningTree,
      mtu,
      uplink === undefined ? ownSubnet : fc.constant({}),
      fc.constantFrom(undefined, 'isolated', 'nat', 'routed'),
    )
    .map(([options, tree, mtu, subnet, mode]) => ({
      ...options,
      ...(uplink === undefined && Array.isArray(options.address) && mode ? { mode } : {}),
      ...subnet,
      ...tree,
      ...(mtu === undefined ? {} : { mtu }),
      ...(uplink === undefined ? {} : { uplink }),
    }));

const rate = fc.constantFrom('16kbit', '10mbit', '2.5gbit');

const portRules = {
  isolated: fc.boolean(),
  antiSpoof: fc.constantFrom('off', 'mac'),
  guard: fc.subarray(['dhcp', 'ra']),
  bandwidth: fc.oneof(fc.record({ in: rate }), fc.record({ out: rate }), fc.record({ in: rate, out: rate })),
  impair: fc.record(
    { delay: fc.constantFrom('1ms', '1.5s'), loss: fc.constantFrom('0.5%', '100%'), rate },
    { requiredKeys: ['delay'] },
  ),
};

const vm = (bridges: readonly string[]) =>
  fc.record(
    {
      nics: fc.array(
        fc.record(
          {
            bridge: fc.constantFrom(...bridges),
            queues: fc.constantFrom(1, 4),
            mtu: fc.constant(1280),
            ...portRules,
          },
          { requiredKeys: ['bridge'] },
        ),
        { minLength: 1, maxLength: 3 },
      ),
      boot: fc.constantFrom<unknown>(
        'probe',
        { image: 'disk.qcow2' },
        { image: 'other.qcow2' },
        { kernel: 'vmlinuz', cmdline: 'console=ttyS0 a="<&>"' },
      ),
      memory: fc.constantFrom('256MiB', '1GiB'),
      vcpus: fc.integer({ min: 1, max: 4 }),
      accel: fc.constantFrom('auto', 'kvm', 'tcg'),
      keepDisk: fc.boolean(),
      autostart: fc.boolean(),
      /** Depends on the VM before it, if there is one. */
      chained: fc.boolean(),
      disks: fc.subarray<object>([
        { size: '1GiB' },
        { size: 3, format: 'raw' },
        { image: 'data.img', format: 'raw', readOnly: true },
      ]),
      cloudInit: fc.constantFrom<unknown>(
        {},
        { hostname: 'a', dns: ['192.0.2.53'], userData: '#cloud-config\npackages: [curl] # "<&>"\n' },
        { userData: { users: [] }, sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample a@b'] },
      ),
      vagrant: fc.constantFrom({}, { box: 'debian/bookworm64' }),
    },
    { requiredKeys: ['nics', 'boot'] },
  );

const tun = fc.constantFrom<object>(
  { owner: 1000 },
  { owner: 1001, group: 100, mtu: 1400, address: '10.8.0.1/24' },
  { group: 100, multiQueue: true, address: ['10.8.0.1/24', '10.8.0.9/24', 'fd08::1/64'] },
  { owner: 1000, address: '10.8.0.1/32', mtu: 1280 },
);

const tuns = fc.oneof(fc.constant({}), fc.record({ vpn0: tun }));

/** A lab of one to three bridges and up to six VMs. */
export const anyLab = fc
  .integer({ min: 1, max: 3 })
  .chain(count => {
    const names = Array.from({ length: count }, (_, n) => `br${n}`);
    return fc.record({
      bridges: fc
        .tuple(
          ...names.map((_, n) => fc.constantFrom(UPLINKS[n], undefined).chain(uplink => bridge(n, uplink))),
        )
        .map(bridges => Object.fromEntries(bridges.map((it, n) => [`br${n}`, it]))),
      tuns,
      vms: fc
        .array(vm(names), { maxLength: 6 })
        .map(vms =>
          Object.fromEntries(
            vms.map(({ chained, ...it }, n) => [
              `vm${n}`,
              { ...it, ...(chained && n > 0 ? { dependsOn: [`vm${n - 1}`] } : {}) },
            ]),
          ),
        ),
    });
  })
  .map(parts => ({ version: 1, name: 'random', ...parts }));
