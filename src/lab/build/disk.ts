import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { RawLab } from '../file.js';
import type { Disk } from '../model.js';
import { memoryMiB } from '../units.js';

type RawVm = NonNullable<RawLab['vms']>[string];
type RawBoot = NonNullable<RawVm['boot']>;
type RawDisk = NonNullable<RawVm['disks']>[number];
type RawImage = RawDisk & { image: string };

/** That of the image that is booted first, and then those beside it. */
export function buildDisks(boot: RawBoot, disks: readonly RawDisk[], folder: string): Disk[] {
  const first = typeof boot === 'object' && 'image' in boot ? [overlay('', boot as RawImage, folder)] : [];
  return [
    ...first,
    ...disks.map((disk, index) =>
      isOverlay(disk) ? overlay(`disk${index + 1}-`, disk, folder) : empty(`disk${index + 1}`, disk),
    ),
  ];
}

const isOverlay = (disk: RawDisk): disk is RawImage => disk.image !== undefined;

function overlay(prefix: string, { image, format, size, readOnly }: RawImage, folder: string): Disk {
  const path = resolve(folder, image);
  const name = createHash('sha256').update(path).digest('hex').slice(0, 12);
  return {
    name: `${prefix}${name}.qcow2`,
    image: path,
    format: format ?? 'qcow2',
    sizeMiB: size === undefined ? null : memoryMiB(size),
    readOnly: readOnly ?? false,
  };
}

function empty(name: string, { size = 0, format = 'qcow2' }: RawDisk): Disk {
  return { name: `${name}.${format}`, image: null, format, sizeMiB: memoryMiB(size), readOnly: false };
}
