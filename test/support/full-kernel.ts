import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Box, type Ended } from './box.js';
import { MANAGED, makeManagement, vagrantOn } from './vagrant.js';

const outside = promisify(execFile);
const RIG = fileURLToPath(new URL('../../vagrant/rig', import.meta.url));

/** The machine of vagrant/rig, which Vagrant makes on a throw-away host. */
export class FullKernel {
  private constructor(private readonly host: Box) {}

  static async up(): Promise<FullKernel> {
    const host = await Box.up();
    try {
      const machine = new FullKernel(host);
      await machine.#make();
      return machine;
    } catch (error) {
      await host.down();
      throw error;
    }
  }

  async #make(): Promise<void> {
    const { folder } = this.host;
    await makeManagement(this.host);
    // On a disk: a throw-away host keeps what is libvirt's in memory.
    await mkdir(join(folder, 'pool'));
    await this.host.run('virsh', 'pool-define-as', 'default', 'dir', '--target', join(folder, 'pool'));
    await this.host.run('virsh', 'pool-start', 'default');
    // Archive and registry are reached from outside the namespaces alone.
    const box = (await outside('sh', [join(RIG, 'box.sh')])).stdout.trim();
    await outside('sh', [join(RIG, 'payload.sh'), join(folder, 'payload')]);
    const vagrantfile = `ENV['RIG_PAYLOAD'] = '${folder}/payload'
load '${RIG}/Vagrantfile'
Vagrant.configure('2') do |config|
${MANAGED}
end
`;
    await writeFile(join(folder, 'Vagrantfile'), vagrantfile);
    await this.#well('box', 'add', '--name', 'vmnet/rig', box);
    console.log(await this.#well('up'));
  }

  /** Run a line of shell as root in there. */
  root(line: string): Promise<Ended> {
    return vagrantOn(this.host, [], 'ssh', '-c', `sudo sh -c '${line}'`);
  }

  /** By itself, as `reboot` does; waits until it is another boot. */
  async reboot(): Promise<void> {
    const boot = async () => (await this.root('cat /proc/sys/kernel/random/boot_id')).stdout.trim();
    const before = await boot();
    await this.root('systemctl --no-block reboot');
    for (let tries = 0; tries < 120; tries++) {
      await sleep(5_000);
      const now = await boot().catch(() => '');
      if (now !== '' && now !== before) return;
    }
    throw new Error('the machine did not come back within ten minutes');
  }

  async down(): Promise<void> {
    await vagrantOn(this.host, [], 'destroy', '-f');
    await this.host.down();
  }

  async #well(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await vagrantOn(this.host, [], ...words);
    if (code !== 0) throw new Error(`vagrant ${words.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }
}
