import { z } from 'zod';
import { MEMORY_PATTERN } from '../patterns.js';
import { choice, flag, objectAs, path } from './words.js';

const size = z
  .union([z.int().meta({ minimum: 1, maximum: 1073741824 }), z.string().meta({ pattern: MEMORY_PATTERN })], {
    error: 'a size such as "10GiB", or a whole number of MiB',
  })
  .describe('Size that the guest sees, such as "10GiB"; a number is MiB. It counts when the disk is made.');

const FORMATS = ['qcow2', 'raw'] as const;

/** What is said of an image, as a disk to boot or beside it. */
export const imageKeys = {
  image: path('a disk image').describe(
    'Path of a disk image, relative to the lab file. It is not written to: the VM gets a copy-on-write overlay.',
  ),
  size: size.optional(),
  format: choice(FORMATS)
    .describe('Format of the image. "raw" has to be said, since anything would pass for it. Default: qcow2.')
    .optional(),
};

export const DiskFile = objectAs('an object such as { "size": "10GiB" } or { "image": "data.qcow2" }')({
  ...imageKeys,
  image: imageKeys.image.optional(),
  format: choice(FORMATS)
    .describe(
      'Format of the image, of which "raw" has to be said; or of the file of an empty disk. Default: qcow2.',
    )
    .optional(),
  readOnly: flag()
    .meta({ description: 'The guest may not write to it. Only with an image.', default: false })
    .optional(),
}).describe('A disk: a copy-on-write overlay of an image, or an empty one of some size.');
