import type { Disk } from '../lab/model.js';

/** Folder of a VM's disks. */
export const diskFolder = (stateDir: string, lab: string, vm: string) => `${stateDir}/disks/${lab}/${vm}`;

/** File of one of them. */
export const diskPath = (stateDir: string, lab: string, vm: string, disk: Disk) =>
  `${diskFolder(stateDir, lab, vm)}/${disk.name}`;

/** Empty file that says that the disks beside it outlive the VM. */
export const keepPath = (stateDir: string, lab: string, vm: string) =>
  `${diskFolder(stateDir, lab, vm)}/keep`;

/** UEFI's variables of a VM; libvirt makes the file, and removes it with the domain. */
export const nvramPath = (stateDir: string, lab: string, vm: string) =>
  `${diskFolder(stateDir, lab, vm)}/nvram.fd`;
