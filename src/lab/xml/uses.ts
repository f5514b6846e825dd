import { attributeOf, firstNamed, named, type XmlElement } from './model.js';

/** What a guest of this domain could write to, or take from the host: element and source, such as `<disk> /srv/a.qcow2`. */
export function hostThings(root: XmlElement): string[] {
  const devices = named(root, 'devices').flatMap(({ children }) => children);
  return devices.filter(takesFromHost).map(device => {
    const source = firstNamed(device, 'source');
    const what = SOURCES.map(key => attributeOf(source, key)).find(word => word !== undefined);
    return what === undefined ? `<${device.name}>` : `<${device.name}> ${what}`;
  });
}

const SOURCES = ['file', 'dev', 'dir', 'name', 'volume'];

function takesFromHost(device: XmlElement): boolean {
  if (device.name === 'hostdev') return true;
  if (device.name !== 'disk' && device.name !== 'filesystem') return false;
  const isCd = attributeOf(device, 'device') === 'cdrom';
  return (
    !isCd &&
    !firstNamed(device, 'readonly') &&
    !firstNamed(device, 'transient') &&
    !!firstNamed(device, 'source')
  );
}
