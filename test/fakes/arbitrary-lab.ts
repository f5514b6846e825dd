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
    )
    .map(([options, tree, mtu]) => ({
      ...options,
      ...tree,
      ...(mtu === undefined ? {} : { mtu }),
      ...(uplink === undefined ? {} : { uplink }),
    }));

const vm = (bridges: readonly string[]) =>
  fc.record(
    {
      nics: fc.array(
        fc.record(
          { bridge: fc.constantFrom(...bridges), queues: fc.constantFrom(1, 4), mtu: fc.constant(1280) },
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
      vagrant: fc.constantFrom({}, { box: 'debian/bookworm64' }),
    },
    { requiredKeys: ['nics', 'boot'] },
  );

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
      vms: fc
        .array(vm(names), { maxLength: 6 })
        .map(vms => Object.fromEntries(vms.map((it, n) => [`vm${n}`, it]))),
    });
  })
  .map(parts => ({ version: 1, name: 'random', ...parts }));
