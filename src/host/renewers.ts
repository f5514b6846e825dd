import type { Drivers } from '../drivers/drivers.js';
import type { Process } from '../drivers/processes.js';
import { CLIENT_COMMS, clientOf, type DhcpClient } from './dhcp-clients.js';
import type { Renewer } from './model.js';

/** DHCP clients that look after one of these interfaces, or after several at once. */
export async function renewersOf(devices: readonly string[], drivers: Drivers): Promise<Renewer[]> {
  if (devices.length === 0) return [];
  const clients = (await clientsIn(drivers)).map(({ client }) => client);
  const wanted = clients.filter(({ on }) => on === null || devices.includes(on));
  return Promise.all(wanted.map(client => withFile(client, drivers)));
}

async function withFile({ leaseFiles, ...client }: DhcpClient, { kernel }: Drivers): Promise<Renewer> {
  const there = await Promise.all(leaseFiles.map(path => kernel.exists(path)));
  return { ...client, leases: leaseFiles.find((_, i) => there[i]) ?? null };
}

/** Only root's: anybody may call a process of his `dhclient`, and what is found here is started again as root. */
async function clientsIn({ processes }: Drivers): Promise<{ process: Process; client: DhcpClient }[]> {
  return (await processes.named(CLIENT_COMMS)).flatMap(candidate => {
    const client = candidate.root ? clientOf(candidate.argv) : null;
    return client ? [{ process: candidate, client }] : [];
  });
}

/** Processes of a client on one interface, helpers included. */
export async function processesOf(
  { client, on }: Pick<Renewer, 'client' | 'on'>,
  drivers: Drivers,
): Promise<Process[]> {
  const clients = await clientsIn(drivers);
  const own = clients.filter(found => found.client.client === client && found.client.on === on);
  if (client !== 'dhcpcd') return own.map(({ process }) => process);
  // dhcpcd's helpers share its session, which is its own unless it was kept in the foreground.
  const sessions = own
    .map(({ process }) => process.session)
    .filter(session => clients.filter(({ process }) => process.session === session).length === 1);
  const all = await drivers.processes.named([client]);
  const known = new Set(clients.map(({ process }) => process.pid));
  const helpers = all.filter(({ pid, session }) => !known.has(pid) && sessions.includes(session));
  return [...own.map(({ process }) => process), ...helpers];
}
