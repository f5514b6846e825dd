import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// Disks and seeds of VMs: what they are made of, what is refused, and what stays.

let box: Box;
const STATE = '/run/vmnet-state';
const SECRET = 'hunter2-vmnet';

beforeAll(async () => {
  box = await Box.up();
  await image('base.qcow2', '8M');
});

afterAll(() => box?.down());

const image = (name: string, size: string, ...more: string[]) =>
  box.run('qemu-img', 'create', '-q', '-f', 'qcow2', ...more, `${box.folder}/${name}`, size);

const lab = (vm: object, name = 'lab.json') =>
  box.lab(
    {
      name: 'disks',
      bridges: { br0: {} },
      vms: { d: { boot: { image: 'base.qcow2' }, memory: '64MiB', nics: [{ bridge: 'br0' }], ...vm } },
    },
    name,
  );

const provision = async (vm: object) => box.vmnet('provision', '--no-verify', '--restart', await lab(vm));
const isDone = async (vm: object) => expect((await provision(vm)).json.error).toBeNull();
const files = async () =>
  (await box.run('sh', '-c', `find ${STATE}/disks -type f -printf '%m %P\n' 2> /dev/null || true`))
    .trim()
    .split('\n')
    .filter(Boolean)
    .sort();
const info = async (path: string) =>
  JSON.parse(await box.run('qemu-img', 'info', '-U', '--output=json', path)) as Record<string, unknown>;
const diskOf = async (dev: string) =>
  (await box.run('virsh', '-q', 'domblklist', 'disks-d'))
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .find(([name]) => name === dev)?.[1] ?? '';

describe('disks', () => {
  it('are made of their size and format, in order, for root alone; and none is left', async () => {
    const before = await box.snapshot();
    await box.run('sh', '-c', `printf data > ${box.folder}/data.img; truncate -s 1M ${box.folder}/data.img`);
    const disks = [
      { size: '3GiB' },
      { size: 2, format: 'raw' },
      { image: 'data.img', format: 'raw', readOnly: true },
    ];
    const vm = { boot: { image: 'base.qcow2', size: '16MiB' }, disks };
    await isDone(vm);
    expect(await info(await diskOf('vda'))).toMatchObject({ 'virtual-size': 16 * 1024 ** 2 });
    expect(await info(await diskOf('vdb'))).toMatchObject({ format: 'qcow2', 'virtual-size': 3 * 1024 ** 3 });
    expect(await diskOf('vdc')).toMatch(/disk2\.raw$/);
    expect(await info(await diskOf('vdd'))).toMatchObject({
      'backing-filename': `${box.folder}/data.img`,
      'backing-filename-format': 'raw',
    });
    expect(await box.run('virsh', 'dumpxml', 'disks-d')).toMatch(/<readonly\/>/);
    expect((await files()).every(line => line.startsWith('600 '))).toBe(true);
    expect((await provision(vm)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('with keepDisk outlive destroy and a lost record, are used again, and go once they are not to be kept', async () => {
    const before = await box.snapshot();
    const keyed = { keepDisk: true, cloudInit: {} };
    await isDone(keyed);
    const disk = await diskOf('vda');
    const inode = await box.run('stat', '-c', '%i', disk);
    const gone = await box.vmnetText('destroy', 'disks');
    expect(gone.stdout).toContain(`${disk} stays`);
    expect((await files()).map(line => line.replace(/^\d+ /, ''))).toEqual([
      disk.replace(`${STATE}/disks/`, ''),
      'disks/d/keep',
    ]);
    await isDone(keyed);
    expect(await box.run('stat', '-c', '%i', disk)).toBe(inode);
    await box.run('rm', `${STATE}/labs/disks/record.json`);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    expect(await box.run('stat', '-c', '%i', disk)).toBe(inode);

    await isDone({ keepDisk: false });
    expect(await box.run('stat', '-c', '%i', disk)).toBe(inode);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('of a run that fails are taken back, and so is the seed', async () => {
    const before = await box.snapshot();
    // No host has as much: QEMU does not start.
    const failed = await provision({ memory: '16TiB', cloudInit: {}, disks: [{ size: 1 }] });
    expect(failed.code).toBe(1);
    expect(await files()).toEqual([]);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

/** The refusal of a VM, which leaves nothing behind. */
async function refused(vm: object): Promise<{ message: string; hint: string; where: string }> {
  const before = await box.snapshot();
  const { json, code } = await provision(vm);
  expect([code, json.error?.code]).toEqual([2, 'bad-lab']);
  expect(await box.differenceFrom(before)).toEqual([]);
  const [problem] = json.error.problems;
  return { message: problem.message, hint: problem.fix, where: problem.where ?? '' };
}

const boot = (image: string, more: object = {}) => ({ boot: { image, ...more } });
const says = async (vm: object, message: RegExp, hint: RegExp) => {
  const problem = await refused(vm);
  expect(problem.message).toMatch(message);
  expect(problem.hint).toMatch(hint);
};

describe('an image that leads elsewhere is refused:', () => {
  it('a backing file outside its folder, also by way of a link', async () => {
    await box.run('mkdir', '-p', `${box.folder}/in`);
    await image('in/up.qcow2', '8M', '-b', '../base.qcow2', '-F', 'qcow2');
    await says(
      boot('in/up.qcow2'),
      /up\.qcow2 of VM d has the backing file .*base\.qcow2, outside its own folder/,
      /who made it/,
    );
    await box.run('ln', '-s', '/etc/passwd', `${box.folder}/in/link`);
    await image('in/raw.qcow2', '8M', '-u', '-b', 'link', '-F', 'raw');
    await says(boot('in/raw.qcow2'), /backing file \/etc\/passwd, outside/, /who made it/);
  });

  it.each(['json:{"driver":"file","filename":"/etc/shadow"}', 'nbd://192.0.2.9/x', 'file:base.qcow2'])(
    'the backing file %s',
    async name => {
      await image('evil.qcow2', '8M', '-u', '-b', 'base.qcow2', '-F', 'raw');
      await rewriteBacking('evil.qcow2', name);
      await says(boot('evil.qcow2'), /has the backing file ".*", which is no path/, /who made it/);
    },
  );

  it('data in another file, a format that is not told, a circle, and another further down', async () => {
    await image('data.qcow2', '8M', '-o', `data_file=${box.folder}/victim,data_file_raw=on`);
    await says(boot('data.qcow2'), /keeps its data in another file/, /qemu-img convert/);
    await image('lower.qcow2', '8M', '-b', `${box.folder}/data.qcow2`, '-F', 'qcow2');
    await says(boot('lower.qcow2'), /has the backing file .*data\.qcow2, which keeps its data/, /convert/);
    await image('circle.qcow2', '8M', '-u', '-b', 'circle.qcow2', '-F', 'qcow2');
    await says(boot('circle.qcow2'), /circle/, /convert/);
    await image('gone.qcow2', '8M', '-u', '-b', 'nowhere.qcow2', '-F', 'qcow2');
    await says(boot('gone.qcow2'), /nowhere\.qcow2", which does not exist/, /beside the image/);
  });

  it('and one beside it is not', async () => {
    await image('above.qcow2', '8M', '-b', 'base.qcow2', '-F', 'qcow2');
    const sum = await box.run('sha256sum', `${box.folder}/above.qcow2`, `${box.folder}/base.qcow2`);
    await isDone(boot('above.qcow2'));
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    expect(await box.run('sha256sum', `${box.folder}/above.qcow2`, `${box.folder}/base.qcow2`)).toBe(sum);
  });
});

/** qemu-img itself would not write such a name: the header is changed, as an attacker would. */
async function rewriteBacking(name: string, backing: string): Promise<void> {
  const program = `
    const fs = require('fs');
    const file = fs.openSync(process.argv[1], 'r+');
    const head = Buffer.alloc(20);
    fs.readSync(file, head, 0, 20, 0);
    fs.writeSync(file, process.argv[2], Number(head.readBigUInt64BE(8)));
    head.writeUInt32BE(Buffer.byteLength(process.argv[2]), 0);
    fs.writeSync(file, head, 0, 4, 16);
  `;
  await box.run(process.execPath, '-e', program, `${box.folder}/${name}`, backing);
}

describe('an image that is none, or does not fit, is refused:', () => {
  it('text, something packed, another format, a wrong format, a folder, a pipe', async () => {
    await box.run(
      'sh',
      '-c',
      `cd ${box.folder} && echo text > text.img && echo x | gzip > packed.img && mkfifo pipe`,
    );
    await box.run('qemu-img', 'create', '-q', '-f', 'vmdk', `${box.folder}/other.vmdk`, '8M');
    await says(boot('text.img'), /text\.img of VM d is no qcow2 image/, /"format": "raw"/);
    await says(boot('packed.img'), /is compressed with gzip/, /gunzip/);
    await says(boot('other.vmdk'), /is of the format vmdk/, /qemu-img convert/);
    await says(boot('base.qcow2', { format: 'raw' }), /called raw, but is qcow2/, /leave "format" out/i);
    await says(boot('pipe'), /neither a file nor a block device/, /disk image/);
  });

  it('damaged, in use, or the disk of a VM', async () => {
    await box.run('sh', '-c', `cd ${box.folder} && head -c 200 base.qcow2 > cut.qcow2`);
    await says(boot('cut.qcow2'), /is damaged, or not all of it is there: /, /checksum/);
    await image('busy.qcow2', '8M');
    const writer = box.attempt('host', 'qemu-io', '-c', 'sleep 6000', `${box.folder}/busy.qcow2`);
    await sleep(1500);
    await says(boot('busy.qcow2'), /is being written to by another program/, /end that first/i);
    await writer;
    await isDone({});
    await says({ disks: [{ image: await diskOf('vda') }] }, /is the disk of a VM itself/, /no VM writes to/);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
  });

  it('too large for the file system, or smaller than its image', async () => {
    await says(
      { disks: [{ size: '900TiB' }] },
      /cannot be 900TiB large: the file system of .* holds/,
      /smaller/,
    );
    await says(
      boot('base.qcow2', { size: '4MiB' }),
      /4MiB .* is less than the 8MiB of its image/,
      /Leave "size" out/,
    );
  });

  it('and room that may not do is told', async () => {
    await box.run('sh', '-c', `mkdir -p ${STATE} && mount -t tmpfs -o size=40m,mode=0711 small ${STATE}`);
    const told = await provision({ disks: [{ size: '39MiB' }] });
    expect(told.json.error).toBeNull();
    expect(told.json.notes.join()).toMatch(/may grow to 47MiB, and .* has \d+MiB free/);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    await box.run('sh', '-c', `umount ${STATE} && rmdir ${STATE}`);
  });
});

describe('a seed', () => {
  const cloudInit = {
    hostname: 'web-1',
    dns: ['192.0.2.53'],
    userData: `#cloud-config\n# mine\npassword: ${SECRET}\nchpasswd: { expire: false }\n`,
  };

  it('holds what the lab says, is made once, and anew when that changes', async () => {
    const before = await box.snapshot();
    await isDone({ cloudInit });
    const seed = await diskOf('vdb');
    expect((await box.run('blkid', '-p', '-s', 'LABEL', '-o', 'value', seed)).trim()).toBe('cidata');
    expect(await fileIn(seed, 'user-data')).toContain(`# mine\npassword: ${SECRET}\n`);
    expect(await fileIn(seed, 'user-data')).toMatch(/^#cloud-config\n(.*\n)*hostname: web-1\n/);
    expect(JSON.parse(await fileIn(seed, 'network-config')).ethernets.nic0).toMatchObject({
      dhcp4: true,
      'dhcp-identifier': 'mac',
    });
    const again = await provision({ cloudInit });
    expect(again.json.changed).toBe(0);

    const other = await provision({ cloudInit: { ...cloudInit, hostname: 'web-2' } });
    expect(other.json.notes.join()).toMatch(/the seed of d is a new one; .*cloud-init clean --reboot/);
    expect(await diskOf('vdb')).not.toBe(seed);
    expect((await files()).filter(line => line.includes('seed-'))).toHaveLength(1);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('is not told of anywhere but in itself', async () => {
    const file = await lab({ cloudInit });
    const shown = await box.vmnetText('plan', file);
    const printed = await box.vmnet('--debug', `${box.folder}/debug`, 'provision', '--no-verify', file);
    const trace = await box.run('sh', '-c', `cat ${box.folder}/debug* 2> /dev/null || true`);
    expect(shown.stdout + printed.stdout + printed.stderr + trace).not.toContain(SECRET);
    const modes = await box.run('find', `${STATE}/labs`, '-printf', '%m %y\n');
    expect([...new Set(modes.trim().split('\n').slice(1))].sort()).toEqual(['600 f', '700 d']);
    const { stdout } = await box.attempt('host', 'grep', '-rlF', SECRET, STATE, '/run/vmnet');
    expect(
      stdout
        .trim()
        .split('\n')
        .filter(Boolean)
        .every(path => /seed-\w+\.iso$/.test(path)),
    ).toBe(true);
    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
  });

  it('of user data that is wrong is not made: its line is told, nothing of it quoted', async () => {
    await box.run(
      'sh',
      '-c',
      `printf '#cloud-config\nusers:\n  - name: a\n   passwd: ${SECRET}\n' > ${box.folder}/user.yaml`,
    );
    const wrong = await refused({ cloudInit: { userData: { file: 'user.yaml' } } });
    expect(wrong.where).toBe('vms.d.cloudInit.userData.file');
    expect(wrong.message).toMatch(/user\.yaml", line 4, column \d+: it is no YAML/);
    expect(JSON.stringify(wrong)).not.toContain(SECRET);
  });

  it('that a killed run was about to make is taken back with the disks, and no secret stays', async () => {
    const before = await box.snapshot();
    const bin = `${box.folder}/kill`;
    await box.run('mkdir', bin);
    await box.run(
      'sh',
      '-c',
      `printf '#!/bin/sh\nkill -9 $PPID\n' > ${bin}/xorriso && chmod 755 ${bin}/xorriso`,
    );
    const file = await lab({ cloudInit, disks: [{ size: 1 }] });
    const path = `${bin}:${process.env.PATH}`;
    expect((await box.killed({ PATH: path }, 'provision', '--no-verify', file)).code).not.toBe(0);
    expect((await files()).join()).toContain('seed-');
    expect((await box.vmnet('recover', 'disks')).json.error).toBeNull();
    expect(await files()).toEqual([]);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('needs a program that makes it, and the error names it', async () => {
    const before = await box.snapshot();
    const bin = `${box.folder}/bin`;
    await box.run(
      'sh',
      '-c',
      `mkdir ${bin} && ln -s /usr/bin/* ${bin} && cd ${bin} && rm -f xorriso genisoimage mkisofs`,
    );
    const file = await lab({ cloudInit });
    const failed = await box.vmnetWith({ PATH: bin }, 'provision', '--no-verify', file);
    expect(failed.code).toBe(1);
    expect(failed.json.error.code).toBe('missing-tool');
    expect(await files()).toEqual([]);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

/** With Rock Ridge's names. */
const fileIn = (iso: string, name: string) => box.run('isoinfo', '-R', '-i', iso, '-x', `/${name}`);
