// What libvirt refuses since it is so already. Its codes, since drivers are known here by their types only.

/** VIR_ERR_NO_DOMAIN: the domain is gone. */
export const NO_DOMAIN = [42];

/** That, or VIR_ERR_OPERATION_INVALID: it is not in that state (any more). */
export const NOT_RUNNING = [...NO_DOMAIN, 55];

/** Did libvirt refuse with one of these codes? */
export const isRefusal = (error: unknown, codes: readonly number[]): boolean =>
  codes.includes((error as { libvirtCode?: number }).libvirtCode ?? 0);

/** A call that libvirt may refuse with one of these codes; any other failure is thrown. */
export async function unless(codes: readonly number[], call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isRefusal(error, codes)) throw error;
  }
}
