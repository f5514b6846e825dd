import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { NicChange } from '../plan/model.js';

/** Milliseconds in which a guest has to let go of a card; a second request is made half-way, since one can get lost while it boots. */
const LET_GO_WITHIN = 20_000;
const LOOK_EVERY = 100;

/** A card that is there already is not plugged in again. */
export async function plugNic(nic: NicChange, drivers: Drivers): Promise<void> {
  for (const affect of affected(nic))
    if (!(await hasNic(nic, affect, drivers)))
      await (await drivers.libvirt()).attachDevice(nic.uuid, nic.xml, affect, { name: nic.name });
}

/** One that is gone already is well. Throws `timeout` if a guest does not let go of it. */
export async function unplugNic(
  nic: NicChange,
  drivers: Drivers,
  signal: AbortSignal | null = null,
): Promise<void> {
  for (const affect of affected(nic)) {
    if (!(await hasNic(nic, affect, drivers))) continue;
    await askFor(nic, affect, drivers);
    if (affect.live) await untilGone(nic, drivers, signal);
  }
}

export async function changeNic(nic: NicChange, drivers: Drivers): Promise<void> {
  for (const affect of affected(nic))
    await (await drivers.libvirt()).updateDevice(nic.uuid, nic.xml, affect, { name: nic.name });
}

interface Affected {
  readonly live: boolean;
  readonly config: boolean;
}

const affected = ({ live, config }: NicChange): Affected[] => [
  ...(live ? [{ live: true, config: false }] : []),
  ...(config ? [{ live: false, config: true }] : []),
];

async function hasNic({ uuid, name, mac }: NicChange, { config }: Affected, drivers: Drivers) {
  const xml = await (await drivers.libvirt()).domainXml(uuid, { inactive: config }, { name });
  return xml.toLowerCase().includes(`<mac address='${mac}'`);
}

const askFor = async ({ uuid, name, xml }: NicChange, affect: Affected, drivers: Drivers) =>
  (await drivers.libvirt()).detachDevice(uuid, xml, affect, { name });

/** Live, libvirt returns once the guest was asked; the guest answers when it likes. */
async function untilGone(nic: NicChange, drivers: Drivers, signal: AbortSignal | null): Promise<void> {
  const live = { live: true, config: false };
  const deadline = performance.now() + LET_GO_WITHIN;
  let asked = 1;
  while (await hasNic(nic, live, drivers)) {
    if (signal?.aborted)
      throw new VmnetError(
        'interrupted',
        `interrupted while ${nic.name} was letting go of the NIC ${nic.mac}`,
      );
    const left = deadline - performance.now();
    if (left <= 0)
      throw new VmnetError(
        'timeout',
        `the guest ${nic.name} did not let go of the NIC ${nic.mac} within ${LET_GO_WITHIN / 1000} seconds`,
        'Its kernel needs PCI hotplug (pciehp or acpiphp), and has to be up. Stop the guest and repeat.',
      );
    if (asked === 1 && left < LET_GO_WITHIN / 2) {
      asked = 2;
      await askFor(nic, live, drivers).catch(() => {}); // an earlier request may still be pending
    }
    await sleep(LOOK_EVERY);
  }
}
