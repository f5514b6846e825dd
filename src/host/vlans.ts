import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { Lab } from '../lab/model.js';
import { subInterfaceOf } from '../lab/vlans.js';
import { number, objects, string, strings } from './json.js';
import type { KernelLack, Link, PortVlan } from './model.js';

/** VLANs of each port of bridges, by its name: one process, and none where no bridge filters or is to do so. */
export async function observeVlans(
  lab: Lab | null,
  links: readonly Link[],
  { ip }: Drivers,
): Promise<Record<string, PortVlan[]>> {
  const filters = links.some(({ bridge }) => bridge?.vlanFiltering);
  const will = lab?.bridges.some(
    ({ vlanFiltering, name }) => vlanFiltering && links.some(link => link.name === name),
  );
  return filters || will ? parseVlans(await ip.vlans()) : {};
}

/** Of `bridge -j vlan show`; neighbours with the same flags may be one entry, up to `vlanEnd`. */
export const parseVlans = (ports: readonly IpJson[]): Record<string, PortVlan[]> =>
  Object.fromEntries(
    ports.map(port => [
      string(port.ifname) ?? '',
      objects(port.vlans).flatMap(entry => {
        const first = number(entry.vlan) ?? 0;
        const last = number(entry.vlanEnd) ?? first;
        const flags = strings(entry.flags);
        return Array.from({ length: last - first + 1 }, (_, i) => ({
          vid: first + i,
          pvid: flags.includes('PVID'),
          untagged: flags.includes('Egress Untagged'),
        }));
      }),
    ]),
  );

interface Trial {
  readonly lack: KernelLack;
  /** Where it is to be loaded first, it is there, and not tried: that would load it into the host. */
  readonly module: string;
  readonly lines: readonly string[];
}

const TRIALS: readonly Trial[] = [
  {
    lack: 'vlan-filtering',
    module: 'bridge',
    lines: ['link add name vd0 type bridge vlan_filtering 1 vlan_default_pvid 0'],
  },
  {
    lack: 'vlan-interface',
    module: '8021q',
    lines: ['link add name vd1 type veth peer name vd2', 'link add link vd1 name vd3 type vlan id 7'],
  },
];

/** What the lab wants of VLANs and this kernel cannot do: tried in a namespace of its own, where it is not there yet. */
export async function lackingFor(
  lab: Lab | null,
  links: readonly Link[],
  drivers: Drivers,
): Promise<KernelLack[]> {
  const wanted = lab === null ? [] : TRIALS.filter(({ lack }) => wants(lab, lack, links));
  const tried: Trial[] = [];
  for (const trial of wanted) if (!(await isLoadable(trial.module, drivers))) tried.push(trial);
  if (tried.length === 0) return [];
  const { enter, close } = await drivers.namespace();
  try {
    const lacking: KernelLack[] = [];
    for (const { lack, lines } of tried) {
      const [file = '', ...args] = [...enter, 'ip', '-batch', '-'];
      const { exitCode } = await drivers.run(file, args, {
        input: `${lines.join('\n')}\n`,
        allowFailure: true,
      });
      if (exitCode !== 0) lacking.push(lack);
    }
    return lacking;
  } finally {
    await close();
  }
}

function wants(lab: Lab, lack: KernelLack, links: readonly Link[]): boolean {
  const named = (name: string) => links.find(link => link.name === name);
  return lab.bridges.some(({ name, uplink, vlanFiltering }) =>
    lack === 'vlan-filtering'
      ? vlanFiltering && named(name)?.bridge?.vlanFiltering !== true
      : uplink !== null && subInterfaceOf(uplink) !== null && !named(uplink),
  );
}

/** Is it there as a module that is not loaded? */
async function isLoadable(module: string, { kernel, files }: Drivers): Promise<boolean> {
  if (await kernel.exists(`/sys/module/${module}`)) return false;
  const dep = (await files.read(`/lib/modules/${await kernel.release()}/modules.dep`)) ?? '';
  return new RegExp(`^\\S*/${module}\\.ko`, 'm').test(dep);
}
