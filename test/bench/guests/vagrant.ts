import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUSYBOX, MANAGED, Rig } from '../../support/vagrant.js';

/** As many machines as asked for, by vagrant-libvirt alone: its own network, and a card in a bridge that is there. */
const vagrantfile = (machines: number) => `Vagrant.configure('2') do |config|
  config.vm.box = '${BUSYBOX}'
  config.vm.boot_timeout = 240
${MANAGED}
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = 'qemu'
    libvirt.cpu_mode = 'custom'
    libvirt.cpu_model = 'qemu64'
    libvirt.graphics_type = 'none'
  end
  config.vm.network :public_network, type: 'bridge', dev: 'br0', mode: 'bridge', auto_config: false
  ${machines}.times { |i| config.vm.define "vm#{i}" }
end
`;

/** Milliseconds that `vagrant up` takes for each count of machines, once; a machine before the first has libvirt keep the box. */
export async function vagrantUp(counts: readonly number[]): Promise<Map<number, number>> {
  const rig = await Rig.up();
  try {
    await rig.host.run('ip', 'link', 'add', 'name', 'br0', 'type', 'bridge');
    await rig.host.run('ip', 'link', 'set', 'dev', 'br0', 'up');
    await up(rig, 1);
    const took = new Map<number, number>();
    for (const count of counts) took.set(count, await up(rig, count));
    return took;
  } finally {
    await rig.down();
  }
}

async function up(rig: Rig, machines: number): Promise<number> {
  await writeFile(join(rig.host.folder, 'Vagrantfile'), vagrantfile(machines));
  const started = performance.now();
  await rig.well('up', '--provider', 'libvirt');
  const took = performance.now() - started;
  await rig.well('destroy', '--force');
  return took;
}
