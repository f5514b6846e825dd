import type { Drivers } from '../drivers/drivers.js';
import type { Disk, Lab } from '../lab/model.js';
import type { HostState, ImageState } from './model.js';

type Looks = { readonly [K in 'disks' | 'images' | 'space']: Promise<NonNullable<HostState[K]>> };

/** What a lab has on disk, and of what its other disks are to be made; second runs look at no image. */
export function disksOf(lab: Lab | null, networkOnly: boolean, drivers: Drivers): Looks {
  const folder = `${drivers.guestDir}/disks/${lab?.name ?? ''}`;
  const disks = lab ? drivers.files.list(folder) : Promise.resolve([]);
  const missing = disks.then(found => (networkOnly || !lab ? [] : missingDisks(lab, folder, new Set(found))));
  return {
    disks,
    images: missing.then(list => imagesUnder(list, drivers)),
    space: missing.then(async list => (list.length > 0 ? drivers.images.space(folder) : NOT_ASKED)),
  };
}

/** As if there were room for all. */
const NOT_ASKED = { free: Number.POSITIVE_INFINITY, total: Number.POSITIVE_INFINITY };

const missingDisks = (lab: Lab, folder: string, found: ReadonlySet<string>): Disk[] =>
  lab.vms.flatMap(({ name, disks }) => disks.filter(disk => !found.has(`${folder}/${name}/${disk.name}`)));

/** Each image once, however many VMs lie over it. */
function imagesUnder(disks: readonly Disk[], { images }: Drivers): Promise<ImageState[]> {
  const wanted = new Map(
    disks.flatMap(({ image, format }) =>
      image === null ? [] : [[`${format}:${image}`, { image, format }] as const],
    ),
  );
  return Promise.all(
    [...wanted.values()].map(async ({ image, format }): Promise<ImageState> => {
      const state = await images.inspect(image, format);
      return state.fault === null
        ? { path: image, format, size: state.size, fault: null }
        : { path: image, format, size: 0, fault: { why: state.fault, fix: state.fix } };
    }),
  );
}
