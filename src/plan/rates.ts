/** How rates are said to nft and tc; all in bits a second. */

export const bytesPerSecond = (rate: number) => Math.max(1, Math.round(rate / 8));

/** Two of the largest segments that a guest with offloads hands over as one frame, or what passes in 50 ms. */
export const outBurst = (rate: number) => Math.max(2 * 65_536, Math.round(rate / 8 / 20));

/** A few frames, or what passes in 10 ms: a timer of the kernel's is not finer than that everywhere. */
export const inBurst = (rate: number) => Math.max(16_384, Math.round(rate / 8 / 100));
