import type { Lab } from '../lab/model.js';
import { quotePath } from '../lab/quote.js';
import { shortList } from '../lab/short-list.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export const lookAtGuests = async ({ lab }: Ground): Promise<Finding[]> =>
  lab === null ? [] : judgeClones(lab);

/** VMs over one image that would ask for an address as one machine. */
export function judgeClones(lab: Lab): Finding[] {
  const byImage = new Map<string, string[]>();
  for (const { name, disks, nics, cloudInit } of lab.vms) {
    const image = disks[0]?.image;
    if (!image || cloudInit !== null || nics.every(({ addresses }) => addresses.length > 0)) continue;
    byImage.set(image, [...(byImage.get(image) ?? []), name]);
  }
  return [...byImage]
    .filter(([, names]) => names.length > 1)
    .map(([image, names]) =>
      about(
        'clones',
        'clones',
        "DHCP clients such as systemd-networkd's make their identity of /etc/machine-id: where an image holds one, all its clones get the same lease.",
      ).warning(
        `${shortList(names)} lie over one image, ${quotePath(image)}, and get their addresses elsewhere`,
        'if the image was booted before, empty its /etc/machine-id; or give the VMs "cloudInit": {}, which has them ask by MAC; or an "address" each that they are set up with',
      ),
    );
}
