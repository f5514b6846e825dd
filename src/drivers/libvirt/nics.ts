import type { DomainNic } from './protocol.js';

/**
 * The interfaces of a domain's XML as libvirt writes it: two attributes of each, for which 1000 domains need no parser.
 * Not from `<metadata>`, which may hold anything.
 */
export function nicsIn(xml: string): DomainNic[] {
  const devices = xml.slice(xml.lastIndexOf('<devices>'));
  return [...devices.matchAll(/<interface [^>]*>(.*?)<\/interface>/gs)].flatMap(([, inside = '']) => {
    const mac = /<mac address=['"]([0-9A-Fa-f:]{17})['"]/.exec(inside)?.[1]?.toLowerCase();
    const target = /<target dev=['"]([^'"<>&]{1,15})['"]/.exec(inside)?.[1] ?? null;
    return mac === undefined ? [] : [{ mac, target }];
  });
}
