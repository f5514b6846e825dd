import { expect, test } from 'vitest';
import { nicsIn } from '../../../../src/drivers/libvirt/nics.js';

/** As libvirt 9.0 writes them. */
const INTERFACES = `
    <interface type='bridge'>
      <mac address='52:54:00:AA:bb:01'/>
      <source bridge='br0'/>
      <target dev='vnet3'/>
      <model type='virtio'/>
    </interface>
    <interface type='network'>
      <mac address='52:54:00:aa:bb:02'/>
      <source network='default'/>
    </interface>
    <interface type='ethernet'>
      <mac address="52:54:00:aa:bb:03"/>
      <target dev="web-mhkl64" managed="no"/>
    </interface>`;

const domain = (devices: string) => `<domain type='kvm'>
  <metadata>
    <x:y xmlns:x='urn:x'><devices><interface type='x'><mac address='02:00:00:00:00:01'/></interface></devices></x:y>
  </metadata>
  <devices>
    <disk type='file'><target dev='vda' bus='virtio'/></disk>${devices}
  </devices>
</domain>`;

test('the interfaces of a domain are those among its devices', () => {
  expect(nicsIn(domain(INTERFACES))).toEqual([
    { mac: '52:54:00:aa:bb:01', target: 'vnet3' },
    { mac: '52:54:00:aa:bb:02', target: null },
    { mac: '52:54:00:aa:bb:03', target: 'web-mhkl64' },
  ]);
});

test('a domain may have none, or no devices', () => {
  expect(nicsIn(domain(''))).toEqual([]);
  expect(nicsIn('<domain/>')).toEqual([]);
});
