import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Box, Ended } from '../../support/box.js';
import { vmnet } from '../measure.js';
import { domainsOf, findIn, makeLogs } from '../probes.js';

// The same probe guest three times over, but for how it gets at the network. Each is reached from the LAN in the way that
// people use for it. The bridge has a NIC of the host to itself, so that the others do not pass it.

/** How a guest is reached from the LAN, and which QEMU runs it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** As this process sees it. */
  readonly pid: number;
}

export const NICS = [
  { name: 'eth0', host: ['192.0.2.2/24'], lan: ['192.0.2.1/24'], gateways: ['192.0.2.1'] },
  { name: 'eth1', host: [], lan: ['198.51.100.1/24'], gateways: [] },
];

const HOST = '192.0.2.2';
const ECHO = 7;
const CALLED = { nat: "libvirt's NAT", slirp: "QEMU's user network" };
const FORWARDED = { nat: 7001, slirp: 7002 };
const BRIDGED = '198.51.100.50';
const NETWORK = 'behind';
const NATTED = '203.0.113.2';

const guest = (address: string, gateway?: string) => ({
  boot: 'probe',
  nics: [{ bridge: 'br0', address: `${address}/24`, ...(gateway ? { gateway } : {}) }],
});

const lab = (name: string, vms: object) => ({
  name,
  bridges: { br0: { uplink: 'eth1', address: 'none', bridgeNetfilter: 'off' } },
  vms,
});

/**
 * Bring the three up; they stay until the throw-away host goes.
 * @returns those that are there, by name, and in sentences which are not, and why
 */
export async function guestsUp(box: Box): Promise<{ peers: Record<string, Peer>; leftOut: string[] }> {
  const bridged = await box.lab(lab('direct', { guest: guest(BRIDGED) }));
  await box.run(...vmnet('provision', '--yes', '--no-verify', bridged));
  const others = await box.lab(
    lab('other', { nat: guest(NATTED, '203.0.113.1'), slirp: guest('10.0.2.15', '10.0.2.2') }),
    'others.json',
  );
  const domains = await domainsOf(box, others);
  await makeNetwork(box);
  const peers: Record<string, Peer> = {
    'bridged, by vmnet': { address: BRIDGED, port: ECHO, pid: await qemuOf(box, 'direct-guest') },
  };
  const leftOut: string[] = [];
  for (const name of ['nat', 'slirp'] as const) {
    const xml = domains.find(domain => domain.name === name)?.xml ?? '';
    const { code, stderr } = await create(box, name, WITH_CARD[name](xml));
    if (code === 0)
      peers[CALLED[name]] = { address: HOST, port: FORWARDED[name], pid: await qemuOf(box, `other-${name}`) };
    else leftOut.push(`${CALLED[name]} is left out, since no guest starts with it: ${stderr.trim()}`);
  }
  for (const peer of Object.values(peers)) await answering(box, peer);
  return { peers, leftOut };
}

const CARD = /<interface .*?<\/interface>/s;

/** The domain's XML with another card: its MAC stays, since the guest knows its address by that. */
const WITH_CARD = {
  nat: (xml: string) =>
    xml.replace(
      CARD,
      `<interface type="network"><mac address="${macIn(xml)}"/><source network="${NETWORK}"/><model type="virtio"/><rom enabled="no"/></interface>`,
    ),
  // libvirt's own `<interface type="user">` forwards no port before 9.0, and then only by passt.
  slirp: (xml: string) =>
    xml
      .replace(CARD, '')
      .replace('<domain ', '<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0" ')
      .replace('</domain>', `<qemu:commandline>${slirp(macIn(xml))}</qemu:commandline></domain>`),
};

/** What QEMU is told, with the card in the port that libvirt would give it. */
function slirp(mac: string): string {
  const card = { driver: 'virtio-net-pci', netdev: 'slirp', mac, bus: 'pci.1', addr: '0x0', romfile: '' };
  return [
    '-netdev',
    `user,id=slirp,hostfwd=tcp:${HOST}:${FORWARDED.slirp}-:${ECHO}`,
    '-device',
    // In JSON, as libvirt does it: QEMU makes devices in its own words first, when there are no ports yet.
    JSON.stringify(card),
  ]
    .map(word => `<qemu:arg value='${word}'/>`)
    .join('');
}

const macIn = (xml: string) => findIn(xml, /<mac address="([^"]+)"/);

async function create(box: Box, name: string, xml: string): Promise<Ended> {
  const file = join(box.folder, `${name}.xml`);
  await writeFile(file, xml);
  await makeLogs(box, xml);
  return box.attempt('host', 'virsh', 'create', file);
}

/** libvirt's NAT lets nobody in: a port is forwarded as its documentation has it, by two rules. */
async function makeNetwork(box: Box): Promise<void> {
  const file = join(box.folder, 'network.xml');
  await writeFile(
    file,
    `<network><name>${NETWORK}</name><forward mode="nat"/><bridge name="virbr7" stp="off" delay="0"/>
     <ip address="203.0.113.1" netmask="255.255.255.0"/></network>`,
  );
  await box.run('virsh', 'net-define', file);
  await box.run('virsh', 'net-start', NETWORK);
  const to = ['--protocol', 'tcp', '--dport'];
  await box.run(
    'iptables',
    ...['--table', 'nat', '--insert', 'PREROUTING', '--destination', HOST, ...to, String(FORWARDED.nat)],
    ...['--jump', 'DNAT', '--to-destination', `${NATTED}:${ECHO}`],
  );
  await box.run(
    'iptables',
    ...['--insert', 'FORWARD', '--destination', NATTED, ...to, String(ECHO), '--jump', 'ACCEPT'],
  );
}

/** The QEMU of a domain, from outside: within the throw-away host it has another number. */
async function qemuOf(box: Box, domain: string): Promise<number> {
  const inside = await readlink(`/proc/${box.sandbox.host.pid}/ns/pid_for_children`);
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes(`guest=${domain},`)) continue;
    if ((await readlink(`/proc/${pid}/ns/pid`).catch(() => '')) === inside) return Number(pid);
  }
  throw new Error(`no QEMU runs ${domain}`);
}

/** Wait for a guest: a user network takes connections before it is up, and closes them. */
async function answering(box: Box, { address, port }: Peer): Promise<void> {
  const ask = `
    const socket = require('net').connect({ host: '${address}', port: ${port}, timeout: 2000 });
    socket.on('connect', () => socket.write('x')).on('data', () => process.exit(0));
    for (const end of ['error', 'timeout', 'close']) socket.on(end, () => process.exit(1));`;
  for (let tries = 0; tries < 60; tries++) {
    if ((await box.attempt('lan', process.execPath, '-e', ask)).code === 0) return;
    await sleep(500);
  }
  throw new Error(`nothing answers at ${address}:${port}`);
}
