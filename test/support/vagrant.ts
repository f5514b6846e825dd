import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box, type Ended } from './box.js';

const VAGRANT = fileURLToPath(new URL('../../vagrant', import.meta.url));
const CACHE = process.env.VMNET_CACHE_DIR ?? '/var/cache/vmnet';

/** The name under which the box of busybox is added. */
export const BUSYBOX = 'vmnet-test/busybox';

/** Where Vagrant logs in: made beforehand, so that it is no part of what a lab changes, without STP's and dnsmasq's pauses. */
const MANAGEMENT = `<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
  <name>management</name><bridge name='mgmt0' stp='off' delay='0'/>
  <ip address='198.51.100.1' netmask='255.255.255.0'><dhcp><range start='198.51.100.2' end='198.51.100.99'/></dhcp></ip>
  <dnsmasq:options><dnsmasq:option value='no-ping'/></dnsmasq:options>
</network>`;

/** A Vagrantfile's lines by which it is used. */
export const MANAGED = `  config.vm.provider :libvirt do |libvirt|
    libvirt.management_network_name = 'management'
    libvirt.management_network_address = '198.51.100.0/24'
    libvirt.management_network_keep = true
  end`;

/** Have that network on a throw-away host. */
export async function makeManagement(host: Box): Promise<void> {
  const file = join(host.folder, 'network.xml');
  await writeFile(file, MANAGEMENT);
  await host.run('virsh', 'net-define', file);
  await host.run('virsh', 'net-start', 'management');
}

/** Run `vagrant …` on a throw-away host, behind other words such as those of timeout(1); its boxes and settings lie in the host's folder. */
export function vagrantOn(host: Box, prefix: readonly string[], ...words: string[]): Promise<Ended> {
  const home = join(host.folder, 'home');
  const env = [
    `HOME=${home}`,
    `VAGRANT_HOME=${home}`,
    `VAGRANT_CWD=${host.folder}`,
    'VAGRANT_NO_COLOR=1',
    'VAGRANT_CHECKPOINT_DISABLE=1',
  ];
  return host.attempt('host', 'env', ...env, ...prefix, 'vagrant', ...words);
}

const vagrantfile = (more = '') => `require '${VAGRANT}/vmnet'
Vagrant.configure('2') do |config|
  config.vm.boot_timeout = 240
${MANAGED}
${more}
  Vmnet.lab(config, 'lab.json', yes: true)
end
`;

const machine = (address: string) => ({
  vagrant: { box: BUSYBOX },
  memory: '128MiB',
  nics: [{ bridge: 'br0', address }],
});

/** Two VMs that Vagrant makes, on one bridge with an uplink. */
export const PAIR = {
  name: 'pair',
  bridges: { br0: { uplink: 'eth0' } },
  vms: { web: machine('192.0.2.50/24'), db: machine('192.0.2.51/24') },
};

/** `sh -c … LOG LINE COMMAND`: gives up waiting for the line after a minute. */
const INTERRUPT = `
line=$1
shift
setsid "$@" > "$0" 2>&1 &
tries=0
until grep -q "$line" "$0" || [ $tries -ge 600 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
env kill -INT -- "-$!"
wait $!
code=$?
cat "$0"
exit $code
`;

/** A throw-away host with Vagrant on it, whose boxes and settings are its own. */
export class Rig {
  private constructor(
    readonly host: Box,
    /** Private key of whoever logs in to machines of the box. */
    readonly key: string,
  ) {}

  static async up(): Promise<Rig> {
    const host = await Box.up();
    try {
      const cache = join(host.folder, 'cache');
      await mkdir(cache);
      await symlink(join(CACHE, 'kernel'), join(cache, 'kernel'));
      const built = await host.run('env', `VMNET_CACHE_DIR=${cache}`, 'sh', `${VAGRANT}/box/busybox.sh`);
      await makeManagement(host);
      await host.run('tar', '-C', host.folder, '-xf', built.trim(), 'key');
      const rig = new Rig(host, join(host.folder, 'key'));
      await rig.configure();
      await rig.well('box', 'add', '--name', BUSYBOX, built.trim());
      return rig;
    } catch (error) {
      await host.down();
      throw error;
    }
  }

  /** Write its Vagrantfile, with more lines of configuration. */
  configure(more = ''): Promise<void> {
    return writeFile(join(this.host.folder, 'Vagrantfile'), vagrantfile(more));
  }

  down(): Promise<void> {
    return this.host.down();
  }

  /** Run `vagrant …`, behind other words such as those of timeout(1). */
  behind(prefix: readonly string[], ...words: string[]): Promise<Ended> {
    return vagrantOn(this.host, prefix, ...words);
  }

  vagrant(...words: string[]): Promise<Ended> {
    return this.behind([], ...words);
  }

  /** Ctrl-C as soon as a line is printed: the signal goes to Vagrant and all that it has started. */
  interruptedAt(line: string, ...words: string[]): Promise<Ended> {
    const log = join(this.host.folder, 'vagrant.log');
    return this.behind(['sh', '-c', INTERRUPT, log, line], ...words);
  }

  /** The same; what fails throws with all that was printed. */
  async well(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.vagrant(...words);
    if (code !== 0) throw new Error(`vagrant ${words.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Log in from the LAN to an address of a guest, and run a command there. */
  fromLan(address: string, command: string): Promise<string> {
    const trust = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
    return this.host.lan('ssh', '-q', ...trust, '-i', this.key, `root@${address}`, command);
  }

  /** Indices of the taps by name: a tap that was made again has another. */
  async taps(): Promise<Record<string, number>> {
    const links = JSON.parse(await this.host.run('ip', '-j', '-d', 'link')) as {
      ifname: string;
      ifindex: number;
      altnames?: string[];
    }[];
    const ours = links.filter(link => link.altnames?.some(name => /^vmnet\.pair\.(web|db)\.0$/.test(name)));
    return Object.fromEntries(ours.map(({ ifname, ifindex }) => [ifname, ifindex]));
  }

  /** What differs from a snapshot, but for what passes through the management network, and its rules' counters. */
  async differenceFrom(before: Snapshot): Promise<string[]> {
    const lines = (await this.host.differenceFrom(before)).filter(line => !line.includes('"ifname":"mgmt0"'));
    const plain = (line: string) =>
      line.replace(/^[a-z ]+: /, '').replace(/"counter":\{[^}]*\}/, '"counter":{}');
    const [missing, left] = ['missing', 'left over'].map(
      kind => new Set(lines.filter(line => line.startsWith(kind)).map(plain)),
    );
    return lines.filter(line => !(missing?.has(plain(line)) && left?.has(plain(line))));
  }

  /** Names of the domains, running or not. */
  async domains(): Promise<string[]> {
    const names = await this.host.run('virsh', 'list', '--all', '--name');
    return names.split('\n').filter(name => name !== '');
  }
}

/** The verdict that a proof's table gives a machine. */
export const verdictOf = (output: string, machine: string) =>
  new RegExp(`^\\s*${machine}: ${machine} +\\d+ .* (\\S+)$`, 'm').exec(output)?.[1];
