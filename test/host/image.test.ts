import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// A VM that boots an image gets a copy-on-write disk of its own; the image is never written to.

let box: Box;

beforeAll(async () => {
  box = await Box.up();
  for (const name of ['a', 'b'])
    await box.run('qemu-img', 'create', '-q', '-f', 'qcow2', `${box.folder}/${name}.qcow2`, '8M');
});

afterAll(() => box?.down());

const lab = (image: string) =>
  box.lab({
    name: 'disks',
    bridges: { br0: {} },
    vms: { d: { boot: { image: `${image}.qcow2` }, memory: '64MiB', nics: [{ bridge: 'br0' }] } },
  });

const provision = async (image: string) =>
  box.vmnet('provision', '--no-verify', '--restart', await lab(image));

const diskNow = async () =>
  (await box.run('virsh', '-q', 'domblklist', 'disks-d')).trim().split(/\s+/)[1] ?? '';

describe('an image', () => {
  it('is overlaid; another image gives another disk; and back again, the first disk is as it was left', async () => {
    const before = await box.snapshot();
    const sum = await box.run('sha256sum', `${box.folder}/a.qcow2`);
    expect((await provision('a')).json.error).toBeNull();
    const first = await diskNow();
    const info = JSON.parse(await box.run('qemu-img', 'info', '-U', '--output=json', first));
    expect(info).toMatchObject({
      format: 'qcow2',
      'backing-filename': `${box.folder}/a.qcow2`,
      'backing-filename-format': 'qcow2',
    });
    expect((await provision('a')).json.changed).toBe(0);

    expect((await provision('b')).json.error).toBeNull();
    expect(await diskNow()).not.toBe(first);
    const inode = await box.run('stat', '-c', '%i', first);
    expect((await provision('a')).json.error).toBeNull();
    expect(await diskNow()).toBe(first);
    expect(await box.run('stat', '-c', '%i', first)).toBe(inode);

    expect((await box.vmnet('destroy', 'disks')).json.error).toBeNull();
    expect(await box.run('sha256sum', `${box.folder}/a.qcow2`)).toBe(sum);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('that is none is named, and nothing is left', async () => {
    const before = await box.snapshot();
    await box.run('sh', '-c', `echo '{"not":"a disk"}' > ${box.folder}/c.qcow2`);
    await box.run('sh', '-c', `rm -f ${box.folder}/gone.qcow2`);
    const missing = await box.vmnet('provision', await lab('gone'));
    expect([missing.code, missing.json.error.code]).toEqual([2, 'bad-lab']);
    expect(missing.json.error.problems[0].where).toBe('vms.d.boot.image');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
