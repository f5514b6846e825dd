import { describe, expect, test } from 'vitest';
import { loadOrder } from '../../../src/guest/kernel.js';

/** As depmod writes it: what a module needs, the deepest last. */
const DEP = `kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/virtio/virtio_pci_modern_dev.ko:
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_pci_modern_dev.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/net/core/failover.ko:
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/net/ethernet/realtek/8139cp.ko: kernel/drivers/net/mii.ko
kernel/drivers/net/mii.ko:
`;

const names = (order: readonly string[]) => order.map(file => file.slice(file.lastIndexOf('/') + 1));

/** Each module stands behind all that it needs. */
function inOrder(order: readonly string[], dep: string): boolean {
  const needs = new Map(
    dep.split('\n').map(line => {
      const [file = '', rest = ''] = line.split(':');
      return [file, rest.split(' ').filter(Boolean)] as const;
    }),
  );
  return order.every((file, i) => (needs.get(file) ?? []).every(need => order.slice(0, i).includes(need)));
}

describe('the order to load modules in', () => {
  test('has what is needed first, and each once', () => {
    const order = loadOrder(DEP, ['virtio_pci', 'virtio_net', '8139cp']);
    expect(names(order)).toEqual([
      'virtio_ring.ko',
      'virtio.ko',
      'virtio_pci_modern_dev.ko',
      'virtio_pci.ko',
      'failover.ko',
      'net_failover.ko',
      'virtio_net.ko',
      'mii.ko',
      '8139cp.ko',
    ]);
    expect(inOrder(order, DEP)).toBe(true);
  });

  test.each(['.xz', '.zst', '.gz'])('knows modules packed as %s', ending => {
    const packed = DEP.replaceAll('.ko', `.ko${ending}`);
    const order = loadOrder(packed, ['virtio_pci', 'virtio_net']);
    expect(order).toHaveLength(7);
    expect(order.every(file => file.endsWith(`.ko${ending}`))).toBe(true);
    expect(inOrder(order, packed)).toBe(true);
  });

  test('takes hyphens in file names for the underscores of module names', () => {
    const dep = 'kernel/a/virtio-net.ko: kernel/a/net-failover.ko\nkernel/a/net-failover.ko:\n';
    expect(names(loadOrder(dep, ['virtio_net']))).toEqual(['net-failover.ko', 'virtio-net.ko']);
  });

  test('leaves out what is built in', () => {
    expect(loadOrder('kernel/a/e1000e.ko:\n', ['virtio_pci', 'virtio_net', 'e1000e'])).toEqual([
      'kernel/a/e1000e.ko',
    ]);
    expect(loadOrder('', ['virtio_net'])).toEqual([]);
  });

  test('does not mistake a name for the end of another', () => {
    expect(loadOrder('kernel/a/not_virtio_net.ko:\nkernel/a/virtio_net_extra.ko:\n', ['virtio_net'])).toEqual(
      [],
    );
  });
});
