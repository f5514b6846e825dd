import type { Boot, Vm } from '../model.js';
import { Sealed } from '../sealed.js';
import { readOwnDomain } from '../xml/domain.js';
import type { ReadText } from './cloud-init.js';

type OwnBoot = Extract<Boot, { kind: 'domainXml' }>;

export function buildOwnDomain(file: string, read: ReadText): OwnBoot {
  const text = read(file);
  return { kind: 'domainXml', file, xml: text === null ? null : new Sealed(text) };
}

type MachineKeys = 'memoryMiB' | 'vcpus' | 'accel' | 'firmware' | 'disks' | 'keepDisk' | 'cloudInit';

/** What a lab says of the machine of other VMs: here the user's XML does. */
export function machineOf({ xml }: OwnBoot): Pick<Vm, MachineKeys> {
  const own = xml === null ? null : readOwnDomain(xml.open());
  const { memoryMiB, vcpus, type } = own === null || 'fault' in own ? UNREAD : own;
  return {
    memoryMiB,
    vcpus,
    accel: type === 'kvm' ? 'kvm' : 'tcg',
    firmware: 'bios',
    disks: [],
    keepDisk: false,
    cloudInit: null,
  };
}

const UNREAD = { memoryMiB: 0, vcpus: 1, type: '' };
