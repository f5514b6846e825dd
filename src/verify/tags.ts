import type { CapturedFrame } from '../drivers/pcap.js';
import { macText, view } from './octets.js';

/** IEEE 802.1Q. */
const VLAN = 0x8100;
const TAG = 4;
const ADDRESSES = 12;

/** A frame with its tag taken off; `vid` says what it was, null where the frame bore none that a capture shows. */
export type Untagged = CapturedFrame & { readonly vid: number | null };

/** Older kernels (before 6.10) leave the tag of a frame that was sent with one in the bytes that a cooked socket reads. */
export function untagged(frame: CapturedFrame): Untagged {
  const { protocol, data, length } = frame;
  if (protocol !== VLAN || data.length < TAG) return { ...frame, vid: null };
  const bytes = view(data);
  return {
    ...frame,
    protocol: bytes.readUInt16BE(2),
    data: data.subarray(TAG),
    length: length - TAG,
    vid: bytes.readUInt16BE(0) & 0xfff,
  };
}

/** The same frame in a VLAN, as it is on a trunk. */
export function tagged(frame: Uint8Array, vid: number): Uint8Array {
  const tag = Buffer.alloc(TAG);
  tag.writeUInt16BE(VLAN, 0);
  tag.writeUInt16BE(vid, 2);
  return Buffer.concat([frame.subarray(0, ADDRESSES), tag, frame.subarray(ADDRESSES)]);
}

export const sourceOf = (frame: Uint8Array) => macText(view(frame), 6);
