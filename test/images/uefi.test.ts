import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// UEFI's firmware is in a package of its own, which is unpacked for this test alone.

const run = promisify(execFile);
const STATE = '/run/vmnet-state';
const FIRMWARE = process.arch === 'arm64' ? 'qemu-efi-aarch64' : 'ovmf';

let box: Box;

beforeAll(async () => {
  box = await Box.up();
  await box.run('qemu-img', 'create', '-q', '-f', 'qcow2', `${box.folder}/a.qcow2`, '8M');
});

afterAll(() => box?.down());

const file = () =>
  box.lab({
    name: 'uefi',
    bridges: { br0: {} },
    vms: {
      d: {
        boot: { image: 'a.qcow2' },
        firmware: 'uefi',
        keepDisk: true,
        memory: '128MiB',
        nics: [{ bridge: 'br0' }],
      },
    },
  });

/** Folders of the host that the box has copies of, so that firmware can be put there. */
async function hideFirmware(): Promise<void> {
  await box.run(
    'sh',
    '-euc',
    `for folder in /usr/share/qemu /etc; do
      mkdir -p "$1/copy" && mount -t tmpfs copy "$1/copy" && cp -a "$folder/." "$1/copy/" && mount --move "$1/copy" "$folder"
    done
    rm -rf /usr/share/qemu/firmware /etc/qemu/firmware`,
    'sh',
    box.folder,
  );
}

/** libvirtd looks for firmware at every question. */
async function unpackFirmware(): Promise<void> {
  const to = `${box.folder}/deb`;
  await run(
    'sh',
    [
      '-euc',
      `mkdir "${to}" && cd "${to}" && apt-get -qq -o APT::Sandbox::User=root download ${FIRMWARE} && dpkg -x ./*.deb tree`,
    ],
    {
      timeout: 300_000,
    },
  );
  await box.run(
    'sh',
    '-euc',
    `mkdir /usr/share/qemu/firmware
    for file in "$1"/tree/usr/share/qemu/firmware/*; do
      sed "s,\\"/usr/share/,\\"$1/tree/usr/share/," "$file" > /usr/share/qemu/firmware/$(basename "$file")
    done`,
    'sh',
    to,
  );
}

describe('UEFI', () => {
  it('that is not installed is named, with the package, and nothing is left', async () => {
    await hideFirmware();
    const before = await box.snapshot();
    const { json, code } = await box.vmnet('provision', '--no-verify', await file());
    expect([code, json.error.code]).toEqual([1, 'missing-tool']);
    expect(json.error.message).toContain('no UEFI firmware');
    expect(json.error.hint).toContain(FIRMWARE);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('starts the VM, with variables of its own, which go with the domain where the disk stays', async () => {
    await unpackFirmware();
    const before = await box.snapshot();
    expect((await box.vmnet('provision', '--no-verify', await file())).json.error).toBeNull();
    expect(await box.run('virsh', 'domstate', 'uefi-d')).toContain('running');
    expect(await box.run('virsh', 'dumpxml', 'uefi-d')).toContain(`${STATE}/disks/uefi/d/nvram.fd</nvram>`);
    const nvram = `${STATE}/disks/uefi/d/nvram.fd`;
    expect((await stat(`/proc/${box.sandbox.host.pid}/root${nvram}`)).size).toBeGreaterThan(65536);
    expect((await box.vmnet('provision', '--no-verify', await file())).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'uefi')).json.error).toBeNull();
    const left = await box.run('find', `${STATE}/disks`, '-type', 'f', '-printf', '%f\n');
    expect(left.trim().split('\n').sort()).toEqual([expect.stringMatching(/^[0-9a-f]{12}\.qcow2$/), 'keep']);
    await box.run('rm', '-r', STATE);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
