import type { Drivers } from '../drivers/drivers.js';
import { lookedAfter } from './looked-after.js';
import type { Link, Renewer } from './model.js';

/** Where NetworkManager keeps what it knows of an interface, across its own restarts. */
const stateFile = (index: number) => `/run/NetworkManager/devices/${index}`;

/**
 * Those of the interfaces that NetworkManager has a connection for, where it may be asked; each with the command that
 * activates that connection. Its file lasts while it does not run: it would go on with it when it starts.
 */
export const networkManagerHolds = (
  devices: readonly string[],
  links: readonly Link[],
  drivers: Drivers,
): Promise<Renewer[]> =>
  lookedAfter(devices, links, drivers, async ({ name, index }) => {
    const uuid = connectionIn((await drivers.files.read(stateFile(index))) ?? '');
    if (uuid === null) return null;
    const argv = ['nmcli', '--wait', '15', 'connection', 'up', 'uuid', uuid, 'ifname', name];
    return { client: 'NetworkManager', on: name, argv, leases: stateFile(index) };
  });

/** The connection in a state file; null where NetworkManager lets the device be, or has none for it. */
export const connectionIn = (state: string): string | null =>
  /^managed=(true|1)$/m.test(state) ? (/^connection-uuid=([\w-]+)$/m.exec(state)?.[1] ?? null) : null;
